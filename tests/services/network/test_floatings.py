"""Floating IPs through HTTP, and what of them reaches the fabric."""

from __future__ import annotations

from typing import Any

import pytest

from croft.drivers.fabric import Floating, Kind
from tests.services.network.cloud import ADMIN, MISSING, Cloud, addresses


def floating_spec(cloud: Cloud, floating: str) -> Floating:
    spec = cloud.held(Kind.FLOATING, floating)
    assert isinstance(spec, Floating)
    return spec


def refusal(cloud: Cloud, router: str, verb: str = "add", **wish: Any) -> tuple[int, str]:
    return cloud.refused("PUT", f"/routers/{router}/{verb}_router_interface", wish)


def routed(cloud: Cloud) -> tuple[str, str]:
    """A network and its subnet, with a way out."""
    network, subnet = cloud.network()
    cloud.router(subnet)
    return network, subnet


def test_a_floating_ip_is_made_moved_and_freed(cloud: Cloud) -> None:
    network, _ = routed(cloud)
    one, two = (cloud.make("ports", network_id=network)["id"] for _ in range(2))
    made = cloud.make("floatingips", floating_network_id=cloud.public, description="d", dns_name="www")
    assert cloud.show("floatingips", made["id"]) == made
    assert (made["status"], made["port_id"], made["router_id"], made["fixed_ip_address"]) == ("DOWN", None, None, None)
    cloud.settle()
    assert cloud.held(Kind.FLOATING, made["id"]) is None
    after = cloud.put("floatingips", made["id"], port_id=one)
    assert after["fixed_ip_address"] == addresses(cloud.show("ports", one))[0]
    assert after["port_details"]["mac_address"] == cloud.show("ports", one)["mac_address"]
    assert cloud.list("floatingips")[0]["port_details"] == after["port_details"]
    cloud.settle()
    assert cloud.show("floatingips", made["id"])["status"] == "ACTIVE"
    assert [each["id"] for each in cloud.list("floatingips", "status=ACTIVE")] == [made["id"]]
    spec = floating_spec(cloud, made["id"])
    assert (spec.external, spec.fixed, spec.port) == (made["floating_ip_address"], after["fixed_ip_address"], "")
    cloud.put("floatingips", made["id"], port_id=two)
    cloud.settle()
    assert floating_spec(cloud, made["id"]).fixed == addresses(cloud.show("ports", two))[0]
    cloud.end("ports", two)
    assert cloud.show("floatingips", made["id"])["port_id"] is None
    cloud.settle()
    assert cloud.held(Kind.FLOATING, made["id"]) is None
    cloud.put("floatingips", made["id"], port_id=one)
    assert cloud.put("floatingips", made["id"], port_id=None)["port_id"] is None
    assert cloud.put("floatingips", made["id"], port_id=None, description="e")["description"] == "e"
    cloud.end("floatingips", made["id"])
    assert cloud.refused("GET", f"/floatingips/{made['id']}") == (404, "FloatingIPNotFound")
    again = cloud.make("floatingips", floating_network_id=cloud.public)["floating_ip_address"]
    assert again != made["floating_ip_address"], "held until the fabric let go"
    cloud.settle()
    body = {"floating_network_id": cloud.public, "floating_ip_address": made["floating_ip_address"]}
    assert cloud.make("floatingips", token=ADMIN, **body)["floating_ip_address"] == made["floating_ip_address"]


def test_one_of_several_fixed_addresses(cloud: Cloud) -> None:
    network, _ = routed(cloud)
    fixed = [{"ip_address": "10.1.0.50"}, {"ip_address": "10.1.0.51"}]
    port = cloud.make("ports", network_id=network, fixed_ips=fixed)["id"]
    wish = {"floating_network_id": cloud.public, "port_id": port}
    assert cloud.refused("POST", "/floatingips", {"floatingip": wish}) == (400, "BadRequest")
    made = cloud.make("floatingips", **wish, fixed_ip_address="10.1.0.51")
    assert made["fixed_ip_address"] == "10.1.0.51"
    body = {"floatingip": wish | {"fixed_ip_address": "10.1.0.51"}}
    assert cloud.refused("POST", "/floatingips", body) == (409, "FloatingIPPortAlreadyAssociated")
    other = {"floatingip": wish | {"fixed_ip_address": "10.1.0.52"}}
    assert cloud.refused("POST", "/floatingips", other) == (400, "BadRequest")
    moved = cloud.put("floatingips", made["id"], fixed_ip_address="10.1.0.50")
    assert (moved["port_id"], moved["fixed_ip_address"]) == (port, "10.1.0.50")
    cloud.put("ports", port, fixed_ips=[{"ip_address": "10.1.0.51"}])
    assert cloud.show("floatingips", made["id"])["port_id"] is None, "its fixed address is gone"


@pytest.mark.parametrize(
    ("wish", "status", "name"),
    [
        ({"floating_network_id": MISSING}, 404, "NetworkNotFound"),
        ({"port_id": MISSING}, 404, "PortNotFound"),
        ({"fixed_ip_address": "10.1.0.9"}, 400, "BadRequest"),
        ({"floating_ip_address": "198.18.7.99"}, 403, "PolicyNotAuthorized"),
        ({"subnet_id": MISSING}, 400, "BadRequest"),
    ],
)
def test_a_floating_ip_that_cannot_be(cloud: Cloud, wish: dict[str, Any], status: int, name: str) -> None:
    body = {"floatingip": {"floating_network_id": cloud.public} | wish}
    assert cloud.refused("POST", "/floatingips", body) == (status, name)
    assert cloud.list("floatingips") == []


def test_floating_ips_need_a_way(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    inner = {"floatingip": {"floating_network_id": network}}
    assert cloud.refused("POST", "/floatingips", inner) == (400, "BadRequest")
    port = cloud.make("ports", network_id=network)["id"]
    body = {"floatingip": {"floating_network_id": cloud.public, "port_id": port}}
    assert cloud.refused("POST", "/floatingips", body) == (404, "ExternalGatewayForFloatingIPNotFound")
    six = cloud.make("networks")["id"]
    cloud.slaac(six, "2001:db8:99::/64")
    bare = cloud.make("ports", network_id=six)["id"]
    body = {"floatingip": {"floating_network_id": cloud.public, "port_id": bare}}
    assert cloud.refused("POST", "/floatingips", body) == (400, "BadRequest")
    router = cloud.router(subnet)
    made = cloud.make("floatingips", floating_network_id=cloud.public, port_id=port)
    assert made["router_id"] == router
    assert refusal(cloud, router, "remove", subnet_id=subnet) == (409, "RouterInterfaceInUseByFloatingIP")
    name = "RouterExternalGatewayInUseByFloatingIp"
    clear = {"router": {"external_gateway_info": {}}}
    assert cloud.refused("PUT", f"/routers/{router}", clear) == (409, name)
    body = {"floatingip": {"fixed_ip_address": "10.1.0.3"}}
    cloud.put("floatingips", made["id"], port_id=None)
    assert cloud.refused("PUT", f"/floatingips/{made['id']}", body) == (400, "BadRequest")


def test_an_operator_chooses_a_certain_address(cloud: Cloud) -> None:
    outside = {"floating_network_id": cloud.public}
    subnet = cloud.show("networks", cloud.public)["subnets"][0]
    assert cloud.make("floatingips", subnet_id=subnet, **outside)["floating_ip_address"] == "198.18.7.2"
    made = cloud.make("floatingips", token=ADMIN, floating_ip_address="198.18.7.99", **outside)
    assert made["floating_ip_address"] == "198.18.7.99"
    for address, expected in (
        ("198.18.7.99", (409, "IpAddressAlreadyAllocated")),
        ("198.18.8.99", (400, "InvalidIpForNetwork")),
        ("198.18.7.255", (400, "InvalidIpForSubnet")),
        ("x", (400, "HTTPBadRequest")),
    ):
        body = {"floatingip": outside | {"floating_ip_address": address}}
        assert cloud.refused("POST", "/floatingips", body, token=ADMIN) == expected
    port = {"port": {"network_id": cloud.public, "fixed_ips": [{"ip_address": "198.18.7.99"}]}}
    assert cloud.refused("POST", "/ports", port, token=ADMIN) == (409, "IpAddressAlreadyAllocated")


def test_the_router_that_is_the_gateway_translates(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    second = cloud.router()
    leg = cloud.make("ports", network_id=network, fixed_ips=[{"ip_address": "10.1.0.200"}])["id"]
    cloud.attach(second, port_id=leg)
    port = cloud.make("ports", network_id=network)["id"]
    wish = {"floating_network_id": cloud.public, "port_id": port}
    made = cloud.make("floatingips", **wish)
    assert made["router_id"] == second, "the only one there is"
    first = cloud.router(subnet)
    cloud.put("floatingips", made["id"], port_id=port)
    assert cloud.show("floatingips", made["id"])["router_id"] == first


def test_two_projects_may_have_the_same_addresses(cloud: Cloud) -> None:
    for project in ("alpha", "beta"):
        token = f"member:{project}"
        network, subnet = cloud.network("10.0.0.0/24", token=token)
        body = {"router": {"external_gateway_info": {"network_id": cloud.public}}}
        router = cloud.ask("POST", "/routers", body, token=token).json["router"]["id"]
        path = f"/routers/{router}/add_router_interface"
        assert cloud.ask("PUT", path, {"subnet_id": subnet}, token=token).status == 200
        port = cloud.make("ports", network_id=network, token=token)
        assert addresses(port) == ["10.0.0.3"]
        cloud.make("floatingips", token=token, floating_network_id=cloud.public, port_id=port["id"])
    cloud.settle()
    assert len({floating_spec(cloud, name).router for name in cloud.fabric.names(Kind.FLOATING)}) == 2
