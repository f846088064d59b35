"""Rows, with fields in the order of the selected columns. A domain is a project with `is_domain`, as in Keystone."""

from __future__ import annotations

from typing import Any

import msgspec


class Project(msgspec.Struct, frozen=True):
    id: str
    domain: str
    """Empty for a domain."""
    parent: str
    """The parent project's id, or the domain's at the top; empty for a domain."""
    name: str
    description: str | None
    enabled: bool
    is_domain: bool
    tags: list[str]
    options: dict[str, Any]
    extra: dict[str, Any]
    slug: str | None = None
    """A DNS label, unique in the cloud, never changed; None for a domain."""

    @property
    def immutable(self) -> bool:
        return bool(self.options.get("immutable"))


class User(msgspec.Struct, frozen=True):
    id: str
    domain: str
    name: str
    description: str | None
    enabled: bool
    default_project: str | None
    options: dict[str, Any]
    extra: dict[str, Any]
    password_expires: int | None = None


class Login(msgspec.Struct, frozen=True):
    """What checking a password needs. Never rendered."""

    user: str
    password: str | None
    history: list[str]
    """Hashes of earlier passwords, newest first."""
    failed: int
    failed_at: int
    enabled: bool
    domain_enabled: bool
    options: dict[str, Any]
    password_at: int | None
    """When the password was set; unknown for those older than this column."""
    password_own: bool
    """The user set it, not an operator."""
    password_expires: int | None
    active_at: int | None
    second_failed: int
    second_at: int


class Group(msgspec.Struct, frozen=True):
    id: str
    domain: str
    name: str
    description: str | None


class Role(msgspec.Struct, frozen=True):
    id: str
    domain: str
    """Empty for a global role; a domain's own role never shows in a token, only what it implies does."""
    name: str
    description: str | None
    options: dict[str, Any]

    @property
    def immutable(self) -> bool:
        return bool(self.options.get("immutable"))


class Assignment(msgspec.Struct, frozen=True):
    """Who (`user` or `group`) holds a role where (`project`, `domain` or `system`)."""

    actor_type: str
    actor: str
    target_type: str
    target: str
    role: str
    inherited: bool
    """It counts in the projects below the target, not at the target itself."""


class Token(msgspec.Struct, frozen=True):
    """What a token's text says. Its first audit id names it; the second, if any, is of the token it came from."""

    user: str
    methods: list[str]
    audit: list[str]
    scope_type: str
    """`project`, `domain`, `system`, or empty for an unscoped token."""
    scope: str
    issued: int
    expires: int
    application_credential: str | None
    trust: str | None
    born: int
    """How far identity's changes had come when it was made."""


class Standing(msgspec.Struct, frozen=True):
    """A token with all it means right now."""

    token: Token
    user_name: str
    user_domain: str
    user_domain_name: str
    scope_name: str = ""
    scope_domain: str = ""
    scope_domain_name: str = ""
    is_domain: bool = False
    password_expires: int | None = None
    roles: tuple[tuple[str, str], ...] = ()
    """(id, name)"""
    application_credential: ApplicationCredential | None = None
    access_rules: tuple[AccessRule, ...] | None = None
    trust: Trust | None = None


class ApplicationCredential(msgspec.Struct, frozen=True):
    id: str
    user: str
    project: str
    name: str
    description: str | None
    roles: list[str]
    unrestricted: bool
    expires_micro: int | None
    access_rules: list[str] | None
    """Ids; None allows every request."""

    def expired(self, now: int) -> bool:
        return self.expires_micro is not None and self.expires_micro <= now * 1_000_000


class AccessRule(msgspec.Struct, frozen=True):
    id: str
    user: str
    service: str
    method: str
    path: str


class Trust(msgspec.Struct, frozen=True):
    id: str
    trustor: str
    trustee: str
    project: str
    impersonation: bool
    roles: list[str]
    expires: int | None
    remaining_uses: int | None
    redelegations: int = 0
    """How many more times it may be handed on."""
    parent: str | None = None
    """The trust by which it was made, and with which it ends."""


class Region(msgspec.Struct, frozen=True):
    id: str
    parent: str | None
    description: str


class CatalogService(msgspec.Struct, frozen=True):
    id: str
    type: str
    name: str
    description: str | None
    enabled: bool


class CatalogEndpoint(msgspec.Struct, frozen=True):
    id: str
    service: str
    interface: str
    region: str | None
    url: str
    enabled: bool
    name: str | None = None
    description: str | None = None


class Credential(msgspec.Struct, frozen=True):
    id: str
    user: str
    project: str | None
    type: str
    blob: str
    maker: str
    """Who wrote the blob, and so may read it besides the user."""
    sealed: bool = True
    """Not so in rows from before the vault, until the next start."""
