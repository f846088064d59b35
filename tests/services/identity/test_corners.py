"""Who may look into the API's far corners, and who may change what is there."""

from __future__ import annotations

import pytest

from tests.services.identity.house import House, project_scope

LISTS = [
    "/OS-EP-FILTER/endpoint_groups",
    "/OS-OAUTH1/consumers",
    "/policies",
    "/domains/config/default",
    "/OS-EP-FILTER/projects/{demo}/endpoints",
    "/OS-EP-FILTER/projects/{demo}/endpoint_groups",
]
WRITES = [
    ("POST", "/OS-EP-FILTER/endpoint_groups", {"endpoint_group": {"name": "x", "filters": {"interface": "public"}}}),
    ("POST", "/OS-OAUTH1/consumers", {"consumer": {}}),
    ("POST", "/policies", {"policy": {"type": "x", "blob": "x"}}),
    ("PUT", "/domains/default/config", {"config": {"identity": {"driver": "x"}}}),
    ("POST", "/registered_limits", {"registered_limits": [{}]}),
    ("POST", "/limits", {"limits": [{}]}),
]


def token(house: House, where: str, role: str) -> str:
    """Of a new user with one role in project demo, in the default domain or on the system."""
    user, demo = house.made("user", name=f"{role}-{where}")["id"], house.named("project", "demo")
    target = {"projects": demo, "domains": "default", "system": ""}[where]
    house.grant(user, role, target, where=where)
    scope = {
        "projects": project_scope(demo),
        "domains": {"domain": {"id": "default"}},
        "system": {"system": {"all": True}},
    }
    return house.login(f"{role}-{where}", scope=scope[where])


@pytest.mark.parametrize(
    ("where", "role", "reads", "writes"),
    [
        ("system", "reader", True, False),
        ("system", "admin", True, True),
        ("projects", "admin", True, True),
        ("projects", "manager", False, False),
        ("domains", "admin", False, False),
    ],
)
def test_operators_read_and_write_and_readers_of_the_system_read(
    house: House, where: str, role: str, reads: bool, writes: bool
) -> None:
    asker, demo = token(house, where, role), house.named("project", "demo")
    read = [house.ask("GET", path.format(demo=demo), token=asker).status for path in LISTS]
    assert read == [200 if reads else 403] * len(LISTS)
    written = [house.ask(verb, path, body, token=asker).status for verb, path, body in WRITES]
    assert all(status in ({201, 400} if writes else {400, 403}) for status in written), written
    assert (201 in written) == writes


def test_readers_of_the_system_see_everybodys_limits(house: House) -> None:
    service = house.ask("POST", "/services", {"service": {"type": "metering"}}).json["service"]["id"]
    place = {"service_id": service, "resource_name": "meters"}
    house.ask("POST", "/registered_limits", {"registered_limits": [place | {"default_limit": 1}]})
    wish = place | {"project_id": house.named("project", "admin"), "resource_limit": 2}
    row = house.ask("POST", "/limits", {"limits": [wish]}).json["limits"][0]
    for where, seen in (("system", [row]), ("projects", []), ("domains", [row])):
        assert house.ask("GET", "/limits", token=token(house, where, "reader")).json["limits"] == seen, where
