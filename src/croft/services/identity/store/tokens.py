"""What stands around a token: nothing of the token itself is stored."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.identity.model import Token
from croft.services.identity.store import tables


class Facts(msgspec.Struct, frozen=True):
    """Of a token's user and its scope, and their domains. None where there is no such thing."""

    user_name: str
    user_enabled: bool
    user_domain: str
    user_domain_name: str
    user_domain_enabled: bool
    scope_name: str | None
    scope_enabled: bool | None
    scope_deleted: int | None
    scope_domain: str | None
    scope_parent: str | None
    is_domain: bool | None
    scope_domain_name: str | None
    scope_domain_enabled: bool | None
    password_expires: int | None


_U, _P = tables.user, tables.project
_UD, _SD = tables.project.alias("user_domain"), tables.project.alias("scope_domain")
_FACTS = (
    sa.select(
        _U.c.name,
        _U.c.enabled,
        _U.c.domain,
        _UD.c.name,
        _UD.c.enabled,
        _P.c.name,
        _P.c.enabled,
        _P.c.deleted,
        _P.c.domain,
        _P.c.parent,
        _P.c.is_domain,
        _SD.c.name,
        _SD.c.enabled,
        _U.c.password_expires,
    )
    .join_from(_U, _UD, _UD.c.id == _U.c.domain)
    .outerjoin(_P, _P.c.id == sa.bindparam("scope"))
    .outerjoin(_SD, _SD.c.id == _P.c.domain)
    .where(_U.c.id == sa.bindparam("user"))
)


def facts(tx: Tx, token: Token) -> Facts | None:
    """In one statement; None when there is no such user."""
    return tx.first(Facts, _FACTS, {"user": token.user, "scope": token.scope})
