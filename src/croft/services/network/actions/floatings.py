"""What people may do with floating IPs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid, NotFound
from croft.core.ids import new_id
from croft.services.network.actions import access, allocation
from croft.services.network.actions.access import given, said, tag_list, text
from croft.services.network.actions.ports import disassociate
from croft.services.network.model import checks
from croft.services.network.model.addresses import inside
from croft.services.network.model.query import Query
from croft.services.network.model.rows import Fixed, Floating, Network, Port, Subnet, new_mac
from croft.services.network.store import networks, ports, routers, rows, tables
from croft.services.network.wire.shapes import FloatingCreate, FloatingUpdate

Shown = tuple[Floating, Port | None]
"""A floating IP and the port it leads to."""


def create_floatings(ctx: Ctx, wishes: list[FloatingCreate]) -> tuple[list[Shown], int]:
    with ctx.write("network.floating.create", access.owner(ctx, wishes)) as tx:
        access.ensure_room(tx, tables.floating_ip, len(wishes))
        return _shown(tx, [_create(tx, wish) for wish in wishes]), tx.now


def _shown(tx: Tx, found: Sequence[Floating]) -> list[Shown]:
    inner = ports.any_ports(tx, [row.port for row in found if row.port])
    return [(row, inner.get(row.port or "")) for row in found]


def _create(tx: WriteTx, wish: FloatingCreate) -> Floating:
    allocation.lock(tx, wish.floating_network_id)
    network = networks.network(tx, tx.scope, wish.floating_network_id)
    if not network.external:
        raise Invalid(
            f"Bad floatingip request: Network {network.id} is not a valid external network.", kind="BadRequest"
        )
    if text(wish.floating_ip_address):
        access.ensure_may(tx.ctx, "network.floating.choose")
    id = new_id()
    row = Floating(
        id=id,
        project=tx.project,
        name="",
        description=text(wish.description),
        tags=tag_list(wish.tags),
        created=tx.now,
        updated=tx.now,
        revision=1,
        gen=1,
        seen=0,
        deleted=None,
        network=network.id,
        address=_address(tx, network, id, wish),
        mac=new_mac(),
        router=None,
        port=None,
        fixed=None,
        dns_name=checks.dns_name(wish.dns_name),
        dns_domain=wish.dns_domain.lower(),
    )
    rows.insert(tx, tables.floating_ip, row)
    if text(wish.port_id):
        _associate(tx, row, text(wish.port_id), text(wish.fixed_ip_address))
    elif text(wish.fixed_ip_address):
        raise _portless()
    work.wake(tx, "network.floating", id)
    tx.audit(id, row.address)
    return routers.floating(tx, tx.scope, id)


def _portless() -> Invalid:
    return Invalid("Bad floatingip request: fixed_ip_address cannot be specified without a port_id.", kind="BadRequest")


def _address(tx: Tx, network: Network, holder: str, wish: FloatingCreate) -> str:
    subnets = [each for each in networks.subnets_of(tx, network.id) if each.version == 4]
    if text(wish.subnet_id):
        subnets = [each for each in subnets if each.id == wish.subnet_id]
    if not subnets:
        raise Invalid(
            f"Bad floatingip request: Network {network.id} does not contain any IPv4 subnet.", kind="BadRequest"
        )
    if text(wish.floating_ip_address):
        wanted = allocation.canonical(text(wish.floating_ip_address))
        return _certain(tx, network, subnets, holder, wanted).address
    found = allocation.take_from(tx, network.id, subnets, holder)
    assert found is not None
    return found.address


def _certain(tx: Tx, network: Network, subnets: list[Subnet], holder: str, wanted: str) -> Fixed:
    subnet = next((each for each in subnets if inside(wanted, each.cidr)), None)
    if subnet is None:
        raise Invalid(
            f"IP address {wanted} is not a valid IP for any of the subnets on the specified network.",
            kind="InvalidIpForNetwork",
        )
    return allocation.take(tx, subnet, holder, allocation.check(subnet, wanted))


def _associate(tx: WriteTx, row: Floating, port_id: str, fixed: str) -> None:
    port = ports.port(tx, tx.scope, port_id)
    chosen = _fixed(tx, port, fixed)
    router = _router(tx, row, port, chosen)
    for other in routers.any_floatings_of_port(tx, port.id):
        if other.fixed == chosen.address and other.id != row.id:
            raise Conflict(
                f"Cannot associate floating IP {row.address} ({row.id}) with port {port.id} using fixed IP "
                f"{chosen.address}, as that fixed IP already has a floating IP on external network {other.network}.",
                kind="FloatingIPPortAlreadyAssociated",
            )
    changes = {"port": port.id, "fixed": chosen.address, "router": router}
    rows.change(tx, tables.floating_ip, row.id, changes, intent=True)
    work.wake(tx, "network.floating", row.id)


def _fixed(tx: Tx, port: Port, wanted: str) -> Fixed:
    held = [each for each in ports.fixed_of(tx, [port.id]).get(port.id, []) if ":" not in each.address]
    if wanted:
        address = allocation.canonical(wanted)
        found = next((each for each in held if each.address == address), None)
        if found is None:
            raise Invalid(
                f"Bad floatingip request: Port {port.id} does not have fixed ip {address}.", kind="BadRequest"
            )
        return found
    if not held:
        raise Invalid(
            f"Bad floatingip request: Cannot add floating IP to port {port.id} that has no fixed IPv4 addresses.",
            kind="BadRequest",
        )
    if len(held) > 1:
        raise Invalid(
            f"Bad floatingip request: Port {port.id} has multiple fixed IPv4 addresses. Must provide a specific IPv4 "
            "address when assigning a floating IP.",
            kind="BadRequest",
        )
    return held[0]


def _router(tx: Tx, row: Floating, port: Port, fixed: Fixed) -> str:
    """The router between the port's subnet and the floating IP's network: the one that is the gateway, else one of the
    same project; another project's leg in a shared network draws nobody's traffic."""
    subnet = networks.any_subnet(tx, fixed.subnet)
    gateway = subnet.gateway if subnet else None
    found = routers.any_routers_between(tx, fixed.subnet, row.network)
    right = [router for router, address in found if address == gateway]
    right += [router for router, _ in found if _is_of(tx, router, row.project)]
    if not right:
        raise NotFound(
            f"External network {row.network} is not reachable from subnet {fixed.subnet}.  Therefore, cannot "
            f"associate Port {port.id} with a Floating IP.",
            kind="ExternalGatewayForFloatingIPNotFound",
        )
    return right[0]


def _is_of(tx: Tx, router: str, project: str) -> bool:
    row = routers.any_router(tx, router)
    return row is not None and row.project == project


def list_floatings(ctx: Ctx, query: Query) -> tuple[list[Shown], bool, int]:
    with ctx.read("network.floating.list") as tx:
        found, more = routers.FLOATINGS.rows(tx, tx.scope, query)
        return _shown(tx, found), more, tx.now


def show_floating(ctx: Ctx, id: str) -> tuple[Shown, int]:
    with ctx.read("network.floating.show") as tx:
        return _shown(tx, [routers.floating(tx, tx.scope, id)])[0], tx.now


def update_floating(ctx: Ctx, id: str, wish: FloatingUpdate) -> tuple[Shown, int]:
    with ctx.write("network.floating.update") as tx:
        row = routers.floating(tx, tx.scope, id)
        changes: dict[str, Any] = said({"description": wish.description})
        rows.change(tx, tables.floating_ip, id, changes, intent=False)
        port = text(wish.port_id) if given(wish.port_id) else (row.port or "")
        if port and (given(wish.port_id) or given(wish.fixed_ip_address)):
            _associate(tx, row, port, text(wish.fixed_ip_address))
        elif given(wish.port_id) and row.port:
            disassociate(tx, row)
        elif text(wish.fixed_ip_address):
            raise _portless()
        tx.audit(id, row.address)
        return _shown(tx, [routers.floating(tx, tx.scope, id)])[0], tx.now


def delete_floating(ctx: Ctx, id: str) -> None:
    with ctx.write("network.floating.delete") as tx:
        row = routers.floating(tx, tx.scope, id)
        drop_floating(tx, row)
        tx.audit(id, row.address)


def drop_floating(tx: Tx, row: Floating) -> None:
    """Its address is free again once no router translates it any more."""
    rows.change(tx, tables.floating_ip, row.id, {"deleted": tx.now}, intent=True)
    work.wake(tx, "network.floating", row.id)
