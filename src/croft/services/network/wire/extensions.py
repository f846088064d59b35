"""The extensions of Neutron's API that work here. Nothing else may be claimed."""

from __future__ import annotations

from typing import Any

_EXTENSIONS: tuple[tuple[str, str, str], ...] = (
    ("allowed-address-pairs", "Allowed Address Pairs", "Addresses a port may use besides its own"),
    ("auto-allocated-topology", "Auto Allocated Topology Services", "A ready-made network with a router"),
    ("binding", "Port Binding", "Where ports are plugged in, for operators"),
    ("default-subnetpools", "Default Subnetpools", "Subnet pools that are used without being named"),
    ("dns-integration", "DNS Integration", "Names of ports, answered within their network"),
    ("empty-string-filtering", "Empty String Filtering Extension", "Lists filtered by attributes that are empty"),
    ("ext-gw-mode", "Neutron L3 Configurable external gateway mode", "Routers with or without translation"),
    ("external-net", "Neutron external network", "Networks that lead outside"),
    ("extraroute", "Neutron Extra Route", "Routes of a router"),
    ("extraroute-atomic", "Atomically add/remove extra routes", "Some routes of a router at a time"),
    ("filter-validation", "Filter parameters validation", "Unknown filters are refused"),
    ("fip-port-details", "Floating IP Port Details Extension", "The port a floating IP leads to"),
    ("ip-substring-filtering", "IP address substring filtering", "Ports listed by a part of their address"),
    ("net-mtu", "Network MTU", "The MTU of a network"),
    ("net-mtu-writable", "Network MTU (writable)", "The MTU of a network can be chosen"),
    ("network-ip-availability", "Network IP Availability", "How full networks are"),
    ("pagination", "Pagination support", "Lists in pages"),
    ("port-security", "Port Security", "Filters and anti-spoofing per port"),
    ("project-id", "project_id field enabled", "project_id besides tenant_id"),
    ("provider", "Provider Network", "How networks are provided, for operators"),
    ("quota_details", "Quota details management support", "Quotas with what is used of them"),
    ("quotas", "Quota management support", "Limits per project"),
    ("router", "Neutron L3 Router", "Routers and floating IPs"),
    ("security-group", "security-group", "Stateful filters"),
    ("security-groups-normalized-cidr", "Normalized CIDR field for security group rules", "normalized_cidr of rules"),
    ("sort-key-validation", "Sort key validation", "Unknown sort keys are refused"),
    ("sorting", "Sorting support", "Lists in an order"),
    ("standard-attr-description", "standard-attr-description", "Descriptions of resources"),
    ("standard-attr-revisions", "Resource revision numbers", "revision_number of resources"),
    ("standard-attr-tag", "Tag support for resources with standard attribute", "Tags of resources"),
    ("standard-attr-timestamp", "Resource timestamps", "When resources were made and changed"),
    ("subnet_allocation", "Subnet Allocation", "Subnets numbered from pools"),
    ("tag-creation", "Tag creation extension", "Several tags at once"),
)
_UPDATED = "2026-11-20T00:00:00-00:00"


def listed() -> list[dict[str, Any]]:
    return [_shown(*each) for each in _EXTENSIONS]


def found(alias: str) -> dict[str, Any] | None:
    return next((_shown(*each) for each in _EXTENSIONS if each[0] == alias), None)


def _shown(alias: str, name: str, description: str) -> dict[str, Any]:
    return {"alias": alias, "name": name, "description": description, "updated": _UPDATED, "links": []}
