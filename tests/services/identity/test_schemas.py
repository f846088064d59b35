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


def bodies(house: House) -> dict[tuple[str, str], dict[str, Any]]:
    """A good body for every route that takes one, with what it needs to be there."""
    project = house.named("project", "demo")
    domain = house.made("domain", name="empire")["id"]
    user = house.made("user", name="ada")["id"]
    group = house.made("group", name="crew")["id"]
    role = house.made("role", name="gardener")["id"]
    service = house.ask("POST", "/services", {"service": {"type": "metering"}}).json["service"]["id"]
    wish = {"service_id": service, "interface": "public", "url": "https://meter.test"}
    endpoint = house.ask("POST", "/endpoints", {"endpoint": wish}).json["endpoint"]["id"]
    house.ask("PUT", "/regions/north", {"region": {}})
    kept = {"user_id": user, "type": "cert", "blob": "x"}
    credential = house.ask("POST", "/credentials", {"credential": kept}).json["credential"]["id"]
    own = house.named("user", "admin")
    named = {"name": "x", "description": "y", "options": {"immutable": False}, "tags": ["a"], "enabled": True}
    person = {"name": "x", "description": "y", "enabled": True, "default_project_id": project, "options": {}}
    region = {"description": "cold", "parent_region_id": "RegionOne"}
    lent = {
        "name": "robot",
        "description": "y",
        "secret": "z",
        "unrestricted": False,
        "roles": [{"name": "reader"}],
        "access_rules": [{"service": "compute", "method": "GET", "path": "/v2.1"}],
    }
    return {
        ("POST", "/projects"): {"project": named | {"domain_id": "default", "parent_id": project}},
        ("PATCH", f"/projects/{project}"): {"project": named},
        ("PUT", f"/projects/{project}/tags"): {"tags": ["a", "b"]},
        ("POST", "/domains"): {"domain": named},
        ("PATCH", f"/domains/{domain}"): {"domain": named},
        ("POST", "/users"): {"user": person | {"password": "z", "domain_id": "default"}},
        ("PATCH", f"/users/{user}"): {"user": person | {"password": "z"}},
        ("POST", "/groups"): {"group": {"name": "x", "description": "y", "domain_id": "default"}},
        ("PATCH", f"/groups/{group}"): {"group": {"name": "x", "description": "y"}},
        ("POST", "/roles"): {"role": {"name": "x", "description": "y", "domain_id": domain, "options": {}}},
        ("PATCH", f"/roles/{role}"): {"role": {"name": "x", "description": "y", "options": {}}},
        ("POST", "/services"): {"service": {"type": "t", "name": "n", "enabled": True}},
        ("PATCH", f"/services/{service}"): {"service": {"type": "t", "name": "n", "enabled": True}},
        ("POST", "/endpoints"): {"endpoint": wish | {"enabled": True, "region_id": "north", "name": "n"}},
        ("PATCH", f"/endpoints/{endpoint}"): {"endpoint": wish | {"enabled": True, "description": "d"}},
        ("POST", "/regions"): {"region": region | {"id": "south"}},
        ("PATCH", "/regions/north"): {"region": region},
        ("POST", "/credentials"): {"credential": kept | {"project_id": project}},
        ("PATCH", f"/credentials/{credential}"): {"credential": {"blob": "y"}},
        ("POST", f"/users/{own}/application_credentials"): {"application_credential": lent},
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
    for number, ((method, path), body) in enumerate(bodies(house).items()):
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
