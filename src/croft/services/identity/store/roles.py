"""Roles, what they imply, and assignments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.page import Page
from croft.services.identity.model import Assignment, Project, Role
from croft.services.identity.model.roles import RoleBook, counts_at
from croft.services.identity.store import projects, tables
from croft.services.identity.store.listing import listed

_T, _I, _A, _M = tables.role, tables.implied, tables.assignment, tables.membership
_COLUMNS = (_T.c.id, _T.c.domain, _T.c.name, _T.c.description, _T.c.options)
_ALL = sa.select(*_COLUMNS)
_ONE = _ALL.where(_T.c.id == sa.bindparam("id"))
_NAMED = _ALL.where(_T.c.domain == sa.bindparam("domain"), _T.c.name == sa.bindparam("name"))
_INSERT = sa.insert(_T)
_UPDATE = sa.update(_T).where(_T.c.id == sa.bindparam("at"))
_DELETE = sa.delete(_T).where(_T.c.id == sa.bindparam("id"))
_IN_DOMAIN = sa.select(_T.c.id).where(_T.c.domain == sa.bindparam("domain"))
_IMPLIED = sa.select(_I.c.prior, _I.c.implied).order_by(_I.c.prior, _I.c.implied)
_IMPLY = sa.insert(_I)
_UNIMPLY = sa.delete(_I).where(_I.c.prior == sa.bindparam("is_prior"), _I.c.implied == sa.bindparam("is_implied"))


def show(tx: Tx, id: str) -> Role | None:
    return tx.first(Role, _ONE, {"id": id})


def named(tx: Tx, domain: str, name: str) -> Role | None:
    return tx.first(Role, _NAMED, {"domain": domain, "name": name})


def list_(tx: Tx, equal: Mapping[str, Any], page: Page) -> list[Role]:
    return listed(tx, Role, _COLUMNS, equal, page)


def insert(tx: Tx, row: Role) -> None:
    tx.run(_INSERT, {column.name: getattr(row, column.name) for column in _COLUMNS})


def update(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_UPDATE.values(**values), {"at": id})


def delete(tx: Tx, id: str) -> None:
    """With every assignment and implication of it."""
    tx.run(_DELETE, {"id": id})


def in_domain(tx: Tx, domain: str) -> list[str]:
    return [row[0] for row in tx.rows(_IN_DOMAIN, {"domain": domain})]


def implications(tx: Tx) -> list[tuple[str, str]]:
    return [(row.prior, row.implied) for row in tx.rows(_IMPLIED)]


def imply(tx: Tx, prior: str, implied: str) -> None:
    tx.run(_IMPLY, {"prior": prior, "implied": implied})


def unimply(tx: Tx, prior: str, implied: str) -> bool:
    return tx.run(_UNIMPLY, {"is_prior": prior, "is_implied": implied}) > 0


def book(tx: Tx) -> RoleBook:
    return RoleBook(tx.all(Role, _ALL), implications(tx))


_ASSIGNED = (_A.c.actor_type, _A.c.actor, _A.c.target_type, _A.c.target, _A.c.role, _A.c.inherited)
_EVERY = sa.select(*_ASSIGNED).order_by(*_ASSIGNED)
_EXACT = sa.and_(*(column == sa.bindparam(f"is_{column.name}") for column in _ASSIGNED))
_HAS = sa.select(_A.c.role).where(_EXACT)
_ASSIGN = sa.insert(_A)
_UNASSIGN = sa.delete(_A).where(_EXACT)
_HELD = sa.select(*_ASSIGNED).where(
    sa.or_(
        sa.and_(_A.c.actor_type == "user", _A.c.actor == sa.bindparam("user")),
        sa.and_(
            _A.c.actor_type == "group",
            _A.c.actor.in_(sa.select(_M.c.group).where(_M.c.user == sa.bindparam("user"))),
        ),
    )
)
_HELD_AT = _HELD.where(_A.c.target.in_(sa.bindparam("targets", expanding=True)))


def _exactly(row: Assignment) -> dict[str, Any]:
    return {f"is_{name}": getattr(row, name) for name in row.__struct_fields__}


def assigned(tx: Tx, row: Assignment) -> bool:
    return tx.scalar(_HAS, _exactly(row)) is not None


def assign(tx: Tx, row: Assignment) -> None:
    if not assigned(tx, row):
        tx.run(_ASSIGN, {name: getattr(row, name) for name in row.__struct_fields__})


def unassign(tx: Tx, row: Assignment) -> bool:
    return tx.run(_UNASSIGN, _exactly(row)) > 0


def assignments(tx: Tx, equal: Mapping[str, Any]) -> list[Assignment]:
    """Those whose columns equal what is asked."""
    statement = _EVERY
    for name, value in equal.items():
        statement = statement.where(_A.c[name] == value)
    return tx.all(Assignment, statement)


def held(tx: Tx, user: str) -> list[Assignment]:
    """Everything assigned to a user or the user's groups."""
    return tx.all(Assignment, _HELD, {"user": user})


def on_project(tx: Tx, user: str, project: Project) -> list[str]:
    """Ids of the roles a user holds in a project: directly, by groups, or inherited from above."""
    above = projects.above(tx, project)
    found = tx.all(Assignment, _HELD_AT, {"user": user, "targets": [project.id, *above]})
    return counts_at(found, project.id, above)


def on_target(tx: Tx, user: str, target: str) -> list[str]:
    """Ids of the roles a user holds on a domain, or on `system`."""
    found = tx.all(Assignment, _HELD_AT, {"user": user, "targets": [target]})
    return counts_at(found, target, ())
