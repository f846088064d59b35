"""Security groups and their rules through HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from croft.drivers.fabric import Group, Kind, Port, Rule
from croft.services.network.store import ports
from tests.services.network.cloud import ADMIN, MISSING, Cloud


def rule(cloud: Cloud, group: str, **wishes: Any) -> dict[str, Any]:
    return cloud.make("security-group-rules", security_group_id=group, direction="ingress", **wishes)


def refusal(cloud: Cloud, group: str, **wishes: Any) -> tuple[int, str]:
    body = {"security_group_rule": {"security_group_id": group, "direction": "ingress"} | wishes}
    return cloud.refused("POST", "/security-group-rules", body)


def rules_of(cloud: Cloud, group: str) -> tuple[Rule, ...]:
    spec = cloud.held(Kind.GROUP, group)
    assert isinstance(spec, Group)
    return spec.rules


def test_every_project_has_a_default_group_as_in_neutron(cloud: Cloud) -> None:
    [group] = cloud.list("security-groups", token="reader:alpha")
    assert group["name"] == "default"
    inside = group["id"]
    words = {(r["direction"], r["ethertype"], r["remote_group_id"]) for r in group["security_group_rules"]}
    assert words == {
        ("egress", "IPv4", None),
        ("egress", "IPv6", None),
        ("ingress", "IPv4", inside),
        ("ingress", "IPv6", inside),
    }
    assert len(cloud.list("security-group-rules", token="member:beta")) == 4
    assert cloud.list("security-groups", token="member:beta")[0]["id"] != inside


def test_the_default_group_keeps_its_name_and_place(cloud: Cloud) -> None:
    default = cloud.list("security-groups")[0]["id"]
    for body in ({"name": "default"}, {"name": "DEFAULT"}):
        assert cloud.refused("POST", "/security-groups", {"security_group": body})[0] == 409
    rename = {"security_group": {"name": "other"}}
    assert cloud.refused("PUT", f"/security-groups/{default}", rename) == (409, "SecurityGroupCannotUpdateDefault")
    assert cloud.put("security-groups", default, name="default", description="ours")["description"] == "ours"
    other = cloud.make("security-groups", name="web")["id"]
    body = {"security_group": {"name": "default"}}
    assert cloud.refused("PUT", f"/security-groups/{other}", body) == (409, "SecurityGroupDefaultAlreadyExists")
    assert cloud.refused("DELETE", f"/security-groups/{default}") == (409, "SecurityGroupCannotRemoveDefault")
    cloud.end("security-groups", default, token=ADMIN)
    assert cloud.list("security-groups", "name=default")[0]["id"] != default, "it is made anew at need"


def test_a_group_begins_with_all_ways_out(cloud: Cloud) -> None:
    group = cloud.make("security-groups", name="web", description="d", tags=["x"])
    assert sorted((r["direction"], r["ethertype"]) for r in group["security_group_rules"]) == [
        ("egress", "IPv4"),
        ("egress", "IPv6"),
    ]
    assert cloud.show("security-groups", group["id"]) == group
    assert cloud.put("security-groups", group["id"], name="www")["name"] == "www"
    cloud.settle()
    assert rules_of(cloud, group["id"]) == (Rule("egress", "IPv4"), Rule("egress", "IPv6"))


def test_rules_reach_the_fabric_in_its_own_words(cloud: Cloud) -> None:
    group = cloud.make("security-groups", name="web")["id"]
    for each in cloud.list("security-group-rules", f"security_group_id={group}"):
        cloud.end("security-group-rules", each["id"])
    rule(cloud, group, protocol="TCP", port_range_min=22, port_range_max=23, remote_ip_prefix="10.1.2.3")
    rule(cloud, group, protocol=17, port_range_min=53, port_range_max=53, remote_ip_prefix="0.0.0.0/0")
    rule(cloud, group, protocol="icmp", port_range_min=8, port_range_max=0)
    rule(cloud, group, ethertype="IPv6", protocol="icmp")
    rule(cloud, group, ethertype="IPv6", protocol="ipv6-icmp", port_range_min=128)
    rule(cloud, group, protocol="112", remote_group_id=group)
    rule(cloud, group, protocol="any", remote_ip_prefix="10.9.0.7/16")
    cloud.settle()
    assert rules_of(cloud, group) == (
        Rule("ingress", "IPv4", "tcp", 22, 23, remote_prefix="10.1.2.3/32"),
        Rule("ingress", "IPv4", "udp", 53, 53),
        Rule("ingress", "IPv4", "icmp", 8, 0),
        Rule("ingress", "IPv6", "icmpv6"),
        Rule("ingress", "IPv6", "icmpv6", 128),
        Rule("ingress", "IPv4", "112", remote_group=group),
        Rule("ingress", "IPv4", remote_prefix="10.9.0.0/16"),
    )


@pytest.mark.parametrize(
    ("wishes", "status", "name", "words"),
    [
        ({"protocol": "smoke"}, 400, "SecurityGroupRuleInvalidProtocol", "not supported"),
        ({"protocol": "256"}, 400, "SecurityGroupRuleInvalidProtocol", "not supported"),
        ({"protocol": -1}, 400, "SecurityGroupRuleInvalidProtocol", "not supported"),
        ({"protocol": "icmpv6"}, 400, "SecurityGroupEthertypeConflictWithProtocol", "ethertype"),
        ({"ethertype": "IPX"}, 400, "HTTPBadRequest", "Invalid"),
        ({"direction": "sideways"}, 400, "HTTPBadRequest", "Invalid"),
        ({"remote_ip_prefix": "192.168.1./24"}, 400, "HTTPBadRequest", "not a valid IP subnet"),
        (
            {"remote_ip_prefix": "2001:db8::/32"},
            400,
            "SecurityGroupRuleParameterConflict",
            "Conflicting value ethertype",
        ),
        ({"remote_group_id": "bad_group_id"}, 404, "SecurityGroupNotFound", "does not exist"),
        ({"remote_group_id": MISSING, "remote_ip_prefix": "10.0.0.0/8"}, 400, "SecurityGroupMultipleRemoteEntites", ""),
        ({"port_range_min": 1, "port_range_max": 2}, 400, "SecurityGroupProtocolRequiredWithPorts", "protocol"),
        (
            {"protocol": "esp", "port_range_min": 1, "port_range_max": 2},
            400,
            "SecurityGroupInvalidProtocolForPort",
            "Port range",
        ),
        (
            {"protocol": "tcp", "port_range_min": -16, "port_range_max": 80},
            400,
            "SecurityGroupInvalidPortValue",
            "Invalid value for port -16",
        ),
        (
            {"protocol": "tcp", "port_range_min": 80, "port_range_max": 65536},
            400,
            "SecurityGroupInvalidPortValue",
            "Invalid value for port 65536",
        ),
        (
            {"protocol": "tcp", "port_range_min": 80, "port_range_max": 79},
            400,
            "SecurityGroupInvalidPortRange",
            "port_range_min must be <= port_range_max",
        ),
        (
            {"protocol": "tcp", "port_range_max": 6},
            400,
            "SecurityGroupInvalidPortRange",
            "port_range_min must be <= port_range_max",
        ),
        (
            {"protocol": "icmp", "port_range_min": 300, "port_range_max": 1},
            400,
            "SecurityGroupInvalidIcmpValue",
            "Invalid value for ICMP type",
        ),
        (
            {"protocol": "icmp", "port_range_min": 1, "port_range_max": 256},
            400,
            "SecurityGroupInvalidIcmpValue",
            "Invalid value for ICMP code",
        ),
        (
            {"protocol": "icmp", "port_range_max": 6},
            400,
            "SecurityGroupMissingIcmpType",
            "ICMP type (port-range-min) is missing",
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_named(
    cloud: Cloud, wishes: dict[str, Any], status: int, name: str, words: str
) -> None:
    group = cloud.make("security-groups", name="web")["id"]
    body = {"security_group_rule": {"security_group_id": group, "direction": "ingress"} | wishes}
    answer = cloud.ask("POST", "/security-group-rules", body)
    assert (answer.status, answer.json["NeutronError"]["type"]) == (status, name)
    assert words in answer.json["NeutronError"]["message"]


@pytest.mark.parametrize(
    ("first", "same"),
    [
        ({"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}, {}),
        ({"protocol": "tcp"}, {"protocol": "6"}),
        ({"protocol": None}, {"protocol": "any"}),
        ({"remote_ip_prefix": "0.0.0.0/0"}, {"remote_ip_prefix": None}),
        ({"remote_ip_prefix": "10.1.2.0/24"}, {"remote_ip_prefix": "10.1.2.9/24"}),
    ],
)
def test_the_same_rule_twice_is_409_however_it_is_spelt(
    cloud: Cloud, first: dict[str, Any], same: dict[str, Any]
) -> None:
    group = cloud.make("security-groups", name="web")["id"]
    rule(cloud, group, **first)
    assert refusal(cloud, group, **(first | same)) == (409, "SecurityGroupRuleExists")


def test_rules_are_shown_and_deleted(cloud: Cloud) -> None:
    group = cloud.make("security-groups", name="web")["id"]
    made = rule(cloud, group, protocol="tcp", remote_ip_prefix="10.1.2.9/24", description="d")
    assert made["normalized_cidr"] == "10.1.2.0/24"
    assert cloud.show("security-group-rules", made["id"]) == made
    assert [each["id"] for each in cloud.list("security-group-rules", "protocol=tcp&direction=ingress")] == [made["id"]]
    beta = "member:beta"
    for method in ("GET", "DELETE"):
        path = f"/security-group-rules/{made['id']}"
        assert cloud.refused(method, path, token=beta) == (404, "SecurityGroupRuleNotFound")
    cloud.end("security-group-rules", made["id"])
    assert cloud.refused("GET", f"/security-group-rules/{made['id']}") == (404, "SecurityGroupRuleNotFound")
    assert refusal(cloud, MISSING) == (404, "SecurityGroupNotFound")
    bulk = [{"security_group_id": group, "direction": "ingress", "protocol": name} for name in ("tcp", "udp")]
    answer = cloud.ask("POST", "/security-group-rules", {"security_group_rules": bulk})
    assert len(answer.json["security_group_rules"]) == 2


def test_a_group_in_use_stays_and_its_end_ends_the_rules_about_it(cloud: Cloud) -> None:
    network, _ = cloud.network()
    web, db = (cloud.make("security-groups", name=name)["id"] for name in ("web", "db"))
    about = rule(cloud, db, remote_group_id=web)["id"]
    port = cloud.make("ports", network_id=network, security_groups=[web])["id"]
    cloud.settle()
    assert cloud.refused("DELETE", f"/security-groups/{web}") == (409, "SecurityGroupInUse")
    cloud.end("ports", port)
    cloud.end("security-groups", web)
    assert cloud.refused("GET", f"/security-groups/{web}") == (404, "SecurityGroupNotFound")
    assert cloud.refused("GET", f"/security-group-rules/{about}")[0] == 404
    cloud.settle()
    assert cloud.held(Kind.GROUP, web) is None
    assert len(rules_of(cloud, db)) == 2


def test_a_rule_acts_without_touching_ports(cloud: Cloud) -> None:
    network, _ = cloud.network()
    group = cloud.make("security-groups", name="web")["id"]
    port = cloud.make("ports", network_id=network, security_groups=[group])["id"]
    cloud.settle()
    writes, before = cloud.fabric.writes, cloud.held(Kind.PORT, port)
    rule(cloud, group, protocol="tcp")
    cloud.settle()
    assert cloud.fabric.writes == writes + 1
    assert cloud.held(Kind.PORT, port) == before
    assert len(rules_of(cloud, group)) == 3


def test_a_port_waits_for_its_group(cloud: Cloud) -> None:
    network, _ = cloud.network()
    cloud.settle()
    group = cloud.make("security-groups", name="web")["id"]
    port = cloud.make("ports", network_id=network, security_groups=[group])["id"]
    cloud.loop.reconcilers["network.port"].reconcile(port)
    assert cloud.held(Kind.PORT, port) is None
    cloud.settle()
    spec = cloud.held(Kind.PORT, port)
    assert isinstance(spec, Port)
    assert spec.groups == (group,)


def test_a_port_that_joined_a_group_on_its_way_out_leaves_it(either: Cloud) -> None:
    network, _ = either.network()
    group = either.make("security-groups", name="web")["id"]
    port = either.make("ports", network_id=network)["id"]
    either.settle()
    either.end("security-groups", group)
    with either.db.write() as tx:
        ports.add_groups(tx, port, [group])
    either.settle()
    assert either.held(Kind.GROUP, group) is None
    assert either.note("network.group", group).noted == 0
    assert group not in either.show("ports", port)["security_groups"]


def test_foreign_groups_do_not_exist(cloud: Cloud) -> None:
    group = cloud.make("security-groups", name="web")["id"]
    beta = "member:beta"
    for method in ("GET", "PUT", "DELETE"):
        body = {"security_group": {"name": "x"}}
        assert cloud.refused(method, f"/security-groups/{group}", body, token=beta) == (404, "SecurityGroupNotFound")
    mine = cloud.make("security-groups", name="mine", token=beta)["id"]
    body = {"security_group_rule": {"security_group_id": mine, "direction": "ingress", "remote_group_id": group}}
    assert cloud.refused("POST", "/security-group-rules", body, token=beta) == (404, "SecurityGroupNotFound")
