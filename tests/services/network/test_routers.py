"""Routers and their legs through HTTP, and what of them reaches the engines."""

from __future__ import annotations

from typing import Any

import pytest

from croft.drivers.fabric import Kind, Port, Router
from croft.drivers.uplink import Route
from tests.services.network.cloud import ADMIN, MISSING, Cloud, addresses


def router_spec(cloud: Cloud, router: str) -> Router:
    spec = cloud.held(Kind.ROUTER, router)
    assert isinstance(spec, Router)
    return spec


def refusal(cloud: Cloud, router: str, verb: str = "add", **wish: Any) -> tuple[int, str]:
    return cloud.refused("PUT", f"/routers/{router}/{verb}_router_interface", wish)


def test_a_router_is_shown_as_neutron_shows_it(cloud: Cloud) -> None:
    made = cloud.make("routers", name="way", description="out")
    assert cloud.show("routers", made["id"]) == made
    assert (made["status"], made["external_gateway_info"], made["routes"]) == ("ACTIVE", None, [])
    router = cloud.router()
    info = cloud.show("routers", router)["external_gateway_info"]
    assert (info["network_id"], info["enable_snat"]) == (cloud.public, True)
    assert [each["ip_address"] for each in info["external_fixed_ips"]] == ["198.18.7.2", "2001:db8:7::2"]
    [listed] = cloud.list("routers", f"id={router}")
    assert listed["external_gateway_info"] == info


def test_a_whole_router_reaches_the_fabric(cloud: Cloud) -> None:
    network, four = cloud.network()
    six = cloud.slaac(network, "2001:db8:99::/64")
    seven = cloud.subnet(network, "2001:db8:98::/64", dns_nameservers=["2001:db8::53"])
    router = cloud.router(four, six, seven)
    cloud.put("routers", router, routes=[{"destination": "10.77.0.0/16", "nexthop": "10.1.0.77"}])
    cloud.settle()
    spec = router_spec(cloud, router)
    assert [leg.addresses for leg in spec.ports] == [
        ("10.1.0.1/24",),
        ("2001:db8:99::1/64", "2001:db8:98::1/64"),
    ], "IPv6 subnets of one network share a leg"
    assert [leg.ra_mode for leg in spec.ports] == ["", "slaac"]
    assert spec.ports[1].dns == ("2001:db8::53",)
    assert spec.external is not None
    assert spec.external.addresses == ("198.18.7.2/24", "2001:db8:7::2/64")
    assert spec.external.next_hops == ("198.18.7.1", "2001:db8:7::1")
    assert spec.external.snat == ("10.1.0.0/24",)
    assert spec.routes == (("10.77.0.0/16", "10.1.0.77"),)
    cloud.put("routers", router, token=ADMIN, external_gateway_info={"network_id": cloud.public, "enable_snat": False})
    cloud.settle()
    assert router_spec(cloud, router).external is not None
    assert router_spec(cloud, router).external.snat == ()  # type: ignore[union-attr]


def test_the_world_finds_only_prefixes_of_the_clouds_own_pools(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    own = cloud.make("subnets", network_id=network, ip_version=6, use_default_subnetpool=True)
    foreign = cloud.subnet(network, "2001:db8:7:5::/64")
    router = cloud.router(own["id"], foreign)
    cloud.settle()
    assert cloud.uplink.routes() == {Route(own["cidr"], "2001:db8:7::2")}
    cloud.put("routers", router, admin_state_up=False)
    cloud.settle()
    assert cloud.uplink.routes() == set()
    cloud.put("routers", router, admin_state_up=True)
    cloud.settle()
    cloud.put("routers", router, external_gateway_info={})
    cloud.settle()
    assert cloud.uplink.routes() == set()
    assert router_spec(cloud, router).external is None


def test_a_route_follows_the_routers_new_address(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    own = cloud.make("subnets", network_id=network, ip_version=6, use_default_subnetpool=True)
    router = cloud.router(own["id"])
    cloud.settle()
    wish = {"network_id": cloud.public, "external_fixed_ips": [{"ip_address": "2001:db8:7::99"}]}
    cloud.put("routers", router, token=ADMIN, external_gateway_info=wish)
    cloud.settle()
    assert cloud.uplink.routes() == {Route(own["cidr"], "2001:db8:7::99")}
    cloud.detach(router, subnet_id=own["id"])
    cloud.settle()
    assert cloud.uplink.routes() == set()


def test_the_outside_addresses_are_held_until_the_fabric_let_go(cloud: Cloud) -> None:
    router = cloud.router()
    cloud.settle()
    cloud.put("routers", router, external_gateway_info=None)
    other = cloud.router()
    info = cloud.show("routers", other)["external_gateway_info"]
    assert [each["ip_address"] for each in info["external_fixed_ips"]] == ["198.18.7.3", "2001:db8:7::3"]
    cloud.settle()
    ports = cloud.list("ports", f"network_id={cloud.public}", token=ADMIN)
    assert [port["device_id"] for port in ports] == [other]
    assert cloud.list("ports", f"network_id={cloud.public}") == [], "the cloud's own, not the project's"


def test_a_gateway_is_chosen_kept_and_refused(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    inner = {"router": {"external_gateway_info": {"network_id": network}}}
    assert cloud.refused("POST", "/routers", inner) == (400, "BadRequest")
    nowhere = {"router": {"external_gateway_info": {"network_id": MISSING}}}
    assert cloud.refused("POST", "/routers", nowhere) == (404, "NetworkNotFound")
    for info in (
        {"network_id": cloud.public, "enable_snat": False},
        {"network_id": cloud.public, "external_fixed_ips": [{"ip_address": "198.18.7.9"}]},
    ):
        assert cloud.refused("POST", "/routers", {"router": {"external_gateway_info": info}})[0] == 403
    for info in ({}, {"enable_snat": True}, {"network_id": cloud.public, "speed": 9}, []):
        answer = cloud.ask("POST", "/routers", {"router": {"external_gateway_info": info}})
        assert answer.status == (201 if info == {} else 400)
    router = cloud.router(subnet)
    before = cloud.show("routers", router)["external_gateway_info"]
    again = cloud.put("routers", router, external_gateway_info=before)
    assert again["external_gateway_info"] == before
    outside = cloud.show("networks", cloud.public)["subnets"][0]
    info = {"network_id": cloud.public, "external_fixed_ips": [{"subnet_id": outside}]}
    assert cloud.put("routers", router, external_gateway_info=info)["external_gateway_info"] == before
    taken = {"network_id": cloud.public, "external_fixed_ips": [{"ip_address": "198.18.7.2"}]}
    body = {"router": {"external_gateway_info": taken}}
    assert cloud.refused("POST", "/routers", body, token=ADMIN) == (409, "IpAddressAlreadyAllocated")


def test_a_gateway_may_not_overlap_what_is_inside(cloud: Cloud) -> None:
    _, subnet = cloud.network("198.18.7.0/25")
    router = cloud.router(subnet, outside=False)
    body = {"router": {"external_gateway_info": {"network_id": cloud.public}}}
    assert cloud.refused("PUT", f"/routers/{router}", body) == (400, "BadRequest")


def test_interfaces_by_subnet_and_by_port(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    router = cloud.router(outside=False)
    found = cloud.attach(router, subnet_id=subnet)
    assert (found["subnet_id"], found["subnet_ids"], found["network_id"]) == (subnet, [subnet], network)
    assert addresses(cloud.show("ports", found["port_id"])) == ["10.1.0.1"]
    other, second = cloud.network("10.2.0.0/24")
    port = cloud.make("ports", network_id=other, fixed_ips=[{"ip_address": "10.2.0.9"}])["id"]
    cloud.settle()
    assert isinstance(cloud.held(Kind.PORT, port), Port)
    assert cloud.attach(router, port_id=port)["port_id"] == port
    cloud.settle()
    assert cloud.held(Kind.PORT, port) is None, "it is a part of the router now"
    assert [leg.addresses for leg in router_spec(cloud, router).ports] == [("10.1.0.1/24",), ("10.2.0.9/24",)]
    assert cloud.show("ports", port)["device_owner"] == "network:router_interface"
    assert cloud.detach(router, port_id=port)["subnet_id"] == second
    assert cloud.refused("GET", f"/ports/{port}") == (404, "PortNotFound")
    cloud.detach(router, subnet_id=subnet)
    cloud.settle()
    assert router_spec(cloud, router).ports == ()


def test_an_interface_port_may_move_to_another_address(cloud: Cloud) -> None:
    _, subnet = cloud.network()
    router = cloud.router(outside=False)
    port = cloud.attach(router, subnet_id=subnet)["port_id"]
    after = cloud.put("ports", port, fixed_ips=[{"subnet_id": subnet, "ip_address": "10.1.0.254"}])
    assert addresses(after) == ["10.1.0.254"]
    cloud.settle()
    assert router_spec(cloud, router).ports[0].addresses == ("10.1.0.254/24",)


def test_one_of_several_ipv6_subnets_of_a_leg_goes(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    one, two = cloud.slaac(network, "2001:db8:98::/64"), cloud.slaac(network, "2001:db8:99::/64")
    router = cloud.router(one, two, outside=False)
    cloud.detach(router, subnet_id=one)
    cloud.settle()
    assert [leg.addresses for leg in router_spec(cloud, router).ports] == [("2001:db8:99::1/64",)]


def test_interfaces_that_cannot_be(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    router = cloud.router(subnet, outside=False)
    assert refusal(cloud, router) == (400, "BadRequest")
    assert refusal(cloud, router, "remove") == (400, "BadRequest")
    assert refusal(cloud, router, subnet_id=subnet, port_id=MISSING) == (400, "BadRequest")
    assert refusal(cloud, router, subnet_id=subnet) == (400, "BadRequest")
    assert refusal(cloud, router, subnet_id=MISSING) == (404, "SubnetNotFound")
    assert refusal(cloud, router, port_id=MISSING) == (404, "PortNotFound")
    assert refusal(cloud, MISSING, subnet_id=subnet) == (404, "RouterNotFound")
    assert refusal(cloud, router, subnet_id=cloud.network()[1]) == (400, "BadRequest"), "overlaps"
    assert refusal(cloud, router, "remove", subnet_id=MISSING) == (404, "RouterInterfaceNotFoundForSubnet")
    assert refusal(cloud, router, "remove", port_id=MISSING) == (404, "RouterInterfaceNotFound")
    gateless = cloud.subnet(network, "10.3.0.0/24", gateway_ip=None)
    assert refusal(cloud, router, subnet_id=gateless) == (400, "BadRequest")
    used = cloud.make("ports", network_id=network, device_id="x")["id"]
    assert refusal(cloud, router, port_id=used) == (409, "PortInUse")
    bare = cloud.make("ports", network_id=network, fixed_ips=[])["id"]
    assert refusal(cloud, router, port_id=bare) == (400, "BadRequest")
    twice = [{"ip_address": "10.1.0.9"}, {"ip_address": "10.3.0.9"}]
    wide = cloud.make("ports", network_id=network, fixed_ips=twice)["id"]
    assert refusal(cloud, router, port_id=wide) == (400, "BadRequest")
    second = cloud.router(outside=False)
    assert refusal(cloud, second, subnet_id=subnet) == (409, "IpAddressAlreadyAllocated")


def test_a_link_local_gateway_gives_the_router_an_address_of_its_own(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    subnet = cloud.subnet(network, "2001:db8:99::/64", gateway_ip="fe80::1")
    router = cloud.router(outside=False)
    port = cloud.show("ports", cloud.attach(router, subnet_id=subnet)["port_id"])
    assert addresses(port)[0].startswith("2001:db8:99:0:f816:3eff:fe")


def test_a_shared_networks_gateway_is_its_owners(cloud: Cloud) -> None:
    _, subnet = cloud.network(token=ADMIN, shared=True)
    router = cloud.router(outside=False)
    assert refusal(cloud, router, subnet_id=subnet) == (403, "PolicyNotAuthorized")


def test_extra_routes(cloud: Cloud) -> None:
    _, subnet = cloud.network()
    router = cloud.router(subnet, outside=False)
    one, two = ({"destination": f"10.7{n}.0.0/16", "nexthop": "10.1.0.77"} for n in (7, 8))
    assert cloud.put("routers", router, routes=[one])["routes"] == [one]
    both = cloud.ask("PUT", f"/routers/{router}/add_extraroutes", {"router": {"routes": [one, two]}})
    assert both.json["router"]["routes"] == [one, two]
    left = cloud.ask("PUT", f"/routers/{router}/remove_extraroutes", {"router": {"routes": [one]}})
    assert left.json["router"]["routes"] == [two]
    for bad, name in (
        ({"destination": "10.79.0.0/16", "nexthop": "10.5.0.1"}, "InvalidRoutes"),
        ({"destination": "10.79.0.0/16", "nexthop": "10.1.0.1"}, "InvalidRoutes"),
        ({"destination": "x", "nexthop": "10.1.0.77"}, "HTTPBadRequest"),
    ):
        assert cloud.refused("PUT", f"/routers/{router}", {"router": {"routes": [bad]}}) == (400, name)
    assert refusal(cloud, router, "remove", subnet_id=subnet) == (409, "RouterInterfaceInUseByRoute")
    assert cloud.put("routers", router, routes=None)["routes"] == []
    cloud.detach(router, subnet_id=subnet)


def test_a_router_with_interfaces_stays(cloud: Cloud) -> None:
    _, subnet = cloud.network()
    router = cloud.router(subnet)
    assert cloud.refused("DELETE", f"/routers/{router}") == (409, "RouterInUse")
    cloud.detach(router, subnet_id=subnet)
    cloud.settle()
    cloud.end("routers", router)
    assert cloud.refused("GET", f"/routers/{router}") == (404, "RouterNotFound")
    cloud.settle()
    assert cloud.held(Kind.ROUTER, router) is None
    assert cloud.list("ports", f"network_id={cloud.public}", token=ADMIN) == []
    for method in ("GET", "PUT", "DELETE"):
        assert cloud.refused(method, f"/routers/{cloud.router()}", {"router": {}}, token="member:beta")[0] == 404


@pytest.mark.parametrize("bridged", [True, False])
def test_nothing_is_announced_where_no_gateway_listens(cloud: Cloud, bridged: bool) -> None:
    wishes: dict[str, Any] = {"router:external": True}
    if bridged:
        wishes |= {"provider:network_type": "flat", "provider:physical_network": "elsewhere"}
    outside = cloud.make("networks", token=ADMIN, **wishes)["id"]
    hop = {"gateway_ip": None} if bridged else {}
    cloud.subnet(outside, "2001:db8:50::/64", token=ADMIN, enable_dhcp=False, **hop)
    network = cloud.make("networks")["id"]
    own = cloud.make("subnets", network_id=network, ip_version=6, use_default_subnetpool=True)
    router = cloud.make("routers", external_gateway_info={"network_id": outside})["id"]
    cloud.attach(router, subnet_id=own["id"])
    cloud.settle()
    assert cloud.note("network.router", router).code == ""
    assert cloud.uplink.routes() == set()
