"""The way out through this machine's own network: addresses, routes marked as ours, and masquerading for IPv4.

Touches only the devices it is given, its own nftables table and routes with its own protocol number. Whether the
machine forwards at all, and what other firewalls drop, is reported by `obstacles` and never changed here."""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

from croft.core.errors import Rejected, Unavailable
from croft.drivers.uplink import Gateway, Route
from croft.drivers.uplink.commands import Commands
from croft.drivers.uplink.translation import Translation, check_translated

PROTOCOL = 199
"""In no list of routing protocols; `ip route show proto 199` shows ours."""
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


class LinuxUplink:
    """`device`: its other end is the provider network `physnet`. `tag` tells this cloud's table from another's.
    `netns` is for tests and for machines that keep their uplink in a namespace."""

    def __init__(self, device: str, tag: str, *, physnet: str = "physnet1", netns: str | None = None) -> None:
        self._devices = {physnet: device}
        self._commands = Commands(netns)
        self._translation = Translation(self._commands, f"croft_{tag}")
        self._lock = threading.Lock()

    def observe(self, name: str) -> Gateway | None:
        gateway = self._translation.gateways().get(name)
        if gateway is None:
            return None
        held = self._held(self._devices.get(gateway.physnet, ""))
        in_force = tuple(address for address in gateway.addresses if _normal(address) in held)
        return Gateway(name, gateway.physnet, in_force, gateway.nat)

    def ensure(self, gateway: Gateway) -> None:
        _check(gateway)
        device = self._devices.get(gateway.physnet)
        if device is None:
            raise Rejected(f"No device leads to the physical network {gateway.physnet}.")
        with self._lock:
            recorded = self._translation.gateways()
            before = recorded.pop(gateway.name, None)
            if before is not None:
                self._drop_addresses(before, keep=[gateway, *recorded.values()])
            if before != gateway:
                self._translation.write(gateway, device)
            held = self._held(device)
            for address in gateway.addresses:
                if _normal(address) not in held:
                    self._commands.run("ip", "address", "replace", address, "dev", device, *_address_options(address))

    def remove(self, name: str) -> None:
        with self._lock:
            recorded = self._translation.gateways()
            gateway = recorded.pop(name, None)
            if gateway is None:
                return
            others = list(recorded.values())
            for route in self.routes():
                if _reaches([gateway], route.via) and not _reaches(others, route.via):
                    self._unroute(route.prefix)
            if self._devices.get(gateway.physnet) in self._links():
                self._drop_addresses(gateway, keep=others)
            self._translation.erase(name)

    def names(self) -> list[str]:
        return sorted(self._translation.gateways())

    def routes(self) -> frozenset[Route]:
        return frozenset(
            Route(_prefix(found), found["gateway"])
            for family in ("-4", "-6")
            for found in self._commands.ip(family, "route", "show", "proto", str(PROTOCOL))
            if found.get("dev") in self._devices.values() and "gateway" in found
        )

    def route(self, route: Route) -> None:
        with self._lock:
            through = [gateway for gateway in self._translation.gateways().values() if _reaches([gateway], route.via)]
            if not through:
                raise Rejected(f"No gateway reaches {route.via}.")
            device = self._devices[through[0].physnet]
            for found in self._commands.ip(_family(route.prefix), "route", "show", "exact", route.prefix):
                if not self._is_ours(found):
                    raise Rejected(f"This machine already has a route to {route.prefix} that is not this cloud's.")
                if found.get("gateway") == route.via and found.get("dev") == device:
                    return
            self._commands.run(
                *("ip", _family(route.prefix), "route", "replace", route.prefix),
                *("via", route.via, "dev", device, "proto", str(PROTOCOL)),
            )

    def unroute(self, prefix: str) -> None:
        with self._lock:
            self._unroute(prefix)

    def obstacles(self) -> list[str]:
        """Why packets may not pass although all of ours is in force: a sentence for each cause found."""
        found = []
        for device in self._devices.values():
            for setting, what in ((f"ipv4/conf/{device}/forwarding", "IPv4"), (self._ipv6_switch(device), "IPv6")):
                if self._setting(setting) == "0":
                    found.append(f"The machine does not forward {what} from {device} (net/{setting} is 0).")
        for chain in (item["chain"] for item in self._commands.nft("list", "chains") if "chain" in item):
            if chain.get("hook") == "forward" and chain.get("policy") == "drop":
                place = f"{chain['family']} {chain['table']} {chain['name']}"
                found.append(f"A firewall's policy drops forwarded packets ({place}); let this cloud's pass there.")
        return found

    def _held(self, device: str) -> set[str]:
        """Addresses on the device, with prefix length."""
        link = self._links().get(device)
        if link is None:
            raise Unavailable(f"The device {device or 'of this gateway'} is not there.")
        return {f"{info['local']}/{info['prefixlen']}" for info in link["addr_info"] if "local" in info}

    def _links(self) -> dict[str, dict[str, Any]]:
        return {link["ifname"]: link for link in self._commands.ip("address", "show") if "ifname" in link}

    def _drop_addresses(self, gateway: Gateway, keep: Iterable[Gateway]) -> None:
        device = self._devices.get(gateway.physnet, "")
        kept = {_normal(address) for other in keep if other.physnet == gateway.physnet for address in other.addresses}
        for address in {_normal(address) for address in gateway.addresses} & self._held(device) - kept:
            self._commands.run("ip", "address", "delete", address, "dev", device)

    def _unroute(self, prefix: str) -> None:
        for found in self._commands.ip(_family(prefix), "route", "show", "exact", prefix):
            if self._is_ours(found):
                words = ("ip", _family(prefix), "route", "delete", prefix, "dev", found["dev"], "proto", str(PROTOCOL))
                self._commands.run(*words)

    def _is_ours(self, found: dict[str, Any]) -> bool:
        return found.get("protocol") == str(PROTOCOL) and found.get("dev") in self._devices.values()

    def _ipv6_switch(self, device: str) -> str:
        own = f"ipv6/conf/{device}/force_forwarding"
        return own if self._setting(own) == "1" else "ipv6/conf/all/forwarding"

    def _setting(self, name: str) -> str:
        """Empty where this kernel has no such setting."""
        try:
            return self._commands.run("cat", f"/proc/sys/net/{name}").strip()
        except Rejected:
            return ""


def _check(gateway: Gateway) -> None:
    if _NAME.fullmatch(gateway.name) is None:
        raise Rejected("A gateway's name has 1 to 64 letters, digits and hyphens.")
    parsers: tuple[tuple[Callable[[str], object], tuple[str, ...]], ...] = (
        (ipaddress.ip_interface, gateway.addresses),
        (check_translated, gateway.nat),
    )
    for parse, words in parsers:
        for word in words:
            try:
                parse(word)
            except ValueError as error:
                raise Rejected(f"{error}.")


def _normal(address: str) -> str:
    return ipaddress.ip_interface(address).with_prefixlen


def _address_options(address: str) -> list[str]:
    """Nobody else can hold a gateway's IPv6 address, and the check for it delays the first packet by a second."""
    return ["nodad"] if ipaddress.ip_interface(address).version == 6 else []


def _family(prefix: str) -> str:
    try:
        return f"-{ipaddress.ip_network(prefix).version}"
    except ValueError as error:
        raise Rejected(f"{error}.")


def _prefix(found: dict[str, Any]) -> str:
    destination = found["dst"]
    if destination == "default":
        destination = "::/0" if ":" in found["gateway"] else "0.0.0.0/0"
    return str(ipaddress.ip_network(destination))


def _reaches(gateways: Iterable[Gateway], via: str) -> bool:
    try:
        address = ipaddress.ip_address(via)
    except ValueError as error:
        raise Rejected(f"{error}.")
    return any(address in ipaddress.ip_interface(own).network for gateway in gateways for own in gateway.addresses)
