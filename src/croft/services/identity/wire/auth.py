"""The body of `POST /v3/auth/tokens`."""

from __future__ import annotations

from typing import Any

import msgspec


class DomainRef(msgspec.Struct):
    id: str | None = None
    name: str | None = None


class ProjectRef(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    domain: DomainRef | None = None


class UserRef(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    domain: DomainRef | None = None


class PasswordUser(UserRef, kw_only=True):
    password: str


class Password(msgspec.Struct):
    user: PasswordUser


class TokenRef(msgspec.Struct):
    id: str


class CredentialRef(msgspec.Struct):
    secret: str
    id: str | None = None
    name: str | None = None
    user: UserRef | None = None


class CodeUser(UserRef, kw_only=True):
    passcode: str


class Totp(msgspec.Struct):
    user: CodeUser


class Identity(msgspec.Struct):
    methods: list[str]
    totp: Totp | None = None
    password: Password | None = None
    token: TokenRef | None = None
    application_credential: CredentialRef | None = None


class TrustRef(msgspec.Struct):
    id: str


class AuthScope(msgspec.Struct):
    project: ProjectRef | None = None
    domain: DomainRef | None = None
    system: dict[str, Any] | None = None
    unscoped: dict[str, Any] | None = None
    trust: TrustRef | None = msgspec.field(name="OS-TRUST:trust", default=None)


class Auth(msgspec.Struct):
    identity: Identity
    scope: AuthScope | str | None = None


class AuthRequest(msgspec.Struct):
    auth: Auth
