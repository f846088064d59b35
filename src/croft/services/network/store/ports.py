"""SQL of ports, their addresses and their groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from croft.core import work
from croft.core.db import Tx, one_of
from croft.core.errors import Invalid, NotFound
from croft.core.policy import Scope
from croft.services.network.model.rows import (
    COMPUTE,
    DEADLINE,
    DISTRIBUTED,
    GATEWAY,
    INTERFACE,
    INTERNAL,
    Fixed,
    Plug,
    Port,
    metadata_device,
)
from croft.services.network.store import tables
from croft.services.network.store.listing import NOW, PROJECT, Condition, Listing, standard, status_filter
from croft.services.network.store.rows import raw

MOST_PARTS = 10
_port = tables.port
_allocation = tables.allocation
_member = tables.port_group
_SINCE = work.work.c.since
PORT = (
    sa.select(*_port.c, _SINCE)
    .select_from(_port.outerjoin(work.work, work.joined("network.port", _port.c.id)))
)  # fmt: skip
_BY_ID: sa.BindParameter[str] = sa.bindparam("id")
_ANY_PORT = PORT.where(_port.c.id == _BY_ID)
_IS_INTERNAL = _port.c.owner.startswith(INTERNAL)
_STATUS = sa.case((_SINCE < NOW - DEADLINE, "ERROR"), (sa.or_(_port.c.up, _IS_INTERNAL), "ACTIVE"), else_="DOWN")


def _with_address(texts: Sequence[str]) -> Condition:
    """`fixed_ips=ip_address=10.0.0.3`, `subnet_id=…`, `ip_address_substr=…`; all of them must hold."""
    words: dict[str, list[str]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        words.setdefault(name, []).append(value)
    conditions: list[Condition] = []
    if "ip_address" in words:
        conditions.append(_allocation.c.address.in_(words["ip_address"]))
    if "subnet_id" in words or "subnet" in words:
        conditions.append(_allocation.c.subnet.in_(words.get("subnet_id", []) + words.get("subnet", [])))
    parts = list(dict.fromkeys(words.get("ip_address_substr", [])))
    if len(parts) > MOST_PARTS:
        raise Invalid(f"A list can be asked for at most {MOST_PARTS} parts of addresses.")
    for part in parts:
        conditions.append(_allocation.c.address.contains(part, autoescape=True))
    return _port.c.id.in_(sa.select(_allocation.c.holder).where(*conditions))


def _in_groups(texts: Sequence[str]) -> Condition:
    return _port.c.id.in_(sa.select(_member.c.port).where(_member.c.group_id.in_(texts)))


PORTS: Listing[Port] = Listing(
    Port,
    _port,
    PORT.where(_port.c.deleted.is_(None)),
    _port.c.project == PROJECT,
    {
        **standard(_port),
        "network_id": _port.c.network,
        "admin_state_up": _port.c.admin_up,
        "mac_address": _port.c.mac,
        "device_id": _port.c.device,
        "device_owner": _port.c.owner,
        "binding:host_id": _port.c.host,
        "port_security_enabled": _port.c.security,
        "dns_name": _port.c.dns_name,
        "fixed_ips": _with_address,
        "security_groups": _in_groups,
        "security_group_ids": _in_groups,
        "status": status_filter(_STATUS),
    },
    "PortNotFound",
)
_FIXED = (
    sa.select(_allocation.c.holder, _allocation.c.subnet, _allocation.c.address)
    .where(one_of(_allocation.c.holder, "ids"))
)  # fmt: skip
_GROUPS = (
    sa.select(_member.c.port, _member.c.group_id)
    .where(one_of(_member.c.port, "ids"))
    .order_by(_member.c.port, _member.c.group_id)
)


def any_port(tx: Tx, id: str) -> Port | None:
    return tx.first(Port, _ANY_PORT, {"id": id})


def port(tx: Tx, scope: Scope, id: str) -> Port:
    row = any_port(tx, id)
    if row is None or row.deleted is not None or not scope.covers(row.project):
        raise NotFound(f"Port {id[:64]} could not be found.", kind="PortNotFound")
    return row


def fixed_of(tx: Tx, ids: Sequence[str]) -> dict[str, list[Fixed]]:
    """Addresses by holder, IPv4 first."""
    found: dict[str, list[Fixed]] = {}
    for row in raw(tx, _FIXED, {"ids": list(ids)}):
        found.setdefault(row[0], []).append(Fixed(row[0], row[1], row[2]))
    for several in found.values():
        if len(several) > 1 and not (len(several) == 2 and _is_six(several[1]) and not _is_six(several[0])):
            several.sort(key=_order)
    return found


def _is_six(fixed: Fixed) -> bool:
    return ":" in fixed.address


def _order(fixed: Fixed) -> tuple[bool, str, str]:
    return _is_six(fixed), fixed.subnet, fixed.address


def groups_of(tx: Tx, ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for holder, group in raw(tx, _GROUPS, {"ids": list(ids)}):
        found.setdefault(holder, []).append(group)
    return found


_IN_NETWORK = sa.and_(_port.c.network == sa.bindparam("network"), _port.c.deleted.is_(None))
_PORTS_IN = PORT.where(_IN_NETWORK).order_by(_port.c.id)
_IDS_IN = sa.select(_port.c.id).where(_port.c.network == sa.bindparam("network")).order_by(_port.c.id)
_PLUGS_IN = sa.select(_port.c.id).where(_IN_NETWORK, sa.not_(_IS_INTERNAL)).order_by(_port.c.id)
_DEVICES_IN = (
    sa.select(_port.c.device)
    .where(_IN_NETWORK, sa.or_(_port.c.owner == INTERFACE, _port.c.owner == GATEWAY))
    .distinct()
    .order_by(_port.c.device)
)
_OF_DEVICE = PORT.where(_port.c.device == sa.bindparam("device")).order_by(_port.c.id)
_PLUGS = (
    sa.select(
        _port.c.id, _port.c.device, _port.c.project, _port.c.network, tables.network.c.name, tables.network.c.mtu,
        _port.c.mac, _port.c.gen, _port.c.seen, _port.c.deleted, _port.c.up, _port.c.nic_tag, _port.c.plugged,
    )
    .join(tables.network, tables.network.c.id == _port.c.network)
    .where(one_of(_port.c.device, "devices"), _port.c.owner.startswith(COMPUTE))
    .order_by(_port.c.id)
)  # fmt: skip
_LIVE_OF_DEVICE = PORT.where(_port.c.device == sa.bindparam("device"), _port.c.deleted.is_(None)).order_by(_port.c.id)


def ports_in(tx: Tx, network: str) -> list[Port]:
    return tx.all(Port, _PORTS_IN, {"network": network})


def any_ids_in(tx: Tx, network: str) -> list[str]:
    """Of all ports of a network, also of those on their way out."""
    return [row[0] for row in raw(tx, _IDS_IN, {"network": network})]


def any_plugs_in(tx: Tx, network: str) -> list[str]:
    return [row[0] for row in raw(tx, _PLUGS_IN, {"network": network})]


def any_routers_in(tx: Tx, network: str) -> list[str]:
    return [row[0] for row in raw(tx, _DEVICES_IN, {"network": network})]


def any_of_device(tx: Tx, device: str) -> list[Port]:
    """Also those on their way out."""
    return tx.all(Port, _OF_DEVICE, {"device": device})


def of_device(tx: Tx, device: str) -> list[Port]:
    return tx.all(Port, _LIVE_OF_DEVICE, {"device": device})


def metadata_port(tx: Tx, network: str) -> Port | None:
    """The network's own, not one that people gave the same device."""
    return next((row for row in of_device(tx, metadata_device(network)) if row.owner == DISTRIBUTED), None)


def any_plugs(tx: Tx, servers: Sequence[str]) -> list[Plug]:
    return tx.all(Plug, _PLUGS, {"devices": list(servers)}) if servers else []


_ADD_MEMBER = sa.insert(_member)
_DROP_MEMBERS = sa.delete(_member).where(_member.c.port == _BY_ID)


def set_groups(tx: Tx, id: str, groups: Iterable[str]) -> None:
    tx.run(_DROP_MEMBERS, {"id": id})
    add_groups(tx, id, groups)


def add_groups(tx: Tx, id: str, groups: Iterable[str]) -> None:
    rows = [{"port": id, "group_id": group} for group in groups]
    if rows:
        tx.run(_ADD_MEMBER, rows)


def drop_groups(tx: Tx, id: str) -> None:
    tx.run(_DROP_MEMBERS, {"id": id})


_ADD_ADDRESS = sa.insert(_allocation)
_FREE = sa.delete(_allocation).where(_allocation.c.holder == _BY_ID)
_FREE_ONE = sa.delete(_allocation).where(
    _allocation.c.holder == _BY_ID, _allocation.c.address == sa.bindparam("address")
)
_HOLDER = sa.select(_allocation.c.holder).where(
    _allocation.c.network == sa.bindparam("network"), _allocation.c.address == sa.bindparam("address")
)


def allocate(tx: Tx, network: str, subnet: str, address: str, slot: int, holder: str) -> None:
    values: dict[str, Any] = {"network": network, "address": address, "subnet": subnet, "slot": slot, "holder": holder}
    tx.run(_ADD_ADDRESS, values)


def holder_of(tx: Tx, network: str, address: str) -> str | None:
    found: str | None = tx.scalar(_HOLDER, {"network": network, "address": address})
    return found


def free(tx: Tx, holder: str) -> None:
    tx.run(_FREE, {"id": holder})


def free_one(tx: Tx, holder: str, address: str) -> None:
    tx.run(_FREE_ONE, {"id": holder, "address": address})


_IN_RANGE = sa.and_(
    _allocation.c.subnet == sa.bindparam("subnet"),
    _allocation.c.slot >= sa.bindparam("low"),
    _allocation.c.slot <= sa.bindparam("high"),
)
_ENDS = sa.select(
    sa.select(sa.func.min(_allocation.c.slot)).where(_IN_RANGE).scalar_subquery(),
    sa.select(sa.func.max(_allocation.c.slot)).where(_IN_RANGE).scalar_subquery(),
)
_next = _allocation.alias("follower")
_GAP = (
    sa.select(_allocation.c.slot + 1)
    .where(
        _IN_RANGE,
        _allocation.c.slot < sa.bindparam("high"),
        ~sa.exists().where(_next.c.subnet == _allocation.c.subnet, _next.c.slot == _allocation.c.slot + 1),
    )
    .order_by(_allocation.c.slot)
    .limit(1)
)


def next_slot(tx: Tx, subnet: str, low: int, high: int) -> int | None:
    """A free slot of a range: the one after the highest taken, else the lowest gap; None when it is full."""
    values = {"subnet": subnet, "low": low, "high": high}
    (least, most) = raw(tx, _ENDS, values)[0]
    if most is None:
        return low
    if most < high:
        return int(most) + 1
    if least > low:
        return low
    found: int | None = tx.scalar(_GAP, values)
    return found


_USERS = (
    sa.select(_allocation.c.address, *_port.c)
    .select_from(_allocation.join(_port, _port.c.id == _allocation.c.holder))
    .where(_allocation.c.subnet == sa.bindparam("subnet"), _port.c.deleted.is_(None))
    .order_by(_port.c.id)
)


def users_of_subnet(tx: Tx, subnet: str) -> list[tuple[str, Port]]:
    """(address, port) of all that hold an address of a subnet."""
    return [(row[0], Port(*row[1:])) for row in raw(tx, _USERS, {"subnet": subnet})]


_USED_PER_SUBNET = (
    sa.select(_allocation.c.subnet, sa.func.count())
    .where(_allocation.c.network == sa.bindparam("network"))
    .group_by(_allocation.c.subnet)
)


def used_per_subnet(tx: Tx, network: str) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in raw(tx, _USED_PER_SUBNET, {"network": network})}


_WITH_MAC = sa.select(_port.c.id).where(_IN_NETWORK, _port.c.mac == sa.bindparam("mac"))


def with_mac(tx: Tx, network: str, mac: str) -> str | None:
    found: str | None = tx.scalar(_WITH_MAC, {"network": network, "mac": mac})
    return found


_floating = tables.floating_ip
_FLOATING_USES = (
    sa.select(_floating.c.id)
    .select_from(_allocation.join(_floating, _floating.c.id == _allocation.c.holder))
    .where(_allocation.c.subnet == sa.bindparam("subnet"), _floating.c.deleted.is_(None))
    .limit(1)
)


def any_floating_uses(tx: Tx, subnet: str) -> bool:
    return tx.scalar(_FLOATING_USES, {"subnet": subnet}) is not None


_NAMED_GROUPS = (
    sa.select(_member.c.port, _member.c.group_id, tables.security_group.c.name)
    .select_from(_member.join(tables.security_group, tables.security_group.c.id == _member.c.group_id))
    .where(one_of(_member.c.port, "ids"))
    .order_by(_member.c.port, _member.c.group_id)
)


def named_groups_of(tx: Tx, ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """(id, name) of each port's groups."""
    found: dict[str, list[tuple[str, str]]] = {}
    for holder, group, name in raw(tx, _NAMED_GROUPS, {"ids": list(ids)}):
        found.setdefault(holder, []).append((group, name))
    return found


_SOME = PORT.where(one_of(_port.c.id, "ids"), _port.c.deleted.is_(None))


def any_ports(tx: Tx, ids: Sequence[str]) -> dict[str, Port]:
    return {row.id: row for row in tx.all(Port, _SOME, {"ids": list(ids)})} if ids else {}
