"""Orphans: objects that bear our tag and that no row accounts for, on two looks an hour apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

KIND = "operations.orphans"
RETENTION = "operations.audit"
HOUR = 3600


class Orphan(msgspec.Struct, frozen=True):
    """Unknown since `first`; an orphan once it is `reported`, until then only suspected."""

    engine: str
    name: str
    first: int
    reported: int | None


@dataclass(frozen=True)
class Plan:
    fresh: list[str]
    """Suspected from now on."""
    cleared: list[str]
    """Suspected before; gone now, or accounted for."""
    confirmed: list[str]
    """To be reported now."""
    orphans: list[str]
    """Reported now or before."""
    again: int | None
    """Seconds until a suspicion is an hour old."""

    @property
    def changes(self) -> bool:
        return bool(self.fresh or self.cleared or self.confirmed)


def plan(strange: set[str], kept: Iterable[Orphan], now: int) -> Plan:
    """What to write down, given the names that no row accounts for and what earlier looks left."""
    before: Mapping[str, Orphan] = {each.name: each for each in kept}
    standing = [before[name] for name in sorted(strange & set(before))]
    orphans = [each for each in standing if now - each.first >= HOUR]
    fresh = sorted(strange - set(before))
    waiting = [each.first for each in standing if now - each.first < HOUR] + [now for _ in fresh[:1]]
    return Plan(
        fresh=fresh,
        cleared=sorted(set(before) - strange),
        confirmed=[each.name for each in orphans if each.reported is None],
        orphans=[each.name for each in orphans],
        again=min(waiting) + HOUR - now if waiting else None,
    )
