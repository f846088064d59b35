"""Whose a new thing is, whether there is room for it, and what only operators may say of it."""

from __future__ import annotations

from typing import Any

import msgspec

from croft.core.ctx import Ctx, WriteTx
from croft.core.errors import Conflict, Forbidden, Invalid, QuotaExceeded
from croft.services.network.store import networks
from croft.services.network.store.tables import QUOTA_NAMES, Table


def owner(ctx: Ctx, wishes: list[Any]) -> str:
    """The project that all of the wanted things are for; only operators may make things for others."""
    found = {_owner(ctx, wish.project_id, wish.tenant_id) for wish in wishes}
    if len(found) != 1:
        raise Invalid("All resources of one request must be for the same project.")
    return found.pop()


def _owner(ctx: Ctx, *said: Any) -> str:
    asked = {each for each in said if isinstance(each, str) and each}
    if len(asked) > 1:
        raise Invalid("'project_id' and 'tenant_id' do not match")
    project: str = next(iter(asked), ctx.actor.project)
    if project != ctx.actor.project and not ctx.actor.is_admin:
        raise Invalid(
            "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin "
            "privileges"
        )
    return project


def ensure_room(tx: WriteTx, table: Table, asked: int = 1) -> None:
    """Neutron's answer to a full quota is a conflict."""
    try:
        count_room(tx, table, asked)
    except QuotaExceeded as error:
        raise Conflict(f"Quota exceeded for resources: ['{error.name}']. {error.message}", kind="OverQuota") from error


def count_room(tx: WriteTx, table: Table, asked: int = 1) -> None:
    """`QuotaExceeded` when the project may not have that many more."""
    tx.ensure_quota(f"network.{QUOTA_NAMES[table.name]}", networks.count(tx, tx.project, table), asked)


def ensure_may(ctx: Ctx, action: str) -> None:
    """An attribute with a rule of its own."""
    ctx.policy.check(ctx.actor, action)


def ensure_own(tx: WriteTx, project: str, what: str) -> None:
    """Seeing something of another project's does not mean changing it."""
    if not tx.scope.covers(project):
        raise Forbidden(f"This {what} belongs to another project; you may use it, not change it.")


def given(value: Any) -> bool:
    return value is not msgspec.UNSET


def said(pairs: dict[str, Any]) -> dict[str, Any]:
    """Only what the client said; null descriptions and the like become empty text."""
    return {name: "" if value is None else value for name, value in pairs.items() if value is not msgspec.UNSET}


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def tag_list(value: Any) -> list[str]:
    return sorted(set(value)) if isinstance(value, list) else []
