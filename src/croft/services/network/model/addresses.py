"""Arithmetic of addresses, prefixes and allocation pools; text in, canonical text out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network
Range = tuple[str, str]
_LOW = (1 << 64) - 1
_HALF = 1 << 63


@lru_cache(maxsize=4096)
def address(text: str) -> Address:
    """ValueError when it is none."""
    return ipaddress.ip_address(text)


@lru_cache(maxsize=4096)
def prefix(text: str) -> Prefix:
    """Host bits are cut off, as Neutron does. ValueError when it is none."""
    return ipaddress.ip_network(text, strict=False)


def key(number: int) -> str:
    """A number as text that sorts like it; ranges of subnets are compared by these."""
    return f"{number:032x}"


def slot(number: int) -> int:
    """An address within its subnet, as a signed 64-bit integer that sorts like it."""
    return (number & _LOW) - _HALF


def slot_range(start: str, end: str) -> tuple[int, int, int]:
    """(first slot, last slot, what to add to a slot) of the part of a range within its first 2^64 addresses."""
    low, high = int(address(start)), int(address(end))
    high = min(high, low | _LOW)
    upper = (low >> 64) << 64
    return slot(low), slot(high), upper + _HALF


def at(number: int, version: int) -> str:
    return str(ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number))


def eui64(cidr: str, mac: str) -> str:
    """The SLAAC address of a MAC in a /64 (RFC 4291, appendix A)."""
    parts = bytearray.fromhex(mac.replace(":", ""))
    parts[0] ^= 2
    host = int.from_bytes(parts[:3] + b"\xff\xfe" + parts[3:])
    return str(ipaddress.IPv6Address(int(prefix(cidr).network_address) | host))


def usable(cidr: str) -> tuple[int, int]:
    """First and last address a host may have. IPv6 has no broadcast; its lowest is the routers' anycast address."""
    net = prefix(cidr)
    low, high = int(net.network_address), int(net.broadcast_address)
    if net.num_addresses <= 2:
        return low, high
    return low + 1, high - (1 if net.version == 4 else 0)


def default_gateway(cidr: str) -> str:
    return at(usable(cidr)[0], prefix(cidr).version)


def default_pools(cidr: str, gateway: str | None) -> list[Range]:
    """All usable addresses but the gateway's."""
    net = prefix(cidr)
    low, high = usable(cidr)
    ranges = [(low, high)]
    if gateway is not None and low <= int(address(gateway)) <= high:
        point = int(address(gateway))
        ranges = [(low, point - 1), (point + 1, high)]
    return [(at(start, net.version), at(end, net.version)) for start, end in ranges if start <= end]


def inside(text: str, cidr: str) -> bool:
    return address(text) in prefix(cidr)


def in_pools(text: str, pools: Iterable[Sequence[str]]) -> bool:
    number = int(address(text))
    return any(int(address(start)) <= number <= int(address(end)) for start, end in pools)


def overlapping(one: str, other: str) -> bool:
    first, second = prefix(one), prefix(other)
    return first.version == second.version and first.overlaps(second)


def merged(prefixes: Iterable[str]) -> list[str]:
    """The same addresses in the fewest prefixes, in order."""
    nets = [prefix(text) for text in prefixes]
    four = [net for net in nets if isinstance(net, ipaddress.IPv4Network)]
    six = [net for net in nets if isinstance(net, ipaddress.IPv6Network)]
    return [str(net) for net in (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))]


def aligned(number: int, length: int, version: int) -> int:
    """The first multiple of a prefix of that length at or after a number."""
    size = 1 << ((32 if version == 4 else 128) - length)
    return -(-number // size) * size
