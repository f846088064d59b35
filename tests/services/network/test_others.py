"""Tags, quotas, extensions, the ready-made topology, and how full networks are."""

from __future__ import annotations

from typing import Any

import pytest

from croft.drivers.fabric import Kind, Router
from croft.drivers.uplink import Route
from tests.services.network.cloud import ADMIN, MISSING, Cloud


def every_taggable(cloud: Cloud) -> dict[str, str]:
    network, subnet = cloud.network()
    return {
        "networks": network,
        "subnets": subnet,
        "ports": cloud.make("ports", network_id=network)["id"],
        "routers": cloud.make("routers")["id"],
        "floatingips": cloud.make("floatingips", floating_network_id=cloud.public)["id"],
        "security-groups": cloud.make("security-groups", name="x")["id"],
        "security_groups": cloud.make("security-groups", name="y")["id"],
        "subnetpools": cloud.make("subnetpools", name="p", prefixes=["10.64.0.0/16"])["id"],
    }


def test_tags_of_everything(cloud: Cloud) -> None:
    for plural, id in every_taggable(cloud).items():
        path = f"/{plural}/{id}/tags"
        assert cloud.ask("GET", path).json == {"tags": []}
        assert cloud.ask("PUT", f"{path}/red").status == 201
        assert cloud.ask("GET", f"{path}/red").status == 204
        assert cloud.ask("GET", f"{path}/blue").status == 404
        assert cloud.ask("PUT", path, {"tags": ["b", "a", "b"]}).json == {"tags": ["a", "b"]}
        assert cloud.ask("POST", path, {"tags": ["c"]}).json == {"tags": ["a", "b", "c"]}
        assert cloud.ask("DELETE", f"{path}/a").status == 204
        assert cloud.ask("DELETE", f"{path}/a").status == 404
        assert cloud.show(plural.replace("_", "-"), id)["tags"] == ["b", "c"]
        assert cloud.ask("DELETE", path).status == 204
        assert cloud.ask("GET", path).json == {"tags": []}


def test_tags_that_cannot_be(cloud: Cloud) -> None:
    network, _ = cloud.network()
    path = f"/networks/{network}/tags"
    for body in ({"tags": [""]}, {"tags": ["x" * 256]}, {"tags": "x"}, {"tags": [f"{n}" for n in range(51)]}, {}):
        assert cloud.ask("PUT", path, body).status == 400, body
    assert cloud.ask("PUT", path, {"tags": [f"{n}" for n in range(50)]}).status == 200
    assert cloud.ask("PUT", f"{path}/more").status == 400
    assert cloud.ask("PUT", f"{path}/{'x' * 256}").status == 400
    assert cloud.ask("GET", f"/flavors/{network}/tags").status == 404
    assert cloud.ask("GET", f"/networks/{MISSING}/tags").status == 404
    assert cloud.ask("PUT", f"{path}/red", token="member:beta").status == 404
    assert cloud.ask("PUT", f"/networks/{cloud.public}/tags/red").status == 403


def test_tags_do_not_bother_the_fabric(cloud: Cloud) -> None:
    network, _ = cloud.network()
    cloud.settle()
    writes = cloud.fabric.writes
    revision = cloud.show("networks", network)["revision_number"]
    cloud.ask("PUT", f"/networks/{network}/tags/red")
    cloud.settle()
    assert cloud.fabric.writes == writes
    assert cloud.show("networks", network)["revision_number"] == revision + 1


def test_quotas_are_seen_set_and_reset(cloud: Cloud) -> None:
    own = cloud.ask("GET", "/quotas/alpha").json["quota"]
    assert own["network"] == 100
    assert cloud.ask("GET", "/quotas/tenant").json["tenant"]["tenant_id"] == "alpha"
    assert cloud.ask("GET", "/quotas/beta").status == 403
    assert cloud.ask("PUT", "/quotas/alpha", {"quota": {"network": 1}}).status == 403
    wish = {"network": 1, "port": "-1", "rbac_policy": 3, "trunk": 0, "check_limit": True}
    changed = cloud.ask("PUT", "/quotas/alpha", {"quota": wish}, token=ADMIN)
    assert (changed.json["quota"]["network"], changed.json["quota"]["port"]) == (1, -1)
    assert cloud.ask("GET", "/quotas/alpha/default").json["quota"]["network"] == 100
    [listed] = cloud.ask("GET", "/quotas", token=ADMIN).json["quotas"]
    assert (listed["project_id"], listed["network"]) == ("alpha", 1)
    cloud.make("networks")
    assert cloud.ask("GET", "/quotas/alpha/details").json["quota"]["network"] == {"limit": 1, "used": 1, "reserved": 0}
    assert cloud.refused("POST", "/networks", {"network": {}}) == (409, "OverQuota")
    assert cloud.ask("DELETE", "/quotas/alpha", token=ADMIN).status == 204
    assert cloud.ask("GET", "/quotas/alpha").json["quota"] == own
    cloud.make("networks")


def test_a_limit_below_use_is_taken_unless_it_is_to_be_checked(cloud: Cloud) -> None:
    cloud.make("networks")
    checked = {"quota": {"network": 0, "check_limit": True}}
    assert cloud.ask("PUT", "/quotas/alpha", checked, token=ADMIN).status == 400
    for quota in ({"network": 0}, {"network": 1, "check_limit": True}, {"network": -1, "check_limit": True}):
        assert cloud.ask("PUT", "/quotas/alpha", {"quota": quota}, token=ADMIN).status == 200


@pytest.mark.parametrize(
    "quota", [{"color": 1}, {"network": "many"}, {"network": -2}, {"network": True}, {"port": None}]
)
def test_a_quota_that_makes_no_sense_is_400(cloud: Cloud, quota: dict[str, Any]) -> None:
    assert cloud.ask("PUT", "/quotas/alpha", {"quota": quota}, token=ADMIN).status == 400


LIMITED = {
    "network": ("networks", {}),
    "subnetpool": ("subnetpools", {"name": "p", "prefixes": ["10.64.0.0/16"]}),
    "router": ("routers", {}),
    "security_group": ("security-groups", {"name": "x"}),
}


@pytest.mark.parametrize("name", LIMITED)
def test_every_quota_holds(cloud: Cloud, name: str) -> None:
    cloud.list("security-groups")
    plural, wishes = LIMITED[name]
    limit = 2 if name == "security_group" else 1
    cloud.ask("PUT", "/quotas/alpha", {"quota": {name: limit}}, token=ADMIN)
    cloud.make(plural, **wishes)
    single = plural.replace("-", "_")[:-1]
    assert cloud.refused("POST", f"/{plural}", {single: wishes}) == (409, "OverQuota")


def test_quotas_of_what_needs_a_network(cloud: Cloud) -> None:
    network, _ = cloud.network()
    group = cloud.make("security-groups", name="x")["id"]
    quota = {"subnet": 1, "port": 1, "floatingip": 0, "security_group_rule": 6}
    cloud.ask("PUT", "/quotas/alpha", {"quota": quota}, token=ADMIN)
    for plural, single, wishes in (
        ("subnets", "subnet", {"network_id": network, "ip_version": 4, "cidr": "10.2.0.0/24"}),
        ("ports", "port", {"network_id": network}),
        ("floatingips", "floatingip", {"floating_network_id": cloud.public}),
        ("security-group-rules", "security_group_rule", {"security_group_id": group, "direction": "ingress"}),
    ):
        assert cloud.refused("POST", f"/{plural}", {single: wishes}) == (409, "OverQuota"), plural


def test_extensions_are_listed_and_shown(cloud: Cloud) -> None:
    listed = cloud.ask("GET", "/extensions").json["extensions"]
    aliases = [each["alias"] for each in listed]
    assert aliases == sorted(aliases)
    assert {"router", "external-net", "security-group", "standard-attr-tag", "quotas"} <= set(aliases)
    for each in listed:
        assert cloud.ask("GET", f"/extensions/{each['alias']}").json["extension"] == each
    assert cloud.ask("GET", "/extensions/warp-drive").status == 404
    for name in ("agents", "availability_zones", "service-providers"):
        assert cloud.ask("GET", f"/{name}", token="reader:alpha").json == {name.replace("-", "_"): []}


def topology(cloud: Cloud, token: str = "member:alpha", project: str = "alpha") -> str:
    answer = cloud.ask("GET", f"/auto-allocated-topology/{project}", token=token)
    assert answer.status == 200, answer.body
    return str(answer.json["auto_allocated_topology"]["id"])


def test_a_project_gets_a_network_with_a_way_out(cloud: Cloud) -> None:
    network = topology(cloud)
    assert topology(cloud, project="null") == network
    other = topology(cloud, "member:beta", "beta")
    cloud.settle()
    subnets = {each["ip_version"]: each for each in cloud.list("subnets")}
    assert subnets[4]["cidr"] == "10.0.0.0/24"
    assert subnets[6]["ipv6_address_mode"] == "slaac"
    [router] = cloud.list("routers")
    spec = cloud.held(Kind.ROUTER, router["id"])
    assert isinstance(spec, Router)
    assert spec.external is not None
    assert spec.external.snat == ("10.0.0.0/24",)
    second = {each["ip_version"]: each for each in cloud.list("subnets", token="member:beta")}
    assert second[6]["cidr"] != subnets[6]["cidr"]
    assert cloud.uplink.routes() == {
        Route(subnets[6]["cidr"], "2001:db8:7::2"),
        Route(second[6]["cidr"], "2001:db8:7::3"),
    }
    assert set(cloud.metadata.names()) == {network, other}


def test_the_ready_made_network_goes_as_a_whole(cloud: Cloud) -> None:
    network = topology(cloud)
    port = cloud.make("ports", network_id=network)["id"]
    cloud.settle()
    assert cloud.refused("DELETE", "/auto-allocated-topology/alpha") == (409, "NetworkInUse")
    assert len(cloud.list("routers")) == 1, "all or nothing"
    cloud.end("ports", port)
    cloud.ask("DELETE", "/auto-allocated-topology/alpha")
    assert cloud.list("routers") == cloud.list("subnets") == []
    status, name = cloud.refused("DELETE", "/auto-allocated-topology/alpha")
    assert (status, name) == (404, "AutoAllocatedTopologyNotFound")
    cloud.settle()
    assert cloud.fabric.names(Kind.ROUTER) == []
    assert cloud.uplink.routes() == set()
    assert topology(cloud) != network


def test_a_router_that_got_another_name_outlives_the_ready_made_network(cloud: Cloud) -> None:
    topology(cloud)
    router = cloud.list("routers")[0]["id"]
    cloud.put("routers", router, name="mine")
    assert cloud.ask("DELETE", "/auto-allocated-topology/alpha").status == 204
    assert [each["id"] for each in cloud.list("routers")] == [router]


def test_the_topology_of_others_is_the_operators(cloud: Cloud) -> None:
    assert cloud.ask("GET", "/auto-allocated-topology/beta").status == 403
    network = topology(cloud, ADMIN, "alpha")
    assert cloud.show("networks", network)["project_id"] == "alpha"


def test_a_dry_run_makes_nothing_and_says_what_is_missing(cloud: Cloud) -> None:
    answer = cloud.ask("GET", "/auto-allocated-topology/alpha?fields=dry-run")
    assert answer.json["auto_allocated_topology"]["id"] == "dry-run=pass"
    assert len(cloud.list("networks")) == 1
    for pool in cloud.list("subnetpools", token=ADMIN):
        cloud.put("subnetpools", pool["id"], token=ADMIN, is_default=False)
    for query in ("?fields=dry-run", ""):
        path = f"/auto-allocated-topology/alpha{query}"
        assert cloud.refused("GET", path) == (404, "AutoAllocationFailure")
    cloud.put("networks", cloud.public, token=ADMIN, is_default=False)
    for query in ("?fields=dry-run", ""):
        path = f"/auto-allocated-topology/alpha{query}"
        assert cloud.refused("GET", path) == (409, "AutoAllocationFailure")


def test_operators_see_how_full_networks_are(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    cloud.make("ports", network_id=network)
    found = cloud.ask("GET", f"/network-ip-availabilities/{network}", token=ADMIN).json["network_ip_availability"]
    assert (found["used_ips"], found["total_ips"]) == (2, 253)
    assert found["subnet_ip_availability"][0]["subnet_id"] == subnet
    path = "/network-ip-availabilities?network_name=blue&ip_version=4"
    assert cloud.ask("GET", path, token=ADMIN).json["network_ip_availabilities"] == [found]
    six = cloud.ask("GET", "/network-ip-availabilities?network_name=blue&ip_version=6", token=ADMIN)
    assert six.json["network_ip_availabilities"][0]["subnet_ip_availability"] == []
    assert cloud.ask("GET", "/network-ip-availabilities?ip_version=5", token=ADMIN).status == 400
    assert cloud.ask("GET", "/network-ip-availabilities").status == 403
