"""Application credentials with their access rules, and EC2-like credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.page import Page
from croft.services.identity.model import AccessRule, ApplicationCredential, Credential
from croft.services.identity.store import tables
from croft.services.identity.store.listing import listed

_T, _R, _C = tables.application_credential, tables.access_rule, tables.credential
_COLUMNS = (
    _T.c.id,
    _T.c.user,
    _T.c.project,
    _T.c.name,
    _T.c.description,
    _T.c.roles,
    _T.c.unrestricted,
    _T.c.expires_micro,
    _T.c.access_rules,
)
_BY_ID = sa.select(*_COLUMNS).where(_T.c.id == sa.bindparam("id"))
_ONE = _BY_ID.where(_T.c.user == sa.bindparam("user"))
_NAMED = sa.select(*_COLUMNS).where(_T.c.user == sa.bindparam("user"), _T.c.name == sa.bindparam("name"))
_SECRET = sa.select(_T.c.secret).where(_T.c.id == sa.bindparam("id"))
_INSERT = sa.insert(_T)
_DELETE = sa.delete(_T).where(_T.c.id == sa.bindparam("id"))
_OF = sa.select(_T.c.id).where(_T.c.user == sa.bindparam("user"), _T.c.project == sa.bindparam("project"))
_RULE = (_R.c.id, _R.c.user, _R.c.service, _R.c.method, _R.c.path)
_ONE_RULE = sa.select(*_RULE).where(_R.c.user == sa.bindparam("user"), _R.c.id == sa.bindparam("id"))
_SAME_RULE = sa.select(*_RULE).where(
    _R.c.user == sa.bindparam("user"),
    _R.c.service == sa.bindparam("service"),
    _R.c.method == sa.bindparam("method"),
    _R.c.path == sa.bindparam("path"),
)
_SOME_RULES = sa.select(*_RULE).where(_R.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(_R.c.id)
_INSERT_RULE = sa.insert(_R)
_DELETE_RULE = sa.delete(_R).where(_R.c.id == sa.bindparam("id"))


def show(tx: Tx, user: str, id: str) -> ApplicationCredential | None:
    return tx.first(ApplicationCredential, _ONE, {"user": user, "id": id})


def named(tx: Tx, user: str, name: str) -> ApplicationCredential | None:
    return tx.first(ApplicationCredential, _NAMED, {"user": user, "name": name})


def by_id(tx: Tx, id: str) -> ApplicationCredential | None:
    """Whoever's it is: for those who log in with it."""
    return tx.first(ApplicationCredential, _BY_ID, {"id": id})


def secret(tx: Tx, id: str) -> str | None:
    """The hash."""
    found: str | None = tx.scalar(_SECRET, {"id": id})
    return found


def list_(tx: Tx, equal: Mapping[str, Any], page: Page) -> list[ApplicationCredential]:
    return listed(tx, ApplicationCredential, _COLUMNS, equal, page)


def all_of(tx: Tx, user: str, project: str) -> list[str]:
    """Ids of a user's credentials for a project."""
    return [row[0] for row in tx.rows(_OF, {"user": user, "project": project})]


def insert(tx: Tx, row: ApplicationCredential, secret: str) -> None:
    tx.run(_INSERT, {column.name: getattr(row, column.name) for column in _COLUMNS} | {"secret": secret})


def delete(tx: Tx, id: str) -> None:
    tx.run(_DELETE, {"id": id})


def rule(tx: Tx, user: str, id: str) -> AccessRule | None:
    return tx.first(AccessRule, _ONE_RULE, {"user": user, "id": id})


def same_rule(tx: Tx, row: AccessRule) -> AccessRule | None:
    """The user's rule of the same meaning."""
    return tx.first(
        AccessRule, _SAME_RULE, {"user": row.user, "service": row.service, "method": row.method, "path": row.path}
    )


def some_rules(tx: Tx, ids: Sequence[str]) -> list[AccessRule]:
    return tx.all(AccessRule, _SOME_RULES, {"ids": list(ids)})


def rules(tx: Tx, equal: Mapping[str, Any], page: Page) -> list[AccessRule]:
    return listed(tx, AccessRule, _RULE, equal, page)


def insert_rule(tx: Tx, row: AccessRule) -> None:
    tx.run(_INSERT_RULE, {column.name: getattr(row, column.name) for column in _RULE})


def delete_rule(tx: Tx, id: str) -> None:
    tx.run(_DELETE_RULE, {"id": id})


_CREDENTIAL = (_C.c.id, _C.c.user, _C.c.project, _C.c.type, _C.c.blob, _C.c.maker, _C.c.sealed)
_ONE_CREDENTIAL = sa.select(*_CREDENTIAL).where(_C.c.id == sa.bindparam("id"))
_INSERT_CREDENTIAL = sa.insert(_C)
_UPDATE_CREDENTIAL = sa.update(_C).where(_C.c.id == sa.bindparam("at"))
_DELETE_CREDENTIAL = sa.delete(_C).where(_C.c.id == sa.bindparam("id"))
_CODES = (
    sa.select(*_CREDENTIAL)
    .where(_C.c.user == sa.bindparam("user"), _C.c.type == "totp", _C.c.sealed)
    .order_by(_C.c.id)
    .limit(sa.bindparam("most"))
)
_USE = (
    sa.update(_C)
    .where(_C.c.id == sa.bindparam("at"), sa.or_(_C.c.used.is_(None), _C.c.used < sa.bindparam("step")))
    .values(used=sa.bindparam("step"))
)
_AFTER = sa.select(*_CREDENTIAL).where(_C.c.id > sa.bindparam("after")).order_by(_C.c.id).limit(sa.bindparam("most"))


def credential(tx: Tx, id: str) -> Credential | None:
    return tx.first(Credential, _ONE_CREDENTIAL, {"id": id})


def credentials(tx: Tx, equal: Mapping[str, Any], page: Page) -> list[Credential]:
    return listed(tx, Credential, _CREDENTIAL, equal, page)


def insert_credential(tx: Tx, row: Credential) -> None:
    tx.run(_INSERT_CREDENTIAL, {column.name: getattr(row, column.name) for column in _CREDENTIAL})


def update_credential(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_UPDATE_CREDENTIAL.values(**values), {"at": id})


def delete_credential(tx: Tx, id: str) -> None:
    tx.run(_DELETE_CREDENTIAL, {"id": id})


def codes(tx: Tx, user: str, most: int) -> list[Credential]:
    """What a user's one-time codes are made of, sealed."""
    return tx.all(Credential, _CODES, {"user": user, "most": most})


def use_code(tx: Tx, id: str, step: int) -> bool:
    """Whether the code of this step is newer than the last one taken; it is taken then, by one of all who ask."""
    return tx.run(_USE, {"at": id, "step": step}) > 0


def any_after(tx: Tx, id: str, most: int) -> list[Credential]:
    """Whosever they are, by id."""
    return tx.all(Credential, _AFTER, {"after": id, "most": most})
