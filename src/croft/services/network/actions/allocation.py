"""Handing out addresses: exact, in the transaction that needs them, under the network's lock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET

from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid
from croft.services.network.model.addresses import address, at, eui64, inside, slot, slot_range, usable
from croft.services.network.model.rows import Fixed, Network, Subnet
from croft.services.network.model.specs import subnet_of
from croft.services.network.store import ports
from croft.services.network.wire.shapes import FixedIp

MAX_FIXED = 5


def lock(tx: Tx, network: str) -> None:
    """Held by whoever hands out addresses there: others' networks are not covered by the project's own lock."""
    tx.lock(f"network:{network}")


def canonical(text: str) -> str:
    try:
        return str(address(text))
    except ValueError as error:
        raise Invalid(f"'{text[:60]}' is not a valid IP address.") from error


def take(tx: Tx, subnet: Subnet, holder: str, wanted: str) -> Fixed:
    """A certain address; `Conflict` when somebody has it."""
    if ports.holder_of(tx, subnet.network, wanted) is not None:
        raise Conflict(f"IP address {wanted} already allocated in subnet {subnet.id}", kind="IpAddressAlreadyAllocated")
    ports.allocate(tx, subnet.network, subnet.id, wanted, slot(int(address(wanted))), holder)
    return Fixed(holder, subnet.id, wanted)


def take_any(tx: Tx, subnet: Subnet, holder: str) -> Fixed | None:
    """The next free address of the subnet's pools; None when they are full."""
    for start, end in subnet.pools:
        low, high, offset = slot_range(start, end)
        found = ports.next_slot(tx, subnet.id, low, high)
        if found is not None:
            chosen = at(found + offset, subnet.version)
            ports.allocate(tx, subnet.network, subnet.id, chosen, found, holder)
            return Fixed(holder, subnet.id, chosen)
    return None


def exhausted(network: str) -> Conflict:
    return Conflict(f"No more IP addresses available on network {network}.", kind="IpAddressGenerationFailure")


def take_from(tx: Tx, network: str, subnets: Iterable[Subnet], holder: str) -> Fixed | None:
    """An address of the first subnet that has one left; None when there is no subnet at all."""
    candidates = list(subnets)
    for subnet in candidates:
        found = take_any(tx, subnet, holder)
        if found is not None:
            return found
    if candidates:
        raise exhausted(network)
    return None


def for_port(
    tx: Tx, network: Network, holder: str, mac: str, wishes: Sequence[FixedIp] | None, subnets: Sequence[Subnet]
) -> list[Fixed]:
    """Addresses for a plug. Without wishes one of each IP version; SLAAC subnets always add theirs."""
    automatic = [each for each in subnets if each.automatic]
    if wishes is None:
        chosen = [each for each in subnets if not each.automatic]
        taken = [take_from(tx, network.id, (s for s in chosen if s.version == v), holder) for v in (4, 6)]
        found = [each for each in taken if each is not None]
    elif not wishes:
        return []
    else:
        found = wished(tx, network.id, holder, mac, wishes, subnets)
    have = {each.subnet for each in found}
    return found + [take(tx, each, holder, eui64(each.cidr, mac)) for each in automatic if each.id not in have]


def wished(
    tx: Tx, network: str, holder: str, mac: str, wishes: Sequence[FixedIp], subnets: Sequence[Subnet]
) -> list[Fixed]:
    """The addresses asked for, certain ones before any ones."""
    if len(wishes) > MAX_FIXED:
        raise Invalid("Exceeded maximum amount of fixed ips per port.", kind="InvalidInput")
    by_id = {each.id: each for each in subnets}
    found, open_wishes = [], []
    for wish in wishes:
        subnet = _subnet(wish, network, by_id)
        if wish.ip_address is UNSET:
            open_wishes.append(subnet)
        else:
            found.append(take(tx, subnet, holder, check(subnet, str(wish.ip_address), mac)))
    for subnet in open_wishes:
        if subnet.automatic:
            found.append(take(tx, subnet, holder, eui64(subnet.cidr, mac)))
        elif (one := take_any(tx, subnet, holder)) is not None:
            found.append(one)
        else:
            raise exhausted(network)
    return found


def _subnet(wish: FixedIp, network: str, by_id: dict[str, Subnet]) -> Subnet:
    if isinstance(wish.subnet_id, str):
        if wish.subnet_id not in by_id:
            raise Invalid(
                f"Failed to create port on network {network}, because fixed_ips included invalid subnet "
                f"{wish.subnet_id}",
                kind="InvalidInput",
            )
        return by_id[wish.subnet_id]
    if wish.ip_address is UNSET:
        raise Invalid("IP allocation requires subnet_id or ip_address", kind="InvalidInput")
    found = subnet_of(canonical(str(wish.ip_address)), by_id.values())
    if found is None:
        raise Invalid(
            f"IP address {wish.ip_address} is not a valid IP for any of the subnets on the specified network.",
            kind="InvalidIpForNetwork",
        )
    return found


def check(subnet: Subnet, text: str, mac: str = "") -> str:
    """The address in canonical form, if a host may have it in that subnet."""
    wanted = canonical(text)
    low, high = usable(subnet.cidr)
    if not (inside(wanted, subnet.cidr) and low <= int(address(wanted)) <= high):
        raise Invalid(f"IP address {wanted} is not a valid IP for the specified subnet.", kind="InvalidIpForSubnet")
    if mac and subnet.automatic and wanted != eui64(subnet.cidr, mac):
        raise Invalid(
            f"IPv6 address {wanted} can not be directly assigned to a port on subnet {subnet.id} since the subnet is "
            "configured for automatic addresses",
            kind="AllocationOnAutoAddressSubnet",
        )
    return wanted


def external(
    tx: Tx, network: Network, holder: str, wishes: Sequence[FixedIp] | None, subnets: Sequence[Subnet]
) -> list[Fixed]:
    """Addresses for a router's leg in an external network: one of each IP version, or those asked for."""
    if wishes:
        return wished(tx, network.id, holder, "", wishes, subnets)
    taken = [take_from(tx, network.id, (s for s in subnets if s.version == v), holder) for v in (4, 6)]
    return [each for each in taken if each is not None]
