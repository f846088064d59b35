"""What operators write down about identity providers elsewhere, and how their claims are read (OS-FEDERATION)."""

from __future__ import annotations

from typing import Any

import msgspec


class IdentityProvider(msgspec.Struct, frozen=True):
    id: str
    domain: str
    """Where the people it vouches for live."""
    description: str | None
    enabled: bool
    remote_ids: list[str]
    authorization_ttl: int | None
    """Minutes; kept for clients, memberships here are those of the last login."""


class Protocol(msgspec.Struct, frozen=True):
    """One way (`openid`) to come from a provider, and the mapping that reads what it says."""

    id: str
    provider: str
    mapping: str
    remote_id_attribute: str | None


class Mapping(msgspec.Struct, frozen=True):
    id: str
    rules: list[dict[str, Any]]
    schema_version: str


class ServiceProvider(msgspec.Struct, frozen=True):
    id: str
    auth_url: str
    sp_url: str
    description: str | None
    enabled: bool
    relay_state_prefix: str
