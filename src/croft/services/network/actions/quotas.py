"""Limits of a project, by Neutron's resource names."""

from __future__ import annotations

from collections.abc import Mapping

from croft.core.ctx import Ctx, ReadTx
from croft.core.db import Tx
from croft.core.errors import Forbidden, Invalid
from croft.core.quota import UNLIMITED
from croft.services.network.policy import QUOTAS
from croft.services.network.store import networks
from croft.services.network.store.tables import COUNTED

_PREFIX = "network."
_NO_LIMITS = frozenset({"tenant_id", "project_id", "force", "check_limit"})
NAMES = tuple(name.removeprefix(_PREFIX) for name in QUOTAS)


def _allowed(tx: ReadTx, project: str) -> str:
    if not tx.scope.covers(project):
        raise Forbidden("Only operators may see the quota of another project.")
    return project


def show_quota(ctx: Ctx, project: str) -> dict[str, int]:
    with ctx.read("network.quota.show") as tx:
        limits = ctx.quotas.limits(tx, _allowed(tx, project), _PREFIX)
    return {name: limits[_PREFIX + name] for name in NAMES}


def default_quota(ctx: Ctx, project: str) -> dict[str, int]:
    with ctx.read("network.quota.show") as tx:
        _allowed(tx, project)
        return {name: ctx.quotas.defaults[_PREFIX + name] for name in NAMES}


def quota_details(ctx: Ctx, project: str) -> dict[str, dict[str, int]]:
    with ctx.read("network.quota.show") as tx:
        limits = ctx.quotas.limits(tx, _allowed(tx, project), _PREFIX)
        return {
            name: {
                "limit": limits[_PREFIX + name],
                "used": _used(tx, project, name),
                "reserved": 0,
            }
            for name in NAMES
        }


def _used(tx: Tx, project: str, name: str) -> int:
    return networks.count(tx, project, COUNTED[name]) if name in COUNTED else 0


def list_quotas(ctx: Ctx) -> list[dict[str, object]]:
    """Of projects with limits of their own."""
    with ctx.read("network.quota.update") as tx:
        return [
            {"project_id": project, "tenant_id": project} | {name: limits[_PREFIX + name] for name in NAMES}
            for project in networks.any_projects_with_limits(tx)
            for limits in [ctx.quotas.limits(tx, project, _PREFIX)]
        ]


def update_quota(ctx: Ctx, project: str, wish: Mapping[str, object]) -> dict[str, int]:
    """With `check_limit` in the wish a limit below what is in use is refused."""
    values: dict[str, int] = {}
    for name, value in wish.items():
        if name in _NO_LIMITS:
            continue
        if name not in NAMES:
            raise Invalid(f"Unrecognized attribute(s) '{name[:60]}'")
        values[_PREFIX + name] = _number(name, value)
    with ctx.write("network.quota.update", project) as tx:
        if wish.get("check_limit") is True:
            _ensure_above_use(tx, project, values)
        ctx.quotas.set(tx, project, values)
        tx.audit(project, "quota")
        limits = ctx.quotas.limits(tx, project, _PREFIX)
    return {name: limits[_PREFIX + name] for name in NAMES}


def _ensure_above_use(tx: Tx, project: str, values: Mapping[str, int]) -> None:
    for name, value in values.items():
        used = _used(tx, project, name.removeprefix(_PREFIX))
        if value != UNLIMITED and value < used:
            raise Invalid(f"Quota limit {value} of {name.removeprefix(_PREFIX)} is below the {used} in use.")


def _number(name: str, value: object) -> int:
    text = str(value)
    digits = text.removeprefix("-")
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise Invalid(f"Invalid input for {name}. Reason: '{text[:40]}' is not an integer.")
    if int(text) < -1:
        raise Invalid(f"Invalid input for {name}. Reason: a limit is -1 (none) or more.")
    return int(text)


def reset_quota(ctx: Ctx, project: str) -> None:
    with ctx.write("network.quota.update", project) as tx:
        ctx.quotas.reset(tx, project, QUOTAS)
        tx.audit(project, "quota")
