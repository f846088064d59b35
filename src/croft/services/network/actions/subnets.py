"""What people may do with subnets. A subnet is part of its network: changing it is a new generation of the network."""

from __future__ import annotations

from typing import Any

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid
from croft.core.ids import new_id
from croft.services.network.actions import access, allocation, prefixes
from croft.services.network.actions.access import given, said, tag_list, text
from croft.services.network.model import checks
from croft.services.network.model.addresses import eui64, key, prefix
from croft.services.network.model.query import Query
from croft.services.network.model.rows import (
    DISTRIBUTED,
    INTERFACE,
    Network,
    Port,
    Subnet,
    metadata_device,
    new_mac,
)
from croft.services.network.store import networks, ports, rows, tables
from croft.services.network.wire.shapes import SubnetCreate, SubnetUpdate


def lock_network(tx: Tx, network: str) -> None:
    allocation.lock(tx, network)


def create_subnets(ctx: Ctx, wishes: list[SubnetCreate]) -> list[Subnet]:
    with ctx.write("network.subnet.create", access.owner(ctx, wishes)) as tx:
        access.ensure_room(tx, tables.subnet, len(wishes))
        made = []
        for network_id in sorted({wish.network_id for wish in wishes}):
            lock_network(tx, network_id)
        for wish in wishes:
            network = networks.network(tx, tx.scope, wish.network_id)
            access.ensure_own(tx, network.project, "network")
            made.append(create_subnet(tx, network, wish))
        return made


def create_subnet(tx: WriteTx, network: Network, wish: SubnetCreate) -> Subnet:
    """The caller holds the network's lock and has counted the quota."""
    row = new_subnet(tx, tx.project, network, wish, prefixes.decide(tx, wish))
    tx.audit(row.id, row.name)
    return row


def new_subnet(
    tx: Tx, project: str, network: Network, wish: SubnetCreate, decided: tuple[int, str, str | None]
) -> Subnet:
    version, cidr, pool = decided
    ra_mode, address_mode = text(wish.ipv6_ra_mode), text(wish.ipv6_address_mode)
    checks.check_modes(version, cidr, ra_mode, address_mode, dhcp=wish.enable_dhcp)
    for other in networks.subnets_of(tx, network.id):
        checks.check_overlap(cidr, other, network.id)
    gateway = checks.gateway(wish.gateway_ip if given(wish.gateway_ip) else "", cidr)
    pools = checks.pools(_ranges(wish.allocation_pools), cidr, gateway)
    net = prefix(cidr)
    row = Subnet(
        id=new_id(),
        project=project,
        name=wish.name,
        description=text(wish.description),
        tags=tag_list(wish.tags),
        created=tx.now,
        updated=tx.now,
        revision=1,
        network=network.id,
        version=version,
        cidr=cidr,
        first=key(int(net.network_address)),
        last=key(int(net.broadcast_address)),
        gateway=gateway,
        dhcp=wish.enable_dhcp,
        pools=pools,
        dns=checks.nameservers(wish.dns_nameservers or []),
        routes=checks.routes(_routes(wish.host_routes), version),
        ra_mode=ra_mode,
        address_mode=address_mode,
        pool=pool,
    )
    rows.insert(tx, tables.subnet, row)
    _changed(tx, network)
    if row.automatic:
        _address_plugs(tx, row)
    return row


def _ranges(value: Any) -> list[tuple[str, str]] | None:
    return [(each.start, each.end) for each in value] if isinstance(value, list) else None


def _routes(value: Any) -> list[tuple[str, str]]:
    return [(each.destination, each.nexthop) for each in value] if isinstance(value, list) else []


def _changed(tx: Tx, network: Network) -> None:
    """A new generation of the network, with its metadata port in every IPv4 subnet that serves DHCP."""
    serve_metadata(tx, network)
    rows.change(tx, tables.network, network.id, {}, intent=True)
    work.wake(tx, "network.network", network.id)


def _address_plugs(tx: Tx, subnet: Subnet) -> None:
    """Guests take an address in a new SLAAC subnet by themselves, so their ports must hold it."""
    for port in ports.ports_in(tx, subnet.network):
        if not port.internal:
            allocation.take(tx, subnet, port.id, eui64(subnet.cidr, port.mac))
            rows.change(tx, tables.port, port.id, {}, intent=True)
            work.wake(tx, "network.port", port.id)


def serve_metadata(tx: Tx, network: Network) -> None:
    wanted = {each.id: each for each in networks.subnets_of(tx, network.id) if each.version == 4 and each.dhcp}
    port = ports.metadata_port(tx, network.id)
    held = ports.fixed_of(tx, [port.id]).get(port.id, []) if port else []
    if port is None:
        if not wanted:
            return
        port = _metadata_port(tx, network)
    for each in held:
        if each.subnet not in wanted:
            ports.free_one(tx, port.id, each.address)
    have = {each.subnet for each in held}
    taken = [allocation.take_any(tx, subnet, port.id) for id, subnet in wanted.items() if id not in have]
    if not (have & wanted.keys()) and not any(taken):
        rows.any_drop(tx, tables.port, port.id)


def _metadata_port(tx: Tx, network: Network) -> Port:
    row = Port(
        id=new_id(),
        project=network.project,
        name="",
        description="",
        tags=[],
        created=tx.now,
        updated=tx.now,
        revision=1,
        gen=1,
        seen=1,
        deleted=None,
        network=network.id,
        admin_up=True,
        mac=new_mac(),
        device=metadata_device(network.id),
        owner=DISTRIBUTED,
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


def list_subnets(ctx: Ctx, query: Query) -> tuple[list[Subnet], bool]:
    with ctx.read("network.subnet.list") as tx:
        return networks.SUBNETS.rows(tx, tx.scope, query)


def show_subnet(ctx: Ctx, id: str) -> Subnet:
    with ctx.read("network.subnet.show") as tx:
        return networks.subnet(tx, tx.scope, id)


def _own(tx: WriteTx, id: str) -> tuple[Subnet, Network]:
    """A subnet to be changed, under its network's lock."""
    row = networks.subnet(tx, tx.scope, id)
    access.ensure_own(tx, row.project, "subnet")
    lock_network(tx, row.network)
    network = networks.any_network(tx, row.network)
    if network is None:
        raise networks.no_subnet(id)
    return networks.subnet(tx, tx.scope, id), network


def update_subnet(ctx: Ctx, id: str, wish: SubnetUpdate) -> Subnet:
    with ctx.write("network.subnet.update") as tx:
        row, network = _own(tx, id)
        changes = said({"name": wish.name, "description": wish.description, "dhcp": wish.enable_dhcp})
        if given(wish.gateway_ip):
            changes["gateway"] = _new_gateway(tx, row, wish.gateway_ip)
        if isinstance(wish.allocation_pools, list):
            ranges = _ranges(wish.allocation_pools)
            changes["pools"] = checks.pools(ranges, row.cidr, changes.get("gateway", row.gateway))
        elif "gateway" in changes:
            checks.check_gateway_outside(changes["gateway"], row.pools)
        if given(wish.dns_nameservers):
            changes["dns"] = checks.nameservers(wish.dns_nameservers or [])
        if given(wish.host_routes):
            changes["routes"] = checks.routes(_routes(wish.host_routes), row.version)
        if changes.get("dhcp") is False and (row.ra_mode or row.address_mode):
            raise Invalid(
                "DHCP cannot be disabled while ipv6_ra_mode or ipv6_address_mode is set.", kind="InvalidInput"
            )
        rows.change(tx, tables.subnet, id, changes, intent=False)
        if changes.keys() - {"name", "description"}:
            _changed(tx, network)
        tx.audit(id, row.name)
        return networks.subnet(tx, tx.scope, id)


def _new_gateway(tx: Tx, row: Subnet, wanted: Any) -> str | None:
    gateway = checks.gateway(wanted, row.cidr)
    if row.gateway and gateway != row.gateway:
        for address, port in ports.users_of_subnet(tx, row.id):
            if address == row.gateway and port.owner == INTERFACE:
                raise Conflict(
                    f"Current gateway ip {row.gateway} already in use by port {port.id}. Unable to update.",
                    kind="GatewayIpInUse",
                )
    return gateway


def delete_subnet(ctx: Ctx, id: str) -> None:
    with ctx.write("network.subnet.delete") as tx:
        row, network = _own(tx, id)
        drop_subnet(tx, row, network)
        tx.audit(id, row.name)


def drop_subnet(tx: Tx, row: Subnet, network: Network) -> None:
    """Refused while ports hold addresses of it, unless those come and go with it (SLAAC)."""
    users = [(address, port) for address, port in ports.users_of_subnet(tx, row.id) if port.owner != DISTRIBUTED]
    blocking = [port.id for _, port in users if port.internal or not row.automatic]
    if blocking or ports.any_floating_uses(tx, row.id):
        raise Conflict(
            f"Unable to complete operation on subnet {row.id}: One or more ports have an IP allocation from this "
            f"subnet{': ' if blocking else ''}{', '.join(blocking[:20])}.",
            kind="SubnetInUse",
        )
    rows.any_drop(tx, tables.subnet, row.id)
    for _, port in users:
        rows.change(tx, tables.port, port.id, {}, intent=True)
        work.wake(tx, "network.port", port.id)
    _changed(tx, network)
