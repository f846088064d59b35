"""What each request may hold, as Neutron's API reference has it. UNSET: not said."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from croft.services.network.wire.bodies import Id, Tag, Text

Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]
Length = Annotated[int, Meta(ge=0, le=128)]
Whole = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Project = Annotated[str, Meta(max_length=64)]
Tags = Annotated[list[Tag], Meta(max_length=50)]


class Owned(Struct, frozen=True, kw_only=True):
    """What every create takes. `tenant_id` is the older name of `project_id`."""

    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET


class NetworkCreate(Owned, frozen=True, kw_only=True):
    name: Text = ""
    admin_state_up: bool = True
    shared: bool = False
    mtu: Annotated[int, Meta(ge=0, le=65535)] | UnsetType = UNSET
    port_security_enabled: bool = True
    dns_domain: Text = ""
    external: bool = field(default=False, name="router:external")
    is_default: bool | UnsetType = UNSET
    network_type: str | UnsetType | None = field(default=UNSET, name="provider:network_type")
    physical_network: Annotated[str, Meta(max_length=64)] | UnsetType | None = field(
        default=UNSET, name="provider:physical_network"
    )
    segmentation_id: int | UnsetType | None = field(default=UNSET, name="provider:segmentation_id")


class NetworkUpdate(Struct, frozen=True, kw_only=True):
    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    admin_state_up: bool | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    mtu: Annotated[int, Meta(ge=0, le=65535)] | UnsetType = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    dns_domain: Text | UnsetType = UNSET
    external: bool | UnsetType = field(default=UNSET, name="router:external")
    is_default: bool | UnsetType = UNSET


MAX_RANGES = 64
"""Of a subnet or a pool: each may cost a question to the database when an address or prefix is looked for."""


class Range(Struct, frozen=True, forbid_unknown_fields=True):
    start: str
    end: str


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    destination: str
    nexthop: str


class SubnetCreate(Owned, frozen=True, kw_only=True):
    network_id: Id
    name: Text = ""
    ip_version: Literal[4, 6] | UnsetType = UNSET
    cidr: str | UnsetType | None = UNSET
    prefixlen: Length | UnsetType | None = UNSET
    subnetpool_id: str | UnsetType | None = UNSET
    use_default_subnetpool: bool = False
    gateway_ip: str | UnsetType | None = UNSET
    allocation_pools: Annotated[list[Range], Meta(max_length=MAX_RANGES)] | UnsetType | None = UNSET
    dns_nameservers: list[str] | UnsetType | None = UNSET
    host_routes: list[Route] | UnsetType | None = UNSET
    enable_dhcp: bool = True
    ipv6_ra_mode: Mode | UnsetType | None = UNSET
    ipv6_address_mode: Mode | UnsetType | None = UNSET


class SubnetUpdate(Struct, frozen=True, kw_only=True):
    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    gateway_ip: str | UnsetType | None = UNSET
    allocation_pools: Annotated[list[Range], Meta(max_length=MAX_RANGES)] | UnsetType = UNSET
    dns_nameservers: list[str] | UnsetType | None = UNSET
    host_routes: list[Route] | UnsetType | None = UNSET
    enable_dhcp: bool | UnsetType = UNSET


class PoolCreate(Owned, frozen=True, kw_only=True):
    name: Annotated[str, Meta(max_length=255)]
    prefixes: Annotated[list[str], Meta(max_length=MAX_RANGES)] | Annotated[str, Meta(max_length=4096)]
    min_prefixlen: Length | UnsetType = UNSET
    max_prefixlen: Length | UnsetType = UNSET
    default_prefixlen: Length | UnsetType = UNSET
    default_quota: Whole | UnsetType | None = UNSET
    shared: bool = False
    is_default: bool = False


class PoolUpdate(Struct, frozen=True, kw_only=True):
    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    prefixes: Annotated[list[str], Meta(max_length=MAX_RANGES)] | UnsetType = UNSET
    min_prefixlen: Length | UnsetType = UNSET
    max_prefixlen: Length | UnsetType = UNSET
    default_prefixlen: Length | UnsetType = UNSET
    default_quota: Whole | UnsetType | None = UNSET
    is_default: bool | UnsetType = UNSET


class FixedIp(Struct, frozen=True, forbid_unknown_fields=True):
    ip_address: str | UnsetType = UNSET
    subnet_id: Id | UnsetType = UNSET


class Pair(Struct, frozen=True, forbid_unknown_fields=True):
    ip_address: str
    mac_address: str | UnsetType = UNSET


class _PortParts(Struct, frozen=True, kw_only=True):
    admin_state_up: bool | UnsetType = UNSET
    fixed_ips: list[FixedIp] | UnsetType | None = UNSET
    device_id: Text | UnsetType = UNSET
    device_owner: Text | UnsetType = UNSET
    mac_address: str | UnsetType | None = UNSET
    security_groups: list[Id] | UnsetType | None = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    allowed_address_pairs: list[Pair] | UnsetType | None = UNSET
    dns_name: Text | UnsetType = UNSET
    host_id: Text | UnsetType | None = field(default=UNSET, name="binding:host_id")
    vnic_type: Literal["normal"] | UnsetType = field(default=UNSET, name="binding:vnic_type")
    profile: dict[str, Any] | UnsetType | None = field(default=UNSET, name="binding:profile")


class PortCreate(_PortParts, frozen=True, kw_only=True):
    network_id: Id
    name: Text = ""
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET


class PortUpdate(_PortParts, frozen=True, kw_only=True):
    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


class GatewayInfo(Struct, frozen=True, forbid_unknown_fields=True):
    network_id: Id
    enable_snat: bool | UnsetType = UNSET
    external_fixed_ips: list[FixedIp] | UnsetType = UNSET


class RouterCreate(Owned, frozen=True, kw_only=True):
    name: Text = ""
    admin_state_up: bool = True
    external_gateway_info: dict[str, Any] | UnsetType | None = UNSET


class RouterUpdate(Struct, frozen=True, kw_only=True):
    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    admin_state_up: bool | UnsetType = UNSET
    external_gateway_info: dict[str, Any] | UnsetType | None = UNSET
    routes: list[Route] | UnsetType | None = UNSET


class Routes(Struct, frozen=True, kw_only=True):
    routes: list[Route]


class FloatingCreate(Owned, frozen=True, kw_only=True):
    floating_network_id: Id
    subnet_id: Id | UnsetType | None = UNSET
    port_id: Id | UnsetType | None = UNSET
    fixed_ip_address: str | UnsetType | None = UNSET
    floating_ip_address: str | UnsetType | None = UNSET
    dns_name: Text = ""
    dns_domain: Text = ""


class FloatingUpdate(Struct, frozen=True, kw_only=True):
    description: Text | UnsetType | None = UNSET
    port_id: Id | UnsetType | None = UNSET
    fixed_ip_address: str | UnsetType | None = UNSET


class GroupCreate(Owned, frozen=True, kw_only=True):
    name: Text = ""
    stateful: Literal[True] | UnsetType = UNSET


class GroupUpdate(Struct, frozen=True, kw_only=True):
    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    stateful: Literal[True] | UnsetType = UNSET


class RuleCreate(Struct, frozen=True, kw_only=True):
    security_group_id: str
    direction: Literal["ingress", "egress"]
    ethertype: Literal["IPv4", "IPv6"] | None = None
    protocol: str | int | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_address_group_id: None = None
    description: Text | None = None
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET


class TagList(Struct, frozen=True):
    tags: Tags


class InterfaceWish(msgspec.Struct, frozen=True):
    """The body of add/remove_router_interface."""

    subnet_id: Id | UnsetType | None = UNSET
    port_id: Id | UnsetType | None = UNSET
