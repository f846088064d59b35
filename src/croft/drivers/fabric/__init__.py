"""The port to the overlay network: switches, routers, ports, address translation and filters.

Every object is named by (kind, id) where id is the id of the row it comes from, and carries our tag. Specs are
complete. Ids are UUID strings. Addresses are text in canonical form, prefixes `10.0.0.0/24`, MACs lower case with
colons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    NETWORK = "network"
    ROUTER = "router"
    PORT = "port"
    GROUP = "group"
    FLOATING = "floating"


@dataclass(frozen=True)
class Subnet:
    """A subnet as the fabric serves it: DHCPv4 options, DHCPv6 options or router advertisements.

    `gateway` is the router's address (DHCP option 3, None = none). `mode` (IPv6 only) is Neutron's
    ipv6_address_mode: `slaac`, `dhcpv6-stateless`, `dhcpv6-stateful` or empty (no RA, no DHCPv6)."""

    id: str
    cidr: str
    gateway: str | None
    dhcp: bool
    dns: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    """Host routes: (destination prefix, next hop); the metadata route is added by the driver."""
    mode: str = ""


@dataclass(frozen=True)
class MetadataPort:
    """The network's localport: present on every host, never tunnelled."""

    id: str
    mac: str
    addresses: tuple[str, ...]
    """Bare IPv4 addresses in the network's subnets; the first serves the DHCP route to 169.254.169.254."""


@dataclass(frozen=True)
class Network:
    """A switch. With `physnet` it is a provider network: bridged to the outside on every host (localnet)."""

    id: str
    gen: int
    name: str
    mtu: int
    subnets: tuple[Subnet, ...] = ()
    metadata: MetadataPort | None = None
    physnet: str = ""
    vlan: int = 0
    dns_domain: str = ""
    up: bool = True
    """Neutron's admin_state_up: a network that is not up forwards nothing."""

    kind = Kind.NETWORK


@dataclass(frozen=True)
class RouterPort:
    """A router's leg in a tenant network: a gateway address per subnet, and the RAs of its IPv6 subnets."""

    id: str
    network: str
    mac: str
    addresses: tuple[str, ...]
    """With prefix length."""
    ra_mode: str = ""
    """OVN's `address_mode`: empty, `slaac`, `dhcpv6_stateless` or `dhcpv6_stateful`."""
    mtu: int = 1442
    dns: tuple[str, ...] = ()
    """Resolvers; the first IPv6 one goes into the advertisements."""


@dataclass(frozen=True)
class ExternalPort:
    """A router's leg in a provider network, bound to gateway hosts in order of preference."""

    id: str
    network: str
    mac: str
    addresses: tuple[str, ...]
    next_hops: tuple[str, ...]
    """Gateways of the default routes, IPv4 and/or IPv6."""
    snat: tuple[str, ...] = ()
    """Tenant IPv4 prefixes that leave with this leg's first IPv4 address; empty when SNAT is off."""
    hosts: tuple[str, ...] = ()
    """Chassis names, most wanted first; empty: the driver takes every gateway-capable chassis, in name order."""
    mtu: int = 1500
    """Of the provider network. Packets too big for one of the router's networks are answered, not lost."""


@dataclass(frozen=True)
class Router:
    id: str
    gen: int
    name: str
    ports: tuple[RouterPort, ...] = ()
    external: ExternalPort | None = None
    routes: tuple[tuple[str, str], ...] = ()
    """Extra routes: (destination prefix, next hop)."""
    up: bool = True

    kind = Kind.ROUTER


@dataclass(frozen=True)
class Port:
    """A guest's (or any other) plug. Without `security`, no filter and no anti-spoofing applies.

    `addresses` are bare and already decided, also for SLAAC; `subnets` gives the subnet id of each, in order, so that
    DHCP options can be attached."""

    id: str
    gen: int
    network: str
    mac: str
    addresses: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    allowed_pairs: tuple[tuple[str, str], ...] = ()
    """(MAC, address or prefix) the guest may also use as source."""
    groups: tuple[str, ...] = ()
    security: bool = True
    hostname: str = ""
    """Answered by the fabric's DNS inside its network, when not empty."""
    up: bool = True

    kind = Kind.PORT


@dataclass(frozen=True)
class Rule:
    """One security-group rule, in Neutron's words. Empty means any.

    `protocol` is `tcp`, `udp`, `icmp`, `icmpv6`, … or a number as text; for ICMP the port range is type and code."""

    direction: str
    ethertype: str
    """`IPv4` or `IPv6`."""
    protocol: str = ""
    port_min: int | None = None
    port_max: int | None = None
    remote_prefix: str = ""
    remote_group: str = ""


@dataclass(frozen=True)
class Group:
    """A security group: a port group whose rules allow (statefully) what the default drops. Its members come from
    `Port.groups`."""

    id: str
    gen: int
    rules: tuple[Rule, ...] = ()

    kind = Kind.GROUP


@dataclass(frozen=True)
class Floating:
    """1:1 translation of an external address to a port's fixed one, on the given router. With `port` and `mac` it is
    distributed: translated on the guest's own host."""

    id: str
    gen: int
    router: str
    external: str
    fixed: str
    port: str = ""
    mac: str = ""

    kind = Kind.FLOATING


Spec = Network | Router | Port | Group | Floating


@dataclass(frozen=True)
class PortState:
    up: bool
    """Plugged in and its flows installed."""
    host: str
    """The chassis that holds it, or empty."""


class Fabric(Protocol):
    """All verbs are idempotent. Parents may be missing: a port whose network does not exist yet is `Rejected`."""

    def matches(self, spec: Spec) -> bool:
        """Whether the engine holds exactly this, no more and no less, under (spec.kind, spec.id)."""

    def ensure(self, spec: Spec) -> None:
        """Writes only what differs, in one engine transaction. An older `gen` than the engine holds is ignored."""

    def remove(self, kind: Kind, id: str) -> None: ...

    def names(self, kind: Kind) -> list[str]: ...

    def port(self, id: str) -> PortState | None: ...

    def hosts(self) -> dict[str, bool]:
        """Chassis by name, and whether each is alive and has caught up with the newest configuration."""

    def watch(self, changed: Callable[[Kind, str], None]) -> None:
        """Calls `changed(kind, id)`, from any thread, when a port went up or down or moved. May miss some."""

    def close(self) -> None: ...
