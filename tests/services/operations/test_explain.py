"""`croft why ID` shows for every kind what is wanted and what is there, and no secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from croft.core.work import Explains, Wait
from croft.drivers.fabric import Kind
from tests.cloud import Cloud
from tests.laws.specimen import Specimen, specimens
from tests.world import World

SECRETS = ("IyEvYmluL3No", "#!/bin/sh", "user_data", "password", "secret", "token")
"""The user data of the server's specimen, and words that would announce others."""
each_kind = pytest.mark.parametrize("specimen", specimens(), ids=str)
in_fabric = pytest.mark.parametrize(
    "specimen", [each for each in specimens() if each.kind.partition(".")[2] in {*Kind}], ids=str
)


def shown(world: World, kind: str, id: str) -> dict[str, Any]:
    answer = world.call("GET", f"/operations/v1/work/{id}", token="admin:alpha")
    assert answer.status == 200, answer.body
    (found,) = [each for each in answer.json["work"] if each["kind"] == kind]
    return dict(found)


@each_kind
def test_every_kind_shows_want_and_have(sqlite_cloud: Cloud, specimen: Specimen) -> None:
    world = sqlite_cloud.world
    id = specimen.create(world)
    world.settle(10)
    with_engine = shown(world, specimen.kind, id)
    assert (with_engine["state"], with_engine["engine"]) == ("settled", "")
    assert with_engine["want"]
    assert with_engine["have"]
    text = json.dumps(with_engine).lower()
    assert [word for word in SECRETS if word.lower() in text] == []


@each_kind
def test_explaining_changes_nothing(sqlite_cloud: Cloud, specimen: Specimen) -> None:
    world = sqlite_cloud.world
    id = specimen.create(world)
    world.settle(10)
    writes, whole = sqlite_cloud.writes(), sqlite_cloud.inventory()
    shown(world, specimen.kind, id)
    assert (sqlite_cloud.writes(), sqlite_cloud.inventory()) == (writes, whole)


@each_kind
def test_what_is_to_go_and_what_never_was_can_be_asked_about(sqlite_cloud: Cloud, specimen: Specimen) -> None:
    world = sqlite_cloud.world
    id = specimen.create(world)
    specimen.delete(world, id)
    shown(world, specimen.kind, id)
    reconciler = sqlite_cloud.croft.loop.reconcilers[specimen.kind]
    assert isinstance(reconciler, Explains)
    assert reconciler.explain("00000000-0000-7000-8000-000000000000") is None


@in_fabric
def test_a_lost_object_no_longer_matches(sqlite_cloud: Cloud, specimen: Specimen) -> None:
    world = sqlite_cloud.world
    id = specimen.create(world)
    world.settle(10)
    assert shown(world, specimen.kind, id)["have"]["matches"] is True
    kind = Kind(specimen.kind.partition(".")[2])
    sqlite_cloud.engines.fabric.remove(kind, id)
    assert shown(world, specimen.kind, id)["have"]["matches"] is False


def test_a_router_shows_what_the_world_is_told(sqlite_cloud: Cloud) -> None:
    world = sqlite_cloud.world
    (router,) = [each for each in specimens() if each.kind == "network.router"]
    id = router.create(world)
    world.settle(10)
    found = shown(world, "network.router", id)
    assert found["want"]["announced"] == found["have"]["announced"] != []
    for route in sqlite_cloud.engines.uplink.routes():
        sqlite_cloud.engines.uplink.unroute(route.prefix)
    assert shown(world, "network.router", id)["have"]["announced"] == []


def test_a_project_on_its_way_out_says_what_it_waits_for(sqlite_cloud: Cloud) -> None:
    world = sqlite_cloud.world
    wish = {"project": {"name": "tower"}}
    place = world.call("POST", "/identity/v3/projects", wish, token="admin:alpha").json["project"]["id"]
    for name in ("blue", "red"):
        body = {"network": {"name": name}}
        assert world.call("POST", "/network/v2.0/networks", body, token=f"member:{place}").status == 201
    world.settle()
    world.call("DELETE", f"/identity/v3/projects/{place}", token="admin:alpha")
    reconciler = sqlite_cloud.croft.loop.reconcilers["identity.project"]
    assert reconciler.reconcile(place) == Wait(
        "2 networks, 1 security group are being deleted: network blue, network red, security group default.", 5
    )
    world.loop.run_due(1)
    found = world.call("GET", f"/operations/v1/work/{place}", token="admin:alpha").json["work"]
    assert {each["kind"] for each in found} <= {"identity.project", "network.starter"}
    world.settle(60)
    assert world.call("GET", f"/operations/v1/work/{place}", token="admin:alpha").status == 404
