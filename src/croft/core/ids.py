"""Identifiers: UUIDv7, so that ids sort by time and keyset pages need no other column."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time

import uuid_utils

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_id() -> str:
    """A UUIDv7 with dashes, as Nova, Neutron and Glance write theirs."""
    return str(uuid_utils.uuid7())


_ticking = threading.Lock()
_last = [0, 0]
"""The second and the fraction of it that the last such id had."""


def new_id_at(second: int) -> str:
    """A UUIDv7 of a given time, for what is found by time: those that this process makes in one second sort as made."""
    fraction = time.time_ns() % 1_000_000_000 * 4096 // 1_000_000
    with _ticking:
        fraction = max(fraction, _last[1] + 1) if _last[0] == second else fraction
        _last[:] = second, fraction
    millis = second * 1000 + (fraction >> 12)
    tail = os.urandom(8).hex()
    return f"{millis >> 16:08x}-{millis & 0xFFFF:04x}-7{fraction & 0xFFF:03x}-8{tail[:3]}-{tail[3:15]}"


def first_id_at(second: int) -> str:
    """What sorts before every id of that second, and after every one of the seconds before."""
    millis = min(max(second, 0) * 1000, (1 << 48) - 1)
    return f"{millis >> 16:08x}-{millis & 0xFFFF:04x}-0000-0000-000000000000"


def new_hex_id() -> str:
    """A UUIDv7 without dashes, as Keystone writes projects, users and roles."""
    return uuid_utils.uuid7().hex


def new_secret(size: int = 32) -> str:
    """URL-safe random text with `size` bytes of entropy."""
    return secrets.token_urlsafe(size)


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None
