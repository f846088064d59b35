"""Endpoint filtering: what a project's catalog holds once endpoints were given to it."""

from __future__ import annotations

from typing import Any

import pytest

from croft.services.identity.store import extras
from tests.services.identity.house import House

GROUPS = "/OS-EP-FILTER/endpoint_groups"


def group(house: House, **filters: Any) -> dict[str, Any]:
    wish = {"name": "meters", "description": "what counts", "filters": filters}
    answer = house.ask("POST", GROUPS, {"endpoint_group": wish})
    assert answer.status == 201, answer.body
    return dict(answer.json["endpoint_group"])


def endpoint(house: House, region: str | None = None) -> str:
    service = house.ask("POST", "/services", {"service": {"type": "metering"}}).json["service"]["id"]
    wish = {"service_id": service, "interface": "public", "url": "https://meter.test", "region_id": region}
    return str(house.ask("POST", "/endpoints", {"endpoint": wish}).json["endpoint"]["id"])


def ids(house: House, path: str) -> list[str]:
    return [row["id"] for row in house.ask("GET", path).json[path.rpartition("/")[2]]]


def seen(house: House, token: str) -> set[str]:
    """Types in the catalog of a token."""
    answer = house.ask("GET", "/auth/catalog", token=token)
    within = house.ask("GET", "/auth/tokens", token=token, headers={"x-subject-token": token})
    assert within.json["token"]["catalog"] == answer.json["catalog"]
    return {service["type"] for service in answer.json["catalog"]}


def test_an_endpoint_group_lives(either: House) -> None:
    house = either
    row = group(house, interface="public")
    place = f"{GROUPS}/{row['id']}"
    assert (row["filters"], row["description"]) == ({"interface": "public"}, "what counts")
    assert row["links"]["self"].endswith(place)
    assert house.ask("GET", place).json["endpoint_group"] == row
    wish = {"name": "clocks", "filters": {"region_id": "RegionOne"}}
    changed = house.ask("PATCH", place, {"endpoint_group": wish}).json["endpoint_group"]
    assert changed == row | wish
    found = [house.ask("GET", GROUPS, query=f"name={name}").json["endpoint_groups"] for name in ("clocks", "meters")]
    assert found == [[changed], []]
    assert house.ask("DELETE", place).status == 204
    wish = {"endpoint_group": {"name": "x"}}
    assert [house.ask(verb, place, wish).status for verb in ("GET", "PATCH", "DELETE")] == [404] * 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x"},
        {"name": "x", "filters": {}},
        {"name": "x", "filters": {"url": "x"}},
        {"filters": {"interface": "public"}},
        {"name": "", "filters": {"interface": "public"}},
    ],
)
def test_a_wrong_endpoint_group_is_refused(house: House, wrong: dict[str, Any]) -> None:
    assert house.ask("POST", GROUPS, {"endpoint_group": wrong}).status == 400
    assert ids(house, GROUPS) == []


def test_a_group_keeps_filters_that_mean_something(house: House) -> None:
    place = f"{GROUPS}/{group(house, interface='public')['id']}"
    for wrong in ({}, {"filters": {"enabled": True}}):
        assert house.ask("PATCH", place, {"endpoint_group": wrong}).status == 400
    assert house.ask("GET", place).json["endpoint_group"]["filters"] == {"interface": "public"}
    assert house.ask("PATCH", place, {"endpoint_group": {"filters": {}}}).status == 200
    everything = house.ask("GET", "/endpoints").json["endpoints"]
    assert len(house.ask("GET", f"{place}/endpoints").json["endpoints"]) == len(everything)


def test_a_project_with_endpoints_of_its_own_sees_only_those(either: House) -> None:
    house, meter, demo = either, endpoint(either), either.named("project", "demo")
    token, place = house.demo(), f"/OS-EP-FILTER/projects/{demo}/endpoints"
    assert seen(house, token) == {"identity", "compute", "metering"}
    assert [house.ask("PUT", f"{place}/{meter}").status for _ in range(2)] == [204, 409]
    assert seen(house, token) == {"metering"}
    assert seen(house, house.admin) == {"identity", "compute", "metering"}
    assert house.ask("GET", f"{place}/{meter}").status == 204
    assert house.ask("HEAD", f"{place}/{meter}").status == 204
    assert ids(house, place) == [meter]
    assert ids(house, f"/OS-EP-FILTER/endpoints/{meter}/projects") == [demo]
    assert [house.ask("DELETE", f"{place}/{meter}").status for _ in range(2)] == [204, 404]
    assert house.ask("GET", f"{place}/{meter}").status == 404
    assert seen(house, token) == {"identity", "compute", "metering"}


def test_a_project_sees_the_endpoints_of_its_groups(either: House) -> None:
    house, demo = either, either.named("project", "demo")
    house.ask("PUT", "/regions/north")
    meter = endpoint(house, "north")
    row = group(house, region_id="north")
    place, token = f"{GROUPS}/{row['id']}", house.demo()
    assert [house.ask("PUT", f"{place}/projects/{demo}").status for _ in range(2)] == [204, 409]
    assert seen(house, token) == {"metering"}
    assert ids(house, f"{place}/endpoints") == [meter]
    assert ids(house, f"{place}/projects") == [demo]
    assert ids(house, f"/OS-EP-FILTER/projects/{demo}/endpoint_groups") == [row["id"]]
    assert ids(house, f"/OS-EP-FILTER/projects/{demo}/endpoints") == [meter]
    found = house.ask("GET", f"{place}/projects/{demo}").json["project_endpoint_group"]
    assert (found["endpoint_group_id"], found["project_id"]) == (row["id"], demo)
    assert house.ask("HEAD", f"{place}/projects/{demo}").status == 200
    house.ask("PATCH", place, {"endpoint_group": {"filters": {"service_id": "none"}}})
    assert seen(house, token) == set()
    assert [house.ask("DELETE", f"{place}/projects/{demo}").status for _ in range(2)] == [204, 404]
    assert house.ask("GET", f"{place}/projects/{demo}").status == 404
    assert seen(house, token) == {"identity", "compute", "metering"}


def test_what_is_gone_is_given_to_nobody(house: House) -> None:
    meter, tower = endpoint(house), house.made("project", name="tower")["id"]
    house.ask("PUT", f"/OS-EP-FILTER/projects/{tower}/endpoints/{meter}")
    row = group(house, interface="admin")["id"]
    house.ask("PUT", f"{GROUPS}/{row}/projects/{tower}")
    house.ask("DELETE", f"/projects/{tower}")
    assert ids(house, f"/OS-EP-FILTER/endpoints/{meter}/projects") == []
    assert ids(house, f"{GROUPS}/{row}/projects") == []
    with house.db.read() as tx:
        assert (extras.projects_of_endpoint(tx, meter), extras.projects_of_group(tx, row)) == ([], [])
    demo, token = house.named("project", "demo"), house.demo()
    house.ask("PUT", f"/OS-EP-FILTER/projects/{demo}/endpoints/{meter}")
    house.ask("DELETE", f"/endpoints/{meter}")
    assert seen(house, token) == {"identity", "compute", "metering"}


def test_foreign_ids_are_missing(house: House) -> None:
    meter, demo, row = endpoint(house), house.named("project", "demo"), group(house, interface="public")["id"]
    for path in (
        f"/OS-EP-FILTER/projects/nowhere/endpoints/{meter}",
        f"/OS-EP-FILTER/projects/{demo}/endpoints/nothing",
        f"{GROUPS}/{row}/projects/nowhere",
        f"{GROUPS}/nothing/projects/{demo}",
    ):
        assert [house.ask(verb, path).status for verb in ("GET", "PUT", "DELETE")] == [404] * 3, path
    for path in ("projects/nowhere/endpoints", "projects/nowhere/endpoint_groups", "endpoints/nothing/projects"):
        assert house.ask("GET", f"/OS-EP-FILTER/{path}").status == 404, path
    for path in (f"{GROUPS}/nothing/projects", f"{GROUPS}/nothing/endpoints"):
        assert house.ask("GET", path).status == 404, path
