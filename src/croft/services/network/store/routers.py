"""SQL of routers and floating IPs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from croft.core import work
from croft.core.db import Tx, one_of
from croft.core.errors import NotFound
from croft.core.policy import Scope
from croft.services.network.model.rows import DEADLINE, GATEWAY, INTERFACE, Floating, Router
from croft.services.network.store import tables
from croft.services.network.store.listing import NOW, PROJECT, Listing, standard, status_filter
from croft.services.network.store.rows import raw

_router = tables.router
_floating = tables.floating_ip
_port = tables.port
_allocation = tables.allocation
_SINCE = work.work.c.since
_BY_ID: sa.BindParameter[str] = sa.bindparam("id")
ROUTER = (
    sa.select(*_router.c, _SINCE)
    .select_from(_router.outerjoin(work.work, work.joined("network.router", _router.c.id)))
)  # fmt: skip
FLOATING = (
    sa.select(*_floating.c, _SINCE)
    .select_from(_floating.outerjoin(work.work, work.joined("network.floating", _floating.c.id)))
)  # fmt: skip
_OVERDUE = _SINCE < NOW - DEADLINE

ROUTERS: Listing[Router] = Listing(
    Router,
    _router,
    ROUTER.where(_router.c.deleted.is_(None)),
    _router.c.project == PROJECT,
    {
        **standard(_router),
        "admin_state_up": _router.c.admin_up,
        "status": status_filter(sa.case((_OVERDUE, "ERROR"), else_="ACTIVE")),
    },
    "RouterNotFound",
)
FLOATINGS: Listing[Floating] = Listing(
    Floating,
    _floating,
    FLOATING.where(_floating.c.deleted.is_(None)),
    _floating.c.project == PROJECT,
    {
        **{name: each for name, each in standard(_floating).items() if name != "name"},
        "floating_network_id": _floating.c.network,
        "floating_ip_address": _floating.c.address,
        "fixed_ip_address": _floating.c.fixed,
        "port_id": _floating.c.port,
        "router_id": _floating.c.router,
        "status": status_filter(
            sa.case(
                (_OVERDUE, "ERROR"),
                (sa.and_(_floating.c.port.is_not(None), _floating.c.seen >= _floating.c.gen), "ACTIVE"),
                else_="DOWN",
            )
        ),
    },
    "FloatingIPNotFound",
)
_ANY_ROUTER = ROUTER.where(_router.c.id == _BY_ID)
_ANY_FLOATING = FLOATING.where(_floating.c.id == _BY_ID)


def any_router(tx: Tx, id: str) -> Router | None:
    return tx.first(Router, _ANY_ROUTER, {"id": id})


def router(tx: Tx, scope: Scope, id: str) -> Router:
    row = any_router(tx, id)
    if row is None or row.deleted is not None or not scope.covers(row.project):
        raise NotFound(f"Router {id[:64]} could not be found", kind="RouterNotFound")
    return row


def any_floating(tx: Tx, id: str) -> Floating | None:
    return tx.first(Floating, _ANY_FLOATING, {"id": id})


def floating(tx: Tx, scope: Scope, id: str) -> Floating:
    row = any_floating(tx, id)
    if row is None or row.deleted is not None or not scope.covers(row.project):
        raise NotFound(f"Floating IP {id[:64]} could not be found", kind="FloatingIPNotFound")
    return row


_GATEWAYS = (
    sa.select(_port.c.device, _allocation.c.subnet, _allocation.c.address)
    .select_from(_port.outerjoin(_allocation, _allocation.c.holder == _port.c.id))
    .where(one_of(_port.c.device, "routers"), _port.c.owner == GATEWAY, _port.c.deleted.is_(None))
)


def gateway_addresses(tx: Tx, routers: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """(subnet, address) pairs of each router's leg in its external network, IPv4 first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for device, subnet, address in raw(tx, _GATEWAYS, {"routers": list(routers)}):
        if address is not None:
            found.setdefault(device, []).append((subnet, address))
    for several in found.values():
        several.sort(key=lambda pair: (":" in pair[1], pair[1]))
    return found


_ROUTER_ON = (
    sa.select(*_router.c, _allocation.c.address)
    .select_from(
        _allocation.join(_port, _port.c.id == _allocation.c.holder).join(_router, _router.c.id == _port.c.device)
    )
    .where(
        _allocation.c.subnet == sa.bindparam("subnet"),
        _port.c.owner == INTERFACE,
        _port.c.deleted.is_(None),
        _router.c.external == sa.bindparam("external"),
        _router.c.deleted.is_(None),
    )
    .order_by(_router.c.id)
)


def any_routers_between(tx: Tx, subnet: str, external: str) -> list[tuple[str, str]]:
    """(router, its address in the subnet) of those that connect a subnet to an external network."""
    return [(row[0], row[-1]) for row in raw(tx, _ROUTER_ON, {"subnet": subnet, "external": external})]


_LIVE = _floating.c.deleted.is_(None)
_OF_ROUTER = FLOATING.where(_floating.c.router == sa.bindparam("router"), _LIVE).order_by(_floating.c.id)
_OF_PORT = FLOATING.where(_floating.c.port == sa.bindparam("port"), _LIVE).order_by(_floating.c.id)
_OF_PORTS = FLOATING.where(one_of(_floating.c.port, "ports"), _LIVE).order_by(_floating.c.id)
_IN_NETWORK = FLOATING.where(_floating.c.network == sa.bindparam("network")).order_by(_floating.c.id)
_WITH_GATEWAY = (
    sa.select(_router.c.id).where(_router.c.external == sa.bindparam("network"), _router.c.deleted.is_(None)).limit(1)
)


def any_floatings_of_router(tx: Tx, router: str) -> list[Floating]:
    return tx.all(Floating, _OF_ROUTER, {"router": router})


def any_floatings_of_port(tx: Tx, port: str) -> list[Floating]:
    return tx.all(Floating, _OF_PORT, {"port": port})


def any_floatings_of_ports(tx: Tx, ports: Sequence[str]) -> list[Floating]:
    return tx.all(Floating, _OF_PORTS, {"ports": list(ports)}) if ports else []


def any_floatings_in(tx: Tx, network: str) -> list[Floating]:
    """Also those on their way out."""
    return tx.all(Floating, _IN_NETWORK, {"network": network})


def any_router_through(tx: Tx, network: str) -> str | None:
    """A router whose gateway is that external network."""
    found: str | None = tx.scalar(_WITH_GATEWAY, {"network": network})
    return found


_STALE = (
    sa.select(_router.c.id)
    .where(_router.c.external == sa.bindparam("network"), _router.c.deleted.is_(None))
    .order_by(_router.c.id)
)


def any_routers_through(tx: Tx, network: str) -> list[str]:
    return [row[0] for row in raw(tx, _STALE, {"network": network})]
