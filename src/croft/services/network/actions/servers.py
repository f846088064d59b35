"""What the compute service does with networks, always in its own open transaction, so that a server and its ports
are made and unmade together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import UNSET

from croft.core import work
from croft.core.ctx import WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Forbidden, Invalid, NotFound
from croft.core.ids import is_uuid
from croft.core.policy import Scope
from croft.services.network.actions import access, allocation, groups, topology
from croft.services.network.actions.ports import changed, create_port, drop_port
from croft.services.network.model.checks import dns_name
from croft.services.network.model.rows import COMPUTE, Group, Network, Port
from croft.services.network.store import groups as group_store
from croft.services.network.store import networks, ports, routers, rows, tables
from croft.services.network.wire.shapes import FixedIp, PortCreate

OWNER = "compute:nova"


class NicWish(msgspec.Struct, frozen=True):
    """One network device of a new server: a network (with an address in it, if said) or a ready port."""

    network: str | None = None
    port: str | None = None
    fixed_ip: str | None = None
    tag: str = ""


class ServerPort(msgspec.Struct, frozen=True, gc=False):
    """A server's network device."""

    id: str
    server: str
    project: str
    """Whose it is: anybody may name any server as the device of a port, so only the server's own project counts."""
    network: str
    network_name: str
    mac: str
    mtu: int
    fixed: list[tuple[str, str, int]]
    """(address, subnet id, IP version), IPv4 first."""
    floating: list[tuple[str, str]]
    """(fixed address, floating address)."""
    ready: bool
    """The fabric holds it as it is wanted."""
    up: bool
    groups: list[tuple[str, str]]
    """(id, name)."""
    deleted: bool
    tag: str
    made: bool
    """Made for the server, and to end with it."""


def plug(
    tx: WriteTx,
    server: str,
    wishes: Sequence[NicWish] | Literal["auto", "none"],
    groups: Sequence[str],
    hostname: str,
) -> list[Port]:
    """Makes or adopts the server's ports, in the order of the wishes.

    `NotFound` names a network or port that is not there, `Invalid` one that cannot serve, `Conflict` an ambiguous
    choice or a taken port or address, `QuotaExceeded` too many ports."""
    if wishes == "none":
        return []
    named = [NicWish(network=_only_network(tx).id)] if isinstance(wishes, str) else list(wishes)
    chosen = _groups(tx, groups)
    fresh = [wish for wish in named if wish.port is None]
    access.count_room(tx, tables.port, len(fresh))
    found = {id: _network(tx, id) for id in {wish.network or "" for wish in fresh}}
    for id in sorted(found):
        allocation.lock(tx, id)
    made = []
    for wish in named:
        if wish.port is not None:
            made.append(_adopt(tx, server, wish, hostname))
        else:
            made.append(_make(tx, server, found[wish.network or ""], wish, chosen, hostname))
    return made


def _only_network(tx: WriteTx) -> Network:
    """The one network the project has; if it has none, it gets one."""
    usable = networks.usable_networks(tx, tx.project)
    if len(usable) > 1:
        raise Conflict("Multiple possible networks found, use a Network ID to be more specific.")
    return usable[0] if usable else topology.ensure_topology(tx)


def _network(tx: WriteTx, id: str) -> Network:
    row = networks.any_network(tx, id)
    if row is None or row.deleted is not None or not (tx.scope.covers(row.project) or row.shared or row.external):
        raise NotFound(f"Network {id[:64]} could not be found.", kind="NetworkNotFound")
    if row.external and not row.shared and not tx.ctx.actor.is_admin:
        raise Forbidden(f"It is not allowed to create an interface on external network {id}")
    if not networks.subnets_of(tx, id):
        raise Invalid(f"Network {id} has no subnet, so its servers would have no address: create one first.")
    return row


def _groups(tx: WriteTx, names: Sequence[str]) -> list[str]:
    """Ids of security groups given by name or id."""
    wanted = dict.fromkeys(names or [groups.DEFAULT])
    return list(dict.fromkeys(_group(tx, tx.scope, tx.project, name).id for name in wanted))


def _group(tx: Tx, scope: Scope, project: str, name: str) -> Group:
    if is_uuid(name):
        found = [row for row in group_store.groups(tx, scope, [name]) if row.project == project]
    elif name == groups.DEFAULT:
        found = [groups.default_group(tx, project)]
    else:
        found = group_store.groups_named(tx, project, name)
    if len(found) > 1:
        raise Conflict(f"Multiple security groups found matching '{name[:64]}'. Use an ID to be more specific.")
    if not found:
        raise Invalid(f"Security group {name[:64]} not found for project {project}.")
    return found[0]


def _make(tx: WriteTx, server: str, network: Network, wish: NicWish, chosen: Sequence[str], hostname: str) -> Port:
    secure = network.port_security
    asked = PortCreate(
        network_id=network.id,
        device_id=server,
        device_owner=OWNER,
        security_groups=list(chosen) if secure else [],
        dns_name=_host_label(hostname),
        fixed_ips=[FixedIp(ip_address=wish.fixed_ip)] if wish.fixed_ip else UNSET,
    )
    return create_port(tx, network, asked, plugged=True, nic_tag=wish.tag)[0]


def _host_label(hostname: str) -> str:
    """A name the fabric's DNS can hold, or none."""
    try:
        return dns_name(hostname.split(".", maxsplit=1)[0][:63])
    except Invalid:
        return ""


def _adopt(tx: WriteTx, server: str, wish: NicWish, hostname: str) -> Port:
    row = ports.port(tx, tx.scope, wish.port or "")
    tx.lock(f"port:{row.id}")
    row = ports.port(tx, tx.scope, row.id)
    if row.project != tx.project:
        raise Invalid(f"Port {row.id} not usable for instance {server}: it belongs to another project.")
    if row.device:
        raise Conflict(f"Port {row.id} is still in use.", kind="PortInUse")
    if not ports.fixed_of(tx, [row.id]):
        raise Invalid(f"Port {row.id} requires a FixedIP in order to be used.")
    changes = {"device": server, "owner": OWNER, "nic_tag": wish.tag, "plugged": False}
    if not row.dns_name:
        changes["dns_name"] = _host_label(hostname)
    rows.change(tx, tables.port, row.id, changes, intent=True)
    changed(tx, row)
    return ports.port(tx, tx.scope, row.id)


def unplug(tx: Tx, server: str) -> None:
    """Deletes the ports made for a server and sets the adopted ones free. Repeatable."""
    for row in ports.of_device(tx, server):
        unplug_port(tx, row)


def unplug_port(tx: Tx, row: Port) -> None:
    """The same for one of its ports."""
    if row.plugged:
        drop_port(tx, row, networks.any_network(tx, row.network))
    elif row.owner.startswith(COMPUTE):
        changes = {"device": "", "owner": "", "host": "", "nic_tag": ""}
        rows.change(tx, tables.port, row.id, changes, intent=True)
        changed(tx, row)


def bind(tx: Tx, server: str, host: str) -> None:
    """Says on which host the server's ports are to be."""
    for row in ports.of_device(tx, server):
        if row.host != host:
            rows.change(tx, tables.port, row.id, {"host": host}, intent=False)
            work.wake(tx, "network.port", row.id)


def ports_of(tx: Tx, servers: Sequence[str]) -> dict[str, list[ServerPort]]:
    """The network devices of servers, oldest first; also those being removed."""
    found = ports.any_plugs(tx, servers)
    if not found:
        return {}
    ids = [row.id for row in found]
    fixed, members = ports.fixed_of(tx, ids), ports.named_groups_of(tx, ids)
    floating: dict[str, list[tuple[str, str]]] = {}
    for each in routers.any_floatings_of_ports(tx, ids):
        floating.setdefault(each.port or "", []).append((each.fixed or "", each.address))
    by_server: dict[str, list[ServerPort]] = {}
    for row in found:
        by_server.setdefault(row.device, []).append(
            ServerPort(
                id=row.id,
                server=row.device,
                project=row.project,
                network=row.network,
                network_name=row.network_name,
                mac=row.mac,
                mtu=row.mtu,
                fixed=[(f.address, f.subnet, 6 if ":" in f.address else 4) for f in fixed.get(row.id, ())],
                floating=floating.get(row.id, []),
                ready=row.seen >= row.gen and row.deleted is None,
                up=row.up,
                groups=members.get(row.id, []),
                deleted=row.deleted is not None,
                tag=row.nic_tag,
                made=row.plugged,
            )
        )
    return by_server


def any_server_at(tx: Tx, network: str, address: str) -> str | None:
    """The server that holds an address of a network: who asks for metadata."""
    holder = ports.holder_of(tx, network, address)
    row = ports.any_port(tx, holder) if holder else None
    return row.device if row and row.owner.startswith(COMPUTE) and row.deleted is None else None


def add_group(tx: Tx, scope: Scope, server: str, name: str) -> None:
    """Nova's addSecurityGroup: every port of the server joins."""
    mine = [row for row in ports.of_device(tx, server) if scope.covers(row.project) and row.security]
    if not mine:
        raise Conflict(f"Server {server} has no port that a security group could apply to.")
    project = mine[0].project
    mine = [row for row in mine if row.project == project]
    group = _group(tx, scope, project, name)
    have = ports.groups_of(tx, [row.id for row in mine])
    for row in mine:
        if group.id not in have.get(row.id, []):
            ports.add_groups(tx, row.id, [group.id])
            rows.change(tx, tables.port, row.id, {}, intent=True)
            work.wake(tx, "network.port", row.id)


def remove_group(tx: Tx, scope: Scope, server: str, name: str) -> None:
    mine = [row for row in ports.of_device(tx, server) if scope.covers(row.project)]
    project = mine[0].project if mine else scope.own
    group = _group(tx, scope, project, name)
    have = ports.groups_of(tx, [row.id for row in mine]) if mine else {}
    members = [row for row in mine if group.id in have.get(row.id, [])]
    if not members:
        raise NotFound(f"Security group {name[:64]} is not associated with the server {server}.")
    for row in members:
        ports.set_groups(tx, row.id, [id for id in have[row.id] if id != group.id])
        rows.change(tx, tables.port, row.id, {}, intent=True)
        work.wake(tx, "network.port", row.id)
