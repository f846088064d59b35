"""The one queue: which resource is to be looked at next, by whom, and the sentence the user reads meanwhile.

A row says only (kind, id) and when: no event, no hint. Its wake counter `seq` makes sure that a wake during a run is
never lost; its lease `token` that two workers never run the same row; `since` how long the wish is unfulfilled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import msgspec
import sqlalchemy as sa

from croft.core.db import Database, Tx, metadata
from croft.core.ids import new_secret

LEASE = 120
"""Seconds a claim holds: longer than the watchdog (90), which is longer than any driver call (30)."""
REJECTED_AGAIN = 600
FAULT_AGAIN = 300
BACKOFF_MAX = 300

work = sa.Table(
    "work",
    metadata,
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("due", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("token", sa.String(32), nullable=False, server_default=""),
    sa.Column("until", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("code", sa.String(16), nullable=False, server_default=""),
    sa.Column("message", sa.String(500), nullable=False, server_default=""),
    sa.Column("since", sa.BigInteger, nullable=True),
    sa.Column("noted", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index("ix_work_due", "due"),
)


@dataclass(frozen=True, slots=True)
class Done:
    """The engine holds what is wanted. `again` overrides the kind's resync."""

    again: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet, for a reason people may read; look again after so many seconds, or when woken."""

    why: str
    after: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Neither row nor object is left."""


Result = Done | Wait | Gone


class Reconciler(Protocol):
    kind: str
    """`service.thing`"""
    resync: int
    """Seconds between unprompted looks, ± 10 %."""
    deadline: int
    """Not done by then: the user reads ERROR, an operator is told; trying goes on."""

    def reconcile(self, id: str) -> Result: ...


@dataclass(frozen=True, slots=True)
class Explanation:
    """For `croft why`: what is wanted and what the engines hold, as JSON-able values without secrets."""

    want: Any
    have: Any


@runtime_checkable
class Explains(Protocol):
    """A reconciler that can say what it compares. Reads only; called outside any transaction."""

    def explain(self, id: str) -> Explanation | None: ...


class Note(msgspec.Struct, frozen=True, gc=False):
    """What the last look left: `code` is empty when all is well, else `waiting`, `unavailable`, `rejected` or `fault`.

    `since` is when the present wish was first not fulfilled (None: fulfilled), `due` the next look."""

    code: str = ""
    message: str = ""
    tries: int = 0
    since: int | None = None
    due: int = 0
    noted: int = 0


NOTE = (work.c.code, work.c.message, work.c.tries, work.c.since, work.c.due, work.c.noted)
"""The columns of a `Note`, for stores that join `work` (outer join: no row means no note)."""


def joined(kind: str, id_column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The join condition of a kind's table with its notes."""
    return sa.and_(work.c.kind == kind, work.c.id == id_column)


_WAKE = sa.text(
    "INSERT INTO work (kind, id, due, seq, since) VALUES (:kind, :id, :due, 1, :now) "
    "ON CONFLICT (kind, id) DO UPDATE SET seq = work.seq + 1, since = COALESCE(work.since, excluded.since), "
    "due = CASE WHEN work.due < excluded.due THEN work.due ELSE excluded.due END"
)


def wake(tx: Tx, kind: str, id: str, due: int | None = None) -> None:
    """Has (kind, id) looked at from `due` (now) on, in the transaction that changes its intent."""
    tx.run(_WAKE, {"kind": kind, "id": id, "due": tx.now if due is None else due, "now": tx.now})
    tx.woken = True


def note(tx: Tx, kind: str, id: str) -> Note:
    return tx.first(Note, sa.select(*NOTE).where(work.c.kind == kind, work.c.id == id)) or Note()


_ALL_DUE = sa.text("UPDATE work SET due = :now WHERE due > :now")
_FREE = sa.text("UPDATE work SET token = '', until = 0 WHERE until > 0")


def begin(db: Database) -> None:
    """At the start of a process: engines may have restarted with it, so everything is looked at once; leases of a
    predecessor are void where no other process can have any."""
    with db.write() as tx:
        tx.run(_ALL_DUE, {"now": tx.now})
        if db.exclusive:
            tx.run(_FREE)
        tx.woken = True


class Entry(msgspec.Struct, frozen=True):
    """One row of the queue with its note."""

    kind: str
    id: str
    code: str
    message: str
    tries: int
    since: int | None
    due: int
    noted: int
    running: bool


_ENTRY = sa.select(work.c.kind, work.c.id, *NOTE, work.c.until > sa.bindparam("now"))


def entries(tx: Tx, id: str) -> list[Entry]:
    """Every kind's row of this id."""
    return tx.all(Entry, _ENTRY.where(work.c.id == id), {"now": tx.now})


def troubled(tx: Tx, limit: int = 100) -> list[Entry]:
    """What is not as wished, oldest wish first."""
    return tx.all(Entry, _ENTRY.where(work.c.since.is_not(None)).order_by(work.c.since).limit(limit), {"now": tx.now})


class Claim(msgspec.Struct, frozen=True):
    kind: str
    id: str
    seq: int
    tries: int
    token: str


@lru_cache
def _claim_statement(skip_locked: str) -> sa.TextClause:
    return sa.text(
        "UPDATE work SET token = :token, until = :until, tries = tries + 1 WHERE (kind, id) IN ("  # noqa: S608
        "SELECT kind, id FROM work WHERE due <= :now AND until <= :now ORDER BY due LIMIT :most" + skip_locked + ") "
        "RETURNING kind, id, seq, tries, token"
    )


_ANY_DUE = sa.text("SELECT 1 FROM work WHERE due <= :now AND until <= :now LIMIT 1")


def claim(db: Database, most: int, *, sure: bool = False) -> list[Claim]:
    """Leases up to `most` due rows to the caller, soonest first. Costs no write when nothing is due, unless the caller
    is `sure` that something is."""
    if not sure:
        with db.read() as tx:
            if tx.scalar(_ANY_DUE, {"now": tx.now}) is None:
                return []
    with db.write() as tx:
        values = {"token": new_secret(16), "until": tx.now + LEASE, "now": tx.now, "most": most}
        return tx.all(Claim, _claim_statement(db.skip_locked), values)


_RELEASE = sa.text(
    "UPDATE work SET token = '', until = 0, tries = :tries, code = :code, message = :message, noted = :now, "
    "since = CASE WHEN seq <> :seq THEN since WHEN :settled = 1 THEN NULL ELSE COALESCE(since, :now) END, "
    "due = CASE WHEN seq = :seq THEN :due ELSE :now END "
    "WHERE kind = :kind AND id = :id AND token = :token RETURNING due"
)
_FORGET = sa.text("DELETE FROM work WHERE kind = :kind AND id = :id AND token = :token AND seq = :seq")


def release(db: Database, claim: Claim, due: int, code: str = "", message: str = "", *, tries: int = 0) -> bool:
    """Gives a claim back with its note; due at once if it was woken meanwhile. False when the lease was lost."""
    values = {"kind": claim.kind, "id": claim.id, "seq": claim.seq, "token": claim.token, "due": due, "tries": tries}
    with db.write() as tx:
        note = {"code": code, "message": message[:500], "now": tx.now, "settled": int(not code)}
        left = tx.scalar(_RELEASE, values | note)
        tx.woken = left is not None and left <= tx.now
        return left is not None


def forget(db: Database, claim: Claim) -> None:
    """Drops the row of something that is gone, unless it was woken meanwhile."""
    values = {"kind": claim.kind, "id": claim.id, "seq": claim.seq, "token": claim.token}
    with db.write() as tx:
        gone = tx.run(_FORGET, values) == 1
    if not gone:
        release(db, claim, 0)
