"""The end of everything a project holds here, leaves first; repeated until nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from croft.core import work
from croft.core.db import Database, Tx
from croft.core.errors import Conflict
from croft.core.policy import Scope
from croft.core.quota import limit
from croft.services.network.actions.floatings import drop_floating
from croft.services.network.actions.groups import drop_group
from croft.services.network.actions.interfaces import detach
from croft.services.network.actions.networks import drop_network
from croft.services.network.actions.pools import drop_pool
from croft.services.network.actions.ports import drop_port
from croft.services.network.actions.routers import connected, drop_router
from croft.services.network.model.query import EVERYTHING
from croft.services.network.model.rows import INTERFACE, Router
from croft.services.network.store import groups, networks, ports, routers, rows, starters, tables


def purge(db: Database, project: str) -> dict[str, list[str]]:
    """What is left: empty once there is neither row nor engine object of the project."""
    scope = Scope(project, project)
    with db.write() as tx:
        tx.lock(f"project:{project}")
        busy: set[str] = set()
        for floating in routers.FLOATINGS.rows(tx, scope, EVERYTHING)[0]:
            drop_floating(tx, floating)
        for router in routers.ROUTERS.rows(tx, scope, EVERYTHING)[0]:
            _try(tx, busy, _drop_router, router)
        for port in ports.PORTS.rows(tx, scope, EVERYTHING)[0]:
            if not port.internal:
                drop_port(tx, port, networks.any_network(tx, port.network))
        for network in networks.NETWORKS.rows(tx, scope, EVERYTHING)[0]:
            if network.project == project:
                _try(tx, busy, drop_network, network)
        for group in groups.GROUPS.rows(tx, scope, EVERYTHING)[0]:
            _try(tx, busy, drop_group, group)
        for pool in networks.POOLS.rows(tx, scope, EVERYTHING)[0]:
            if pool.project == project:
                _try(tx, busy, drop_pool, pool)
        tx.run(limit.delete().where(limit.c.project == project, limit.c.name.startswith("network.")))
        if starters.any_drop(tx, project):
            work.wake(tx, "network.starter", project)
        left = {word: rows.any_names(tx, table, project) for word, table in _OWNED.items()}
    return {word: [_said(*row, busy) for row in found] for word, found in left.items() if found}


def _said(id: str, name: str, busy: set[str]) -> str:
    return f"{name or id}{' (still in use)' if id in busy else ''}"


_OWNED = {
    "floating IP": tables.floating_ip,
    "router": tables.router,
    "port": tables.port,
    "subnet": tables.subnet,
    "network": tables.network,
    "security group": tables.security_group,
    "subnet pool": tables.subnet_pool,
}


def _drop_router(tx: Tx, row: Router) -> None:
    rows.change(tx, tables.router, row.id, {"routes": []}, intent=True)
    bare = routers.any_router(tx, row.id)
    assert bare is not None
    for subnet, _, port in connected(tx, row.id):
        if port.owner == INTERFACE:
            detach(tx, bare, subnet=subnet.id, port=port.id)
    drop_router(tx, bare)


def _try(tx: Tx, busy: set[str], drop: Callable[[Tx, Any], None], row: Any) -> None:
    """What others still use stays until the next time: nothing is written before the refusal."""
    try:
        drop(tx, row)
    except Conflict:
        busy.add(row.id)
