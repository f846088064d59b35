"""Subnets and subnet pools through HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from croft.drivers.fabric import Kind, Network
from tests.services.network.cloud import ADMIN, MISSING, Cloud, addresses


def refusal(cloud: Cloud, network: str, **wishes: Any) -> tuple[int, str]:
    return cloud.refused("POST", "/subnets", {"subnet": {"network_id": network, "ip_version": 4} | wishes})


def test_a_subnet_has_the_usual_gateway_and_pools(cloud: Cloud) -> None:
    network, subnet = cloud.network("10.1.0.77/24")
    shown = cloud.show("subnets", subnet)
    assert shown["cidr"] == "10.1.0.0/24"
    assert shown["gateway_ip"] == "10.1.0.1"
    assert shown["allocation_pools"] == [{"start": "10.1.0.2", "end": "10.1.0.254"}]
    assert shown["enable_dhcp"] is True
    assert cloud.show("networks", network)["subnets"] == [subnet]


def test_pools_leave_a_gateway_in_the_middle_out(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    subnet = cloud.subnet(network, "10.1.0.0/28", gateway_ip="10.1.0.5")
    pools = cloud.show("subnets", subnet)["allocation_pools"]
    assert pools == [{"start": "10.1.0.1", "end": "10.1.0.4"}, {"start": "10.1.0.6", "end": "10.1.0.14"}]
    last = cloud.subnet(network, "10.2.0.0/30", gateway_ip="10.2.0.2")
    assert cloud.show("subnets", last)["allocation_pools"] == [{"start": "10.2.0.1", "end": "10.2.0.1"}]


def test_a_subnet_without_gateway_and_with_everything_else_reaches_the_fabric(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    subnet = cloud.subnet(
        network,
        "10.1.0.0/24",
        gateway_ip=None,
        dns_nameservers=["9.9.9.9"],
        host_routes=[{"destination": "10.9.0.0/16", "nexthop": "10.1.0.9"}],
        allocation_pools=[{"start": "10.1.0.10", "end": "10.1.0.20"}],
    )
    cloud.settle()
    spec = cloud.held(Kind.NETWORK, network)
    assert isinstance(spec, Network)
    assert spec.subnets[0].id == subnet
    assert spec.subnets[0].gateway is None
    assert spec.subnets[0].dns == ("9.9.9.9",)
    assert spec.subnets[0].routes == (("10.9.0.0/16", "10.1.0.9"),)
    assert spec.metadata is not None
    assert spec.metadata.addresses == ("10.1.0.10",)


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateful", "dhcpv6-stateless"])
def test_ipv6_modes_reach_the_fabric(cloud: Cloud, mode: str) -> None:
    network = cloud.make("networks")["id"]
    subnet = cloud.slaac(network, "2001:db8:99::/64", mode)
    shown = cloud.show("subnets", subnet)
    assert shown["ipv6_ra_mode"] == shown["ipv6_address_mode"] == mode
    assert shown["gateway_ip"] == "2001:db8:99::1"
    cloud.settle()
    spec = cloud.held(Kind.NETWORK, network)
    assert isinstance(spec, Network)
    assert spec.subnets[0].mode == mode
    assert spec.metadata is None


@pytest.mark.parametrize(
    ("wishes", "name"),
    [
        ({"cidr": "10.1.0.0/33"}, "HTTPBadRequest"),
        ({"cidr": "what"}, "HTTPBadRequest"),
        ({"cidr": "0.0.0.0/0"}, "InvalidInput"),
        ({"cidr": "224.0.0.0/24"}, "InvalidInput"),
        ({"cidr": "10.1.0.0/31"}, "InvalidInput"),
        ({"cidr": "2001:db8:1::/64"}, "InvalidInput"),
        ({"cidr": "10.1.0.0/24", "ip_version": 5}, "HTTPBadRequest"),
        ({"cidr": "10.1.0.0/24", "gateway_ip": "10.2.0.1"}, "InvalidInput"),
        ({"cidr": "10.1.0.0/24", "gateway_ip": "10.1.0.255"}, "InvalidInput"),
        ({"cidr": "10.1.0.0/24", "gateway_ip": "x"}, "HTTPBadRequest"),
        ({"cidr": "10.1.0.0/24", "ipv6_ra_mode": "slaac"}, "InvalidInput"),
        ({"cidr": "10.1.0.0/24", "dns_nameservers": ["x"]}, "HTTPBadRequest"),
        ({"cidr": "10.1.0.0/24", "dns_nameservers": ["9.9.9.9", "9.9.9.9"]}, "HTTPBadRequest"),
        ({"cidr": "10.1.0.0/24", "dns_nameservers": [f"9.9.9.{n}" for n in range(6)]}, "DNSNameServersExhausted"),
        ({"cidr": "10.1.0.0/24", "host_routes": [{"destination": "x", "nexthop": "10.1.0.9"}]}, "HTTPBadRequest"),
        (
            {"cidr": "10.1.0.0/24", "host_routes": [{"destination": "2001:db8::/64", "nexthop": "10.1.0.9"}]},
            "InvalidInput",
        ),
        (
            {"cidr": "10.1.0.0/24", "host_routes": [{"destination": "10.9.0.0/24", "nexthop": "10.1.0.9"}] * 2},
            "HTTPBadRequest",
        ),
        (
            {
                "cidr": "10.1.0.0/24",
                "host_routes": [{"destination": f"10.9.{n}.0/24", "nexthop": "10.1.0.9"} for n in range(21)],
            },
            "HostRoutesExhausted",
        ),
        (
            {"cidr": "10.1.0.0/24", "allocation_pools": [{"start": "10.1.0.9", "end": "10.1.0.8"}]},
            "InvalidAllocationPool",
        ),
        (
            {"cidr": "10.1.0.0/24", "allocation_pools": [{"start": "10.1.0.9", "end": "10.1.1.8"}]},
            "OutOfBoundsAllocationPool",
        ),
        ({"ip_version": 6, "cidr": "2001:db8:1::/65", "ipv6_address_mode": "slaac"}, "InvalidInput"),
        (
            {
                "ip_version": 6,
                "cidr": "2001:db8:1::/64",
                "ipv6_address_mode": "slaac",
                "ipv6_ra_mode": "dhcpv6-stateful",
            },
            "InvalidInput",
        ),
        (
            {"ip_version": 6, "cidr": "2001:db8:1::/64", "ipv6_address_mode": "slaac", "enable_dhcp": False},
            "InvalidInput",
        ),
        ({}, "BadRequest"),
    ],
)
def test_a_subnet_that_makes_no_sense_is_400(cloud: Cloud, wishes: dict[str, Any], name: str) -> None:
    network = cloud.make("networks")["id"]
    assert refusal(cloud, network, **wishes) == (400, name)
    assert cloud.list("subnets") == []


@pytest.mark.parametrize(
    ("pools", "name"),
    [
        ([("10.1.0.9", "10.1.0.20"), ("10.1.0.15", "10.1.0.30")], "OverlappingAllocationPools"),
        ([("10.1.0.1", "10.1.0.20")], "GatewayConflictWithAllocationPools"),
    ],
)
def test_pools_in_each_others_way_are_409(cloud: Cloud, pools: list[tuple[str, str]], name: str) -> None:
    network = cloud.make("networks")["id"]
    wish = [{"start": start, "end": end} for start, end in pools]
    assert refusal(cloud, network, cidr="10.1.0.0/24", allocation_pools=wish) == (409, name)


def test_subnets_of_one_network_do_not_overlap_and_those_of_two_may(cloud: Cloud) -> None:
    network, _ = cloud.network("10.1.0.0/16")
    assert refusal(cloud, network, cidr="10.1.7.0/24") == (400, "InvalidInput")
    cloud.network("10.1.7.0/24")
    cloud.network("10.1.0.0/16", token="member:beta")
    assert refusal(cloud, MISSING, cidr="10.1.0.0/24") == (404, "NetworkNotFound")
    assert cloud.refused("POST", "/subnets", {"subnet": {"network_id": network, "cidr": "10.3.0.0/24"}})[0] == 400


def test_only_the_owner_numbers_a_network(cloud: Cloud) -> None:
    network, subnet = cloud.network(token=ADMIN, shared=True)
    assert refusal(cloud, network, cidr="10.3.0.0/24")[0] == 403
    assert cloud.show("subnets", subnet)["id"] == subnet, "a shared network's subnets are seen by all"
    assert [each["id"] for each in cloud.list("subnets", "shared=true")] == [subnet]
    assert cloud.list("subnets", "shared=false") == []
    assert cloud.refused("DELETE", f"/subnets/{subnet}")[0] == 403


def test_the_outside_networks_subnets_are_not_seen(cloud: Cloud) -> None:
    hidden = cloud.show("networks", cloud.public)["subnets"]
    assert len(hidden) == 2
    assert cloud.list("subnets") == []
    assert cloud.refused("GET", f"/subnets/{hidden[0]}") == (404, "SubnetNotFound")
    assert cloud.show("subnets", hidden[0], token=ADMIN)["gateway_ip"] == "198.18.7.1"


def test_a_subnet_changes(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    cloud.settle()
    assert cloud.metadata.names() == [network]
    after = cloud.put(
        "subnets",
        subnet,
        name="x",
        gateway_ip="10.1.0.254",
        allocation_pools=[{"start": "10.1.0.100", "end": "10.1.0.200"}],
        dns_nameservers=["9.9.9.9"],
        host_routes=None,
        enable_dhcp=False,
    )
    assert after["gateway_ip"] == "10.1.0.254"
    assert after["enable_dhcp"] is False
    cloud.settle()
    spec = cloud.held(Kind.NETWORK, network)
    assert isinstance(spec, Network)
    assert (spec.subnets[0].gateway, spec.subnets[0].dhcp, spec.metadata) == ("10.1.0.254", False, None)
    assert cloud.metadata.names() == []
    body = {"subnet": {"gateway_ip": "10.1.0.150"}}
    assert cloud.refused("PUT", f"/subnets/{subnet}", body) == (409, "GatewayConflictWithAllocationPools")
    cloud.put("subnets", subnet, enable_dhcp=True)
    cloud.settle()
    endpoint = cloud.metadata.observe(network)
    assert endpoint is not None
    assert endpoint.addresses == ("10.1.0.100/24", "169.254.169.254/32")


def test_a_gateway_in_use_stays(cloud: Cloud) -> None:
    _, subnet = cloud.network()
    cloud.router(subnet)
    body = {"subnet": {"gateway_ip": "10.1.0.254", "allocation_pools": [{"start": "10.1.0.9", "end": "10.1.0.10"}]}}
    assert cloud.refused("PUT", f"/subnets/{subnet}", body) == (409, "GatewayIpInUse")
    assert cloud.put("subnets", subnet, gateway_ip="10.1.0.1")["gateway_ip"] == "10.1.0.1"


def test_slaac_keeps_dhcp_on(cloud: Cloud) -> None:
    subnet = cloud.slaac(cloud.make("networks")["id"], "2001:db8:99::/64")
    body = {"subnet": {"enable_dhcp": False}}
    assert cloud.refused("PUT", f"/subnets/{subnet}", body) == (400, "InvalidInput")


def test_a_subnet_in_use_stays_but_slaac_lets_go(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    port = cloud.make("ports", network_id=network)["id"]
    assert cloud.refused("DELETE", f"/subnets/{subnet}") == (409, "SubnetInUse")
    six = cloud.slaac(network, "2001:db8:99::/64")
    assert len(cloud.show("ports", port)["fixed_ips"]) == 2, "guests number themselves in a new SLAAC subnet"
    cloud.end("subnets", six)
    assert addresses(cloud.show("ports", port)) == ["10.1.0.3"]
    cloud.end("ports", port)
    cloud.end("subnets", subnet)
    assert cloud.refused("GET", f"/subnets/{subnet}") == (404, "SubnetNotFound")
    cloud.settle()
    assert cloud.metadata.names() == []
    floating = cloud.make("floatingips", floating_network_id=cloud.public)
    outside = cloud.show("networks", cloud.public)["subnets"][0]
    assert cloud.refused("DELETE", f"/subnets/{outside}", token=ADMIN) == (409, "SubnetInUse")
    assert floating["floating_ip_address"] == "198.18.7.2"


def test_several_subnets_at_once(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    wishes = [{"network_id": network, "ip_version": 4, "cidr": f"10.{n}.0.0/24"} for n in (1, 2)]
    answer = cloud.ask("POST", "/subnets", {"subnets": wishes})
    assert [each["cidr"] for each in answer.json["subnets"]] == ["10.1.0.0/24", "10.2.0.0/24"]


POOL = {"name": "mine", "prefixes": ["10.64.0.0/22"], "default_prefixlen": 24, "min_prefixlen": 24, "max_prefixlen": 26}


def carve(cloud: Cloud, pool: str, **wishes: Any) -> str:
    network = cloud.make("networks")["id"]
    subnet = cloud.make("subnets", network_id=network, ip_version=4, subnetpool_id=pool, **wishes)
    assert subnet["subnetpool_id"] == pool
    return str(subnet["cidr"])


def test_a_pool_gives_prefix_after_prefix_and_then_its_holes(cloud: Cloud) -> None:
    pool = cloud.make("subnetpools", **POOL)["id"]
    assert carve(cloud, pool) == "10.64.0.0/24"
    assert carve(cloud, pool, prefixlen=26) == "10.64.1.0/26"
    assert carve(cloud, pool) == "10.64.2.0/24"
    assert carve(cloud, pool, cidr="10.64.3.0/25") == "10.64.3.0/25"
    assert carve(cloud, pool, prefixlen=25) == "10.64.3.128/25"
    assert carve(cloud, pool, prefixlen=26) == "10.64.1.64/26", "the pool's end is reached: back to its holes"
    network = cloud.make("networks")["id"]
    assert refusal(cloud, network, subnetpool_id=pool) == (409, "SubnetAllocationError")
    assert refusal(cloud, network, subnetpool_id=pool, cidr="10.64.2.0/26") == (409, "SubnetAllocationError")
    assert refusal(cloud, network, subnetpool_id=pool, cidr="10.65.2.0/26") == (400, "SubnetAllocationError")
    assert refusal(cloud, network, subnetpool_id=pool, prefixlen=23) == (400, "MinPrefixSubnetAllocationError")
    assert refusal(cloud, network, subnetpool_id=pool, prefixlen=27) == (400, "MaxPrefixSubnetAllocationError")
    assert refusal(cloud, network, subnetpool_id=MISSING) == (404, "SubnetPoolNotFound")
    assert refusal(cloud, network, subnetpool_id=pool, ip_version=6)[0] == 400
    assert refusal(cloud, network, subnetpool_id=pool, use_default_subnetpool=True)[0] == 400
    assert cloud.refused("DELETE", f"/subnetpools/{pool}") == (409, "SubnetPoolInUse")


def test_a_pool_may_limit_each_projects_share(cloud: Cloud) -> None:
    pool = cloud.make("subnetpools", **POOL, default_quota=300)["id"]
    carve(cloud, pool)
    network = cloud.make("networks")["id"]
    assert refusal(cloud, network, subnetpool_id=pool) == (409, "SubnetPoolQuotaExceeded")
    cloud.put("subnetpools", pool, default_quota=None)
    assert carve(cloud, pool) == "10.64.1.0/24"


def test_the_default_pools_give_every_project_its_own(cloud: Cloud) -> None:
    found = []
    for token in ("member:alpha", "member:beta"):
        network = cloud.make("networks", token=token)["id"]
        wishes = {"network_id": network, "use_default_subnetpool": True}
        four = cloud.make("subnets", token=token, ip_version=4, **wishes)
        six = cloud.make("subnets", token=token, ip_version=6, **wishes)
        found.append((four["cidr"], six["cidr"]))
    assert found == [
        ("10.0.0.0/24", "2001:db8:7:1::/64"),
        ("10.0.1.0/24", "2001:db8:7:2::/64"),
    ], "the first /64 is the outside network's own"


def test_a_pool_lives_its_life(cloud: Cloud) -> None:
    pool = cloud.make("subnetpools", name="p", prefixes=["10.64.1.0/24", "10.64.0.0/24"])
    assert pool["prefixes"] == ["10.64.0.0/23"]
    assert (pool["min_prefixlen"], pool["default_prefixlen"], pool["max_prefixlen"]) == ("8", "8", "32")
    assert cloud.show("subnetpools", pool["id"]) == pool
    after = cloud.put(
        "subnetpools", pool["id"], name="q", prefixes=["10.64.0.0/22"], default_prefixlen=24, min_prefixlen=23
    )
    assert (after["name"], after["prefixes"], after["default_prefixlen"]) == ("q", ["10.64.0.0/22"], "24")
    smaller = {"subnetpool": {"prefixes": ["10.64.0.0/24"]}}
    assert cloud.refused("PUT", f"/subnetpools/{pool['id']}", smaller) == (400, "IllegalSubnetPoolUpdate")
    cloud.end("subnetpools", pool["id"])
    assert cloud.refused("GET", f"/subnetpools/{pool['id']}") == (404, "SubnetPoolNotFound")
    six = cloud.make("subnetpools", name="six", prefixes="2001:db8:40::/48")
    assert (six["ip_version"], six["min_prefixlen"], six["max_prefixlen"]) == (6, "64", "128")


@pytest.mark.parametrize(
    ("wishes", "name"),
    [
        ({"prefixes": []}, "HTTPBadRequest"),
        ({"prefixes": [f"10.{n}.0.0/16" for n in range(65)]}, "HTTPBadRequest"),
        ({"prefixes": ["x"]}, "HTTPBadRequest"),
        ({"prefixes": ["10.64.0.0/22", "2001:db8::/48"]}, "PrefixVersionMismatch"),
        ({"max_prefixlen": 33}, "UnsupportedMaxSubnetPoolPrefix"),
        ({"min_prefixlen": 27, "max_prefixlen": 26}, "IllegalSubnetPoolPrefixBounds"),
        ({"default_prefixlen": 27, "max_prefixlen": 26}, "IllegalSubnetPoolPrefixBounds"),
    ],
)
def test_a_pool_that_makes_no_sense_is_400(cloud: Cloud, wishes: dict[str, Any], name: str) -> None:
    assert cloud.refused("POST", "/subnetpools", {"subnetpool": POOL | wishes}) == (400, name)


def test_the_clouds_pools_are_the_operators(cloud: Cloud) -> None:
    for wish in ({"shared": True}, {"is_default": True}):
        assert cloud.refused("POST", "/subnetpools", {"subnetpool": POOL | wish})[0] == 403
    default = cloud.list("subnetpools", "is_default=true&ip_version=4")[0]["id"]
    assert cloud.refused("PUT", f"/subnetpools/{default}", {"subnetpool": {"name": "x"}})[0] == 403
    assert cloud.refused("DELETE", f"/subnetpools/{default}")[0] == 403
    second = {"subnetpool": POOL | {"is_default": True}}
    assert cloud.refused("POST", "/subnetpools", second, token=ADMIN) == (409, "DefaultSubnetPoolExists")
    cloud.put("subnetpools", default, token=ADMIN, is_default=False)
    wish = {"subnet": {"network_id": cloud.make("networks")["id"], "use_default_subnetpool": True}}
    assert cloud.refused("POST", "/subnets", wish) == (400, "NoDefaultSubnetPool")
    cloud.put("subnetpools", default, token=ADMIN, is_default=True)
    assert cloud.ask("POST", "/subnets", wish).status == 201
