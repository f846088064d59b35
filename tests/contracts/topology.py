"""Two projects with the same addresses on a real fabric: blue and red, each with a network, a router and a group."""

from __future__ import annotations

import socket
import uuid
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace

from croft.drivers.fabric import (
    ExternalPort,
    Floating,
    Group,
    Kind,
    MetadataPort,
    Network,
    Port,
    Router,
    RouterPort,
    Rule,
    Subnet,
)
from croft.drivers.fabric.ovn import OvnFabric
from croft.machine.embedded import Endpoints
from tests.contracts.guests import Guest, Outside

OUTSIDE_V4, OUTSIDE_V6 = "198.18.50.1", "2001:db8:ffff::1"
WEB, SECRET = 8080, 8081


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class Project:
    network: Network
    router: Router
    group: Group


def make_project(color: int, outside: Network, mode: str) -> Project:
    """`color` is a number that is part of every MAC and external address; `mode` is how IPv6 addresses are given."""
    mac, prefix = f"fa:16:3e:{color:02x}", f"2001:db8:{color:x}:"
    v4 = Subnet(new_id(), "10.0.0.0/24", "10.0.0.1", True, ("9.9.9.9",), (("10.9.0.0/16", "10.0.0.9"),))
    v6 = Subnet(new_id(), f"{prefix}:/64", f"{prefix}:1", True, ("2620:fe::fe",), mode=mode)
    metadata = MetadataPort(new_id(), f"{mac}:00:02", ("10.0.0.2",))
    network = Network(new_id(), 1, "inside", 1442, (v4, v6), metadata, dns_domain="inside.example.")
    leg = RouterPort(
        new_id(),
        network.id,
        f"{mac}:00:01",
        ("10.0.0.1/24", f"{prefix}:1/64"),
        ra_mode=mode.replace("-", "_"),
    )
    external = ExternalPort(
        new_id(),
        outside.id,
        f"{mac}:ff:01",
        (f"198.18.50.{color}/24", f"2001:db8:ffff::{color:x}/64"),
        (OUTSIDE_V4, OUTSIDE_V6),
        ("10.0.0.0/24",),
    )
    router = Router(new_id(), 1, "way out", (leg,), external)
    id = new_id()
    rules = (
        Rule("egress", "IPv4"),
        Rule("egress", "IPv6"),
        Rule("ingress", "IPv4", remote_group=id),
        Rule("ingress", "IPv6", remote_group=id),
        Rule("ingress", "IPv4", "icmp"),
        Rule("ingress", "IPv6", "icmpv6"),
        Rule("ingress", "IPv4", "tcp", WEB, WEB),
    )
    return Project(network, router, Group(id, 1, rules))


class World:
    def __init__(self, machine: Endpoints, stack: ExitStack) -> None:
        self.machine, self.stack = machine, stack
        self.fabric = OvnFabric(machine.northbound, machine.southbound, f"traffic-{new_id()}", grace=1)
        stack.callback(self.fabric.close)
        stack.callback(self._clear)
        self.news: list[tuple[Kind, str]] = []
        self.fabric.watch(lambda kind, id: self.news.append((kind, id)))
        self.outside = stack.enter_context(closing(Outside(machine, f"{OUTSIDE_V4}/24", f"{OUTSIDE_V6}/64")))
        provider = Network(new_id(), 1, "outside", 1500, physnet=machine.physnet)
        self.fabric.ensure(provider)
        self.blue = make_project(10, provider, "slaac")
        self.red = make_project(20, provider, "dhcpv6-stateful")
        for project in (self.blue, self.red):
            for spec in (project.network, project.router, project.group):
                self.fabric.ensure(spec)
            color = project.router.external.mac.split(":")[3]
            via = f"2001:db8:ffff::{int(color, 16):x}"
            self.outside.ip(f"route add {project.network.subnets[1].cidr} via {via} dev eth0")
        self.usual = self.blue.group.rules
        self.ports: dict[Guest, Port] = {}

    def _clear(self) -> None:
        for kind in (Kind.FLOATING, Kind.PORT, Kind.ROUTER, Kind.GROUP, Kind.NETWORK):
            for name in self.fabric.names(kind):
                self.fabric.remove(kind, name)

    def guest(self, project: Project, host: int, last: int, *, settle: bool = True, **changes: object) -> Guest:
        """A guest at 10.0.0.<last> on host 0 or 1; its IPv6 address is what SLAAC makes of its MAC."""
        mac = project.network.metadata.mac[:12] + f"01:{last:02x}"
        v4, v6 = project.network.subnets
        addresses = (f"10.0.0.{last}", slaac(v6.cidr, mac))
        port = Port(new_id(), 1, project.network.id, mac, addresses, (v4.id, v6.id), groups=(project.group.id,))
        port = replace(port, **changes)
        self.fabric.ensure(port)
        guest = Guest(self.machine, self.machine.hosts[host], port.id, mac)
        self.stack.callback(guest.close)
        self.ports[guest] = port
        if settle:
            guest.settle([f"{addresses[0]}/24", f"{addresses[1]}/64"], ["10.0.0.1", v6.gateway])
        return guest

    def change(self, guest: Guest, **changes: object) -> None:
        self.ports[guest] = replace(self.ports[guest], gen=self.ports[guest].gen + 1, **changes)
        self.fabric.ensure(self.ports[guest])

    def allow(self, *more: Rule) -> None:
        """Blue's group gets its usual rules and these."""
        self.blue.group = replace(self.blue.group, gen=self.blue.group.gen + 1, rules=(*self.usual, *more))
        self.fabric.ensure(self.blue.group)

    def switch_blue(self, up: bool) -> None:
        self.blue.network = replace(self.blue.network, gen=self.blue.network.gen + 1, up=up)
        self.fabric.ensure(self.blue.network)

    def sink(self) -> None:
        for name in self.fabric.names(Kind.FLOATING):
            self.fabric.remove(Kind.FLOATING, name)

    def float(self, guest: Guest, project: Project, external: str, distributed: bool) -> str:
        port = self.ports[guest]
        floating = Floating(new_id(), 1, project.router.id, external, port.addresses[0])
        if distributed:
            floating = replace(floating, port=port.id, mac="fa:16:f0:" + port.mac[9:])
        self.fabric.ensure(floating)
        return external


def slaac(cidr: str, mac: str) -> str:
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 2
    host = bytes(octets[:3]) + b"\xff\xfe" + bytes(octets[3:])
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, cidr.split("/")[0])[:8] + host)
