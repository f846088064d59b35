"""Users, groups and who is in which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.page import Page
from croft.services.identity.model import Group, User
from croft.services.identity.model.likeness import with_likeness
from croft.services.identity.model.rows import Login
from croft.services.identity.store import epoch, tables
from croft.services.identity.store.listing import listed

_T, _G, _M = tables.user, tables.group, tables.membership
_COLUMNS = (
    _T.c.id,
    _T.c.domain,
    _T.c.name,
    _T.c.description,
    _T.c.enabled,
    _T.c.default_project,
    _T.c.options,
    _T.c.extra,
    _T.c.password_expires,
)
_ONE = sa.select(*_COLUMNS).where(_T.c.id == sa.bindparam("id"))
_NAMED = sa.select(*_COLUMNS).where(_T.c.domain == sa.bindparam("domain"), _T.c.name == sa.bindparam("name"))
_SOME = sa.select(*_COLUMNS).where(_T.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(_T.c.id)
_INSERT = sa.insert(_T)
_UPDATE = sa.update(_T).where(_T.c.id == sa.bindparam("at"))
_DELETE = sa.delete(_T).where(_T.c.id == sa.bindparam("id"))
_LOGIN = (
    sa.select(
        _T.c.id,
        _T.c.password,
        _T.c.history,
        _T.c.failed,
        _T.c.failed_at,
        _T.c.enabled,
        tables.project.c.enabled,
        _T.c.options,
        _T.c.password_at,
        _T.c.password_own,
        _T.c.password_expires,
        _T.c.active_at,
        _T.c.second_failed,
        _T.c.second_at,
    )
    .join_from(_T, tables.project, tables.project.c.id == _T.c.domain)
    .where(_T.c.id == sa.bindparam("id"))
)
_FAILED = (
    sa.update(_T)
    .where(
        _T.c.id == sa.bindparam("at"),
        sa.or_(_T.c.failed < sa.bindparam("most"), _T.c.failed_at <= sa.bindparam("before")),
    )
    .values(
        failed=sa.case((_T.c.failed < sa.bindparam("most"), _T.c.failed + 1), else_=1), failed_at=sa.bindparam("when")
    )
)
_FORGIVEN = sa.update(_T).where(_T.c.id == sa.bindparam("at")).values(failed=0)
_SECOND = (
    sa.update(_T)
    .where(_T.c.id == sa.bindparam("at"))
    .values(second_failed=_T.c.second_failed + 1, second_at=sa.bindparam("when"))
)
_SECOND_FORGIVEN = sa.update(_T).where(_T.c.id == sa.bindparam("at")).values(second_failed=0)
_IN_DOMAIN = sa.select(_T.c.id).where(_T.c.domain == sa.bindparam("domain"))
_ASSIGNMENTS = sa.delete(tables.assignment).where(
    tables.assignment.c.actor_type == sa.bindparam("type"), tables.assignment.c.actor == sa.bindparam("id")
)


def show(tx: Tx, id: str) -> User | None:
    return tx.first(User, _ONE, {"id": id})


def named(tx: Tx, domain: str, name: str) -> User | None:
    return tx.first(User, _NAMED, {"domain": domain, "name": name})


def some(tx: Tx, ids: Sequence[str]) -> list[User]:
    return tx.all(User, _SOME, {"ids": list(ids)})


def list_(tx: Tx, equal: Mapping[str, Any], page: Page) -> list[User]:
    return listed(tx, User, _COLUMNS, equal, page)


def insert(tx: Tx, row: User, password: str | None) -> None:
    values = {column.name: getattr(row, column.name) for column in _COLUMNS}
    times = {"password_at": tx.now, "active_at": tx.now}
    fresh: dict[str, Any] = {"password": password, "history": [], "failed": 0, "failed_at": 0}
    tx.run(_INSERT, with_likeness(values | fresh | times))


def update(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_UPDATE.values(**with_likeness(values)), {"at": id})


def hold(tx: Tx, id: str) -> None:
    """Keeps a user or group from being deleted, or from being given anything, until the commit."""
    tx.lock(f"identity:holder:{id}")


def delete(tx: Tx, id: str) -> None:
    """With its tokens, credentials, memberships and assignments."""
    hold(tx, id)
    tx.run(_ASSIGNMENTS, {"type": "user", "id": id})
    tx.run(_DELETE, {"id": id})
    epoch.end(tx, id)


def in_domain(tx: Tx, domain: str) -> list[str]:
    return [row[0] for row in tx.rows(_IN_DOMAIN, {"domain": domain})]


def login(tx: Tx, id: str) -> Login | None:
    return tx.first(Login, _LOGIN, {"id": id})


def count_failure(tx: Tx, id: str, most: int, seconds: int) -> None:
    """One more wrong password, counted in one statement so that none is lost. From `most` on the count stands still for
    some seconds, and then begins anew."""
    tx.run(_FAILED, {"at": id, "most": most, "before": tx.now - seconds, "when": tx.now})


def forgive(tx: Tx, id: str) -> None:
    """Begins the count of wrong passwords anew."""
    tx.run(_FORGIVEN, {"at": id})


def count_second(tx: Tx, id: str) -> None:
    """One more wrong one-time code."""
    tx.run(_SECOND, {"at": id, "when": tx.now})


def forgive_second(tx: Tx, id: str) -> None:
    tx.run(_SECOND_FORGIVEN, {"at": id})


def revoke_tokens(tx: Tx, id: str) -> None:
    """Ends every token of a user, also those that work by trusts the user gave or took."""
    epoch.end(tx, id)


_GROUP_COLUMNS = (_G.c.id, _G.c.domain, _G.c.name, _G.c.description)
_GROUP = sa.select(*_GROUP_COLUMNS).where(_G.c.id == sa.bindparam("id"))
_GROUP_NAMED = sa.select(*_GROUP_COLUMNS).where(
    _G.c.domain == sa.bindparam("domain"), _G.c.name == sa.bindparam("name")
)
_SOME_GROUPS = sa.select(*_GROUP_COLUMNS).where(_G.c.id.in_(sa.bindparam("ids", expanding=True)))
_GROUP_INSERT = sa.insert(_G)
_GROUP_UPDATE = sa.update(_G).where(_G.c.id == sa.bindparam("at"))
_GROUP_DELETE = sa.delete(_G).where(_G.c.id == sa.bindparam("id"))
_GROUPS_IN_DOMAIN = sa.select(_G.c.id).where(_G.c.domain == sa.bindparam("domain"))
_MEMBER = sa.select(_M.c.user).where(_M.c.user == sa.bindparam("user"), _M.c.group == sa.bindparam("group"))
_JOIN = sa.insert(_M)
_LEAVE = sa.delete(_M).where(_M.c.user == sa.bindparam("is_user"), _M.c.group == sa.bindparam("is_group"))
_MEMBERS = (
    sa.select(*_COLUMNS)
    .join_from(_T, _M, _M.c.user == _T.c.id)
    .where(_M.c.group == sa.bindparam("group"))
    .order_by(_T.c.id)
)
_MEMBER_IDS = sa.select(_M.c.user).where(_M.c.group == sa.bindparam("group"))
_GROUPS_OF = (
    sa.select(*_GROUP_COLUMNS)
    .join_from(_G, _M, _M.c.group == _G.c.id)
    .where(_M.c.user == sa.bindparam("user"))
    .order_by(_G.c.id)
)
_MEMBERSHIPS = sa.select(_M.c.group, _M.c.user)


def group(tx: Tx, id: str) -> Group | None:
    return tx.first(Group, _GROUP, {"id": id})


def group_named(tx: Tx, domain: str, name: str) -> Group | None:
    return tx.first(Group, _GROUP_NAMED, {"domain": domain, "name": name})


def some_groups(tx: Tx, ids: Sequence[str]) -> list[Group]:
    return tx.all(Group, _SOME_GROUPS, {"ids": list(ids)})


def groups(tx: Tx, equal: Mapping[str, Any], page: Page) -> list[Group]:
    return listed(tx, Group, _GROUP_COLUMNS, equal, page)


def insert_group(tx: Tx, row: Group) -> None:
    tx.run(_GROUP_INSERT, with_likeness({column.name: getattr(row, column.name) for column in _GROUP_COLUMNS}))


def update_group(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_GROUP_UPDATE.values(**with_likeness(values)), {"at": id})


def delete_group(tx: Tx, id: str) -> None:
    hold(tx, id)
    tx.run(_ASSIGNMENTS, {"type": "group", "id": id})
    tx.run(_GROUP_DELETE, {"id": id})


def groups_in_domain(tx: Tx, domain: str) -> list[str]:
    return [row[0] for row in tx.rows(_GROUPS_IN_DOMAIN, {"domain": domain})]


def is_member(tx: Tx, user: str, group: str) -> bool:
    return tx.scalar(_MEMBER, {"user": user, "group": group}) is not None


def join(tx: Tx, user: str, group: str) -> None:
    if not is_member(tx, user, group):
        tx.run(_JOIN, {"user": user, "group": group})


def leave(tx: Tx, user: str, group: str) -> bool:
    return tx.run(_LEAVE, {"is_user": user, "is_group": group}) > 0


def members(tx: Tx, group: str) -> list[User]:
    return tx.all(User, _MEMBERS, {"group": group})


def member_ids(tx: Tx, group: str) -> list[str]:
    return [row[0] for row in tx.rows(_MEMBER_IDS, {"group": group})]


def groups_of(tx: Tx, user: str) -> list[Group]:
    return tx.all(Group, _GROUPS_OF, {"user": user})


def memberships(tx: Tx) -> dict[str, list[str]]:
    """Group id → user ids."""
    found: dict[str, list[str]] = {}
    for row in tx.rows(_MEMBERSHIPS):
        found.setdefault(row.group, []).append(row.user)
    return found
