"""Where somebody knocks from, as far as limits tell places apart."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from croft.core.errors import CroftError

NOWHERE = "-"
"""A client without an address (a socket of this machine)."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network_of(address: str) -> str:
    """An IPv4 address itself, of IPv6 the /64: its holder has all the addresses in it."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return NOWHERE
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((found, 64), strict=False))
    return str(found)


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise CroftError(f"address_exempt: {error}. Write networks like 192.0.2.7 or 2001:db8::/48.") from error


def within(network: str, networks: Iterable[Network]) -> bool:
    first = ipaddress.ip_network(network)
    return any(first.version == each.version and first.network_address in each for each in networks)
