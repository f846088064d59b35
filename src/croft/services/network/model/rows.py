"""What is stored: one struct per table, its fields in the order of the columns selected."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

PORT_DEADLINE = 300
DEADLINE = 300
"""Seconds until a wish that is not fulfilled shows as ERROR."""
TENANT_MTU = 1442
EXTERNAL_MTU = 1500

INTERFACE = "network:router_interface"
GATEWAY = "network:router_gateway"
DISTRIBUTED = "network:distributed"
INTERNAL = "network:"
"""Ports whose owner begins so are parts of a network or router, not plugs of their own."""
COMPUTE = "compute:"


class Network(msgspec.Struct, frozen=True, gc=False):
    id: str
    project: str
    name: str
    description: str
    tags: list[str]
    created: int
    updated: int
    revision: int
    gen: int
    seen: int
    deleted: int | None
    admin_up: bool
    shared: bool
    external: bool
    is_default: bool
    auto: bool
    port_security: bool
    mtu: int
    dns_domain: str
    type: str
    physnet: str
    segment: int | None
    since: int | None = None

    @property
    def private(self) -> bool:
        """Only its own project has ports there, so freed addresses can be taken again at once."""
        return not (self.shared or self.external)


class Pool(msgspec.Struct, frozen=True, gc=False):
    """A subnet pool."""

    id: str
    project: str
    name: str
    description: str
    tags: list[str]
    created: int
    updated: int
    revision: int
    version: int
    prefixes: list[str]
    least: int
    usual: int
    most: int
    quota: int | None
    shared: bool
    is_default: bool


class Subnet(msgspec.Struct, frozen=True, gc=False):
    id: str
    project: str
    name: str
    description: str
    tags: list[str]
    created: int
    updated: int
    revision: int
    network: str
    version: int
    cidr: str
    first: str
    last: str
    gateway: str | None
    dhcp: bool
    pools: list[tuple[str, str]]
    dns: list[str]
    routes: list[tuple[str, str]]
    ra_mode: str
    address_mode: str
    pool: str | None

    @property
    def automatic(self) -> bool:
        """Addresses follow from the MAC (SLAAC), nobody chooses them."""
        return self.address_mode in {"slaac", "dhcpv6-stateless"}

    @property
    def length(self) -> str:
        return self.cidr.partition("/")[2]


class Port(msgspec.Struct, frozen=True, gc=False):
    id: str
    project: str
    name: str
    description: str
    tags: list[str]
    created: int
    updated: int
    revision: int
    gen: int
    seen: int
    deleted: int | None
    network: str
    admin_up: bool
    mac: str
    device: str
    owner: str
    host: str
    security: bool
    dns_name: str
    pairs: list[tuple[str, str]]
    vnic: str
    profile: dict[str, Any]
    plugged: bool
    nic_tag: str
    up: bool
    at: str
    since: int | None = None

    @property
    def internal(self) -> bool:
        return self.owner.startswith(INTERNAL)


class Plug(msgspec.Struct, frozen=True, gc=False):
    """Of a server's port, and of its network, only what the server is told: lists read a thousand of them."""

    id: str
    device: str
    project: str
    network: str
    network_name: str
    mtu: int
    mac: str
    gen: int
    seen: int
    deleted: int | None
    up: bool
    nic_tag: str
    plugged: bool


class Fixed(msgspec.Struct, frozen=True, gc=False):
    """An address held by a port or a floating IP."""

    holder: str
    subnet: str
    address: str


class Router(msgspec.Struct, frozen=True, gc=False):
    id: str
    project: str
    name: str
    description: str
    tags: list[str]
    created: int
    updated: int
    revision: int
    gen: int
    seen: int
    deleted: int | None
    admin_up: bool
    external: str | None
    snat: bool
    routes: list[tuple[str, str]]
    since: int | None = None


class Floating(msgspec.Struct, frozen=True, gc=False):
    id: str
    project: str
    name: str
    description: str
    tags: list[str]
    created: int
    updated: int
    revision: int
    gen: int
    seen: int
    deleted: int | None
    network: str
    address: str
    mac: str
    router: str | None
    port: str | None
    fixed: str | None
    dns_name: str
    dns_domain: str
    since: int | None = None


class Group(msgspec.Struct, frozen=True, gc=False):
    id: str
    project: str
    name: str
    description: str
    tags: list[str]
    created: int
    updated: int
    revision: int
    gen: int
    seen: int
    deleted: int | None
    default_of: str | None


class Rule(msgspec.Struct, frozen=True, gc=False):
    id: str
    project: str
    description: str
    created: int
    group_id: str
    direction: str
    ethertype: str
    protocol: str | None
    port_min: int | None
    port_max: int | None
    remote_prefix: str | None
    remote_group: str | None


def overdue(since: int | None, now: int) -> bool:
    return since is not None and now - since > DEADLINE


def network_status(network: Network, now: int) -> str:
    return "ERROR" if overdue(network.since, now) else "ACTIVE"


def router_status(router: Router, now: int) -> str:
    return "ERROR" if overdue(router.since, now) else "ACTIVE"


def port_status(port: Port, now: int) -> str:
    """The parts of routers and networks are as up as those; a plug is up when the fabric says so."""
    if overdue(port.since, now):
        return "ERROR"
    return "ACTIVE" if port.up or port.owner.startswith(INTERNAL) else "DOWN"


def floating_status(floating: Floating, now: int) -> str:
    if overdue(floating.since, now):
        return "ERROR"
    return "ACTIVE" if floating.port and floating.seen >= floating.gen else "DOWN"


def new_mac() -> str:
    low = secrets.token_bytes(3)
    return f"fa:16:3e:{low[0]:02x}:{low[1]:02x}:{low[2]:02x}"


def metadata_device(network: str) -> str:
    """What the device of a network's metadata port is called."""
    return f"ovnmeta-{network}"
