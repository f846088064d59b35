"""Networks through HTTP: what is shown, who may say what, and what keeps one from going."""

from __future__ import annotations

import pytest

from croft.drivers.fabric import Kind, Network
from tests.services.network.cloud import ADMIN, MISSING, V2, Cloud


def test_a_network_is_shown_as_neutron_shows_it(cloud: Cloud) -> None:
    made = cloud.make("networks", name="blue", description="sky", tags=["b", "a"])
    shown = cloud.show("networks", made["id"])
    assert shown == made
    assert shown["status"] == "ACTIVE"
    assert shown["mtu"] == 1442
    assert shown["project_id"] == shown["tenant_id"] == "alpha"
    assert shown["tags"] == ["a", "b"]
    assert shown["router:external"] is shown["shared"] is False
    assert not [name for name in shown if name.startswith("provider:")], "only operators see how it is provided"


def test_operators_see_and_choose_how_a_network_is_provided(cloud: Cloud) -> None:
    wishes = {
        "provider:network_type": "vlan",
        "provider:physical_network": "physnet1",
        "provider:segmentation_id": 100,
    }
    made = cloud.make("networks", name="vlan100", token=ADMIN, **wishes)
    assert {name: made[name] for name in wishes} == wishes
    assert made["mtu"] == 1500
    cloud.settle()
    spec = cloud.held(Kind.NETWORK, made["id"])
    assert isinstance(spec, Network)
    assert (spec.physnet, spec.vlan) == ("physnet1", 100)
    assert cloud.refused("POST", "/networks", {"network": wishes}, token=ADMIN) == (409, "VlanIdInUse")
    flat = {"provider:network_type": "flat", "provider:physical_network": "physnet1"}
    assert cloud.refused("POST", "/networks", {"network": flat}, token=ADMIN) == (409, "FlatNetworkInUse")


@pytest.mark.parametrize(
    "wishes",
    [
        {"provider:network_type": "token-ring"},
        {"provider:physical_network": "physnet1"},
        {"provider:network_type": "flat"},
        {"provider:network_type": "flat", "provider:physical_network": "x", "provider:segmentation_id": 1},
        {"provider:network_type": "vlan", "provider:physical_network": "x"},
        {"provider:network_type": "vlan", "provider:physical_network": "x", "provider:segmentation_id": 4095},
    ],
)
def test_provider_attributes_that_make_no_sense_are_refused(cloud: Cloud, wishes: dict[str, object]) -> None:
    assert cloud.refused("POST", "/networks", {"network": wishes}, token=ADMIN) == (400, "InvalidInput")


@pytest.mark.parametrize(
    "wish",
    [
        {"shared": True},
        {"router:external": True},
        {"is_default": True},
        {"provider:network_type": "geneve"},
    ],
)
def test_members_may_not_say_what_only_operators_may(cloud: Cloud, wish: dict[str, object]) -> None:
    assert cloud.refused("POST", "/networks", {"network": wish}) == (403, "PolicyNotAuthorized")
    assert len(cloud.list("networks")) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"network": {"color": "blue"}}, "Unrecognized attribute(s) 'color'"),
        ({"network": {"id": MISSING}}, "Attribute 'id' not allowed in POST"),
        ({"network": {"name": 7}}, "Invalid input for network"),
        ({"network": {"name": "x" * 256}}, "Invalid input for network"),
        ({"network": {"admin_state_up": "perhaps"}}, "Invalid input for network"),
        ({"network": {"mtu": 9000}}, "MTU"),
        ({"network": {"mtu": 67}}, "MTU"),
        ({"network": {"dns_domain": "no-dot-at-its-end"}}, "DNS domain"),
        ({"network": []}, "Unable to find 'network'"),
        ({"net": {}}, "Unable to find 'network'"),
        ({"networks": []}, "Resources required"),
        ({"networks": [{}] * 201}, "At most 200"),
        ({"network": {"project_id": "a", "tenant_id": "b"}}, "do not match"),
        ({"network": {"project_id": "beta"}}, "requires admin privileges"),
    ],
)
def test_a_bad_body_is_named(cloud: Cloud, body: object, words: str) -> None:
    answer = cloud.ask("POST", "/networks", body)
    assert answer.status == 400
    assert words in answer.json["NeutronError"]["message"]


def test_words_are_taken_for_numbers_and_booleans_as_neutron_does(cloud: Cloud) -> None:
    made = cloud.make("networks", admin_state_up="False", mtu="1400", port_security_enabled=0)
    assert (made["admin_state_up"], made["mtu"], made["port_security_enabled"]) == (False, 1400, False)


def test_several_are_made_at_once_or_not_at_all(cloud: Cloud) -> None:
    answer = cloud.ask("POST", "/networks", {"networks": [{"name": "one"}, {"name": "two"}]})
    assert answer.status == 201
    assert [each["name"] for each in answer.json["networks"]] == ["one", "two"]
    broken = {"networks": [{"name": "three"}, {"name": "four", "mtu": 1}]}
    assert cloud.ask("POST", "/networks", broken).status == 400
    assert len(cloud.list("networks", "name=three")) == 0


def test_operators_make_things_for_other_projects(cloud: Cloud) -> None:
    made = cloud.make("networks", token=ADMIN, project_id="alpha", name="gift")
    assert cloud.show("networks", made["id"])["project_id"] == "alpha"
    mixed = {"networks": [{"project_id": "alpha"}, {"project_id": "beta"}]}
    assert cloud.ask("POST", "/networks", mixed, token=ADMIN).status == 400


def test_a_change_reaches_the_fabric_and_counts_revisions(cloud: Cloud) -> None:
    network, _ = cloud.network()
    cloud.settle()
    before = cloud.show("networks", network)["revision_number"]
    cloud.clock.advance(5)  # type: ignore[attr-defined]
    after = cloud.put("networks", network, name="green", mtu=1400, admin_state_up=False, dns_domain="Green.Example.")
    assert (after["name"], after["mtu"], after["dns_domain"]) == ("green", 1400, "green.example.")
    assert after["revision_number"] > before
    assert after["updated_at"] > after["created_at"]
    cloud.settle()
    spec = cloud.held(Kind.NETWORK, network)
    assert isinstance(spec, Network)
    assert (spec.name, spec.mtu, spec.up, spec.dns_domain) == ("green", 1400, False, "green.example.")
    writes = cloud.fabric.writes
    assert cloud.put("networks", network, description=None)["description"] == ""
    cloud.settle()
    assert cloud.fabric.writes == writes, "a description is nothing to the fabric"


def test_networks_of_others_do_not_exist_unless_shared(cloud: Cloud) -> None:
    network, _ = cloud.network()
    beta = "member:beta"
    for method in ("GET", "PUT", "DELETE"):
        body = {"network": {"name": "mine"}}
        assert cloud.refused(method, f"/networks/{network}", body, token=beta) == (404, "NetworkNotFound")
    cloud.put("networks", network, token=ADMIN, shared=True)
    assert cloud.show("networks", network, token=beta)["shared"] is True
    assert cloud.refused("PUT", f"/networks/{network}", {"network": {}}, token=beta)[0] == 403
    assert cloud.refused("DELETE", f"/networks/{network}", token=beta)[0] == 403
    cloud.make("ports", network_id=network, token=beta)
    unshare = {"network": {"shared": False}}
    assert cloud.refused("PUT", f"/networks/{network}", unshare, token=ADMIN) == (409, "InvalidSharedSetting")


def test_a_network_with_ports_stays_and_an_empty_one_goes_at_once(cloud: Cloud) -> None:
    network, _ = cloud.network()
    port = cloud.make("ports", network_id=network)["id"]
    cloud.settle()
    status, name = cloud.refused("DELETE", f"/networks/{network}")
    assert (status, name) == (409, "NetworkInUse")
    cloud.end("ports", port)
    cloud.end("networks", network)
    assert cloud.refused("GET", f"/networks/{network}") == (404, "NetworkNotFound")
    assert cloud.list("subnets") == []
    cloud.settle()
    assert cloud.held(Kind.NETWORK, network) is None
    assert cloud.metadata.names() == []
    assert cloud.note("network.network", network).noted == 0


def test_an_external_network_takes_unused_floating_ips_with_it(cloud: Cloud) -> None:
    outside = cloud.make("networks", token=ADMIN, **{"router:external": True})["id"]
    cloud.subnet(outside, "198.18.9.0/24", token=ADMIN, enable_dhcp=False)
    floating = cloud.make("floatingips", floating_network_id=outside)["id"]
    cloud.settle()
    cloud.end("networks", outside, token=ADMIN)
    assert cloud.refused("GET", f"/floatingips/{floating}") == (404, "FloatingIPNotFound")
    cloud.settle()
    assert cloud.held(Kind.NETWORK, outside) is None


def test_what_is_used_as_outside_stays_outside(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    cloud.router(subnet)
    inside = {"network": {"router:external": False}}
    assert cloud.refused("PUT", f"/networks/{cloud.public}", inside, token=ADMIN) == (409, "ExternalNetworkInUse")
    assert cloud.refused("DELETE", f"/networks/{cloud.public}", token=ADMIN) == (409, "NetworkInUse")
    other = cloud.make("networks", token=ADMIN, **{"router:external": True})["id"]
    assert cloud.put("networks", other, token=ADMIN, **{"router:external": False})["router:external"] is False
    assert network


def test_there_is_one_default_outside(cloud: Cloud) -> None:
    second = {"router:external": True, "is_default": True}
    assert cloud.refused("POST", "/networks", {"network": second}, token=ADMIN) == (409, "DefaultExternalNetworkExists")
    assert cloud.refused("POST", "/networks", {"network": {"is_default": True}}, token=ADMIN)[0] == 400
    cloud.put("networks", cloud.public, token=ADMIN, is_default=False)
    other = cloud.make("networks", token=ADMIN, **{"router:external": True})["id"]
    assert cloud.put("networks", other, token=ADMIN, is_default=True)["is_default"] is True


def test_the_versions_are_open_to_anyone(cloud: Cloud) -> None:
    versions = cloud.call("GET", "/network/", token=None)
    assert [each["id"] for each in versions.json["versions"]] == ["v2.0"]
    resources = cloud.call("GET", f"{V2}/", token=None).json["resources"]
    assert {"network", "subnet", "port"} <= {each["name"] for each in resources}


def test_bodies_that_are_no_object_or_too_deep(cloud: Cloud) -> None:
    for content in (b"[]", b'{"network": {"name": ' + b"[" * 3000 + b"]" * 3000 + b"}}"):
        answer = cloud.call("POST", f"{V2}/networks", content=content)
        assert answer.status == 400, answer.body
        assert answer.json["NeutronError"]["type"] == "HTTPBadRequest"
