"""What people may do with routers, but for their interfaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid
from croft.core.ids import new_id
from croft.services.network.actions import access, allocation
from croft.services.network.actions.access import given, said, tag_list, text
from croft.services.network.actions.ports import drop_port
from croft.services.network.model import checks
from croft.services.network.model.addresses import inside, overlapping
from croft.services.network.model.query import Query
from croft.services.network.model.rows import GATEWAY, INTERFACE, Network, Port, Router, Subnet, new_mac
from croft.services.network.store import networks, ports, routers, rows, tables
from croft.services.network.wire.shapes import FixedIp, GatewayInfo, RouterCreate, RouterUpdate

Shown = tuple[Router, list[tuple[str, str]]]
"""A router and the (subnet, address) pairs of its leg in the external network."""
MAX_ROUTES = 30


def create_routers(ctx: Ctx, wishes: list[tuple[RouterCreate, GatewayInfo | None]]) -> tuple[list[Shown], int]:
    with ctx.write("network.router.create", access.owner(ctx, [wish for wish, _ in wishes])) as tx:
        access.ensure_room(tx, tables.router, len(wishes))
        made = []
        for wish, info in wishes:
            row = create_router(tx, wish)
            if info is not None:
                set_gateway(tx, row, info)
            made.append(_shown(tx, row.id))
        return made, tx.now


def create_router(tx: WriteTx, wish: RouterCreate) -> Router:
    row = Router(
        id=new_id(),
        project=tx.project,
        name=wish.name,
        description=text(wish.description),
        tags=tag_list(wish.tags),
        created=tx.now,
        updated=tx.now,
        revision=1,
        gen=1,
        seen=0,
        deleted=None,
        admin_up=wish.admin_state_up,
        external=None,
        snat=True,
        routes=[],
    )
    rows.insert(tx, tables.router, row)
    work.wake(tx, "network.router", row.id)
    tx.audit(row.id, row.name)
    return row


def _shown(tx: Tx, id: str) -> Shown:
    row = routers.any_router(tx, id)
    assert row is not None
    return row, routers.gateway_addresses(tx, [id]).get(id, []) if row.external else []


def list_routers(ctx: Ctx, query: Query) -> tuple[list[Shown], bool, int]:
    with ctx.read("network.router.list") as tx:
        found, more = routers.ROUTERS.rows(tx, tx.scope, query)
        outside = routers.gateway_addresses(tx, [row.id for row in found if row.external])
        return [(row, outside.get(row.id, [])) for row in found], more, tx.now


def show_router(ctx: Ctx, id: str) -> tuple[Shown, int]:
    with ctx.read("network.router.show") as tx:
        return _shown(tx, routers.router(tx, tx.scope, id).id), tx.now


def update_router(ctx: Ctx, id: str, wish: RouterUpdate, info: GatewayInfo | None) -> tuple[Shown, int]:
    with ctx.write("network.router.update") as tx:
        row = own(tx, id)
        changes = said({"name": wish.name, "description": wish.description, "admin_up": wish.admin_state_up})
        if given(wish.external_gateway_info):
            if info is None:
                clear_gateway(tx, row)
            else:
                set_gateway(tx, row, info)
        if given(wish.routes):
            asked = [(each.destination, each.nexthop) for each in wish.routes or []]
            changes["routes"] = _checked(tx, row, asked)
        intent = bool(changes.keys() - {"description"})
        rows.change(tx, tables.router, id, changes, intent=intent)
        if intent:
            work.wake(tx, "network.router", id)
        tx.audit(id, row.name)
        return _shown(tx, id), tx.now


def change_routes(ctx: Ctx, id: str, asked: Sequence[tuple[str, str]], *, add: bool) -> tuple[Shown, int]:
    """Adds or removes some, leaving the others alone."""
    with ctx.write("network.router.route") as tx:
        row = own(tx, id)
        some = checks.routes(asked, None, MAX_ROUTES)
        have = [(each[0], each[1]) for each in row.routes]
        if add:
            wanted = _checked(tx, row, have + [each for each in some if each not in have])
        else:
            wanted = [each for each in have if each not in some]
        rows.change(tx, tables.router, id, {"routes": wanted}, intent=True)
        work.wake(tx, "network.router", id)
        tx.audit(id, row.name)
        return _shown(tx, id), tx.now


def _checked(tx: Tx, row: Router, asked: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    found = checks.routes(asked, None, MAX_ROUTES)
    legs = connected(tx, row.id)
    own_addresses = {address for _, address, _ in legs}
    for destination, hop in found:
        if hop in own_addresses or not any(inside(hop, subnet.cidr) for subnet, _, _ in legs):
            raise Invalid(
                f"Invalid format for routes: {destination} via {hop}, the nexthop is not connected with router",
                kind="InvalidRoutes",
            )
    return found


def own(tx: WriteTx, id: str) -> Router:
    """A router to be changed, under its lock."""
    routers.router(tx, tx.scope, id)
    tx.lock(f"router:{id}")
    return routers.router(tx, tx.scope, id)


def connected(tx: Tx, router: str) -> list[tuple[Subnet, str, Port]]:
    """(subnet, the router's address there, its port) of all legs."""
    legs = [port for port in ports.of_device(tx, router) if port.owner in {INTERFACE, GATEWAY}]
    held = ports.fixed_of(tx, [port.id for port in legs]) if legs else {}
    subnets = networks.any_subnets(tx, [each.subnet for several in held.values() for each in several])
    return [(subnets[each.subnet], each.address, port) for port in legs for each in held.get(port.id, [])]


def set_gateway(tx: WriteTx, row: Router, info: GatewayInfo) -> None:
    if given(info.enable_snat) and info.enable_snat != row.snat:
        access.ensure_may(tx.ctx, "network.router.snat")
    wishes = info.external_fixed_ips if isinstance(info.external_fixed_ips, list) else []
    allocation.lock(tx, info.network_id)
    network = networks.network(tx, tx.scope, info.network_id)
    if not network.external:
        raise Invalid(f"Bad router request: Network {network.id} is not an external network.", kind="BadRequest")
    subnets = networks.subnets_of(tx, network.id)
    current = gateway_port(tx, row.id)
    stays = current is not None and row.external == network.id and _satisfied(tx, current, wishes)
    if not stays:
        if any(given(each.ip_address) for each in wishes):
            access.ensure_may(tx.ctx, "network.router.choose")
        if current is not None:
            if row.external != network.id:
                _ensure_no_floating(tx, row)
            drop_port(tx, current, network)
        _add_gateway(tx, row, network, subnets, wishes)
    changes: dict[str, Any] = {"external": network.id}
    if isinstance(info.enable_snat, bool):
        changes["snat"] = info.enable_snat
    elif row.external is None:
        changes["snat"] = True
    rows.change(tx, tables.router, row.id, changes, intent=True)
    work.wake(tx, "network.router", row.id)


def _satisfied(tx: Tx, port: Port, wishes: Sequence[FixedIp]) -> bool:
    """Whether the leg holds all that is asked for, so that it keeps its addresses."""
    held = ports.fixed_of(tx, [port.id]).get(port.id, [])
    return all(
        any(
            (not given(wish.subnet_id) or each.subnet == wish.subnet_id)
            and (not isinstance(wish.ip_address, str) or each.address == allocation.canonical(wish.ip_address))
            for each in held
        )
        for wish in wishes
    )


def _add_gateway(
    tx: WriteTx, row: Router, network: Network, subnets: Sequence[Subnet], wishes: Sequence[FixedIp]
) -> None:
    port = internal_port(tx, network.id, row.id, GATEWAY, project="")
    taken = allocation.external(tx, network, port.id, wishes, subnets)
    chosen = {each.id: each for each in subnets}
    inner = [subnet for subnet, _, leg in connected(tx, row.id) if leg.owner == INTERFACE]
    for each in taken:
        for other in inner:
            ensure_apart(chosen[each.subnet].cidr, other)


def ensure_apart(cidr: str, other: Subnet) -> None:
    if overlapping(cidr, other.cidr):
        raise Invalid(
            f"Bad router request: Cidr {cidr} overlaps with cidr {other.cidr} of subnet {other.id}.", kind="BadRequest"
        )


def internal_port(tx: Tx, network: str, router: str, owner: str, *, project: str) -> Port:
    """A port that is part of a router, not a plug of its own."""
    row = Port(
        id=new_id(),
        project=project,
        name="",
        description="",
        tags=[],
        created=tx.now,
        updated=tx.now,
        revision=1,
        gen=1,
        seen=1,
        deleted=None,
        network=network,
        admin_up=True,
        mac=new_mac(),
        device=router,
        owner=owner,
        host="",
        security=False,
        dns_name="",
        pairs=[],
        vnic="normal",
        profile={},
        plugged=False,
        nic_tag="",
        up=True,
        at="",
    )
    rows.insert(tx, tables.port, row)
    return row


def gateway_port(tx: Tx, router: str) -> Port | None:
    return next((port for port in ports.of_device(tx, router) if port.owner == GATEWAY), None)


def _ensure_no_floating(tx: Tx, row: Router) -> None:
    if routers.any_floatings_of_router(tx, row.id):
        raise Conflict(
            f"Gateway cannot be updated for router {row.id}, since a gateway to external network {row.external} is "
            "required by one or more floating IPs.",
            kind="RouterExternalGatewayInUseByFloatingIp",
        )


def clear_gateway(tx: Tx, row: Router) -> None:
    if row.external is None:
        return
    _ensure_no_floating(tx, row)
    port = gateway_port(tx, row.id)
    if port is not None:
        drop_port(tx, port, None)
    rows.change(tx, tables.router, row.id, {"external": None, "snat": True}, intent=True)
    work.wake(tx, "network.router", row.id)


def delete_router(ctx: Ctx, id: str) -> None:
    with ctx.write("network.router.delete") as tx:
        row = own(tx, id)
        drop_router(tx, row)
        tx.audit(id, row.name)


def drop_router(tx: Tx, row: Router) -> None:
    legs = ports.of_device(tx, row.id)
    if any(port.owner == INTERFACE for port in legs):
        raise Conflict(f"Router {row.id} still has ports", kind="RouterInUse")
    clear_gateway(tx, row)
    rows.change(tx, tables.router, row.id, {"deleted": tx.now}, intent=True)
    work.wake(tx, "network.router", row.id)
