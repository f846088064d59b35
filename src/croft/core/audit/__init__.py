"""The public record of what people did and were refused: by whom, by what credential, from where, how it ended.

`ctx.write` adds a line in the commit it describes; what was refused has none, so `Ledger` writes it in one of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from croft.core.audit import seal
from croft.core.db import Tx, metadata
from croft.core.ids import first_id_at, new_id_at
from croft.core.page import Page
from croft.core.policy import Actor, Scope

DONE, REFUSED = "done", "refused"


def _text(name: str, length: int, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default=default)


record = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("request", sa.String(64), nullable=False),
    sa.Column("user", sa.String(64), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("action", sa.String(80), nullable=False),
    sa.Column("target", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    _text("user_name", 255),
    _text("credential", 64),
    _text("trust", 64),
    _text("trustor", 64),
    _text("impersonator", 64),
    _text("client", 64),
    _text("agent", 200),
    _text("path", 255),
    _text("outcome", 8, DONE),
    sa.Column("status", sa.Integer, nullable=False, server_default="0"),
    _text("why", 500),
    sa.Column("times", sa.Integer, nullable=False, server_default="1"),
    sa.Index("ix_audit_target", "target"),
    sa.Index("ix_audit_project_id", "project", "id"),
)
horizon = sa.Table(
    "audit_horizon",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kept_from", sa.BigInteger, nullable=False),
)
"""One row: lines from before this second may be dropped, and no others. Moved by retention alone, and only onward."""
seal.attach(metadata)

_NAMES = tuple(record.c.keys())
_INSERT = sa.text(
    f"INSERT INTO audit ({', '.join(map(json.dumps, _NAMES))}) VALUES ({', '.join(f':{name}' for name in _NAMES)})"  # noqa: S608
)
_COUNT = sa.text("UPDATE audit SET times = times + :more WHERE id = :id")


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One line. `impersonator` is who really asked, in the user's name; `trustor` whose roles a trust handed on.

    A refused line has the HTTP `status` and the sentence (`why`) that the asking one read. `times` counts what was the
    same within a minute."""

    id: str
    at: int
    request: str
    user: str
    project: str
    action: str
    target: str
    name: str
    user_name: str = ""
    credential: str = ""
    trust: str = ""
    trustor: str = ""
    impersonator: str = ""
    client: str = ""
    agent: str = ""
    path: str = ""
    outcome: str = DONE
    status: int = 0
    why: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: address, what the client calls itself, and what it asked for (`POST /compute/…`)."""

    client: str = ""
    agent: str = ""
    path: str = ""


NOWHERE = Origin()


def values_of(
    actor: Actor, origin: Origin, *, project: str, request: str, action: str, target: str, name: str
) -> dict[str, Any]:
    """What a line says of who did what from where; texts are cut to what is kept, and hold no zero character."""
    return {
        "request": request,
        "user": actor.user,
        "project": project,
        "action": action,
        "target": clean(target, 255),
        "name": clean(name, 255),
        "user_name": actor.user_name[:255],
        "credential": actor.application_credential,
        "trust": actor.trust,
        "trustor": actor.trustor,
        "impersonator": actor.impersonator,
        "client": origin.client[:64],
        "agent": clean(origin.agent, 200),
        "path": clean(origin.path, 255),
        "outcome": DONE,
        "status": 0,
        "why": "",
        "times": 1,
    }


def clean(text: str, most: int) -> str:
    """PostgreSQL keeps no zero character, and no half of a surrogate pair can be written at all."""
    short = text[:most]
    return short if short.isascii() and "\0" not in short else _encodable(short)


def _encodable(text: str) -> str:
    return text.replace("\0", "").encode(errors="replace").decode()


def write(tx: Tx, values: Mapping[str, Any]) -> str:
    """Adds a line and returns its id, which sorts by the time it tells."""
    id = new_id_at(tx.now)
    tx.run(_INSERT, {"id": id, "at": tx.now, **values})
    return id


def count(tx: Tx, id: str, more: int) -> None:
    """The same once more: the one thing about a line that may change."""
    tx.run(_COUNT, {"id": id, "more": more})


@dataclass(frozen=True)
class Narrow:
    """Which lines are asked for. `user` did it, or it was done in their name; `prefix` begins an action's name."""

    target: str = ""
    prefix: str = ""
    user: str = ""
    outcome: str = ""
    request: str = ""
    project: str = ""
    since: int | None = None
    until: int | None = None


_ALL = Narrow()


def entries(tx: Tx, scope: Scope, page: Page, narrow: Narrow = _ALL, *, oldest_first: bool = False) -> list[Entry]:
    """Newest first, unless asked otherwise; the marker is the id of the last line seen."""
    c = record.c
    statement = sa.select(record).order_by(c.id if oldest_first else c.id.desc()).limit(page.limit)
    if scope.project is not None:
        statement = statement.where(c.project == scope.project)
    if page.marker:
        statement = statement.where(c.id > page.marker if oldest_first else c.id < page.marker)
    return tx.all(Entry, statement.where(*_conditions(narrow)))


def _conditions(narrow: Narrow) -> list[sa.ColumnElement[bool]]:
    c = record.c
    equal = {"target": narrow.target, "outcome": narrow.outcome, "request": narrow.request, "project": narrow.project}
    found = [c[name] == value for name, value in equal.items() if value]
    if narrow.user:
        found.append(sa.or_(c.user == narrow.user, c.impersonator == narrow.user))
    if narrow.prefix:
        found.append(c.action.startswith(narrow.prefix, autoescape=True))
    if narrow.since is not None:
        found.append(c.id >= first_id_at(narrow.since))
    if narrow.until is not None:
        found.append(c.id < first_id_at(narrow.until))
    return found


BATCH = 5000
_OLDEST = sa.select(record.c.id, record.c.at).order_by(record.c.id).limit(BATCH)
_MOVE = sa.text(
    "INSERT INTO audit_horizon (id, kept_from) VALUES (1, :before) ON CONFLICT (id) DO UPDATE "
    "SET kept_from = excluded.kept_from WHERE audit_horizon.kept_from < excluded.kept_from"
)
_DROP = sa.text("DELETE FROM audit WHERE id <= :last AND at < :before")


def oldest(tx: Tx) -> int | None:
    """When the first line kept was written."""
    return tx.scalar(sa.select(record.c.at).order_by(record.c.id).limit(1))  # type: ignore[no-any-return]


def drop(tx: Tx, before: int) -> int:
    """Moves the horizon and drops some of the oldest lines from before it: the only way a line goes."""
    tx.run(_MOVE, {"before": before})
    old = [row.id for row in tx.rows(_OLDEST) if row.at < before]
    return tx.run(_DROP, {"last": old[-1], "before": before}) if old else 0
