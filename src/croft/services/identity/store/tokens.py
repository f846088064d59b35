"""Tokens, by the digest of their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.identity.model import Token
from croft.services.identity.store import tables

_T = tables.token
_COLUMNS = (
    _T.c.digest,
    _T.c.user,
    _T.c.methods,
    _T.c.audit,
    _T.c.scope_type,
    _T.c.scope,
    _T.c.issued,
    _T.c.expires,
    _T.c.application_credential,
    _T.c.trust,
)
_ONE = sa.select(*_COLUMNS).where(_T.c.digest == sa.bindparam("digest"))
_INSERT = sa.insert(_T)
_DELETE = sa.delete(_T).where(_T.c.digest == sa.bindparam("digest"))
_STALE = sa.select(_T.c.digest).where(_T.c.expires <= sa.bindparam("now")).limit(50).with_for_update(skip_locked=True)
_SWEEP = sa.delete(_T).where(_T.c.digest.in_(_STALE.scalar_subquery()))


def show(tx: Tx, digest: str) -> Token | None:
    return tx.first(Token, _ONE, {"digest": digest})


def insert(tx: Tx, row: Token) -> None:
    """Also drops a few that have expired, so that the table stays in proportion to its use."""
    tx.run(_SWEEP, {"now": tx.now})
    tx.run(_INSERT, {name: getattr(row, name) for name in row.__struct_fields__})


def delete(tx: Tx, digest: str) -> bool:
    return tx.run(_DELETE, {"digest": digest}) > 0


class Facts(msgspec.Struct, frozen=True):
    """What stands around a token: its user, the scope, and their domains. None where there is no such thing."""

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
        *_COLUMNS,
    )
    .join_from(_T, _U, _U.c.id == _T.c.user)
    .join(_UD, _UD.c.id == _U.c.domain)
    .outerjoin(_P, _P.c.id == _T.c.scope)
    .outerjoin(_SD, _SD.c.id == _P.c.domain)
    .where(_T.c.digest == sa.bindparam("digest"))
)


def facts(tx: Tx, digest: str) -> tuple[Token, Facts] | None:
    """A token and what stands around it, in one statement."""
    rows = tx.rows(_FACTS, {"digest": digest})
    if not rows:
        return None
    values: Sequence[Any] = rows[0]
    return Token(*values[13:]), Facts(*values[:13])
