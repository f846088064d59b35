"""Rows as Neutron's API shows them: plain dicts, made in one go per row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from croft.core.clock import iso
from croft.services.network.model.addresses import prefix
from croft.services.network.model.rows import (
    Fixed,
    Floating,
    Group,
    Network,
    Pool,
    Port,
    Router,
    Rule,
    Subnet,
    floating_status,
    network_status,
    port_status,
    router_status,
)

Body = dict[str, Any]
time = lru_cache(maxsize=4096)(iso)


def network(row: Network, subnets: Sequence[str], now: int, *, admin: bool) -> Body:
    body = {
        "id": row.id,
        "name": row.name,
        "tenant_id": row.project,
        "project_id": row.project,
        "description": row.description,
        "admin_state_up": row.admin_up,
        "status": network_status(row, now),
        "shared": row.shared,
        "router:external": row.external,
        "mtu": row.mtu,
        "port_security_enabled": row.port_security,
        "dns_domain": row.dns_domain,
        "subnets": subnets,
        "is_default": row.is_default,
        "tags": row.tags,
        "created_at": time(row.created),
        "updated_at": time(row.updated),
        "revision_number": row.revision,
    }
    if admin:
        body["provider:network_type"] = row.type
        body["provider:physical_network"] = row.physnet or None
        body["provider:segmentation_id"] = row.segment
    return body


def subnet(row: Subnet) -> Body:
    return {
        "id": row.id,
        "name": row.name,
        "tenant_id": row.project,
        "project_id": row.project,
        "description": row.description,
        "network_id": row.network,
        "ip_version": row.version,
        "cidr": row.cidr,
        "gateway_ip": row.gateway,
        "enable_dhcp": row.dhcp,
        "allocation_pools": [{"start": start, "end": end} for start, end in row.pools],
        "dns_nameservers": row.dns,
        "host_routes": _routes(row.routes),
        "ipv6_ra_mode": row.ra_mode or None,
        "ipv6_address_mode": row.address_mode or None,
        "subnetpool_id": row.pool,
        "tags": row.tags,
        "created_at": time(row.created),
        "updated_at": time(row.updated),
        "revision_number": row.revision,
    }


def _routes(routes: Iterable[tuple[str, str]]) -> list[Body]:
    return [{"destination": destination, "nexthop": hop} for destination, hop in routes]


def pool(row: Pool) -> Body:
    return {
        "id": row.id,
        "name": row.name,
        "tenant_id": row.project,
        "project_id": row.project,
        "description": row.description,
        "ip_version": row.version,
        "prefixes": row.prefixes,
        "min_prefixlen": str(row.least),
        "default_prefixlen": str(row.usual),
        "max_prefixlen": str(row.most),
        "default_quota": row.quota,
        "shared": row.shared,
        "is_default": row.is_default,
        "address_scope_id": None,
        "tags": row.tags,
        "created_at": time(row.created),
        "updated_at": time(row.updated),
        "revision_number": row.revision,
    }


def port(
    row: Port, fixed: Sequence[Fixed], groups: Sequence[str], now: int, *, domain: str = "", admin: bool = False
) -> Body:
    body = {
        "id": row.id,
        "name": row.name,
        "tenant_id": row.project,
        "project_id": row.project,
        "description": row.description,
        "network_id": row.network,
        "mac_address": row.mac,
        "admin_state_up": row.admin_up,
        "status": port_status(row, now),
        "device_id": row.device,
        "device_owner": row.owner,
        "fixed_ips": [{"subnet_id": each.subnet, "ip_address": each.address} for each in fixed],
        "security_groups": groups,
        "port_security_enabled": row.security,
        "allowed_address_pairs": [{"mac_address": mac, "ip_address": address} for mac, address in row.pairs],
        "dns_name": row.dns_name,
        "dns_assignment": _names(row.dns_name, fixed, domain) if row.dns_name else [],
        "binding:vnic_type": row.vnic,
        "tags": row.tags,
        "created_at": time(row.created),
        "updated_at": time(row.updated),
        "revision_number": row.revision,
    }
    if admin:
        body["binding:host_id"] = row.host
        body["binding:profile"] = row.profile
        body["binding:vif_type"] = "ovs" if row.host else "unbound"
        body["binding:vif_details"] = {"port_filter": True, "connectivity": "l2"} if row.host else {}
    return body


def _names(name: str, fixed: Iterable[Fixed], domain: str) -> list[Body]:
    full = f"{name}.{domain}" if domain else f"{name}."
    return [{"ip_address": each.address, "hostname": name, "fqdn": full} for each in fixed]


def router(row: Router, gateway: Sequence[tuple[str, str]], now: int) -> Body:
    info = None
    if row.external:
        addresses = [{"subnet_id": subnet, "ip_address": address} for subnet, address in gateway]
        info = {"network_id": row.external, "external_fixed_ips": addresses, "enable_snat": row.snat}
    return {
        "id": row.id,
        "name": row.name,
        "tenant_id": row.project,
        "project_id": row.project,
        "description": row.description,
        "admin_state_up": row.admin_up,
        "status": router_status(row, now),
        "external_gateway_info": info,
        "routes": _routes(row.routes),
        "ha": False,
        "distributed": False,
        "tags": row.tags,
        "created_at": time(row.created),
        "updated_at": time(row.updated),
        "revision_number": row.revision,
    }


def floating(row: Floating, inner: Port | None, now: int) -> Body:
    """`inner` is the port it leads to."""
    return {
        "id": row.id,
        "tenant_id": row.project,
        "project_id": row.project,
        "description": row.description,
        "floating_network_id": row.network,
        "floating_ip_address": row.address,
        "router_id": row.router,
        "port_id": row.port,
        "fixed_ip_address": row.fixed,
        "status": floating_status(row, now),
        "port_details": _details(inner, now) if inner else None,
        "dns_name": row.dns_name,
        "dns_domain": row.dns_domain,
        "tags": row.tags,
        "created_at": time(row.created),
        "updated_at": time(row.updated),
        "revision_number": row.revision,
    }


def _details(row: Port, now: int) -> Body:
    return {
        "name": row.name,
        "network_id": row.network,
        "mac_address": row.mac,
        "admin_state_up": row.admin_up,
        "status": port_status(row, now),
        "device_id": row.device,
        "device_owner": row.owner,
    }


def group(row: Group, rules: Iterable[Rule]) -> Body:
    return {
        "id": row.id,
        "name": row.name,
        "tenant_id": row.project,
        "project_id": row.project,
        "description": row.description,
        "stateful": True,
        "shared": False,
        "security_group_rules": [rule(each) for each in rules],
        "tags": row.tags,
        "created_at": time(row.created),
        "updated_at": time(row.updated),
        "revision_number": row.revision,
    }


def rule(row: Rule) -> Body:
    return {
        "id": row.id,
        "tenant_id": row.project,
        "project_id": row.project,
        "description": row.description,
        "security_group_id": row.group_id,
        "direction": row.direction,
        "ethertype": row.ethertype,
        "protocol": row.protocol,
        "port_range_min": row.port_min,
        "port_range_max": row.port_max,
        "remote_ip_prefix": row.remote_prefix,
        "normalized_cidr": str(prefix(row.remote_prefix)) if row.remote_prefix else None,
        "remote_group_id": row.remote_group,
        "remote_address_group_id": None,
        "created_at": time(row.created),
        "updated_at": time(row.created),
        "revision_number": 0,
    }


def availability(row: Network, subnets: Sequence[Subnet], used: Mapping[str, int], totals: Mapping[str, int]) -> Body:
    """One network of network-ip-availability; `used` and `totals` are addresses by subnet."""
    parts = [
        {
            "subnet_id": each.id,
            "subnet_name": each.name,
            "ip_version": each.version,
            "cidr": each.cidr,
            "total_ips": totals[each.id],
            "used_ips": used.get(each.id, 0),
        }
        for each in subnets
    ]
    return {
        "network_id": row.id,
        "network_name": row.name,
        "tenant_id": row.project,
        "project_id": row.project,
        "total_ips": sum(totals[each.id] for each in subnets),
        "used_ips": sum(used.get(each.id, 0) for each in subnets),
        "subnet_ip_availability": parts,
    }
