"""Bodies that Keystone's own schemas refuse are refused here, and good ones are not. Answers are checked by `House`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.identity import schemas
from tests.services.identity.house import House

pytestmark = pytest.mark.skipif(not schemas.PLACE.exists(), reason=f"Keystone's schemas are not at {schemas.PLACE}")
ODD: list[Any] = [7, -1, True, None, "", " ", "x", "x" * 70, "x" * 300, [], [7], ["a,b"], {}, {"odd": 1}]


def made(house: House) -> dict[str, str]:
    """One of each thing that can be changed: kind → id."""
    service = house.ask("POST", "/services", {"service": {"type": "metering"}}).json["service"]["id"]
    wish = {"service_id": service, "interface": "public", "url": "https://meter.test"}
    user = house.made("user", name="ada")["id"]
    kept = {"user_id": user, "type": "cert", "blob": "x"}
    house.ask("PUT", "/regions/north", {"region": {}})
    return {
        "project": house.named("project", "demo"),
        "domain": house.made("domain", name="empire")["id"],
        "user": user,
        "group": house.made("group", name="crew")["id"],
        "role": house.made("role", name="gardener")["id"],
        "service": service,
        "endpoint": house.ask("POST", "/endpoints", {"endpoint": wish}).json["endpoint"]["id"],
        "credential": house.ask("POST", "/credentials", {"credential": kept}).json["credential"]["id"],
        "own": house.named("user", "admin"),
    }


LENT = {
    "name": "robot",
    "description": "y",
    "secret": "z",
    "unrestricted": False,
    "roles": [{"name": "reader"}],
    "access_rules": [{"service": "compute", "method": "GET", "path": "/v2.1"}],
}
PLACE = {"name": "x", "description": "y", "options": {"immutable": False}, "tags": ["a"], "enabled": True}
NAMED = {"name": "x", "description": "y"}
REGION = {"description": "cold", "parent_region_id": "RegionOne"}
SERVICE = {"type": "t", "name": "n", "enabled": True}


def bodies(house: House) -> dict[tuple[str, str], dict[str, Any]]:
    """A good body for every route that takes one."""
    ids = made(house)
    person = NAMED | {"enabled": True, "default_project_id": ids["project"], "options": {}, "password": "z"}
    url = {"service_id": ids["service"], "interface": "public", "url": "https://meter.test", "enabled": True}
    kept = {"user_id": ids["user"], "type": "cert", "blob": "x", "project_id": ids["project"]}
    return {
        ("POST", "/projects"): {"project": PLACE | {"domain_id": "default", "parent_id": ids["project"]}},
        ("PATCH", f"/projects/{ids['project']}"): {"project": PLACE},
        ("PUT", f"/projects/{ids['project']}/tags"): {"tags": ["a", "b"]},
        ("POST", "/domains"): {"domain": PLACE},
        ("PATCH", f"/domains/{ids['domain']}"): {"domain": PLACE},
        ("POST", "/users"): {"user": person | {"domain_id": "default"}},
        ("PATCH", f"/users/{ids['user']}"): {"user": person},
        ("POST", "/groups"): {"group": NAMED | {"domain_id": "default"}},
        ("PATCH", f"/groups/{ids['group']}"): {"group": NAMED},
        ("POST", "/roles"): {"role": NAMED | {"domain_id": ids["domain"], "options": {}}},
        ("PATCH", f"/roles/{ids['role']}"): {"role": NAMED | {"options": {}}},
        ("POST", "/services"): {"service": SERVICE},
        ("PATCH", f"/services/{ids['service']}"): {"service": SERVICE},
        ("POST", "/endpoints"): {"endpoint": url | {"region_id": "north", "name": "n"}},
        ("PATCH", f"/endpoints/{ids['endpoint']}"): {"endpoint": url | {"description": "d"}},
        ("POST", "/regions"): {"region": REGION | {"id": "south"}},
        ("PATCH", "/regions/north"): {"region": REGION},
        ("POST", "/credentials"): {"credential": kept},
        ("PATCH", f"/credentials/{ids['credential']}"): {"credential": {"blob": "y"}},
        ("POST", f"/users/{ids['own']}/application_credentials"): {"application_credential": LENT},
    }


def mutants(good: Any) -> Iterator[Any]:
    """The body with one thing in it missing or odd, at every depth."""
    yield from ODD
    if isinstance(good, dict):
        for key, value in good.items():
            yield {name: each for name, each in good.items() if name != key}
            for changed in mutants(value):
                yield good | {key: changed}
        yield good | {"odd": 1}
    if isinstance(good, list) and good:
        for changed in mutants(good[0]):
            yield [changed]


STRICTER = (
    "tags",
    "type",
    "description",
    "default_project_id",
    "password",
    "parent_id",
    "domain_id",
    "enabled",
    "url",
    "There is no service",
    "There is no region",
    "There is no project",
    "belongs to another domain",
    "endpoint.name",
    "region_id",
    "missing required field",
    "parent_region_id",
    "project_id",
    "user_id",
    "roles",
    "options",
    "blob",
    "path",
)
"""Words of refusals where the schemas are looser than Keystone itself, or Croft says at once what it cannot keep."""


def test_good_bodies_are_taken(house: House) -> None:
    for number, ((method, path), body) in enumerate(copy.deepcopy(bodies(house)).items()):
        request, _ = schemas.find(method, f"/v3{path}")
        assert request is not None, path
        assert schemas.problems(request, body) == [], path
        for thing in body.values():
            if isinstance(thing, dict) and "name" in thing:
                thing["name"] = f"good {number}"
        answer = house.ask(method, path, body)
        assert answer.status in {200, 201}, (method, path, answer.body)


@pytest.mark.parametrize("number", range(20))
def test_what_keystone_refuses_is_refused(house: House, number: int) -> None:
    (method, path), good = list(bodies(house).items())[number]
    request, _ = schemas.find(method, f"/v3{path}")
    taken = []
    for body in mutants(copy.deepcopy(good)):
        if schemas.problems(request, body):
            answer = house.ask(method, path, body)
            if not 400 <= answer.status < 500:
                taken.append((body, schemas.problems(request, body)[0], answer.status))
    assert taken == [], (method, path)


@pytest.mark.parametrize("number", range(20))
def test_what_keystone_takes_is_taken(house: House, number: int) -> None:
    (method, path), good = list(bodies(house).items())[number]
    request, _ = schemas.find(method, f"/v3{path}")
    refused = []
    for body in mutants(copy.deepcopy(good)):
        if not isinstance(body, dict) or schemas.problems(request, body):
            continue
        answer = house.ask(method, path, body)
        if answer.status == 400 and not any(word in answer.body.decode() for word in STRICTER):
            refused.append((body, answer.body))
    assert refused == [], (method, path)
