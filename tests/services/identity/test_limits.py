"""Unified limits: what operators register, what projects get, who sees it; Croft's own quotas are among them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cloud import Cloud
from tests.services.identity.house import House, project_scope
from tests.world import World


def metering(house: House) -> str:
    answer = house.ask("POST", "/services", {"service": {"type": "metering", "name": "meter"}})
    return str(answer.json["service"]["id"])


def registered(house: House, service: str, resource: str = "meters", **words: Any) -> dict[str, Any]:
    wish = {"service_id": service, "resource_name": resource, "default_limit": 5} | words
    answer = house.ask("POST", "/registered_limits", {"registered_limits": [wish]})
    assert answer.status == 201, answer.body
    return dict(answer.json["registered_limits"][0])


def limited(house: House, service: str, **words: Any) -> dict[str, Any]:
    wish = {"service_id": service, "resource_name": "meters", "resource_limit": 9} | words
    answer = house.ask("POST", "/limits", {"limits": [wish]})
    assert answer.status == 201, answer.body
    return dict(answer.json["limits"][0])


def ids(house: House, token: str = "", query: str = "", kind: str = "limits") -> set[str]:
    return {row["id"] for row in house.ask("GET", f"/{kind}", token=token, query=query).json[kind]}


def test_a_registered_limit_lives(either: House) -> None:
    house, service = either, metering(either)
    row = registered(house, service, description="how many")
    assert (row["default_limit"], row["region_id"], row["description"]) == (5, None, "how many")
    place = f"/registered_limits/{row['id']}"
    assert house.ask("GET", place).json["registered_limit"] == row
    assert row["links"]["self"].endswith(place)
    wish = {"default_limit": -1, "region_id": "RegionOne", "resource_name": "clocks", "description": None}
    changed = house.ask("PATCH", place, {"registered_limit": wish})
    assert changed.json["registered_limit"] == row | wish
    assert house.ask("DELETE", place).status == 204
    assert house.ask("GET", place).status == 404


def test_registered_limits_are_filtered_and_paged(house: House) -> None:
    service = metering(house)
    here = registered(house, service, region_id="RegionOne")["id"]
    other = registered(house, service, "Clocks")["id"]
    assert ids(house, query=f"service_id={service}", kind="registered_limits") == {here, other}
    assert ids(house, query="region_id=RegionOne", kind="registered_limits") == {here}
    assert ids(house, query="resource_name=Clocks", kind="registered_limits") == {other}
    assert ids(house, query="resource_name__icontains=LOCK", kind="registered_limits") == {other}
    assert ids(house, query="resource_name__startswith=clock", kind="registered_limits") == set()
    first = house.ask("GET", "/registered_limits", query="limit=1").json
    assert first["truncated"] is True
    rest = house.ask("GET", "/registered_limits", query=first["links"]["next"].partition("?")[2]).json
    assert {first["registered_limits"][0]["id"], rest["registered_limits"][0]["id"]} == {here, other}
    assert rest["links"]["next"] is None
    assert "truncated" not in rest


def test_the_same_twice_is_a_conflict_and_nothing_of_the_list_is_made(either: House) -> None:
    house, service = either, metering(either)
    before = registered(house, service)
    good = {"service_id": service, "resource_name": "clocks", "default_limit": 1}
    for second in (good, good | {"resource_name": "meters"}):
        assert house.ask("POST", "/registered_limits", {"registered_limits": [good, second]}).status == 409
    assert ids(house, kind="registered_limits") == {before["id"]}
    clocks = registered(house, service, "clocks")["id"]
    wish = {"registered_limit": {"resource_name": "meters"}}
    assert house.ask("PATCH", f"/registered_limits/{clocks}", wish).status == 409
    limited(house, service, project_id=house.named("project", "demo"))
    wishes = [
        {"service_id": service, "resource_name": name, "resource_limit": 1, "project_id": house.named("project", who)}
        for name, who in (("clocks", "demo"), ("meters", "demo"))
    ]
    assert house.ask("POST", "/limits", {"limits": wishes}).status == 409
    assert len(ids(house)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"service_id": "nothing"},
        {"region_id": "nowhere"},
        {"default_limit": -2},
        {"default_limit": 2**31},
        {"default_limit": "many"},
        {"resource_name": ""},
        {"odd": 1},
    ],
)
def test_a_wrong_registered_limit_is_refused(house: House, wrong: dict[str, Any]) -> None:
    wish = {"service_id": metering(house), "resource_name": "meters", "default_limit": 1} | wrong
    assert house.ask("POST", "/registered_limits", {"registered_limits": [wish]}).status == 400
    assert house.ask("POST", "/registered_limits", {"registered_limits": []}).status == 400


def test_a_registered_limit_in_use_stays_as_it_is(house: House) -> None:
    service = metering(house)
    row = registered(house, service)
    limit = limited(house, service, project_id=house.named("project", "demo"))
    place = f"/registered_limits/{row['id']}"
    assert house.ask("PATCH", place, {"registered_limit": {"default_limit": 1}}).status == 403
    assert house.ask("DELETE", place).status == 403
    house.ask("DELETE", f"/limits/{limit['id']}")
    assert house.ask("DELETE", place).status == 204


def test_a_registered_limit_outlives_its_service_and_region(house: House) -> None:
    house.ask("PUT", "/regions/north")
    service = metering(house)
    place = f"/registered_limits/{registered(house, service, region_id='north')['id']}"
    assert house.ask("DELETE", f"/services/{service}").status == 204
    assert house.ask("DELETE", "/regions/north").status == 204
    kept = house.ask("GET", place).json["registered_limit"]
    assert (kept["service_id"], kept["region_id"]) == (service, "north")
    assert house.ask("DELETE", place).status == 204


def test_a_limit_lives(either: House) -> None:
    house, service = either, metering(either)
    registered(house, service)
    project = house.named("project", "demo")
    row = limited(house, service, project_id=project, description="they measure a lot")
    assert (row["project_id"], row["domain_id"], row["resource_limit"]) == (project, None, 9)
    place = f"/limits/{row['id']}"
    assert house.ask("GET", place).json["limit"] == row
    changed = house.ask("PATCH", place, {"limit": {"resource_limit": 0, "description": None}})
    assert changed.json["limit"] == row | {"resource_limit": 0, "description": None}
    assert house.ask("DELETE", place).status == 204
    assert [house.ask(verb, place, {"limit": {}}).status for verb in ("GET", "PATCH", "DELETE")] == [404] * 3


def test_limits_are_filtered(house: House) -> None:
    service = metering(house)
    registered(house, service)
    registered(house, service, "clocks", region_id="RegionOne")
    demo, admin = (house.named("project", name) for name in ("demo", "admin"))
    first = limited(house, service, project_id=demo)["id"]
    second = limited(house, service, project_id=admin, resource_name="clocks", region_id="RegionOne")["id"]
    third = limited(house, service, domain_id="default")["id"]
    assert ids(house) == {first, second, third}
    assert ids(house, query=f"project_id={demo}") == {first}
    assert ids(house, query="domain_id=default") == {third}
    assert ids(house, query="project_id=default") == set()
    assert ids(house, query="resource_name=clocks") == {second}
    assert ids(house, query="region_id=RegionOne") == {second}
    assert ids(house, query=f"service_id={service}") == {first, second, third}
    assert ids(house, query=f"project_id={demo}&domain_id=default") == set()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({}, 400),
        ({"project_id": "demo", "domain_id": "default"}, 400),
        ({"project_id": None}, 400),
        ({"project_id": "nobody"}, 400),
        ({"domain_id": "nobody"}, 400),
        ({"domain_id": "default", "service_id": "nothing"}, 400),
        ({"domain_id": "default", "resource_name": "clocks"}, 403),
        ({"domain_id": "default", "region_id": "RegionOne"}, 403),
        ({"domain_id": "default", "resource_limit": -2}, 400),
    ],
)
def test_a_wrong_limit_is_refused(house: House, wrong: dict[str, Any], status: int) -> None:
    service = metering(house)
    registered(house, service)
    wish = {"service_id": service, "resource_name": "meters", "resource_limit": 1} | wrong
    assert house.ask("POST", "/limits", {"limits": [wish]}).status == status
    assert ids(house) == set()


def test_a_project_that_acts_as_a_domain_gets_a_domains_limit(house: House) -> None:
    service = metering(house)
    registered(house, service)
    row = limited(house, service, project_id="default")
    assert (row["project_id"], row["domain_id"]) == (None, "default")


def test_people_see_the_limits_of_their_own_place(house: House) -> None:
    service = metering(house)
    registered(house, service)
    empire = house.made("domain", name="empire")["id"]
    tower = house.made("project", name="tower", domain_id=empire)["id"]
    user = house.made("user", name="ada")["id"]
    house.grant(user, "member", tower)
    house.grant(user, "member", empire, where="domains")
    of_tower = limited(house, service, project_id=tower)["id"]
    of_empire = limited(house, service, domain_id=empire)["id"]
    other = limited(house, service, project_id=house.named("project", "demo"))["id"]
    in_tower = house.login("ada", scope=project_scope(tower))
    in_empire = house.login("ada", scope={"domain": {"id": empire}})
    nowhere = house.login("ada", scope="unscoped")
    assert ids(house, in_tower) == {of_tower}
    assert ids(house, in_tower, f"domain_id={empire}") == set()
    assert ids(house, in_empire) == {of_tower, of_empire}
    assert ids(house, nowhere) == set()
    assert house.ask("GET", f"/limits/{of_tower}", token=in_tower).status == 200
    assert house.ask("GET", f"/limits/{of_empire}", token=in_tower).status == 404
    assert [house.ask("GET", f"/limits/{other}", token=each).status for each in (in_tower, in_empire)] == [404, 404]
    wish = {"limit": {"resource_limit": 1000}}
    assert house.ask("PATCH", f"/limits/{of_tower}", wish, token=in_tower).status == 403
    assert house.ask("DELETE", f"/limits/{of_tower}", token=in_tower).status == 403
    assert house.ask("GET", "/registered_limits", token=nowhere).status == 200


def test_the_model_is_flat(house: House) -> None:
    answer = house.ask("GET", "/limits/model", token=house.demo()).json["model"]
    assert answer["name"] == "flat"
    assert answer["description"]


def test_limits_go_with_their_project(house: House) -> None:
    service = metering(house)
    registered(house, service)
    project = house.made("project", name="tower")["id"]
    row = limited(house, service, project_id=project)
    house.ask("DELETE", f"/projects/{project}")
    assert house.ask("GET", f"/limits/{row['id']}").status == 404


# Croft's own quotas


def ours(world: World, resource: str) -> dict[str, Any]:
    answer = world.call("GET", "/identity/v3/registered_limits", query=f"resource_name={resource}")
    (row,) = answer.json["registered_limits"]
    return dict(row)


def project(world: World, name: str) -> str:
    answer = world.call("POST", "/identity/v3/projects", {"project": {"name": name}}, token="admin:alpha")
    return str(answer.json["project"]["id"])


def test_a_limit_on_our_own_resource_is_the_projects_quota(sqlite_cloud: Cloud) -> None:
    world = sqlite_cloud.world
    tower, cores = project(world, "tower"), ours(world, "cores")
    assert cores["default_limit"] == 20
    wish = {"service_id": cores["service_id"], "resource_name": "cores", "resource_limit": 7, "project_id": tower}
    made = world.call("POST", "/identity/v3/limits", {"limits": [wish]}, token="admin:alpha")
    row = made.json["limits"][0]
    quotas = f"/compute/v2.1/os-quota-sets/{tower}"
    assert world.call("GET", quotas, token="admin:alpha").json["quota_set"]["cores"] == 7
    assert world.call("POST", "/identity/v3/limits", {"limits": [wish]}, token="admin:alpha").status == 409
    world.call("PUT", quotas, {"quota_set": {"cores": 8, "ram": 1024}}, token="admin:alpha")
    found = world.call("GET", "/identity/v3/limits", token=f"reader:{tower}").json["limits"]
    assert {each["resource_name"]: each["resource_limit"] for each in found} == {"cores": 8, "ram": 1024}
    place = f"/identity/v3/limits/{row['id']}"
    changed = world.call("PATCH", place, {"limit": {"resource_limit": 3}}, token="admin:alpha")
    assert changed.json["limit"]["resource_limit"] == 3
    assert world.call("GET", quotas, token="admin:alpha").json["quota_set"]["cores"] == 3
    assert world.call("GET", place, token="reader:beta").status == 404
    assert world.call("DELETE", place, token="admin:alpha").status == 204
    assert world.call("GET", quotas, token="admin:alpha").json["quota_set"]["cores"] == 20


def test_our_own_limits_are_changed_by_no_one_and_have_no_frills(sqlite_cloud: Cloud) -> None:
    world = sqlite_cloud.world
    tower, cores = project(world, "tower"), ours(world, "cores")
    place = f"/identity/v3/registered_limits/{cores['id']}"
    assert world.call("GET", place).json["registered_limit"] == cores
    changed = world.call("PATCH", place, {"registered_limit": {"default_limit": 1}}, token="admin:alpha")
    assert (changed.status, world.call("DELETE", place, token="admin:alpha").status) == (403, 403)
    wish = {"service_id": cores["service_id"], "resource_name": "cores", "resource_limit": 7}
    for wrong in ({"domain_id": "default"}, {"project_id": tower, "description": "x"}):
        answer = world.call("POST", "/identity/v3/limits", {"limits": [wish | wrong]}, token="admin:alpha")
        assert answer.status == 400
    made = world.call("POST", "/identity/v3/limits", {"limits": [wish | {"project_id": tower}]}, token="admin:alpha")
    place = f"/identity/v3/limits/{made.json['limits'][0]['id']}"
    assert world.call("PATCH", place, {"limit": {"description": "x"}}, token="admin:alpha").status == 400


def test_a_gone_projects_quota_is_gone(sqlite_cloud: Cloud) -> None:
    world = sqlite_cloud.world
    tower = project(world, "tower")
    world.call("PUT", f"/compute/v2.1/os-quota-sets/{tower}", {"quota_set": {"cores": 8}}, token="admin:alpha")
    world.call("DELETE", f"/identity/v3/projects/{tower}", token="admin:alpha")
    world.settle(60)
    with world.db.read() as tx:
        assert world.quotas.own(tx, tower) == []


def test_hundreds_of_limits_are_set_at_once_or_not_at_all(house: House) -> None:
    service, most = metering(house), 300
    wishes = [{"service_id": service, "resource_name": f"r{n}", "default_limit": n} for n in range(most)]
    assert house.ask("POST", "/registered_limits", {"registered_limits": wishes}).status == 201
    place = {"service_id": service, "domain_id": "default", "resource_limit": 1}
    wishes = [place | {"resource_name": f"r{n}"} for n in range(most)]
    for wrong, status in ((wishes[0], 409), (place | {"resource_name": "unheard"}, 403)):
        assert house.ask("POST", "/limits", {"limits": [*wishes, wrong]}).status == status
        assert ids(house) == set()
    assert len(house.ask("POST", "/limits", {"limits": wishes}).json["limits"]) == most
    assert house.ask("POST", "/limits", {"limits": wishes[-1:]}).status == 409
    too_many = [place | {"resource_name": "r"}] * 1001
    assert house.ask("POST", "/limits", {"limits": too_many}).status in {400, 413}
