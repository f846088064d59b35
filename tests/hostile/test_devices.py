"""Ports that claim to belong to a device of somebody else: a server, a router, a network's metadata service."""

from __future__ import annotations

from base64 import b64encode

import pytest

from croft.drivers.metadata import Question
from croft.services.compute.actions import answer_metadata
from tests.hostile.tenants import NOVA, OPERATOR, THIEF, V2, VICTIM, Tenants


@pytest.mark.parametrize("later", [False, True])
def test_a_foreign_port_is_no_device_of_a_server(sqlite_cloud: Tenants, later: bool) -> None:
    cloud = sqlite_cloud
    server = cloud.server(user_data=b64encode(b"password: hunter2").decode())
    before = cloud.call("GET", f"{NOVA}/servers/{server}", token=VICTIM).json
    network, _ = cloud.network(THIEF)
    claim = {"device_id": server, "device_owner": "compute:nova"}
    port = cloud.make("ports", THIEF, network_id=network, **({} if later else claim))
    if later:
        assert cloud.call("PUT", f"{V2}/ports/{port['id']}", {"port": claim}).status == 200
    cloud.world.settle(60)
    assert cloud.call("GET", f"{NOVA}/servers/{server}", token=VICTIM).json == before
    shown = cloud.call("GET", f"{NOVA}/servers/{server}/os-interface", token=VICTIM).json["interfaceAttachments"]
    assert port["id"] not in {each["port_id"] for each in shown}
    answer = answer_metadata(cloud.world.db)
    [theirs] = [each["ip_address"] for each in port["fixed_ips"]]
    for path in ("/openstack/latest/user_data", "/openstack/latest/meta_data.json", "/latest/meta-data/hostname"):
        assert answer(Question(network, theirs, path)).status == 404
        mine = shown[0]
        assert answer(Question(mine["net_id"], mine["fixed_ips"][0]["ip_address"], path)).status == 200
    assert cloud.call("DELETE", f"{NOVA}/servers/{server}", token=VICTIM).status == 204
    cloud.world.settle(60)
    assert cloud.call("GET", f"{NOVA}/servers/{server}", token=VICTIM).status == 404
    assert cloud.show("ports", port["id"], THIEF)["id"] == port["id"]


def test_a_leg_of_ones_own_router_does_not_become_a_leg_of_anothers(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    victim, own = cloud.make("routers")["id"], cloud.make("routers", THIEF)["id"]
    network, subnet = cloud.network(THIEF)
    path = f"{V2}/routers/{own}/add_router_interface"
    leg = cloud.call("PUT", path, {"subnet_id": subnet}).json["port_id"]
    for change in ({"device_id": victim}, {"device_owner": ""}, {"device_id": "", "device_owner": "compute:nova"}):
        assert cloud.call("PUT", f"{V2}/ports/{leg}", {"port": change}).status == 403, change
    wish = {"network_id": network, "device_id": victim, "device_owner": "network:router_interface"}
    assert cloud.call("POST", f"{V2}/ports", {"port": wish}).status == 403
    plain = cloud.make("ports", THIEF, network_id=network, device_id=victim)["id"]
    assert cloud.call("PUT", f"{V2}/ports/{plain}", {"port": {"device_owner": "network:router_gateway"}}).status == 403
    cloud.world.settle(30)
    assert cloud.call("DELETE", f"{V2}/routers/{victim}", token=VICTIM).status == 204
    assert cloud.show("ports", leg, THIEF)["device_id"] == own


def test_an_attached_leg_in_a_shared_network_keeps_no_freedom(sqlite_cloud: Tenants) -> None:
    """A router's leg has no address filter: nobody may take one away to a server."""
    cloud = sqlite_cloud
    network, _ = cloud.network(OPERATOR, shared=True)
    router = cloud.make("routers", THIEF)["id"]
    port = cloud.make("ports", THIEF, network_id=network)["id"]
    assert cloud.call("PUT", f"{V2}/routers/{router}/add_router_interface", {"port_id": port}).status == 200
    answer = cloud.call("PUT", f"{V2}/ports/{port}", {"port": {"device_id": "", "device_owner": ""}})
    assert answer.status == 403
    assert cloud.call("PUT", f"{V2}/ports/{port}", {"port": {"mac_address": "fa:16:3e:00:00:01"}}).status == 403


def test_a_port_is_not_taken_for_a_networks_metadata_port(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    network = cloud.make("networks")["id"]
    theirs, _ = cloud.network(THIEF)
    port = cloud.make("ports", THIEF, network_id=theirs, device_id=f"ovnmeta-{network}")
    cloud.make("subnets", network_id=network, ip_version=4, cidr="10.99.0.0/24")
    cloud.world.settle(30)
    assert cloud.show("ports", port["id"], THIEF)["fixed_ips"] == port["fixed_ips"]
    assert cloud.cloud.engines.metadata.observe(network) is not None


def test_an_operator_attaches_for_the_servers_project(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    server = cloud.server()
    network, _ = cloud.network(cidr="10.88.0.0/24")
    theirs, _ = cloud.network(THIEF, cidr="10.89.0.0/24")
    foreign = cloud.make("ports", THIEF, network_id=theirs)["id"]
    path = f"{NOVA}/servers/{server}/os-interface"
    answer = cloud.call("POST", path, {"interfaceAttachment": {"port_id": foreign}}, OPERATOR)
    assert answer.status == 400
    answer = cloud.call("POST", path, {"interfaceAttachment": {"net_id": network}}, OPERATOR)
    assert answer.status == 200, answer.body
    assert cloud.show("ports", answer.json["interfaceAttachment"]["port_id"])["project_id"] == "alpha"


def test_a_member_does_not_tear_a_port_off_its_host(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    network, _ = cloud.network()
    cloud.server(networks=[{"uuid": network}])
    [port] = cloud.call("GET", f"{V2}/ports", token=OPERATOR, query="device_owner=compute:nova").json["ports"]
    assert port["binding:host_id"]
    for host in ("", None, "h2"):
        answer = cloud.call("PUT", f"{V2}/ports/{port['id']}", {"port": {"binding:host_id": host}}, VICTIM)
        assert answer.status == 403, answer.body
    assert cloud.show("ports", port["id"], OPERATOR)["binding:host_id"] == port["binding:host_id"]


@pytest.mark.parametrize("plural", ["networks", "ports", "routers", "security-groups", "subnetpools"])
def test_nothing_is_born_with_more_tags_than_it_may_have(sqlite_cloud: Tenants, plural: str) -> None:
    cloud = sqlite_cloud
    wish = {"name": "n", "tags": [f"t{number}" for number in range(51)]}
    wish |= {"ports": {"network_id": cloud.network()[0]}, "subnetpools": {"prefixes": ["10.0.0.0/16"]}}.get(plural, {})
    name = plural.removesuffix("s").replace("-", "_")
    assert cloud.call("POST", f"{V2}/{plural}", {name: wish}, VICTIM).status == 400
    assert cloud.call("POST", f"{V2}/{plural}", {name: wish | {"tags": ["t"]}}, VICTIM).status == 201


def test_a_router_draws_no_traffic_of_a_prefix_that_is_not_its_projects(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    network, _ = cloud.network(OPERATOR, shared=True)
    slaac = {"ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac", "use_default_subnetpool": True}
    theirs = cloud.make("subnets", OPERATOR, network_id=network, **slaac)
    own, _ = cloud.network(THIEF)
    mine = cloud.make("subnets", THIEF, network_id=own, **slaac)
    router = cloud.make("routers", THIEF, external_gateway_info={"network_id": cloud.external()})["id"]
    port = cloud.make("ports", THIEF, network_id=network)["id"]
    for leg in ({"port_id": port}, {"subnet_id": mine["id"]}):
        assert cloud.call("PUT", f"{V2}/routers/{router}/add_router_interface", leg).status == 200
    cloud.world.settle(60)
    announced = {route.prefix for route in cloud.cloud.engines.uplink.routes()}
    assert mine["cidr"] in announced
    assert theirs["cidr"] not in announced


def test_no_floating_ip_leads_through_a_strangers_router(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    public = cloud.external()
    network, subnet = cloud.network(OPERATOR, shared=True)
    router = cloud.make("routers", THIEF, external_gateway_info={"network_id": public})["id"]
    port = cloud.make("ports", THIEF, network_id=network)["id"]
    assert cloud.call("PUT", f"{V2}/routers/{router}/add_router_interface", {"port_id": port}).status == 200
    inner = cloud.make("ports", network_id=network)["id"]
    wish = {"floating_network_id": public, "port_id": inner}
    assert cloud.call("POST", f"{V2}/floatingips", {"floatingip": wish}, VICTIM).status == 404
    gateway = cloud.make("routers", OPERATOR, external_gateway_info={"network_id": public})["id"]
    path = f"{V2}/routers/{gateway}/add_router_interface"
    assert cloud.call("PUT", path, {"subnet_id": subnet}, OPERATOR).status == 200
    assert cloud.make("floatingips", **wish)["router_id"] == gateway
