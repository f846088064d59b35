"""Projects are apart, spoofed packets die, security groups act on running servers, hosts are one cloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from openstack.connection import Connection

from tests.e2e.cloud import MARKS, RunningCloud, Ssh, answers, eventually, make_key, page

pytestmark = MARKS
CIDR = "10.0.0.0/24"


@dataclass
class Tenant:
    """A project of its own with the same CIDR as the others, two servers, floating IPs."""

    sdk: Connection
    name: str
    group: str
    floating: dict[str, str]
    fixed: dict[str, str]
    host: dict[str, str]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("key"))


def make_tenant(cloud: RunningCloud, admin: Connection, name: str, key: Path, servers: int) -> Tenant:
    project = admin.identity.create_project(name=name, domain_id="default")
    user = admin.identity.create_user(name=name, password=f"{name}-password-1", domain_id="default")
    for role in ("member",):
        admin.identity.assign_project_role_to_user(project, user, admin.identity.find_role(role))
    auth = {"username": name, "password": f"{name}-password-1", "project_name": name}
    sdk = cloud.sdk(auth=auth)
    network = sdk.network.create_network(name=f"{name}-net")
    subnet = sdk.network.create_subnet(network_id=network.id, ip_version=4, cidr=CIDR)
    public = sdk.network.find_network("public", ignore_missing=False)
    router = sdk.network.create_router(name=f"{name}-router", external_gateway_info={"network_id": public.id})
    sdk.network.add_interface_to_router(router, subnet_id=subnet.id)
    group = sdk.network.create_security_group(name=f"{name}-group")
    for protocol, port in (("tcp", 22), ("tcp", 80), ("icmp", None)):
        rule = {"direction": "ingress", "protocol": protocol, "port_range_min": port, "port_range_max": port}
        sdk.network.create_security_group_rule(security_group_id=group.id, **rule)
    sdk.compute.create_keypair(name=name, public_key=key.with_suffix(".pub").read_text())
    tenant = Tenant(sdk, name, group.id, {}, {}, {})
    image, flavor = sdk.image.find_image("tiny"), sdk.compute.find_flavor("m1.tiny")
    made = [
        sdk.compute.create_server(
            name=f"{name}{number}",
            image_id=image.id,
            flavor_id=flavor.id,
            key_name=name,
            networks=[{"uuid": network.id}],
            security_groups=[{"name": f"{name}-group"}],
        )
        for number in range(servers)
    ]
    for server in made:
        ready = sdk.compute.wait_for_server(server, wait=180)
        port = next(sdk.network.ports(device_id=server.id))
        floating = sdk.network.create_ip(floating_network_id=public.id, port_id=port.id)
        tenant.floating[server.name] = floating.floating_ip_address
        tenant.fixed[server.name] = port.fixed_ips[0]["ip_address"]
        tenant.host[server.name] = admin.compute.get_server(ready.id).hypervisor_hostname
    return tenant


def clear(tenant: Tenant) -> None:
    sdk = tenant.sdk
    for server in sdk.compute.servers():
        sdk.compute.delete_server(server)
    eventually("servers are gone", lambda: not list(sdk.compute.servers()), seconds=90)
    for floating in sdk.network.ips():
        sdk.network.delete_ip(floating)
    for router in sdk.network.routers():
        for port in sdk.network.ports(device_id=router.id, device_owner="network:router_interface"):
            sdk.network.remove_interface_from_router(router, port_id=port.id)
        sdk.network.delete_router(router)
    for network in sdk.network.networks(project_id=sdk.current_project_id):
        sdk.network.delete_network(network)


@pytest.fixture(scope="module")
def tenants(cloud: RunningCloud, key: Path) -> Iterator[tuple[Tenant, Tenant]]:
    admin = cloud.sdk("croft-admin")
    red, blue = make_tenant(cloud, admin, "red", key, 2), make_tenant(cloud, admin, "blue", key, 1)
    try:
        yield red, blue
    finally:
        for tenant in (red, blue):
            clear(tenant)


def test_servers_land_on_both_hosts_and_reach_each_other(tenants: tuple[Tenant, Tenant], key: Path) -> None:
    red, _ = tenants
    assert len(set(red.host.values())) == 2
    ssh = Ssh(key)
    eventually("ssh", lambda: ssh(red.floating["red0"], "true") == "")
    answer = ssh(red.floating["red0"], f"timeout 10 wget -q -O - http://{red.fixed['red1']}/")
    assert "red1" in answer


def test_the_same_cidr_twice_works_and_stays_apart(tenants: tuple[Tenant, Tenant], key: Path) -> None:
    red, blue = tenants
    ssh = Ssh(key)
    eventually("red answers", lambda: "red0" in page(red.floating["red0"]))
    eventually("blue answers", lambda: "blue0" in page(blue.floating["blue0"]))
    assert set(blue.fixed.values()) & set(red.fixed.values()), "the test wants equal addresses"
    foreign = next(address for address in red.fixed.values() if address not in blue.fixed.values())
    eventually("ssh", lambda: ssh(blue.floating["blue0"], "hostname"))
    assert ssh.run(blue.floating["blue0"], f"ping -c 2 -W 1 {foreign}").returncode != 0
    same = blue.fixed["blue0"]
    seen_by_red = next(name for name, address in red.fixed.items() if address == same)
    other = next(name for name in red.fixed if name != seen_by_red)
    answer = ssh(red.floating[other], f"timeout 10 wget -q -O - http://{same}/")
    assert seen_by_red in answer
    assert "blue" not in answer


def test_a_spoofed_source_is_dropped(tenants: tuple[Tenant, Tenant], key: Path) -> None:
    red, _ = tenants
    ssh = Ssh(key)
    me, other = red.floating["red0"], red.fixed["red1"]
    eventually("honest ping", lambda: ssh.run(me, f"ping -c 1 -W 2 {other}").returncode == 0)
    own = "10.0.0.99/24 dev eth0"
    spoof = f"ip addr add {own}; ping -c 3 -W 1 -I 10.0.0.99 {other}; echo rc=$?; ip addr del {own}"
    assert "rc=0" not in ssh(me, spoof)


def test_security_groups_act_on_running_servers(tenants: tuple[Tenant, Tenant]) -> None:
    red, _ = tenants
    address = red.floating["red0"]
    eventually("open", lambda: answers(address))
    rules = red.sdk.network.security_group_rules(security_group_id=red.group, direction="ingress")
    web = next(rule for rule in rules if rule.port_range_min == 80)
    red.sdk.network.delete_security_group_rule(web)
    eventually("closed", lambda: not answers(address, timeout=1), seconds=15)
    red.sdk.network.create_security_group_rule(
        security_group_id=red.group, direction="ingress", protocol="tcp", port_range_min=80, port_range_max=80
    )
    eventually("open again", lambda: answers(address, timeout=1), seconds=15)
