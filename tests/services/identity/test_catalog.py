"""Regions, services and endpoints: Croft's own, and those that operators add."""

from __future__ import annotations

from typing import Any

import pytest

from croft.services import identity
from tests.services.identity.house import DEMO_PASSWORD, House, project_scope


def added(house: House, **words: Any) -> tuple[str, str]:
    """A service of type `metering` with one public endpoint: their ids."""
    service = house.ask("POST", "/services", {"service": {"type": "metering", "name": "meter"}}).json["service"]
    wish = {"service_id": service["id"], "interface": "public", "url": "https://meter.test/v1"} | words
    answer = house.ask("POST", "/endpoints", {"endpoint": wish})
    assert answer.status == 201, answer.body
    return str(service["id"]), str(answer.json["endpoint"]["id"])


def in_catalog(house: House, kind: str, token: str = "") -> list[dict[str, Any]]:
    catalog = house.ask("GET", "/auth/catalog", token=token).json["catalog"]
    return [endpoint for entry in catalog if entry["type"] == kind for endpoint in entry["endpoints"]]


def test_what_an_operator_adds_is_in_the_next_catalog_and_in_tokens_of_before(either: House) -> None:
    token = either.demo()
    before = either.ask("GET", "/auth/tokens", headers={"X-Subject-Token": token}).json["token"]["catalog"]
    service, endpoint = added(either)
    assert [each["id"] for each in in_catalog(either, "metering", token)] == [endpoint]
    after = either.ask("GET", "/auth/tokens", headers={"X-Subject-Token": token}).json["token"]["catalog"]
    assert len(after) == len(before) + 1
    either.ask("PATCH", f"/endpoints/{endpoint}", {"endpoint": {"enabled": False}})
    assert in_catalog(either, "metering", token) == []
    either.ask("PATCH", f"/endpoints/{endpoint}", {"endpoint": {"enabled": True}})
    either.ask("PATCH", f"/services/{service}", {"service": {"enabled": False}})
    assert in_catalog(either, "metering", token) == []
    assert either.ask("DELETE", f"/services/{service}").status == 204
    assert either.ask("GET", f"/endpoints/{endpoint}").status == 404


def test_urls_are_filled_in_for_each_token(house: House) -> None:
    person, place = house.resident()
    added(house, url="https://meter.test/$(project_id)s/%(tenant_id)s/$(user_id)s")
    token = house.login("ada", scope=project_scope(place))
    assert [each["url"] for each in in_catalog(house, "metering", token)] == [
        f"https://meter.test/{place}/{place}/{person}"
    ]
    house.grant(person, "reader", "default", where="domains")
    assert in_catalog(house, "metering", house.login("ada", scope={"domain": {"id": "default"}})) == []


@pytest.mark.parametrize("url", ["https://meter.test/$(password)s", "https://meter.test/$(project_id", "meter", ""])
def test_urls_with_other_places_are_refused(house: House, url: str) -> None:
    service, endpoint = added(house)
    wish = {"service_id": service, "interface": "public", "url": url}
    assert house.ask("POST", "/endpoints", {"endpoint": wish}).status == 400
    assert house.ask("PATCH", f"/endpoints/{endpoint}", {"endpoint": {"url": url}}).status == 400


def test_crofts_own_services_are_listed_and_not_changed(house: House) -> None:
    services = {each["type"]: each for each in house.ask("GET", "/services").json["services"]}
    assert set(services) == {"identity", "compute"}
    own = services["compute"]["id"]
    assert house.ask("GET", f"/services/{own}").json["service"]["name"] == "nova"
    endpoints = house.ask("GET", "/endpoints", query=f"service_id={own}&interface=public").json["endpoints"]
    assert [each["url"] for each in endpoints] == ["https://cloud.test:8443/compute/v2.1"]
    one = f"/endpoints/{endpoints[0]['id']}"
    assert house.ask("GET", one).json["endpoint"] == endpoints[0]
    for method, path, body in (
        ("PATCH", f"/services/{own}", {"service": {"name": "mine"}}),
        ("DELETE", f"/services/{own}", None),
        ("PATCH", one, {"endpoint": {"url": "https://evil.test"}}),
        ("DELETE", one, None),
        ("PATCH", "/regions/RegionOne", {"region": {"description": "mine"}}),
        ("DELETE", "/regions/RegionOne", None),
    ):
        assert house.ask(method, path, body).status == 403, (method, path)
    assert house.ask("GET", "/services", query="type=compute").json["services"] == [services["compute"]]


def test_services_are_changed_and_ended(house: House) -> None:
    service, _ = added(house)
    path = f"/services/{service}"
    changed = house.ask("PATCH", path, {"service": {"name": "gauge", "description": "counts"}}).json["service"]
    assert (changed["name"], changed["description"], changed["type"]) == ("gauge", "counts", "metering")
    assert house.ask("DELETE", path).status == 204
    for method in ("GET", "DELETE"):
        assert house.ask(method, path).status == 404
    assert house.ask("PATCH", path, {"service": {"name": "x"}}).status == 404
    assert house.ask("POST", "/services", {"service": {"name": "typeless"}}).status == 400


def test_endpoints_are_changed_and_ended(house: House) -> None:
    service, endpoint = added(house, name="public meter", description="here", region_id="RegionOne")
    path = f"/endpoints/{endpoint}"
    shown = house.ask("GET", path).json["endpoint"]
    assert (shown["name"], shown["description"], shown["region"]) == ("public meter", "here", "RegionOne")
    house.ask("POST", "/regions", {"region": {"id": "north"}})
    other = house.ask("POST", "/services", {"service": {"type": "other"}}).json["service"]["id"]
    change = {"interface": "admin", "url": "https://admin.test", "region_id": "north", "service_id": other}
    changed = house.ask("PATCH", path, {"endpoint": change}).json["endpoint"]
    assert {key: changed[key] for key in change} == change
    for bad in ({"service_id": "nowhere"}, {"region_id": "nowhere"}, {"interface": "side"}, {"enabled": "yes"}):
        assert house.ask("PATCH", path, {"endpoint": bad}).status == 400, bad
        wish = {"service_id": service, "interface": "public", "url": "https://x.test"} | bad
        assert house.ask("POST", "/endpoints", {"endpoint": wish}).status == 400, bad
    assert house.ask("PATCH", path, {"endpoint": {"region_id": None}}).json["endpoint"]["region_id"] is None
    assert house.ask("DELETE", path).status == 204
    assert house.ask("GET", path).status == 404


def test_a_region_given_in_the_old_way_is_made(house: House) -> None:
    added(house, region="south")
    assert house.ask("GET", "/regions/south").status == 200


class TestRegions:
    def test_they_are_made_shown_changed_and_ended(self, either: House) -> None:
        made = either.ask("POST", "/regions", {"region": {"description": "cold"}}).json["region"]
        named = either.ask("PUT", "/regions/north", {"region": {"parent_region_id": made["id"]}})
        assert (named.status, named.json["region"]["id"]) == (201, "north")
        assert either.ask("PUT", "/regions/north", {"region": {}}).status == 409
        assert either.ask("POST", "/regions", {"region": {"id": "RegionOne"}}).status == 409
        ids = {each["id"] for each in either.ask("GET", "/regions").json["regions"]}
        assert ids == {"RegionOne", "north", made["id"]}
        below = either.ask("GET", "/regions", query=f"parent_region_id={made['id']}").json["regions"]
        assert [each["id"] for each in below] == ["north"]
        assert either.ask("DELETE", f"/regions/{made['id']}").status == 403
        changed = either.ask("PATCH", "/regions/north", {"region": {"parent_region_id": None, "description": "dark"}})
        assert changed.json["region"]["description"] == "dark"
        assert either.ask("DELETE", f"/regions/{made['id']}").status == 204
        assert either.ask("GET", f"/regions/{made['id']}").status == 404

    def test_none_is_below_itself_or_nowhere(self, house: House) -> None:
        house.ask("PUT", "/regions/a", {"region": {}})
        house.ask("PUT", "/regions/b", {"region": {"parent_region_id": "a"}})
        assert house.ask("PATCH", "/regions/a", {"region": {"parent_region_id": "b"}}).status == 400
        assert house.ask("PATCH", "/regions/a", {"region": {"parent_region_id": "a"}}).status == 400
        assert house.ask("PATCH", "/regions/a", {"region": {"parent_region_id": "nowhere"}}).status == 404

    def test_one_in_use_stays(self, house: House) -> None:
        house.ask("PUT", "/regions/north", {"region": {}})
        _, endpoint = added(house, region_id="north")
        assert house.ask("DELETE", "/regions/north").status == 403
        house.ask("DELETE", f"/endpoints/{endpoint}")
        assert house.ask("DELETE", "/regions/north").status == 204


def test_people_see_regions_and_their_catalog_only(house: House) -> None:
    token = house.login("croft", DEMO_PASSWORD)
    assert house.ask("GET", "/regions", token=token).status == 200
    for method, path in (("GET", "/services"), ("GET", "/endpoints"), ("POST", "/services"), ("POST", "/regions")):
        body = {"service": {"type": "x"}, "region": {}} if method == "POST" else None
        assert house.ask(method, path, body, token=token).status == 403, path


def test_version_documents_are_open_to_everybody(house: House) -> None:
    for path in ("/identity", "/identity/"):
        answer = house.call("GET", path, token=None)
        assert answer.status == 300
        version = answer.json["versions"]["values"][0]
        assert version["links"] == [{"rel": "self", "href": "https://cloud.test:8443/identity/v3/"}]
        assert version["status"] == "stable"
    for path in ("/identity/v3", "/identity/v3/"):
        answer = house.call("GET", path, token=None)
        assert (answer.status, answer.json["version"]) == (200, version)


def test_services_registered_later_are_shown(sqlite_db: Any) -> None:
    later: list[tuple[str, str, str]] = []
    house = House(sqlite_db, endpoints=lambda: later, region="North", public_url="https://other.test/")
    assert isinstance(house.settings, identity.Settings)
    later.append(("image", "glance", "/image"))
    urls = {(each["url"], each["region"]) for each in in_catalog(house, "image")}
    assert urls == {("https://other.test/image", "North")}


def test_where_people_may_work_is_told_under_its_old_name_too(house: House) -> None:
    token = house.demo()
    for kind in ("projects", "domains"):
        old, new = (house.ask("GET", f"/{place}/{kind}", token=token).json for place in ("OS-FEDERATION", "auth"))
        assert old[kind] == new[kind]
