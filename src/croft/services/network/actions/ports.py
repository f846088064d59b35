"""What people may do with ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Forbidden, Invalid
from croft.core.ids import is_uuid, new_id
from croft.services.network.actions import access, allocation, groups
from croft.services.network.actions.access import given, said, tag_list, text
from croft.services.network.model import checks
from croft.services.network.model.addresses import eui64
from croft.services.network.model.query import Query
from croft.services.network.model.rows import (
    DISTRIBUTED,
    GATEWAY,
    INTERFACE,
    INTERNAL,
    Fixed,
    Floating,
    Network,
    Port,
    new_mac,
)
from croft.services.network.store import networks, ports, routers, rows, tables
from croft.services.network.store.waking import wake_all, wake_server
from croft.services.network.wire.shapes import FixedIp, Pair, PortCreate, PortUpdate

Shown = tuple[Port, list[Fixed], list[str], str]
"""A port, its addresses, its groups, and the DNS domain of its network."""
MAX_PAIRS = 10


def create_ports(ctx: Ctx, wishes: list[PortCreate]) -> tuple[list[Shown], int]:
    with ctx.write("network.port.create", access.owner(ctx, wishes)) as tx:
        access.ensure_room(tx, tables.port, len(wishes))
        for network_id in sorted({wish.network_id for wish in wishes}):
            allocation.lock(tx, network_id)
        return [create_port(tx, networks.network(tx, tx.scope, wish.network_id), wish) for wish in wishes], tx.now


def create_port(tx: WriteTx, network: Network, wish: PortCreate, *, plugged: bool = False, nic_tag: str = "") -> Shown:
    """The caller holds the network's lock and has counted the quota."""
    _ensure_allowed(tx, network, wish)
    security = network.port_security if wish.port_security_enabled is UNSET else bool(wish.port_security_enabled)
    own_filter = security and not text(wish.device_owner).startswith(INTERNAL)
    chosen = _groups(tx, wish.security_groups, security=own_filter)
    row = _new_port(tx, network, wish, security=security, plugged=plugged, nic_tag=nic_tag)
    rows.insert(tx, tables.port, row)
    wishes = wish.fixed_ips if isinstance(wish.fixed_ips, list) else None
    fixed = allocation.for_port(tx, network, row.id, row.mac, wishes, networks.subnets_of(tx, network.id))
    ports.add_groups(tx, row.id, chosen)
    work.wake(tx, "network.port", row.id)
    tx.audit(row.id, row.name)
    return row, fixed, chosen, network.dns_domain


def _new_port(tx: WriteTx, network: Network, wish: PortCreate, *, security: bool, plugged: bool, nic_tag: str) -> Port:
    mac = _mac(tx, network.id, wish.mac_address)
    return Port(
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
        network=network.id,
        admin_up=wish.admin_state_up is not False,
        mac=mac,
        device=text(wish.device_id),
        owner=text(wish.device_owner),
        host=text(wish.host_id),
        security=security,
        dns_name=checks.dns_name(text(wish.dns_name)),
        pairs=_pairs(wish.allowed_address_pairs, mac, security=security),
        vnic="normal",
        profile=wish.profile if isinstance(wish.profile, dict) else {},
        plugged=plugged,
        nic_tag=nic_tag,
        up=False,
        at="",
    )


def _ensure_allowed(tx: WriteTx, network: Network, wish: PortCreate | PortUpdate) -> None:
    """What only operators, or only the network's owners, may say."""
    if text(wish.device_owner).startswith(INTERNAL):
        access.ensure_may(tx.ctx, "network.port.intrude")
    if text(wish.host_id) or (isinstance(wish.profile, dict) and wish.profile):
        access.ensure_may(tx.ctx, "network.port.bind")
    if tx.scope.covers(network.project):
        return
    if not network.shared and isinstance(wish, PortCreate):
        raise Forbidden(f"Only operators may make ports in network {network.id}; use a floating IP or a router.")
    wants_address = isinstance(wish.fixed_ips, list) and any(given(each.ip_address) for each in wish.fixed_ips)
    if (
        text(wish.mac_address)
        or wish.port_security_enabled is False
        or (isinstance(wish.allowed_address_pairs, list) and wish.allowed_address_pairs)
        or wants_address
    ):
        access.ensure_may(tx.ctx, "network.port.spoof")


def _ensure_not_moved(tx: WriteTx, row: Port, wish: PortUpdate) -> None:
    """What makes a port part of a router, or of the network itself, is not for people to change; nor is its host."""
    moved = (given(wish.device_id) and wish.device_id != row.device) or (
        given(wish.device_owner) and wish.device_owner != row.owner
    )
    if row.internal and moved:
        access.ensure_may(tx.ctx, "network.port.intrude")
    if given(wish.host_id) and text(wish.host_id) != row.host:
        access.ensure_may(tx.ctx, "network.port.bind")


def _groups(tx: WriteTx, asked: Any, *, security: bool) -> list[str]:
    if isinstance(asked, list) and asked:
        if not security:
            raise Invalid(
                "Port security must be enabled and port must have an IP address in order to use a security group.",
                kind="PortSecurityAndIPRequiredForSecurityGroups",
            )
        return groups.resolve(tx, tx.scope, asked)
    if isinstance(asked, list) or not security:
        return []
    return [groups.default_group(tx, tx.project).id]


def _mac(tx: Tx, network: str, asked: Any) -> str:
    if isinstance(asked, str):
        wanted = checks.mac(asked)
        if ports.with_mac(tx, network, wanted) is not None:
            raise Conflict(
                f"Unable to complete operation for network {network}. The mac address {wanted} is in use.",
                kind="MacAddressInUse",
            )
        return wanted
    while True:
        found = new_mac()
        if ports.with_mac(tx, network, found) is None:
            return found


def _pairs(asked: Any, mac: str, *, security: bool) -> list[tuple[str, str]]:
    if not isinstance(asked, list) or not asked:
        return []
    if not security:
        raise Conflict(
            "Port Security must be enabled in order to have allowed address pairs on a port.",
            kind="AddressPairAndPortSecurityRequired",
        )
    if len(asked) > MAX_PAIRS:
        raise Invalid(
            f"The number of allowed address pair exceeds the maximum {MAX_PAIRS}.", kind="AllowedAddressPairExhausted"
        )
    found = [_pair(each, mac) for each in asked]
    if len(set(found)) != len(found):
        raise Invalid("Request contains duplicate address pair.", kind="DuplicateAddressPairInRequest")
    return found


def _pair(each: Pair, mac: str) -> tuple[str, str]:
    own = checks.mac(each.mac_address) if isinstance(each.mac_address, str) else mac
    return own, checks.pair_address(each.ip_address)


def list_ports(ctx: Ctx, query: Query) -> tuple[list[Shown], bool, int]:
    with ctx.read("network.port.list") as tx:
        found, more = ports.PORTS.rows(tx, tx.scope, query)
        return shown(tx, found), more, tx.now


def shown(tx: Tx, found: Sequence[Port]) -> list[Shown]:
    ids = [row.id for row in found]
    if not ids:
        return []
    fixed, members = ports.fixed_of(tx, ids), ports.groups_of(tx, ids)
    domains = networks.any_domains(tx, {row.network for row in found if row.dns_name})
    return [(row, fixed.get(row.id, []), members.get(row.id, []), domains.get(row.network, "")) for row in found]


def show_port(ctx: Ctx, id: str) -> tuple[Shown, int]:
    with ctx.read("network.port.show") as tx:
        return shown(tx, [ports.port(tx, tx.scope, id)])[0], tx.now


def update_port(ctx: Ctx, id: str, wish: PortUpdate) -> tuple[Shown, int]:
    with ctx.write("network.port.update") as tx:
        row = ports.port(tx, tx.scope, id)
        allocation.lock(tx, row.network)
        row = ports.port(tx, tx.scope, id)
        network = networks.any_network(tx, row.network)
        if network is None:
            raise networks.no_network(row.network)
        _ensure_allowed(tx, network, wish)
        _ensure_not_moved(tx, row, wish)
        changes = _changes(tx, row, wish)
        _update_groups(tx, row, wish, changes)
        mac = changes.get("mac", row.mac)
        if isinstance(wish.fixed_ips, list) or mac != row.mac:
            _readdress(tx, network, row, mac, wish.fixed_ips if isinstance(wish.fixed_ips, list) else None)
        intent = _is_intent(wish)
        rows.change(tx, tables.port, id, changes, intent=intent)
        if intent:
            changed(tx, row)
        if "device" in changes or "owner" in changes:
            wake_server(tx, changes.get("device", row.device), changes.get("owner", row.owner))
        tx.audit(id, row.name)
        return shown(tx, [ports.port(tx, tx.scope, id)])[0], tx.now


def _is_intent(wish: PortUpdate) -> bool:
    parts = (
        wish.admin_state_up, wish.fixed_ips, wish.mac_address, wish.security_groups, wish.port_security_enabled,
        wish.allowed_address_pairs, wish.dns_name, wish.device_owner,
    )  # fmt: skip
    return any(given(each) for each in parts)


def _changes(tx: WriteTx, row: Port, wish: PortUpdate) -> dict[str, Any]:
    changes = said(
        {
            "name": wish.name,
            "description": wish.description,
            "admin_up": wish.admin_state_up,
            "device": wish.device_id,
            "owner": wish.device_owner,
            "host": wish.host_id,
            "security": wish.port_security_enabled,
        }
    )
    if isinstance(wish.mac_address, str) and checks.mac(wish.mac_address) != row.mac:
        if row.host:
            raise Conflict(f"Unable to complete operation on port {row.id}, port is already bound.", kind="PortBound")
        changes["mac"] = _mac(tx, row.network, wish.mac_address)
    if isinstance(wish.dns_name, str):
        changes["dns_name"] = checks.dns_name(wish.dns_name)
    if given(wish.profile):
        changes["profile"] = wish.profile or {}
    security = changes.get("security", row.security)
    if given(wish.allowed_address_pairs):
        changes["pairs"] = _pairs(wish.allowed_address_pairs, changes.get("mac", row.mac), security=security)
    elif not security and row.pairs:
        raise Conflict(
            "Port Security must be enabled in order to have allowed address pairs on a port.",
            kind="AddressPairAndPortSecurityRequired",
        )
    return changes


def _update_groups(tx: WriteTx, row: Port, wish: PortUpdate, changes: dict[str, Any]) -> None:
    security = changes.get("security", row.security)
    if given(wish.security_groups):
        ports.set_groups(tx, row.id, _groups(tx, wish.security_groups or [], security=security))
    elif not security and ports.groups_of(tx, [row.id]):
        raise Conflict(
            "Port has security group associated. Cannot disable port security or ip address until security group is "
            "removed",
            kind="PortSecurityPortHasSecurityGroup",
        )


def _readdress(tx: Tx, network: Network, row: Port, mac: str, wishes: Sequence[FixedIp] | None) -> None:
    """Keeps what is still wanted, frees the rest, takes what is new."""
    held = ports.fixed_of(tx, [row.id]).get(row.id, [])
    subnets = networks.subnets_of(tx, network.id)
    automatic = {each.id for each in subnets if each.automatic}
    kept, new = _split(held, wishes) if wishes is not None else (list(held), [])
    if mac != row.mac:
        kept = [each for each in kept if each.subnet not in automatic]
    elif wishes:
        kept += [each for each in held if each.subnet in automatic and each not in kept]
    for each in held:
        if each not in kept:
            ports.free_one(tx, row.id, each.address)
            _unfloat(tx, routers.any_floatings_of_port(tx, row.id), each.address)
    if new:
        allocation.wished(tx, network.id, row.id, "" if row.internal else mac, new, subnets)
    if mac != row.mac and not row.internal and (wishes is None or wishes):
        for subnet in subnets:
            if subnet.automatic:
                allocation.take(tx, subnet, row.id, eui64(subnet.cidr, mac))


def _split(held: Sequence[Fixed], wishes: Sequence[FixedIp]) -> tuple[list[Fixed], list[FixedIp]]:
    """(addresses held already that a wish names, wishes left)."""
    if len(wishes) > allocation.MAX_FIXED:
        raise Invalid("Exceeded maximum amount of fixed ips per port.", kind="InvalidInput")
    kept: list[Fixed] = []
    new: list[FixedIp] = []
    for wish in sorted(wishes, key=lambda each: each.ip_address is UNSET):
        wanted = allocation.canonical(wish.ip_address) if isinstance(wish.ip_address, str) else None
        match = next(
            (
                each
                for each in held
                if each not in kept
                and (wanted is None or each.address == wanted)
                and (not given(wish.subnet_id) or each.subnet == wish.subnet_id)
                and (wanted is not None or given(wish.subnet_id))
            ),
            None,
        )
        if match is None:
            new.append(wish)
        else:
            kept.append(match)
    return kept, new


def _unfloat(tx: Tx, floatings: Sequence[Floating], fixed: str | None = None) -> None:
    for each in floatings:
        if fixed is None or each.fixed == fixed:
            disassociate(tx, each)


def disassociate(tx: Tx, floating: Floating) -> None:
    rows.change(tx, tables.floating_ip, floating.id, {"port": None, "fixed": None, "router": None}, intent=True)
    work.wake(tx, "network.floating", floating.id)


def changed(tx: Tx, row: Port) -> None:
    """Wakes whoever realizes this port, and what depends on its owner."""
    work.wake(tx, "network.port", row.id)
    if row.owner in {INTERFACE, GATEWAY} and is_uuid(row.device):
        rows.change(tx, tables.router, row.device, {}, intent=True)
        work.wake(tx, "network.router", row.device)
    wake_all(tx, "network.floating", [each.id for each in routers.any_floatings_of_port(tx, row.id)])


def delete_port(ctx: Ctx, id: str) -> None:
    with ctx.write("network.port.delete") as tx:
        row = ports.port(tx, tx.scope, id)
        if row.owner in {INTERFACE, GATEWAY, DISTRIBUTED}:
            raise Conflict(
                f"Port {id} cannot be deleted directly via the port API: has device owner {row.owner}.",
                kind="ServicePortInUse",
            )
        drop_port(tx, row, networks.any_network(tx, row.network))
        tx.audit(id, row.name)


def drop_port(tx: Tx, row: Port, network: Network | None) -> None:
    """Asks for its end. Its address is free again once the fabric let go of it, in networks of one project at once."""
    _unfloat(tx, routers.any_floatings_of_port(tx, row.id))
    ports.drop_groups(tx, row.id)
    if row.owner in {INTERFACE, DISTRIBUTED}:
        ports.free(tx, row.id)
        rows.any_drop(tx, tables.port, row.id)
        return
    if network is not None and network.private and row.owner != GATEWAY:
        ports.free(tx, row.id)
    rows.change(tx, tables.port, row.id, {"deleted": tx.now}, intent=True)
    if row.owner != GATEWAY:
        work.wake(tx, "network.port", row.id)
    wake_server(tx, row.device, row.owner)
