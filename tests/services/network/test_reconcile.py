"""Convergence beyond the laws: order, faults, deadlines, the end of a project, the beginning of a cloud."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from croft.core.db import Database
from croft.core.work import Done, Gone, Wait
from croft.drivers.fabric import Kind, Network, Port
from croft.drivers.metadata import Endpoint
from croft.drivers.uplink import Gateway
from croft.services.network import actions
from croft.services.network.reconcile import watch
from tests.services.network.cloud import ADMIN, MISSING, SEED, Cloud, Fabric


def test_the_outside_network_has_its_gateway(cloud: Cloud) -> None:
    gateway = cloud.uplink.observe(cloud.public)
    assert gateway == Gateway(cloud.public, "physnet1", ("198.18.7.1/24", "2001:db8:7::1/64"), ("198.18.7.0/24",))
    spec = cloud.held(Kind.NETWORK, cloud.public)
    assert isinstance(spec, Network)
    assert (spec.physnet, spec.vlan, spec.mtu, spec.metadata) == ("physnet1", 0, 1500, None)
    assert cloud.note("network.network", cloud.public).code == ""


def test_a_cloud_is_seeded_once(cloud: Cloud) -> None:
    actions.seed(cloud.db, SEED)
    actions.seed(cloud.db, replace_seed(v4_pool="172.16.0.0/12"))
    cloud.settle()
    assert len(cloud.list("networks", token=ADMIN)) == 1
    pools = cloud.list("subnetpools", token=ADMIN)
    assert [(each["name"], each["prefixes"], each["shared"], each["is_default"]) for each in pools] == [
        ("default-v4", ["10.0.0.0/8"], True, True),
        ("default-v6", ["2001:db8:7::/48"], True, True),
    ]
    outside = {each["ip_version"]: each for each in cloud.list("subnets", token=ADMIN)}
    assert outside[4]["allocation_pools"] == [{"start": "198.18.7.2", "end": "198.18.7.254"}]


def replace_seed(**changes: str) -> actions.Seed:
    return msgspec.structs.replace(SEED, **changes)


def test_a_cloud_without_ipv6_and_physical_network(sqlite_db: Database) -> None:
    wish = replace_seed(external_cidr_v6="", gateway_v6="", v6_pool="", physnet="")
    cloud = Cloud(sqlite_db, wish)
    assert cloud.uplink.names() == []
    assert [each["ip_version"] for each in cloud.list("subnets", token=ADMIN)] == [4]
    assert cloud.ask("GET", "/auto-allocated-topology/alpha").status == 200
    assert [each["ip_version"] for each in cloud.list("subnets")] == [4]


def test_guests_of_ready_made_networks_are_told_of_the_clouds_resolvers(sqlite_db: Database) -> None:
    cloud = Cloud(sqlite_db, replace_seed_dns(("9.9.9.9", "2620:fe::fe")))
    cloud.ask("GET", "/auto-allocated-topology/alpha")
    found = {each["ip_version"]: each["dns_nameservers"] for each in cloud.list("subnets")}
    assert found == {4: ["9.9.9.9"], 6: ["2620:fe::fe"]}


def replace_seed_dns(dns: tuple[str, ...]) -> actions.Seed:
    return msgspec.structs.replace(SEED, dns=dns)


def test_the_fabrics_word_is_taken_calmly_while_the_database_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fabric, away = Fabric(), Database(f"sqlite:///{tmp_path}/no/such/folder/croft.db")
    fabric.ensure(Network("n", 1, "blue", 1442))
    fabric.ensure(Port("p", 1, "n", "fa:16:3e:00:00:0a"))
    watch(away, fabric)
    fabric.plug("p", "host1")
    assert "p changed" in caplog.text
    away.close()


def test_metadata_answers_in_every_network_that_serves_dhcp(cloud: Cloud) -> None:
    network, _ = cloud.network("10.1.0.0/24")
    cloud.subnet(network, "10.2.0.0/24")
    cloud.subnet(network, "10.3.0.0/24", enable_dhcp=False)
    cloud.settle()
    port = cloud.list("ports", "device_owner=network:distributed")[0]
    expected = ("10.1.0.2/24", "10.2.0.2/24", "169.254.169.254/32")
    assert cloud.metadata.observe(network) == Endpoint(network, port["id"], port["mac_address"], expected, 1442)


def test_a_subnet_without_room_for_metadata_goes_without(cloud: Cloud) -> None:
    network = cloud.make("networks")["id"]
    cloud.subnet(network, "10.1.0.0/30", gateway_ip="10.1.0.1", allocation_pools=[])
    cloud.settle()
    assert cloud.list("ports") == []
    assert cloud.metadata.observe(network) is None


def test_children_wait_for_their_parents_and_are_woken(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    router = cloud.router(subnet)
    port = cloud.make("ports", network_id=network)["id"]
    floating = cloud.make("floatingips", floating_network_id=cloud.public, port_id=port)["id"]
    kinds = {"network.port": port, "network.router": router, "network.floating": floating}
    for kind, id in kinds.items():
        assert isinstance(cloud.loop.reconcilers[kind].reconcile(id), Wait), kind
    cloud.settle()
    for kind, id in kinds.items():
        assert cloud.note(kind, id).code == "", kind
        assert isinstance(cloud.loop.reconcilers[kind].reconcile(id), Done), kind


def test_what_is_unknown_is_gone(cloud: Cloud) -> None:
    for kind in ("network", "port", "router", "group", "floating"):
        assert isinstance(cloud.loop.reconcilers[f"network.{kind}"].reconcile(MISSING), Gone)


def test_a_rejection_is_told_and_ends_in_error_until_it_heals(cloud: Cloud) -> None:
    network, _ = cloud.network()
    cloud.list("security-groups")
    cloud.settle()
    cloud.fabric.refusal = "no room in the fabric"
    port = cloud.make("ports", network_id=network)["id"]
    cloud.settle(310)
    assert cloud.note("network.port", port).message == "no room in the fabric"
    assert cloud.show("ports", port)["status"] == "ERROR"
    assert [each["id"] for each in cloud.list("ports", "status=ERROR")] == [port]
    cloud.fabric.refusal = ""
    cloud.settle(400)
    assert cloud.show("ports", port)["status"] == "DOWN"
    assert cloud.list("ports", "status=ERROR") == []


def test_overdue_networks_routers_and_floating_ips_are_in_error(cloud: Cloud) -> None:
    cloud.fabric.refusal = "no"
    network, subnet = cloud.network()
    router = cloud.router(subnet)
    port = cloud.make("ports", network_id=network)["id"]
    floating = cloud.make("floatingips", floating_network_id=cloud.public, port_id=port)["id"]
    cloud.settle(310)
    for plural, id in (("networks", network), ("routers", router), ("floatingips", floating)):
        assert cloud.show(plural, id)["status"] == "ERROR", plural
        assert [each["id"] for each in cloud.list(plural, "status=ERROR")] == [id]


def test_ports_take_up_a_new_subnets_dhcp(cloud: Cloud) -> None:
    network, subnet = cloud.network(cidr="10.1.0.0/24")
    cloud.put("subnets", subnet, enable_dhcp=False)
    port = cloud.make("ports", network_id=network)["id"]
    cloud.settle()
    spec = cloud.held(Kind.PORT, port)
    assert isinstance(spec, Port)
    cloud.put("subnets", subnet, enable_dhcp=True)
    cloud.settle()
    assert cloud.fabric.matches(spec)


def test_a_group_that_came_back_takes_its_members_in_again(cloud: Cloud) -> None:
    network, _ = cloud.network()
    port = cloud.make("ports", network_id=network)["id"]
    cloud.settle()
    group = cloud.list("security-groups")[0]["id"]
    before = cloud.held(Kind.PORT, port)
    cloud.fabric.lose(Kind.GROUP, group)
    assert cloud.held(Kind.PORT, port) != before
    cloud.loop.reconcilers["network.group"].reconcile(group)
    cloud.settle()
    assert cloud.held(Kind.PORT, port) == before


def test_a_network_on_its_way_out_waits_for_its_ports(cloud: Cloud) -> None:
    outside = cloud.make("networks", token=ADMIN, **{"router:external": True})["id"]
    cloud.subnet(outside, "198.18.9.0/24", token=ADMIN, enable_dhcp=False)
    router = cloud.make("routers", token=ADMIN, external_gateway_info={"network_id": outside})["id"]
    cloud.settle()
    cloud.end("routers", router, token=ADMIN)
    cloud.end("networks", outside, token=ADMIN)
    assert isinstance(cloud.loop.reconcilers["network.network"].reconcile(outside), Wait)
    cloud.settle()
    assert cloud.held(Kind.NETWORK, outside) is None
    other, _ = cloud.network(token=ADMIN, shared=True)
    port = cloud.make("ports", network_id=other)["id"]
    cloud.settle()
    cloud.end("ports", port)
    cloud.end("networks", other, token=ADMIN)
    cloud.settle()
    assert cloud.held(Kind.NETWORK, other) is None


def whole_project(cloud: Cloud) -> None:
    cloud.ask("GET", "/auto-allocated-topology/alpha")
    network, subnet = cloud.network("10.200.0.0/24")
    router = cloud.router(subnet)
    cloud.put("routers", router, routes=[{"destination": "10.77.0.0/16", "nexthop": "10.200.0.77"}])
    port = cloud.make("ports", network_id=network)["id"]
    cloud.make("floatingips", floating_network_id=cloud.public, port_id=port)
    web, db = (cloud.make("security-groups", name=name)["id"] for name in ("web", "db"))
    cloud.make("security-group-rules", security_group_id=web, direction="ingress", remote_group_id=db)
    pool = cloud.make("subnetpools", name="p", prefixes=["10.64.0.0/16"], default_prefixlen=24)["id"]
    cloud.make("subnets", network_id=network, ip_version=4, subnetpool_id=pool)
    cloud.ask("PUT", "/quotas/alpha", {"quota": {"network": 7}}, token=ADMIN)


def test_the_end_of_a_project_leaves_nothing(cloud: Cloud) -> None:
    before = {kind: set(cloud.fabric.names(kind)) for kind in Kind}
    routes = cloud.uplink.routes()
    whole_project(cloud)
    cloud.make("networks", token="member:beta", name="theirs")
    cloud.settle()
    for _ in range(5):
        left = actions.purge(cloud.db, "alpha")
        cloud.settle()
    assert left == {}
    theirs = {each["id"] for each in cloud.list("networks", "name=theirs", token="member:beta")}
    before[Kind.NETWORK] |= theirs
    assert {kind: set(cloud.fabric.names(kind)) for kind in Kind} == before
    assert cloud.uplink.routes() == routes
    assert cloud.ask("GET", "/quotas/alpha").json["quota"]["network"] == 100


def test_what_others_use_outlives_its_project_until_they_are_done(cloud: Cloud) -> None:
    network, _ = cloud.network()
    cloud.put("networks", network, token=ADMIN, shared=True)
    port = cloud.make("ports", network_id=network, token="member:beta")["id"]
    cloud.settle()
    for _ in range(3):
        assert actions.purge(cloud.db, "alpha")["network"] == ["blue (still in use)"]
        cloud.settle()
    cloud.end("ports", port, token="member:beta")
    cloud.settle()
    actions.purge(cloud.db, "alpha")
    cloud.settle()
    assert actions.purge(cloud.db, "alpha") == {}


def test_an_outside_that_is_none_any_more_loses_its_gateway(cloud: Cloud) -> None:
    wishes = {"provider:network_type": "vlan", "provider:physical_network": "p", "provider:segmentation_id": 7}
    outside = cloud.make("networks", token=ADMIN, **{"router:external": True}, **wishes)["id"]
    cloud.subnet(outside, "198.18.9.0/24", token=ADMIN, enable_dhcp=False)
    cloud.settle()
    assert cloud.uplink.observe(outside) == Gateway(outside, "p", ("198.18.9.1/24",), ("198.18.9.0/24",))
    cloud.put("networks", outside, token=ADMIN, **{"router:external": False})
    cloud.settle()
    assert cloud.uplink.observe(outside) is None


def test_a_look_at_what_is_well_changes_nothing(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    router = cloud.router(subnet)
    port = cloud.make("ports", network_id=network)["id"]
    cloud.settle()
    writes = cloud.fabric.writes, cloud.uplink.writes, cloud.metadata.writes
    for kind, id in (("network", network), ("router", router), ("port", port)):
        assert cloud.loop.reconcilers[f"network.{kind}"].reconcile(id) == Done()
    assert (cloud.fabric.writes, cloud.uplink.writes, cloud.metadata.writes) == writes
    cloud.settle()


def test_lost_gateways_and_endpoints_come_back(cloud: Cloud) -> None:
    network, _ = cloud.network()
    cloud.settle()
    cloud.uplink.lose(cloud.public)
    cloud.metadata.lose(network)
    cloud.settle(1000)
    assert cloud.uplink.observe(cloud.public) is not None
    assert cloud.metadata.observe(network) is not None
