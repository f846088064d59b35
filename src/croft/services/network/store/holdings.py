"""Which names in the engines' lists the rows of the network service account for, those on their way out included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.network.model.rows import INTERFACE
from croft.services.network.store.rows import raw
from croft.services.network.store.tables import (
    allocation,
    floating_ip,
    network,
    port,
    router,
    security_group,
    subnet,
)

_NETWORKS = sa.select(network.c.id)
_BEHIND_ROUTERS = (
    sa.select(subnet.c.cidr)
    .select_from(subnet.join(allocation, allocation.c.subnet == subnet.c.id))
    .join(port, port.c.id == allocation.c.holder)
    .where(port.c.owner == INTERFACE, subnet.c.version == 6)
    .distinct()
)
"""Prefixes that a route of ours may lead to."""


def any_named(statement: sa.Select[Any], tx: Tx) -> set[str]:
    return {row[0] for row in raw(tx, statement)}


HOLDINGS: Mapping[str, Callable[[Tx], set[str]]] = {
    "fabric.network": partial(any_named, _NETWORKS),
    "fabric.router": partial(any_named, sa.select(router.c.id)),
    "fabric.port": partial(any_named, sa.select(port.c.id)),
    "fabric.group": partial(any_named, sa.select(security_group.c.id)),
    "fabric.floating": partial(any_named, sa.select(floating_ip.c.id)),
    "metadata": partial(any_named, _NETWORKS),
    "uplink.gateway": partial(any_named, _NETWORKS),
    "uplink.route": partial(any_named, _BEHIND_ROUTERS),
}
