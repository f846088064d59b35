"""What a subnet may look like. Every function returns the canonical value or raises `Invalid` or `Conflict`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from croft.core.errors import Conflict, Invalid
from croft.services.network.model.addresses import (
    Range,
    address,
    default_gateway,
    default_pools,
    in_pools,
    inside,
    overlapping,
    prefix,
    usable,
)
from croft.services.network.model.rows import Subnet

MAX_NAMESERVERS = 5
MAX_ROUTES = 20
_LINK_LOCAL = "fe80::/10"


def invalid(message: str) -> Invalid:
    return Invalid(f"Invalid input for operation: {message}", kind="InvalidInput")


def cidr(text: str, version: int | None) -> tuple[int, str]:
    """(IP version, canonical prefix)."""
    try:
        net = prefix(text.strip())
    except ValueError as error:
        raise Invalid(f"Invalid input for cidr. Reason: '{text[:60]}' is not a valid IP subnet.") from error
    if version is not None and net.version != version:
        raise invalid(f"cidr '{net}' does not match the ip_version '{version}'.")
    first = net.network_address
    if net.prefixlen == 0 or first.is_multicast or first.is_loopback or first.is_link_local or first.is_unspecified:
        raise invalid(f"Invalid CIDR {net}: nothing can be numbered from it.")
    return net.version, str(net)


def check_modes(version: int, text: str, ra_mode: str, address_mode: str, *, dhcp: bool) -> None:
    net = prefix(text)
    if version == 4:
        if ra_mode or address_mode:
            raise invalid("ipv6_ra_mode and ipv6_address_mode are for IPv6 subnets.")
        if dhcp and net.prefixlen > 30:
            raise invalid(f"{net} is too small for DHCP.")
        return
    if (ra_mode or address_mode) and not dhcp:
        raise invalid("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False.")
    if ra_mode and address_mode and ra_mode != address_mode:
        raise invalid(
            f"ipv6_ra_mode set to '{ra_mode}' with ipv6_address_mode set to '{address_mode}' is not valid. If both "
            "attributes are set, they must be the same value"
        )
    if {ra_mode, address_mode} & {"slaac", "dhcpv6-stateless"} and net.prefixlen != 64:
        raise invalid(
            f"Invalid CIDR {net} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the "
            "prefix to be /64"
        )


def check_overlap(text: str, other: Subnet, network: str) -> None:
    if overlapping(text, other.cidr):
        raise invalid(
            f"Requested subnet with cidr: {text} for network: {network} overlaps with another subnet "
            f"({other.cidr}, {other.id})."
        )


def gateway(wanted: Any, text: str) -> str | None:
    """`None` for none, empty text for the usual one."""
    if wanted is None:
        return None
    if not wanted:
        return default_gateway(text)
    found = _address(wanted, "gateway_ip")
    net = prefix(text)
    low, high = usable(text)
    if net.version == 6 and inside(found, _LINK_LOCAL):
        return found
    if address(found).version != net.version or not low <= int(address(found)) <= high:
        raise invalid(f"Gateway {found} is not valid on subnet {text}.")
    return found


def _address(text: str, name: str) -> str:
    try:
        return str(address(text))
    except ValueError as error:
        raise Invalid(f"Invalid input for {name}. Reason: '{text[:60]}' is not a valid IP address.") from error


def pools(wanted: Sequence[Range] | None, text: str, gateway_ip: str | None) -> list[Range]:
    """The ranges that addresses are handed out from; all but the gateway when none are given."""
    if wanted is None:
        return default_pools(text, gateway_ip)
    low, high = usable(text)
    version = prefix(text).version
    found = [(_address(start, "allocation_pools"), _address(end, "allocation_pools")) for start, end in wanted]
    for start, end in found:
        first, last = address(start), address(end)
        if first.version != version or last.version != version or int(first) > int(last):
            raise Invalid(f"The allocation pool {start}-{end} is not valid.", kind="InvalidAllocationPool")
        if int(first) < low or int(last) > high:
            raise Invalid(
                f"The allocation pool {start}-{end} spans beyond the subnet cidr {text}.",
                kind="OutOfBoundsAllocationPool",
            )
    ordered = sorted(found, key=lambda each: int(address(each[0])))
    for one, other in pairwise(ordered):
        if int(address(one[1])) >= int(address(other[0])):
            raise Conflict(
                f"Found overlapping allocation pools: {one[0]}-{one[1]} {other[0]}-{other[1]} for subnet {text}.",
                kind="OverlappingAllocationPools",
            )
    check_gateway_outside(gateway_ip, found)
    return found


def check_gateway_outside(gateway_ip: str | None, ranges: Iterable[Sequence[str]]) -> None:
    if gateway_ip is not None and in_pools(gateway_ip, ranges):
        raise Conflict(
            f"Gateway ip {gateway_ip} conflicts with an allocation pool.", kind="GatewayConflictWithAllocationPools"
        )


def nameservers(wanted: Sequence[str]) -> list[str]:
    found = [_address(each, "dns_nameservers") for each in wanted]
    if len(set(found)) != len(found):
        raise Invalid("Invalid input for dns_nameservers. Reason: Duplicate nameserver.")
    if len(found) > MAX_NAMESERVERS:
        raise Invalid(
            f"The number of DNS nameservers exceeds the limit {MAX_NAMESERVERS}.", kind="DNSNameServersExhausted"
        )
    return found


def routes(wanted: Sequence[tuple[str, str]], version: int | None, most: int = MAX_ROUTES) -> list[tuple[str, str]]:
    """(destination, next hop) pairs of one IP version, each once."""
    found = []
    for destination, hop in wanted:
        try:
            net, via = prefix(destination), address(hop)
        except ValueError as error:
            raise Invalid(f"Invalid route {destination[:60]} via {hop[:60]}: {error}.") from error
        if via.version != net.version or (version is not None and net.version != version):
            raise invalid(f"Route {destination} via {hop} mixes IP versions.")
        found.append((str(net), str(via)))
    if len(set(found)) != len(found):
        raise Invalid("Invalid input for routes. Reason: Duplicate route.")
    if len(found) > most:
        raise Invalid(f"The number of routes exceeds the limit {most}.", kind="HostRoutesExhausted")
    return found


def mac(text: str) -> str:
    """Lower case with colons; `Invalid` for none, nobody's and everybody's. Group addresses pass, as in Neutron."""
    plain = text.lower().replace("-", ":").replace(".", "")
    digits = plain.replace(":", "")
    if len(digits) != 12 or any(letter not in "0123456789abcdef" for letter in digits):
        raise Invalid(f"Invalid input for mac_address. Reason: '{text[:40]}' is not a valid MAC address.")
    found = ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    if found in {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}:
        raise Invalid(f"Invalid input for mac_address. Reason: '{text[:40]}' cannot be the address of one port.")
    return found


def pair_address(text: str) -> str:
    """The address or prefix of an allowed address pair; a single address loses its length."""
    try:
        net = prefix(text)
    except ValueError as error:
        raise Invalid(f"'{text[:60]}' is not a valid IP address or prefix.") from error
    if net.num_addresses == 1:
        return str(net.network_address)
    return str(net)


def dns_name(text: str) -> str:
    """A host name, without or with its domain."""
    name = text.lower()
    labels = name.rstrip(".").split(".") if name else []
    for label in labels:
        plain = label.replace("-", "")
        if (
            not 1 <= len(label) <= 63
            or label[0] == "-"
            or label[-1] == "-"
            or not (plain.isascii() and plain.isalnum())
        ):
            raise Invalid(f"'{text[:80]}' is not a valid DNS name.")
    return name
