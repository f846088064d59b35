"""Requests, what became of them, and how long a project lasts. Statuses are derived: nothing of them is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from croft.core.clock import parse_iso
from croft.core.errors import Conflict, Invalid

DAY = 86_400
KIND = "tenancy.life"
PROJECT, QUOTA, EXTENSION = "project", "quota", "extension"
KINDS = (PROJECT, QUOTA, EXTENSION)
OPEN = "open"
STATUSES = (OPEN, "approved", "declined", "withdrawn")
MOST_OPEN = 5
"""Open requests of one user."""
MOST_COMMENTS = 200
NOTICE_DAYS = (30, 14, 3)
LATEST = 20 * 366 * DAY
Halt = Callable[[str], Mapping[str, Sequence[str]]]
"""Stops what runs of a project in one service, losing nothing; the names of what still runs, by the word for it."""


@dataclass(frozen=True)
class Settings:
    owner_role: str = "manager"
    """What requester and co-owners hold in the project they get."""
    reviewer_role: str = ""
    """Whoever holds this role decides about requests, as operators do; empty: operators alone."""
    grace_days: int = 14
    """From the expiry of a project to the day it is listed for deletion."""
    delete_expired: bool = False
    """Whether it is then deleted without anybody's doing."""
    halts: list[Halt] = field(default_factory=list)
    """Each upper service's, the topmost first; filled after construction."""


class Request(msgspec.Struct, frozen=True):
    id: str
    kind: str
    user: str
    user_name: str
    domain: str
    """Where a new project is made: the requester's."""
    project: str
    """The one it is about; of a wanted one the id it will have."""
    name: str
    purpose: str
    quota: dict[str, int]
    co_owners: list[str]
    """Ids or names, as the requester wrote them."""
    expires: int | None
    created: int
    decision: str
    """Empty while it is open."""
    decided: int | None
    decider: str
    reason: str

    @property
    def status(self) -> str:
        return self.decision or OPEN


class Comment(msgspec.Struct, frozen=True):
    id: str
    request: str
    user: str
    user_name: str
    text: str
    created: int


@dataclass(frozen=True)
class Wish:
    kind: str
    purpose: str
    name: str = ""
    project: str = ""
    quota: dict[str, int] = field(default_factory=dict)
    co_owners: tuple[str, ...] = ()
    expires: int | None = None


@dataclass(frozen=True)
class Verdict:
    """An approval; what is not said stays as it was asked for."""

    comment: str = ""
    name: str | None = None
    quota: dict[str, int] | None = None
    co_owners: list[str] | None = None
    expires: int | None = None
    forever: bool = False


@dataclass(frozen=True)
class Shown:
    request: Request
    place: str
    """What became of its project: `wanted`, `active`, `disabled`, `leaving` or `gone`."""
    note: str
    comments: list[Comment] = field(default_factory=list)


class Life(msgspec.Struct, frozen=True):
    """How long a project lasts. Projects without a row last for ever and are not archived."""

    project: str
    gen: int
    seen: int
    expires: int | None
    archived: int | None
    """Since when it is."""
    why: str


class Notice(msgspec.Struct, frozen=True):
    id: str
    project: str
    kind: str
    """`expires-30`, `expires-14`, `expires-3`, `archived`, `deletable`."""
    due: int
    """The expiry (or for `archived` the moment) it is about."""
    text: str
    created: int


def state(life: Life | None, now: int, grace: int) -> str:
    """`active`, `archived`, or `deletable`: expired and archived for so long that operators may delete it."""
    if life is None or life.archived is None:
        return "active"
    if life.expires is not None and life.expires <= life.archived and now >= life.expires + grace:
        return "deletable"
    return "archived"


def day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def moment(text: str, now: int) -> int:
    """A date or time in the future, `2027-01-31`, as seconds."""
    try:
        found = parse_iso(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"'{text[:40]}' is no date; write it like 2027-01-31.") from error
    if not now < found <= now + LATEST:
        raise Invalid(f"{text[:40]} is not in the future, or too far in it.")
    return found


def check_quota(wish: Mapping[str, int], known: Mapping[str, int], *, least: int = 0) -> dict[str, int]:
    """Limits by their full names; a name's last part alone will do where it is the only one so called."""
    found = {}
    for name, value in wish.items():
        full = [each for each in known if name in {each, each.partition(".")[2]}]
        if len(full) != 1:
            raise Invalid(f"There is no quota {name[:60]}. There are: {', '.join(sorted(known))}.")
        if not least <= value < 1 << 31:
            raise Invalid(f"A limit for {full[0]} is a number from {least} to {(1 << 31) - 1}.")
        found[full[0]] = value
    return found


def ensure_open(row: Request) -> None:
    if row.decision:
        raise Conflict(f"The request is {row.decision} already.")


@dataclass(frozen=True)
class Step:
    """What time asks for: `expire` (archive it now), a notice to write, or to delete it; and when to look again."""

    expire: bool = False
    notice: tuple[str, int, str] | None = None
    """(kind, about which moment, text)"""
    delete: bool = False
    again: int | None = None


def step(life: Life, name: str, given: frozenset[tuple[str, int]], now: int, settings: Settings) -> Step:
    """`given` are the notices written so far, as (kind, moment)."""
    if life.expires is None:
        return Step()
    end = life.expires + settings.grace_days * DAY
    if life.archived is not None:
        if life.expires > life.archived:
            return Step()
        if now < end:
            return Step(again=end - now)
        text = f"Project {name} expired on {day(life.expires)} and may now be deleted with all it holds."
        return Step(notice=_new(given, "deletable", life.expires, text), delete=settings.delete_expired)
    if now >= life.expires:
        return Step(expire=True)
    coming = [days for days in NOTICE_DAYS if now < life.expires - days * DAY]
    again = life.expires - coming[0] * DAY - now if coming else life.expires - now
    passed = [days for days in NOTICE_DAYS if now >= life.expires - days * DAY]
    if not passed:
        return Step(again=again)
    left = -(-(life.expires - now) // DAY)
    text = (
        f"Project {name} expires on {day(life.expires)}, in {left} day{'' if left == 1 else 's'}. Then its servers are "
        "stopped and nobody can use it. A manager may ask for more time: croft project extend."
    )
    return Step(notice=_new(given, f"expires-{passed[-1]}", life.expires, text), again=again)


def _new(given: frozenset[tuple[str, int]], kind: str, due: int, text: str) -> tuple[str, int, str] | None:
    return None if (kind, due) in given else (kind, due, text)


def archived_text(name: str, why: str) -> str:
    return (
        f"Project {name} is archived: {why} Its servers are stopped and nothing is deleted. Operators can restore it."
    )


def want(life: Life) -> dict[str, Any]:
    """For `croft why`."""
    return {
        "archived": life.archived is not None,
        "expires": day(life.expires) if life.expires is not None else None,
        "why": life.why,
    }
