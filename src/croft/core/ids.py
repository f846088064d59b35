"""Identifiers: UUIDv7, so that ids sort by time and keyset pages need no other column."""

from __future__ import annotations

import re
import secrets

import uuid_utils

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_id() -> str:
    """A UUIDv7 with dashes, as Nova, Neutron and Glance write theirs."""
    return str(uuid_utils.uuid7())


def new_hex_id() -> str:
    """A UUIDv7 without dashes, as Keystone writes projects, users and roles."""
    return uuid_utils.uuid7().hex


def new_secret(size: int = 32) -> str:
    """URL-safe random text with `size` bytes of entropy."""
    return secrets.token_urlsafe(size)


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None
