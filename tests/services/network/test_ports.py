"""Ports through HTTP: addresses, filters, owners."""

from __future__ import annotations

from typing import Any

import pytest

from croft.drivers.fabric import Kind, Port
from tests.services.network.cloud import ADMIN, MISSING, Cloud, addresses


def refusal(cloud: Cloud, network: str, *, token: str = "member:alpha", **wishes: Any) -> tuple[int, str]:
    return cloud.refused("POST", "/ports", {"port": {"network_id": network} | wishes}, token=token)


def spec_of(cloud: Cloud, port: str) -> Port:
    spec = cloud.held(Kind.PORT, port)
    assert isinstance(spec, Port)
    return spec


def test_a_port_is_shown_as_neutron_shows_it(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    made = cloud.make("ports", network_id=network, name="eth0", description="first", device_id="abc")
    shown = cloud.show("ports", made["id"])
    assert shown == made
    assert shown["fixed_ips"] == [{"subnet_id": subnet, "ip_address": "10.1.0.3"}]
    assert shown["mac_address"].startswith("fa:16:3e:")
    assert shown["status"] == "DOWN"
    assert shown["binding:vnic_type"] == "normal"
    assert "binding:host_id" not in shown
    default = cloud.list("security-groups")[0]
    assert shown["security_groups"] == [default["id"]]
    operator = cloud.show("ports", made["id"], token=ADMIN)
    assert (operator["binding:host_id"], operator["binding:vif_type"]) == ("", "unbound")


def test_what_the_fabric_gets_is_complete(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    six = cloud.slaac(network, "2001:db8:99::/64")
    port = cloud.make(
        "ports",
        network_id=network,
        mac_address="FA-16-3E-00-00-0A",
        dns_name="Web",
        allowed_address_pairs=[
            {"ip_address": "10.1.0.100"},
            {"ip_address": "10.1.0.128/25", "mac_address": "fa:16:3e:00:00:0b"},
        ],
        admin_state_up=False,
    )
    cloud.settle()
    spec = spec_of(cloud, port["id"])
    assert spec.mac == "fa:16:3e:00:00:0a"
    assert spec.addresses == ("10.1.0.3", "2001:db8:99:0:f816:3eff:fe00:a")
    assert spec.subnets == (subnet, six)
    assert spec.allowed_pairs == (
        ("fa:16:3e:00:00:0a", "10.1.0.100"),
        ("fa:16:3e:00:00:0b", "10.1.0.128/25"),
    )
    assert spec.groups == (cloud.list("security-groups")[0]["id"],)
    assert (spec.hostname, spec.up, spec.security) == ("web", False, True)


@pytest.mark.parametrize("first", ["slaac", "stateful"])
def test_one_address_of_each_version_and_all_of_slaac(cloud: Cloud, first: str) -> None:
    network = cloud.make("networks")["id"]
    wanted = {"slaac": "2001:db8:98::/64", "stateful": "2001:db8:99::/64"}
    for name in sorted(wanted, reverse=first != "slaac"):
        if name == "slaac":
            cloud.slaac(network, wanted[name], "dhcpv6-stateless")
        else:
            cloud.subnet(network, wanted[name], ipv6_address_mode="dhcpv6-stateful")
    cloud.subnet(network, "10.1.0.0/24")
    cloud.subnet(network, "10.2.0.0/24")
    port = cloud.make("ports", network_id=network, mac_address="fa:16:3e:00:00:0a")
    assert sorted(addresses(port)) == ["10.1.0.3", "2001:db8:98:0:f816:3eff:fe00:a", "2001:db8:99::2"]


def test_wished_addresses(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    other = cloud.subnet(network, "10.2.0.0/24")
    port = cloud.make(
        "ports",
        network_id=network,
        fixed_ips=[{"subnet_id": other}, {"ip_address": "10.1.0.77"}, {"subnet_id": subnet, "ip_address": "10.1.0.9"}],
    )
    assert sorted(addresses(port)) == ["10.1.0.77", "10.1.0.9", "10.2.0.3"]
    assert cloud.make("ports", network_id=network, fixed_ips=[])["fixed_ips"] == []
    taken = [{"ip_address": "10.1.0.77"}]
    assert refusal(cloud, network, fixed_ips=taken) == (409, "IpAddressAlreadyAllocated")


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ([{"ip_address": "10.9.0.1"}], "InvalidIpForNetwork"),
        ([{"ip_address": "10.1.0.255"}], "InvalidIpForSubnet"),
        ([{"ip_address": "word"}], "HTTPBadRequest"),
        ([{"subnet_id": MISSING}], "InvalidInput"),
        ([{}], "InvalidInput"),
        ([{"ip_address": f"10.1.0.{n}"} for n in range(10, 16)], "InvalidInput"),
        ([{"ip_address": "2001:db8:99::5"}], "AllocationOnAutoAddressSubnet"),
        ("10.1.0.9", "HTTPBadRequest"),
    ],
)
def test_addresses_nobody_can_have_are_400(cloud: Cloud, wish: object, name: str) -> None:
    network, _ = cloud.network()
    cloud.slaac(network, "2001:db8:99::/64")
    assert refusal(cloud, network, fixed_ips=wish) == (400, name)


def test_a_slaac_address_may_be_named_or_left_to_the_mac(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    six = cloud.slaac(network, "2001:db8:99::/64")
    exact = {"subnet_id": six, "ip_address": "2001:db8:99:0:f816:3eff:fe00:a"}
    port = cloud.make("ports", network_id=network, mac_address="fa:16:3e:00:00:0a", fixed_ips=[exact])
    assert port["fixed_ips"] == [exact]
    port = cloud.make("ports", network_id=network, mac_address="fa:16:3e:00:00:0b", fixed_ips=[{"subnet_id": six}])
    assert addresses(port) == ["2001:db8:99:0:f816:3eff:fe00:b"]


def test_a_full_subnet_says_so_and_takes_back_what_is_freed(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    subnet = cloud.subnet(network, "10.1.0.0/29", enable_dhcp=False)
    made = [cloud.make("ports", network_id=network)["id"] for _ in range(5)]
    assert refusal(cloud, network) == (409, "IpAddressGenerationFailure")
    assert refusal(cloud, network, fixed_ips=[{"subnet_id": subnet}]) == (409, "IpAddressGenerationFailure")
    for index in (1, 0):
        cloud.settle()
        freed = addresses(cloud.show("ports", made[index]))
        cloud.end("ports", made[index])
        assert addresses(cloud.make("ports", network_id=network)) == freed, "at once in a project's own network"


def test_in_a_shared_network_an_address_is_free_when_the_fabric_let_go(cloud: Cloud) -> None:
    network = cloud.make("networks", token=ADMIN, shared=True)["id"]
    cloud.subnet(network, "10.1.0.0/24", token=ADMIN)
    port = cloud.make("ports", network_id=network)
    cloud.settle()
    cloud.end("ports", port["id"])
    wish = {"port": {"network_id": network, "fixed_ips": port["fixed_ips"]}}
    assert cloud.refused("POST", "/ports", wish, token=ADMIN) == (409, "IpAddressAlreadyAllocated")
    cloud.settle()
    assert cloud.ask("POST", "/ports", wish, token=ADMIN).status == 201


def test_in_networks_of_others_only_operators_choose_addresses(cloud: Cloud) -> None:
    network, subnet = cloud.network(token=ADMIN, shared=True)
    for wish in (
        {"mac_address": "fa:16:3e:00:00:0a"},
        {"port_security_enabled": False},
        {"allowed_address_pairs": [{"ip_address": "10.1.0.9"}]},
        {"fixed_ips": [{"ip_address": "10.1.0.9"}]},
        {"device_owner": "network:router_interface"},
        {"binding:host_id": "h1"},
        {"binding:profile": {"a": 1}},
    ):
        assert refusal(cloud, network, **wish) == (403, "PolicyNotAuthorized"), wish
    assert (
        cloud.ask("POST", "/ports", {"port": {"network_id": network, "fixed_ips": [{"subnet_id": subnet}]}}).status
        == 201
    )
    assert refusal(cloud, cloud.public) == (403, "PolicyNotAuthorized")
    assert refusal(cloud, cloud.network(token="member:beta")[0]) == (404, "NetworkNotFound")
    made = cloud.make(
        "ports", network_id=cloud.public, token=ADMIN, **{"binding:host_id": "h1", "binding:profile": {"a": 1}}
    )
    assert (made["binding:host_id"], made["binding:vif_type"], made["binding:profile"]) == ("h1", "ovs", {"a": 1})


@pytest.mark.parametrize(
    ("wishes", "status", "name"),
    [
        ({"mac_address": "nonsense"}, 400, "HTTPBadRequest"),
        ({"mac_address": "ff:ff:ff:ff:ff:ff"}, 400, "HTTPBadRequest"),
        ({"dns_name": "-x"}, 400, "HTTPBadRequest"),
        ({"security_groups": [MISSING]}, 404, "SecurityGroupNotFound"),
        ({"security_groups": ["default"]}, 400, "HTTPBadRequest"),
        (
            {"port_security_enabled": False, "security_groups": [MISSING]},
            400,
            "PortSecurityAndIPRequiredForSecurityGroups",
        ),
        (
            {"port_security_enabled": False, "allowed_address_pairs": [{"ip_address": "10.1.0.9"}]},
            409,
            "AddressPairAndPortSecurityRequired",
        ),
        ({"allowed_address_pairs": [{"ip_address": "10.1.0.9"}] * 2}, 400, "DuplicateAddressPairInRequest"),
        (
            {"allowed_address_pairs": [{"ip_address": f"10.1.0.{n}"} for n in range(11)]},
            400,
            "AllowedAddressPairExhausted",
        ),
        ({"allowed_address_pairs": [{"ip_address": "x"}]}, 400, "HTTPBadRequest"),
        ({"binding:vnic_type": "direct"}, 400, "HTTPBadRequest"),
        ({"network_id": "blue"}, 400, "HTTPBadRequest"),
        ({"network_id": MISSING}, 404, "NetworkNotFound"),
        ({"status": "ACTIVE"}, 400, "HTTPBadRequest"),
    ],
)
def test_what_a_port_cannot_be(cloud: Cloud, wishes: dict[str, Any], status: int, name: str) -> None:
    network, _ = cloud.network()
    body = {"port": {"network_id": network} | wishes}
    assert cloud.refused("POST", "/ports", body) == (status, name)


def test_macs_are_one_per_network(cloud: Cloud) -> None:
    network, _ = cloud.network()
    mac = cloud.make("ports", network_id=network)["mac_address"]
    assert refusal(cloud, network, mac_address=mac) == (409, "MacAddressInUse")
    other, _ = cloud.network()
    assert cloud.make("ports", network_id=other, mac_address=mac)["mac_address"] == mac


def test_without_port_security_nothing_is_filtered(cloud: Cloud) -> None:
    network, _ = cloud.network(port_security_enabled=False)
    port = cloud.make("ports", network_id=network)
    assert (port["port_security_enabled"], port["security_groups"]) == (False, [])
    secure = cloud.make("ports", network_id=network, port_security_enabled=True)
    assert len(secure["security_groups"]) == 1
    body = {"port": {"port_security_enabled": False}}
    assert cloud.refused("PUT", f"/ports/{secure['id']}", body) == (409, "PortSecurityPortHasSecurityGroup")
    after = cloud.put("ports", secure["id"], port_security_enabled=False, security_groups=[])
    assert after["port_security_enabled"] is False
    cloud.settle()
    assert spec_of(cloud, secure["id"]).security is False


def test_a_port_changes_and_the_fabric_follows(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    group = cloud.make("security-groups", name="web")["id"]
    port = cloud.make("ports", network_id=network)
    cloud.settle()
    after = cloud.put(
        "ports",
        port["id"],
        name="new",
        admin_state_up=False,
        security_groups=[group, group],
        fixed_ips=[{"subnet_id": subnet, "ip_address": "10.1.0.50"}, *port["fixed_ips"]],
        allowed_address_pairs=[{"ip_address": "10.1.0.60"}],
        mac_address="fa:16:3e:00:00:0a",
        dns_name="db",
    )
    assert sorted(addresses(after)) == ["10.1.0.3", "10.1.0.50"]
    assert after["security_groups"] == [group]
    assert after["dns_assignment"][0] == {"ip_address": "10.1.0.3", "hostname": "db", "fqdn": "db."}
    cloud.settle()
    spec = spec_of(cloud, port["id"])
    assert spec.addresses == ("10.1.0.3", "10.1.0.50")
    assert (spec.groups, spec.up, spec.hostname, spec.mac) == ((group,), False, "db", "fa:16:3e:00:00:0a")
    assert spec.allowed_pairs == (("fa:16:3e:00:00:0a", "10.1.0.60"),)
    less = cloud.put("ports", port["id"], fixed_ips=[{"ip_address": "10.1.0.50"}], allowed_address_pairs=None)
    assert (addresses(less), less["allowed_address_pairs"]) == (["10.1.0.50"], [])
    assert addresses(cloud.make("ports", network_id=network)) == ["10.1.0.51"]
    none = cloud.put("ports", port["id"], security_groups=None, fixed_ips=[])
    assert (none["security_groups"], none["fixed_ips"]) == ([], [])


def test_pairs_need_port_security_also_later(cloud: Cloud) -> None:
    network, _ = cloud.network()
    port = cloud.make("ports", network_id=network, allowed_address_pairs=[{"ip_address": "10.1.0.60"}])["id"]
    body = {"port": {"port_security_enabled": False, "security_groups": []}}
    assert cloud.refused("PUT", f"/ports/{port}", body) == (409, "AddressPairAndPortSecurityRequired")


def test_a_new_mac_means_a_new_slaac_address(cloud: Cloud) -> None:
    network, _ = cloud.network()
    cloud.slaac(network, "2001:db8:99::/64")
    port = cloud.make("ports", network_id=network)["id"]
    after = cloud.put("ports", port, mac_address="fa:16:3e:00:00:0a")
    assert addresses(after) == ["10.1.0.3", "2001:db8:99:0:f816:3eff:fe00:a"]
    moved = cloud.put("ports", port, fixed_ips=[{"ip_address": "10.1.0.9"}])
    assert addresses(moved) == ["10.1.0.9", "2001:db8:99:0:f816:3eff:fe00:a"], "SLAAC stays"
    body = {"port": {"fixed_ips": [{"ip_address": f"10.1.0.{n}"} for n in range(10, 16)]}}
    assert cloud.refused("PUT", f"/ports/{port}", body) == (400, "InvalidInput")
    cloud.put("ports", port, token=ADMIN, **{"binding:host_id": "h1"})
    mac = {"port": {"mac_address": "fa:16:3e:00:00:0b"}}
    assert cloud.refused("PUT", f"/ports/{port}", mac) == (409, "PortBound")
    assert cloud.put("ports", port, mac_address="fa:16:3e:00:00:0a")["mac_address"] == "fa:16:3e:00:00:0a"


def test_operators_bind_and_profile(cloud: Cloud) -> None:
    network, _ = cloud.network()
    port = cloud.make("ports", network_id=network)["id"]
    after = cloud.put("ports", port, token=ADMIN, **{"binding:host_id": "h1", "binding:profile": {"x": "y"}})
    assert (after["binding:host_id"], after["binding:profile"]) == ("h1", {"x": "y"})
    cleared = cloud.put("ports", port, token=ADMIN, **{"binding:host_id": None, "binding:profile": None})
    assert (cleared["binding:host_id"], cleared["binding:profile"]) == ("", {})


def test_a_port_is_up_when_the_fabric_says_so(cloud: Cloud) -> None:
    network, _ = cloud.network()
    port = cloud.make("ports", network_id=network)["id"]
    cloud.settle()
    assert cloud.show("ports", port)["status"] == "DOWN"
    assert cloud.list("ports", "status=ACTIVE&device_owner=") == []
    cloud.fabric.plug(port, "host1")
    cloud.settle()
    assert cloud.show("ports", port)["status"] == "ACTIVE"
    assert [each["id"] for each in cloud.list("ports", "status=active&device_owner=")] == [port]
    cloud.fabric.unplug(port)
    cloud.settle()
    assert cloud.show("ports", port)["status"] == "DOWN"


def test_the_networks_own_ports_cannot_be_deleted_by_hand(cloud: Cloud) -> None:
    _, subnet = cloud.network()
    cloud.router(subnet)
    for port in cloud.list("ports"):
        assert port["device_owner"].startswith("network:")
        assert port["status"] == "ACTIVE"
        assert cloud.refused("DELETE", f"/ports/{port['id']}") == (409, "ServicePortInUse")


def test_a_deleted_port_is_gone_at_once_and_then_also_from_the_fabric(cloud: Cloud) -> None:
    network, _ = cloud.network()
    port = cloud.make("ports", network_id=network)["id"]
    cloud.settle()
    cloud.end("ports", port)
    assert cloud.refused("GET", f"/ports/{port}") == (404, "PortNotFound")
    assert cloud.refused("DELETE", f"/ports/{port}") == (404, "PortNotFound")
    assert cloud.held(Kind.PORT, port) is not None
    cloud.settle()
    assert cloud.held(Kind.PORT, port) is None


def test_bulk_across_networks(cloud: Cloud) -> None:
    one, two = cloud.network()[0], cloud.network()[0]
    answer = cloud.ask("POST", "/ports", {"ports": [{"network_id": one}, {"network_id": two}]})
    assert [each["network_id"] for each in answer.json["ports"]] == [one, two]
    body = {"ports": [{"network_id": one}, {"network_id": MISSING}]}
    count = len(cloud.list("ports"))
    assert cloud.refused("POST", "/ports", body) == (404, "NetworkNotFound")
    assert len(cloud.list("ports")) == count


def test_people_do_not_take_a_routers_leg_away(cloud: Cloud) -> None:
    _, subnet = cloud.network()
    cloud.router(subnet)
    for port in cloud.list("ports"):
        for change in ({"device_id": "x"}, {"device_owner": ""}):
            assert cloud.refused("PUT", f"/ports/{port['id']}", {"port": change})[0] == 403
        same = {"device_id": port["device_id"]}
        assert cloud.put("ports", port["id"], **same)["device_owner"] == port["device_owner"]
