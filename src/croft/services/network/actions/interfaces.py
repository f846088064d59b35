"""Connecting routers to subnets."""

from __future__ import annotations

import msgspec

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid, NotFound
from croft.services.network.actions import access, allocation
from croft.services.network.actions.access import text
from croft.services.network.actions.ports import drop_port
from croft.services.network.actions.routers import connected, ensure_apart, internal_port, own
from croft.services.network.model.addresses import eui64, inside
from croft.services.network.model.rows import INTERFACE, Port, Router, Subnet
from croft.services.network.store import networks, ports, routers, rows, tables
from croft.services.network.wire.shapes import InterfaceWish


class Interface(msgspec.Struct, frozen=True):
    """What both calls answer."""

    router: Router
    port: Port
    subnets: list[str]


def add_interface(ctx: Ctx, id: str, wish: InterfaceWish) -> Interface:
    subnet, port = text(wish.subnet_id), text(wish.port_id)
    _check_one(subnet, port)
    with ctx.write("network.router.attach") as tx:
        row = own(tx, id)
        if port:
            found = _attach_port(tx, row, port)
        else:
            found = attach_subnet(tx, row, networks.subnet(tx, tx.scope, subnet))
        tx.audit(id, row.name)
        return found


def _check_one(subnet: str, port: str) -> None:
    if subnet and port:
        raise Invalid("Bad router request: Cannot specify both subnet-id and port-id.", kind="BadRequest")
    if not subnet and not port:
        raise Invalid("Bad router request: Either subnet_id or port_id must be specified.", kind="BadRequest")


def attach_subnet(tx: WriteTx, row: Router, subnet: Subnet) -> Interface:
    """The router takes the subnet's gateway address. IPv6 subnets of one network share a port, as in Neutron."""
    network = networks.network(tx, tx.scope, subnet.network)
    if subnet.gateway is None:
        raise Invalid(
            f"Bad router request: Subnet for router interface must have a gateway IP ({subnet.id}).", kind="BadRequest"
        )
    allocation.lock(tx, network.id)
    if not tx.scope.covers(network.project):
        access.ensure_may(tx.ctx, "network.port.spoof")
    legs = connected(tx, row.id)
    _ensure_free(row, subnet, [other for other, _, _ in legs])
    port = next(
        (
            leg
            for other, _, leg in legs
            if subnet.version == 6 and other.version == 6 and leg.network == network.id and leg.owner == INTERFACE
        ),
        None,
    )
    if port is None:
        access.ensure_room(tx, tables.port)
        port = internal_port(tx, network.id, row.id, INTERFACE, project=row.project)
    if inside(subnet.gateway, subnet.cidr):
        allocation.take(tx, subnet, port.id, subnet.gateway)
    else:
        allocation.take(tx, subnet, port.id, eui64(subnet.cidr, port.mac))
    _changed(tx, row)
    return Interface(row, port, [subnet.id])


def _ensure_free(row: Router, subnet: Subnet, others: list[Subnet]) -> None:
    for other in others:
        if other.id == subnet.id:
            raise Invalid(f"Bad router request: Router already has a port on subnet {subnet.id}.", kind="BadRequest")
        ensure_apart(subnet.cidr, other)


def _changed(tx: Tx, row: Router) -> None:
    rows.change(tx, tables.router, row.id, {}, intent=True)
    work.wake(tx, "network.router", row.id)


def _attach_port(tx: WriteTx, row: Router, id: str) -> Interface:
    port = ports.port(tx, tx.scope, id)
    if port.device:
        raise Conflict(
            f"Unable to complete operation on port {id} for network {port.network}. Port already has an attached "
            f"device {port.device}.",
            kind="PortInUse",
        )
    held = ports.fixed_of(tx, [id]).get(id, [])
    subnets = networks.any_subnets(tx, [each.subnet for each in held])
    if not held:
        raise Invalid("Bad router request: Router port must have at least one fixed IP.", kind="BadRequest")
    if sum(each.version == 4 for each in subnets.values()) > 1:
        raise Invalid("Bad router request: Cannot have multiple IPv4 subnets on router port.", kind="BadRequest")
    others = [other for other, _, _ in connected(tx, row.id)]
    for subnet in subnets.values():
        _ensure_free(row, subnet, others)
    ports.drop_groups(tx, id)
    changes = {"device": row.id, "owner": INTERFACE, "security": False, "pairs": [], "up": True, "at": ""}
    rows.change(tx, tables.port, id, changes, intent=True)
    work.wake(tx, "network.port", id)
    _changed(tx, row)
    return Interface(row, ports.port(tx, tx.scope, id), [each.subnet for each in held])


def remove_interface(ctx: Ctx, id: str, wish: InterfaceWish) -> Interface:
    with ctx.write("network.router.detach") as tx:
        row = own(tx, id)
        subnet, port = text(wish.subnet_id), text(wish.port_id)
        if not subnet and not port:
            _check_one(subnet, port)
        found = detach(tx, row, subnet=subnet, port=port)
        tx.audit(id, row.name)
        return found


def detach(tx: Tx, row: Router, *, subnet: str = "", port: str = "") -> Interface:
    legs = [leg for leg in connected(tx, row.id) if leg[2].owner == INTERFACE]
    if subnet:
        mine = [leg for leg in legs if leg[0].id == subnet and (not port or leg[2].id == port)]
        missing = NotFound(
            f"Router {row.id} has no interface on subnet {subnet[:64]}", kind="RouterInterfaceNotFoundForSubnet"
        )
    else:
        mine = [leg for leg in legs if leg[2].id == port]
        missing = NotFound(
            f"Router {row.id} does not have an interface with id {port[:64]}", kind="RouterInterfaceNotFound"
        )
    if not mine:
        raise missing
    leg = mine[0][2]
    _ensure_unused(tx, row, [each[0] for each in mine])
    rest = [each for each in legs if each[2].id == leg.id and each not in mine]
    if rest:
        for _, address, _ in mine:
            ports.free_one(tx, leg.id, address)
    else:
        drop_port(tx, leg, None)
    _changed(tx, row)
    return Interface(row, leg, [each[0].id for each in mine])


def _ensure_unused(tx: Tx, row: Router, subnets: list[Subnet]) -> None:
    floatings = routers.any_floatings_of_router(tx, row.id)
    for subnet in subnets:
        if any(each.fixed and inside(each.fixed, subnet.cidr) for each in floatings):
            raise Conflict(
                f"Router interface for subnet {subnet.id} on router {row.id} cannot be deleted, as it is required by "
                "one or more floating IPs.",
                kind="RouterInterfaceInUseByFloatingIP",
            )
        if any(inside(hop, subnet.cidr) for _, hop in row.routes):
            raise Conflict(
                f"Router interface for subnet {subnet.id} on router {row.id} cannot be deleted, as it is required by "
                "one or more routes.",
                kind="RouterInterfaceInUseByRoute",
            )
