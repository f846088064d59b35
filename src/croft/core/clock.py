"""Time as integer seconds UTC, always injected, so that tests own it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int: ...


class SystemClock:
    def now(self) -> int:
        return int(time.time())


class ManualClock:
    """A clock that only moves when told to."""

    def __init__(self, now: int = 1_700_000_000) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def advance(self, seconds: int) -> None:
        self._now += seconds


@lru_cache(maxsize=16_384)
def iso(seconds: int) -> str:
    """`2026-11-20T10:00:00Z`: Nova, Neutron and Glance."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=16_384)
def iso_micro(seconds: int) -> str:
    """`2026-11-20T10:00:00.000000Z`: Keystone."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def iso_bare(seconds: int) -> str:
    """`2026-11-20T10:00:00.000000`: Nova's older extensions, without a zone."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000")


def parse_iso(text: str) -> int:
    """Seconds of an ISO 8601 time; without a zone it is UTC. ValueError when it is none."""
    when = datetime.fromisoformat(text)
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
