"""Whether a project has somebody who runs it."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.identity.model import Project
from croft.services.identity.store import projects, tables

_A, _M, _U = tables.assignment, tables.membership, tables.user
_AT = sa.select(_A.c.actor_type, _A.c.actor, _A.c.target, _A.c.inherited).where(
    _A.c.target.in_(sa.bindparam("targets", expanding=True)), _A.c.role.in_(sa.bindparam("roles", expanding=True))
)
_AWAKE = sa.select(_U.c.id).where(_U.c.enabled).limit(1)
_USER = _AWAKE.where(_U.c.id.in_(sa.bindparam("ids", expanding=True)))
_MEMBER = _AWAKE.join_from(_U, _M, _M.c.user == _U.c.id).where(_M.c.group.in_(sa.bindparam("ids", expanding=True)))


def lock(tx: Tx) -> None:
    """Held by whoever may take a project's last owner away, so that two at once count each other."""
    tx.lock("identity:owners")


def has_owner(tx: Tx, project: Project, roles: Collection[str]) -> bool:
    """Whether an enabled user holds one of these roles in the project: directly, by a group, or from above."""
    found = tx.rows(_AT, {"targets": [project.id, *projects.above(tx, project)], "roles": list(roles)})
    counted = [row for row in found if row.inherited != (row.target == project.id)]
    for actor_type, statement in (("user", _USER), ("group", _MEMBER)):
        ids = sorted({row.actor for row in counted if row.actor_type == actor_type})
        if ids and tx.scalar(statement, {"ids": ids}) is not None:
            return True
    return False
