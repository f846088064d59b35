"""What a new project gets of the network: once, by a kind of its own, and never again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from croft.core.config import Config
from croft.core.db import Database
from croft.core.errors import Invalid
from croft.services.network.model.starters import Opening, Starter, openings
from tests.cloud import Cloud, build
from tests.world import World

V2 = "/network/v2.0"
ADMIN = "admin:alpha"


def cloud(db: Database, state: Path, **settings: Any) -> Cloud:
    return build(db, Config(state=state, engines="fake", bcrypt_rounds=4, **settings))


def project(world: World, name: str = "tower") -> str:
    answer = world.call("POST", "/identity/v3/projects", {"project": {"name": name}}, token=ADMIN)
    assert answer.status == 201, answer.body
    return str(answer.json["project"]["id"])


def listed(world: World, plural: str, project: str, **equal: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in {"project_id": project, **equal}.items())
    found = world.call("GET", f"{V2}/{plural}", token=ADMIN, query=query).json
    return list(found[plural.replace("-", "_")])


def openness(world: World, project: str) -> set[tuple[Any, ...]]:
    """What the default group lets in: version, protocol, ports, and from where."""
    (group,) = listed(world, "security-groups", project)
    assert group["name"] == "default"
    return {
        (
            rule["ethertype"],
            rule["protocol"],
            rule["port_range_min"],
            rule["remote_ip_prefix"] or ("group" if rule["remote_group_id"] == group["id"] else None),
        )
        for rule in group["security_group_rules"]
        if rule["direction"] == "ingress"
    }


def test_the_default_group_of_a_new_project_lets_in_what_it_should(db: Database, tmp_path: Path) -> None:
    world = cloud(db, tmp_path).world
    place = project(world)
    world.settle(10)
    assert openness(world, place) == {
        ("IPv4", None, None, "group"),
        ("IPv6", None, None, "group"),
        ("IPv4", "icmp", None, None),
        ("IPv6", "ipv6-icmp", None, None),
        ("IPv4", "tcp", 22, "10.0.0.0/8"),
        ("IPv6", "tcp", 22, "2001:db8::/48"),
        ("IPv4", "tcp", 22, "group"),
        ("IPv6", "tcp", 22, "group"),
        ("IPv4", "udp", 1, "group"),
        ("IPv6", "udp", 1, "group"),
        ("IPv4", "icmp", None, "group"),
        ("IPv6", "ipv6-icmp", None, "group"),
    }
    assert listed(world, "networks", place) == [], "its network comes with its first server"


def test_what_the_owner_takes_away_stays_away(db: Database, tmp_path: Path) -> None:
    built = cloud(db, tmp_path, starter_network=True)
    world = built.world
    place = project(world)
    world.settle(10)
    owner = f"member:{place}"
    ssh = listed(world, "security-group-rules", place, protocol="tcp")
    for rule in ssh:
        assert world.call("DELETE", f"{V2}/security-group-rules/{rule['id']}", token=owner).status == 204
    assert world.call("DELETE", f"{V2}/auto-allocated-topology/{place}", token=owner).status == 204
    built.croft.loop.reconcilers["network.starter"].reconcile(place)
    world.clock.advance(86_400)  # type: ignore[attr-defined]
    world.settle(10)
    assert len(ssh) == 4
    assert listed(world, "security-group-rules", place, protocol="tcp") == []
    assert listed(world, "networks", place) == []


def test_network_and_router_at_once_where_the_operator_wants_it(db: Database, tmp_path: Path) -> None:
    world = cloud(db, tmp_path, starter_network=True).world
    place = project(world)
    world.settle(10)
    (network,) = listed(world, "networks", place)
    (router,) = listed(world, "routers", place)
    assert router["external_gateway_info"]["network_id"]
    versions = [each["ip_version"] for each in listed(world, "subnets", place, network_id=network["id"])]
    assert sorted(versions) == [4, 6]
    answer = world.call("GET", f"{V2}/auto-allocated-topology/{place}", token=f"member:{place}")
    assert answer.json["auto_allocated_topology"]["id"] == network["id"], "the same that a first server would use"


def test_a_group_that_was_asked_for_first_is_opened_all_the_same(sqlite_db: Database, tmp_path: Path) -> None:
    world = cloud(sqlite_db, tmp_path).world
    place = project(world)
    world.call("GET", f"{V2}/security-groups", token=f"member:{place}")
    assert len(openness(world, place)) == 2
    world.settle(10)
    assert len(openness(world, place)) == 12


def test_why_it_is_not_there_yet_is_said(sqlite_db: Database, tmp_path: Path) -> None:
    built = cloud(sqlite_db, tmp_path, starter_network=True)
    world = built.world
    public = world.call("GET", f"{V2}/networks", token=ADMIN, query="router:external=true").json["networks"][0]["id"]
    unset = {"network": {"is_default": False}}
    assert world.call("PUT", f"{V2}/networks/{public}", unset, token=ADMIN).status == 200
    place = project(world)
    world.settle(10)
    shown = world.call("GET", f"/operations/v1/work/{place}", token=ADMIN).json["work"]
    (found,) = [each for each in shown if each["kind"] == "network.starter"]
    assert (found["kind"], found["state"], found["have"]) == ("network.starter", "waiting", {"given_at": None})
    assert "No default router:external network" in found["message"]
    world.call("PUT", f"{V2}/networks/{public}", {"network": {"is_default": True}}, token=ADMIN)
    world.settle(120)
    assert len(listed(world, "networks", place)) == 1


def test_the_seeded_project_gets_it_too_and_a_project_of_before_does_not(sqlite_db: Database, tmp_path: Path) -> None:
    world = cloud(sqlite_db, tmp_path).world
    demo = world.call("GET", "/identity/v3/projects", token=ADMIN, query="name=demo").json["projects"][0]["id"]
    assert len(openness(world, demo)) == 12
    world.call("GET", f"{V2}/security-groups", token="member:older")
    world.settle(100)
    assert len(openness(world, "older")) == 2


def test_operators_write_the_rules(sqlite_db: Database, tmp_path: Path) -> None:
    rules = "tcp/9100 from 192.0.2.7/32, 51 from 2001:db8:1::/64,tcp/80-81 from any"
    world = cloud(sqlite_db, tmp_path, starter_rules=rules).world
    place = project(world)
    world.settle(10)
    own = {("IPv4", None, None, "group"), ("IPv6", None, None, "group")}
    assert openness(world, place) - own == {
        ("IPv4", "tcp", 9100, "192.0.2.7/32"),
        ("IPv6", "51", None, "2001:db8:1::/64"),
        ("IPv4", "tcp", 80, None),
        ("IPv6", "tcp", 80, None),
    }


@pytest.mark.parametrize(
    "wrong",
    ["ssh", "tcp/22", "tcp/99999 from any", "tcp/22 from nowhere", "tcp/9-1 from any", "icmp/1-2000 from any",
     "any from any", "999 from any", "tcp/22 from 10.0.0.0/99", "ipv6-icmp from any"],
)  # fmt: skip
def test_rules_that_mean_nothing_stop_the_start(wrong: str) -> None:
    with pytest.raises(Invalid):
        Starter(wrong)


def test_no_rules_is_a_choice() -> None:
    assert openings("none", {}) == []
    assert openings("tcp/22 from tenants", {4: ["10.0.0.0/8"]}) == [Opening("IPv4", "tcp", (22, 22), "10.0.0.0/8")]
