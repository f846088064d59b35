"""Every value of good bodies, one after the other, replaced by what breaks careless code: never a server error, and
nothing half made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.hostile.tenants import GLANCE, KEYSTONE, NOVA, OPERATOR, V2, VICTIM, Tenants

Case = tuple[str, str, dict[str, Any], str]  # method, path, a good body, whose token
ID = "00000000-0000-7000-8000-000000000001"
HOSTILE: list[Any] = [
    None, True, -1, 0, 2**31, 2**63, -(2**63) - 1, 10**30, 1e308, 0.5, "", " ", "\x00", "\ud800", "a\x00b", "é" * 300,
    "x" * 70_000, "\n", "\u202e\u0007", "-1", "9" * 30, "9" * 5000, "' OR 1=1 --", "../../etc/passwd", "%s%n{0}", ID,
    [], {}, [[]], [None], ["x"] * 3000, [{"x": 1}], {"x": {"y": [1]}}, {"": ""}, ["", ""], [ID, ID], {"x" * 5000: "x"},
    "10.0.0.0/8", "::/0", "fe80::1%eth0", "::ffff:10.0.0.1", "0.0.0.0/0", "10.0.0.1/33", "010.0.0.1", "999999-99-99",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
]  # fmt: skip


@dataclass(frozen=True)
class Made:
    """What the victim has (ids), for bodies to name."""

    network: str
    subnet: str
    port: str
    router: str
    group: str
    pool: str
    public: str
    image: str
    flavor: str


def made(cloud: Tenants) -> Made:
    network, subnet = cloud.network()
    return Made(
        network=network,
        subnet=subnet,
        port=cloud.make("ports", network_id=network)["id"],
        router=cloud.make("routers")["id"],
        group=cloud.make("security-groups", name="g")["id"],
        pool=cloud.make("subnetpools", name="p", prefixes=["10.200.0.0/16"])["id"],
        public=cloud.external(),
        image=cloud.image(),
        flavor=cloud.flavor(),
    )


def bodies(cloud: Tenants) -> Iterator[Case]:
    """Good bodies of every service."""
    ids = made(cloud)
    yield from networks_and_subnets(ids)
    yield from ports(ids)
    yield from routers_and_floating_addresses(ids)
    yield from security_groups_tags_and_quotas(ids)
    yield from new_servers(ids)
    yield from running_servers(ids, cloud.server(networks="none"))
    yield from flavors_quotas_and_key_pairs(ids)
    yield from images(ids)
    yield from users_projects_and_catalog()
    yield from credentials_and_trusts()
    yield from logins()


def networks_and_subnets(ids: Made) -> Iterator[Case]:
    net = {"name": "n", "mtu": 1400, "dns_domain": "a.b.", "shared": False, "tags": ["t"], "description": "d"}
    provided = {"provider:network_type": "vlan", "provider:physical_network": "x", "provider:segmentation_id": 7}
    yield "POST", f"{V2}/networks", {"network": net}, VICTIM
    yield "POST", f"{V2}/networks", {"network": provided}, OPERATOR
    yield "PUT", f"{V2}/networks/{ids.network}", {"network": {"name": "n", "mtu": 1400, "dns_domain": "a."}}, VICTIM
    subnet = {
        "name": "n", "gateway_ip": "10.78.0.1", "allocation_pools": [{"start": "10.78.0.5", "end": "10.78.0.9"}],
        "dns_nameservers": ["10.0.0.1"], "host_routes": [{"destination": "10.1.0.0/16", "nexthop": "10.78.0.7"}],
        "enable_dhcp": True, "network_id": ids.network, "cidr": "10.78.0.0/24", "ip_version": 4,
        "project_id": "alpha", "tags": ["t"],
    }  # fmt: skip
    pooled = {"network_id": ids.network, "subnetpool_id": ids.pool, "prefixlen": 26}
    yield "POST", f"{V2}/subnets", {"subnet": subnet}, VICTIM
    yield "POST", f"{V2}/subnets", {"subnet": pooled}, VICTIM
    yield "PUT", f"{V2}/subnets/{ids.subnet}", {"subnet": {"name": "n", "dns_nameservers": ["10.0.0.1"]}}, VICTIM
    wish = {"name": "p", "prefixes": ["10.9.0.0/16"], "min_prefixlen": 20, "max_prefixlen": 28, "default_quota": 9}
    yield "POST", f"{V2}/subnetpools", {"subnetpool": wish | {"default_prefixlen": 24}}, VICTIM
    yield "PUT", f"{V2}/subnetpools/{ids.pool}", {"subnetpool": {"default_quota": 9, "min_prefixlen": 8}}, VICTIM


def ports(ids: Made) -> Iterator[Case]:
    network = {"network_id": ids.network}
    pair = {"ip_address": "10.77.0.99", "mac_address": "fa:16:3e:00:00:01"}
    wish = {
        "name": "n", "description": "d", "admin_state_up": True, "fixed_ips": [{"ip_address": "10.77.0.50"}],
        "device_id": "d", "device_owner": "o", "security_groups": [ids.group], "allowed_address_pairs": [pair],
        "dns_name": "web", "port_security_enabled": True,
    }  # fmt: skip
    bound = {
        "binding:host_id": "h1", "binding:profile": {"a": 1}, "binding:vnic_type": "normal",
        "mac_address": "fa:16:3e:00:00:09",
    }  # fmt: skip
    yield "POST", f"{V2}/ports", {"port": wish | network | {"tags": ["t"]}}, VICTIM
    yield "POST", f"{V2}/ports", {"ports": [network, network | {"name": "b"}]}, VICTIM
    yield "PUT", f"{V2}/ports/{ids.port}", {"port": wish | bound}, OPERATOR


def routers_and_floating_addresses(ids: Made) -> Iterator[Case]:
    gateway = {"network_id": ids.public, "enable_snat": True, "external_fixed_ips": []}
    routes = [{"destination": "10.1.0.0/16", "nexthop": "10.77.0.9"}]
    router = f"{V2}/routers/{ids.router}"
    yield "POST", f"{V2}/routers", {"router": {"name": "r", "external_gateway_info": gateway, "tags": ["t"]}}, OPERATOR
    yield "PUT", router, {"router": {"name": "r", "routes": routes}}, VICTIM
    yield "PUT", f"{router}/add_extraroutes", {"router": {"routes": routes}}, VICTIM
    yield "PUT", f"{router}/add_router_interface", {"subnet_id": ID}, VICTIM
    floating = {"floating_network_id": ids.public, "description": "d", "dns_name": "a", "dns_domain": "b."}
    yield "POST", f"{V2}/floatingips", {"floatingip": floating | {"floating_ip_address": "198.18.0.77"}}, OPERATOR


def security_groups_tags_and_quotas(ids: Made) -> Iterator[Case]:
    rule = {
        "security_group_id": ids.group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
        "port_range_min": 1, "port_range_max": 2, "remote_ip_prefix": "10.0.0.0/8", "description": "d",
    }  # fmt: skip
    yield "POST", f"{V2}/security-groups", {"security_group": {"name": "s", "stateful": True, "tags": ["t"]}}, VICTIM
    yield "POST", f"{V2}/security-group-rules", {"security_group_rule": rule}, VICTIM
    yield "PUT", f"{V2}/ports/{ids.port}/tags", {"tags": ["a", "b"]}, VICTIM
    yield "PUT", f"{V2}/quotas/alpha", {"quota": {"port": 500, "network": -1}}, OPERATOR


def new_servers(ids: Made) -> Iterator[Case]:
    disk = {"uuid": ids.image, "source_type": "image", "destination_type": "local", "boot_index": 0}
    server = {
        "name": "s", "flavorRef": ids.flavor, "imageRef": ids.image,
        "networks": [{"uuid": ids.network, "fixed_ip": "10.77.0.60", "tag": "t"}],
        "min_count": 1, "max_count": 1, "user_data": "aGk=", "metadata": {"k": "v"}, "description": "d", "tags": ["t"],
        "security_groups": [{"name": "default"}], "config_drive": True, "availability_zone": "nova",
        "accessIPv4": "10.0.0.1", "accessIPv6": "fd00::1", "adminPass": "p", "block_device_mapping_v2": [disk],
    }  # fmt: skip
    yield "POST", f"{NOVA}/servers", {"server": server}, VICTIM


def running_servers(ids: Made, running: str) -> Iterator[Case]:
    server = f"{NOVA}/servers/{running}"
    rebuild = {"imageRef": ids.image, "name": "n", "metadata": {"a": "b"}}
    attachment = {"net_id": ids.network, "fixed_ips": [{"ip_address": "10.77.0.61"}]}
    yield "PUT", server, {"server": {"name": "n", "description": "d", "accessIPv4": "10.0.0.1"}}, VICTIM
    yield "POST", f"{server}/action", {"rebuild": rebuild}, VICTIM
    yield "POST", f"{server}/action", {"os-getConsoleOutput": {"length": 10}}, VICTIM
    yield "POST", f"{server}/action", {"resize": {"flavorRef": "1"}}, VICTIM
    yield "POST", f"{server}/action", {"lock": {"locked_reason": "r"}}, OPERATOR
    yield "POST", f"{server}/os-interface", {"interfaceAttachment": attachment}, VICTIM
    yield "POST", f"{server}/metadata", {"metadata": {"a": "b"}}, VICTIM
    yield "PUT", f"{server}/tags", {"tags": ["a"]}, VICTIM


def flavors_quotas_and_key_pairs(ids: Made) -> Iterator[Case]:
    flavor = {
        "name": "f", "ram": 1, "vcpus": 1, "disk": 1, "swap": 1, "OS-FLV-EXT-DATA:ephemeral": 1, "rxtx_factor": 1,
        "id": "f", "description": "d",
    }  # fmt: skip
    key = {"name": "k", "type": "ssh", "public_key": "ssh-ed25519 AAAA"}
    yield "POST", f"{NOVA}/flavors", {"flavor": flavor}, OPERATOR
    yield "POST", f"{NOVA}/flavors/{ids.flavor}/os-extra_specs", {"extra_specs": {"hw:a": "b"}}, OPERATOR
    yield "PUT", f"{NOVA}/os-quota-sets/alpha", {"quota_set": {"cores": 20, "ram": -1, "force": True}}, OPERATOR
    yield "POST", f"{NOVA}/os-keypairs", {"keypair": key}, VICTIM


def images(ids: Made) -> Iterator[Case]:
    said = {
        "name": "i", "disk_format": "raw", "min_disk": 1, "min_ram": 1, "tags": ["a"], "own": "x", "protected": False,
        "container_format": "bare", "visibility": "private", "os_hidden": False,
    }  # fmt: skip
    yield "POST", f"{GLANCE}/images", said, VICTIM
    yield "POST", f"{GLANCE}/images", {"id": ID, "owner": "beta"}, OPERATOR
    yield "POST", f"{GLANCE}/images/{ids.image}/members", {"member": "beta"}, VICTIM


def users_projects_and_catalog() -> Iterator[Case]:
    user = {
        "name": "u", "password": "secret-word", "email": "e", "enabled": True, "domain_id": "default", "options": {},
        "default_project_id": None, "description": "d",
    }  # fmt: skip
    project = {
        "name": "p", "tags": ["t"], "parent_id": "default", "options": {}, "extra": "x", "is_domain": False,
    }  # fmt: skip
    yield "POST", f"{KEYSTONE}/users", {"user": user}, OPERATOR
    yield "POST", f"{KEYSTONE}/projects", {"project": project}, OPERATOR
    yield "POST", f"{KEYSTONE}/roles", {"role": {"name": "r", "description": "d", "domain_id": None}}, OPERATOR
    yield "POST", f"{KEYSTONE}/groups", {"group": {"name": "g", "domain_id": "default"}}, OPERATOR
    yield "POST", f"{KEYSTONE}/domains", {"domain": {"name": "d", "enabled": True}}, OPERATOR
    yield "POST", f"{KEYSTONE}/regions", {"region": {"id": "r", "parent_region_id": None, "description": "d"}}, OPERATOR
    yield "POST", f"{KEYSTONE}/services", {"service": {"type": "t", "name": "n", "enabled": True}}, OPERATOR


def credentials_and_trusts() -> Iterator[Case]:
    credential = {"type": "cert", "blob": "b", "user_id": "user-member-alpha", "project_id": "x"}
    trust = {
        "trustor_user_id": "user-member-alpha", "trustee_user_id": "x", "impersonation": True, "project_id": "alpha",
        "roles": [{"name": "member"}], "expires_at": "2030-01-01T00:00:00Z",
    }  # fmt: skip
    yield "POST", f"{KEYSTONE}/credentials", {"credential": credential}, VICTIM
    yield "POST", f"{KEYSTONE}/OS-TRUST/trusts", {"trust": trust}, VICTIM


def logins() -> Iterator[Case]:
    user = {"name": "u", "domain": {"name": "Default"}, "password": "p"}
    password = {"methods": ["password"], "password": {"user": user}}
    scope = {"project": {"name": "p", "domain": {"id": "default"}}}
    application = {"methods": ["application_credential"], "application_credential": {"id": "x", "secret": "y"}}
    token = {"methods": ["token"], "token": {"id": "x"}}
    yield "POST", f"{KEYSTONE}/auth/tokens", {"auth": {"identity": password, "scope": scope}}, VICTIM
    yield "POST", f"{KEYSTONE}/auth/tokens", {"auth": {"identity": application}}, VICTIM
    yield "POST", f"{KEYSTONE}/auth/tokens", {"auth": {"identity": token}}, VICTIM


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, inside in (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    ):
        yield from places(inside, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("part", range(4))
def test_no_hostile_value_is_a_server_error(cloud: Tenants, part: int) -> None:
    wrong: list[Any] = []
    asked = 0
    for method, path, good, token in list(bodies(cloud))[part::4]:
        for place in places(good):
            for number, value in enumerate(HOSTILE):
                if not place and isinstance(value, str) and len(value) > 10:
                    continue
                content = json.dumps(replaced(good, place, value)).encode()
                answer = cloud.call(method, path, token=token, content=content)
                asked += 1
                if answer.status >= 500 and answer.status != 501:
                    wrong.append((method, path, place, number, repr(value)[:60], answer.status, answer.body[:120]))
    assert asked > 1000
    assert wrong == []
    cloud.world.settle(10)
