"""Ways up and out of a project that lead nowhere: odd paths, fields that are not the asker's, endless lists, haste."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from croft.core.db import Database
from tests.services.identity.house import V3, House, project_scope


class Ladder:
    """Ada owns `tower`; what belongs to bob and his `vault` is not hers."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ada, self.tower = house.resident("ada", "manager", "tower")
        self.bob, self.vault = house.resident("bob", "manager", "vault")
        self.role = house.role("manager")
        self.token = house.login("ada", scope=project_scope(self.tower))

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return self.house.ask(method, path, body, token=self.token, **more)

    def state(self) -> tuple[Any, ...]:
        """Who holds what, and what there is."""
        paths = ("/role_assignments", "/projects", "/users", "/groups", "/domains", "/roles")
        return tuple(self.house.ask("GET", path).json[path[1:]] for path in paths)


@pytest.fixture
def ladder(sqlite_db: Database) -> Ladder:
    return Ladder(House(sqlite_db))


PATHS = [
    "/projects/{tower}/../{vault}/users/{ada}/roles/{role}",
    "/projects/{tower}%2f..%2f{vault}/users/{ada}/roles/{role}",
    "/projects/{tower}/%2e%2e/{vault}/users/{ada}/roles/{role}",
    "/projects//{vault}/users/{ada}/roles/{role}",
    "//projects/{vault}/users/{ada}/roles/{role}",
    "/projects/{vault}//users/{ada}/roles/{role}",
    "/projects/{vault}/users/{ada}/roles/{role}/",
    "/projects/{vault}%00/users/{ada}/roles/{role}",
    "/projects/{vault}%20/users/{ada}/roles/{role}",
    "/projects/{VAULT}/users/{ada}/roles/{role}",
    "/projects/{vault};{tower}/users/{ada}/roles/{role}",
    "/projects/{vault}?project_id={tower}",
    "/projects/{vault}/users/{ada}/roles/{role}?target={tower}",
    "/../identity/v3/projects/{vault}/users/{ada}/roles/{role}",
    "/OS-INHERIT/projects/{vault}/users/{ada}/roles/{role}/inherited_to_projects",
    "/OS-INHERIT/domains/default/users/{ada}/roles/{role}/inherited_to_projects",
    "/domains/{vault}/users/{ada}/roles/{role}",
    "/projects/default/users/{ada}/roles/{role}",
    "/system/users/{ada}/roles/{role}",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_another_project(ladder: Ladder, path: str) -> None:
    before = ladder.state()
    names = {name: getattr(ladder, name) for name in ("tower", "vault", "ada", "role")}
    path = path.format(**names, VAULT=ladder.vault.upper())
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "POST"):
        answer = ladder.ask(method, path, {})
        assert 400 <= answer.status < 500, (method, path, answer.status)
    assert ladder.state() == before


RULED = [
    ("/v3/projects/{tower}/tags", "/projects/{tower}/../{vault}/tags"),
    ("/v3/projects/*/tags", "/projects/{tower}%2ftags"),
    ("/v3/projects/*/tags", "/projects/{tower}/tags/../../../users"),
    ("/v3/projects/*", "/projects/{tower}/users/{ada}/roles"),
    ("/v3/projects/*", "/projects//users"),
    ("/v3/auth/**", "/auth/../users/{ada}"),
    ("/v3/auth/**", "/auth%2f../users/{ada}"),
    ("/v3/auth/**", "//users/{ada}"),
]


@pytest.mark.parametrize(("rule", "path"), RULED)
def test_access_rules_are_not_walked_around(ladder: Ladder, rule: str, path: str) -> None:
    names = {name: getattr(ladder, name) for name in ("tower", "vault", "ada")}
    rules = [{"service": "identity", "method": "GET", "path": rule.format(**names)}]
    wish = {"name": "robot", "secret": "secret", "access_rules": rules}
    made = ladder.ask("POST", f"/users/{ladder.ada}/application_credentials", {"application_credential": wish}).json
    given = {"id": made["application_credential"]["id"], "secret": "secret"}
    identity = {"methods": ["application_credential"], "application_credential": given}
    entered = ladder.house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": identity}}, token=None)
    token = entered.headers["x-subject-token"]
    assert ladder.house.ask("GET", path.format(**names), token=token).status in {403, 404}
    assert ladder.house.ask("GET", f"/users/{ladder.ada}", token=token).status == 403


FOREIGN: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/users", {"user": {"name": "x", "password": "x", "domain_id": "default"}}),
    ("PATCH", "/users/{ada}", {"user": {"domain_id": "away", "enabled": True}}),
    ("PATCH", "/users/{ada}", {"user": {"options": {"ignore_lockout_failure_attempts": True}}}),
    ("PATCH", "/users/{bob}", {"user": {"password": "mine now"}}),
    ("PATCH", "/projects/{tower}", {"project": {"parent_id": "{vault}"}}),
    ("PATCH", "/projects/{tower}", {"project": {"domain_id": "away", "is_domain": True, "enabled": True}}),
    ("PATCH", "/projects/{vault}", {"project": {"parent_id": "{tower}"}}),
    ("PUT", "/projects/{vault}/tags", {"tags": ["mine"]}),
    ("PUT", "/projects/{tower}/tags/mine", {}),
    ("POST", "/projects", {"project": {"name": "x", "parent_id": "{vault}"}}),
    ("POST", "/projects", {"project": {"name": "x", "parent_id": "{tower}", "domain_id": "away"}}),
    ("POST", "/projects", {"project": {"name": "x", "parent_id": "{tower}", "is_domain": True}}),
    ("POST", "/projects", {"project": {"name": "x", "parent_id": "{tower}", "options": {"immutable": True}}}),
    ("POST", "/projects", {"project": {"name": "x", "parent_id": "{tower}", "tags": ["a,b"]}}),
    ("POST", "/groups", {"group": {"name": "x"}}),
    ("POST", "/roles", {"role": {"name": "x"}}),
    ("PATCH", "/roles/{role}", {"role": {"name": "x", "options": {"immutable": False}}}),
    ("PUT", "/roles/{role}/implies/{admin}", {}),
    ("POST", "/credentials", {"credential": {"user_id": "{bob}", "type": "totp", "blob": "x"}}),
    (
        "POST",
        "/OS-TRUST/trusts",
        {
            "trust": {
                "trustor_user_id": "{bob}",
                "trustee_user_id": "{ada}",
                "impersonation": True,
                "roles": [{"id": "{role}"}],
                "project_id": "{vault}",
            }
        },
    ),
    (
        "POST",
        "/OS-TRUST/trusts",
        {
            "trust": {
                "trustor_user_id": "{ada}",
                "trustee_user_id": "{bob}",
                "impersonation": True,
                "roles": [{"id": "{admin}"}],
                "project_id": "{tower}",
            }
        },
    ),
    (
        "POST",
        "/users/{ada}/application_credentials",
        {"application_credential": {"name": "x", "roles": [{"id": "{admin}"}]}},
    ),
    (
        "POST",
        "/users/{ada}/application_credentials",
        {"application_credential": {"name": "x", "project_id": "{vault}"}},
    ),
    ("POST", "/users/{bob}/application_credentials", {"application_credential": {"name": "x"}}),
]


@pytest.mark.parametrize("at", range(len(FOREIGN)))
def test_what_is_not_ones_own_to_set_is_refused(ladder: Ladder, at: int) -> None:
    house = ladder.house
    names = {"ada": ladder.ada, "bob": ladder.bob, "tower": ladder.tower, "vault": ladder.vault, "role": ladder.role}
    names["admin"] = house.role("admin")
    house.made("domain", name="away")
    before = ladder.state()
    method, path, body = FOREIGN[at]
    text = json.dumps(body)
    for name, id in names.items():
        text = text.replace(f"{{{name}}}", id)
    answer = ladder.ask(method, path.format(**names), json.loads(text))
    assert answer.status in {400, 403, 404}, answer.body
    assert ladder.state() == before


MANY = 10_000
LISTS: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "/projects/{tower}/tags", {"tags": [f"t{at}" for at in range(MANY)]}),
    ("PATCH", "/projects/{tower}", {"project": {"tags": [f"t{at}" for at in range(MANY)]}}),
    ("POST", "/projects", {"project": {"name": "x", "parent_id": "{tower}", "tags": [f"t{at}" for at in range(MANY)]}}),
    (
        "POST",
        "/users/{ada}/application_credentials",
        {"application_credential": {"name": "x", "roles": [{"id": f"{at:032}"} for at in range(MANY)]}},
    ),
    (
        "POST",
        "/users/{ada}/application_credentials",
        {
            "application_credential": {
                "name": "x",
                "access_rules": [{"service": "compute", "method": "GET", "path": f"/v2.1/{at}"} for at in range(MANY)],
            }
        },
    ),
    (
        "POST",
        "/OS-TRUST/trusts",
        {
            "trust": {
                "trustor_user_id": "{ada}",
                "trustee_user_id": "{bob}",
                "project_id": "{tower}",
                "impersonation": True,
                "roles": [{"name": "manager"}] * MANY + [{"name": "admin"}],
            }
        },
    ),
    ("POST", "/auth/tokens", {"auth": {"identity": {"methods": [f"m{at}" for at in range(MANY)]}}}),
    ("POST", "/auth/tokens", {"auth": {"identity": {"methods": ["password"] * MANY}}}),
]


@pytest.mark.parametrize("operator", [False, True], ids=["owner", "operator"])
@pytest.mark.parametrize("at", range(len(LISTS)))
def test_endless_lists_are_turned_away(ladder: Ladder, at: int, operator: bool) -> None:
    method, path, body = LISTS[at]
    text = json.dumps(body).replace("{tower}", ladder.tower).replace("{ada}", ladder.ada).replace("{bob}", ladder.bob)
    before = ladder.state()
    token = ladder.house.admin if operator else ladder.token
    path = path.format(tower=ladder.tower, ada=ladder.ada)
    answer = ladder.house.ask(method, path, content=text.encode(), token=token)
    assert answer.status in {400, 401, 403, 404, 413}, (path, answer.status, answer.body[:200])
    assert ladder.state() == before


def test_a_role_given_to_one_who_is_deleted_goes_too(db: Database) -> None:
    house = House(db)
    _, place = house.resident("ada", "manager", "tower")
    token, role = house.login("ada", scope=project_scope(place)), house.role("member")
    people = [house.made("user", name=f"p{at}", password=None)["id"] for at in range(30)]

    def pair(person: str) -> list[int]:
        gate = threading.Barrier(2)
        ways = (("PUT", f"/projects/{place}/users/{person}/roles/{role}", token), ("DELETE", f"/users/{person}", ""))

        def go(way: tuple[str, str, str]) -> int:
            gate.wait(30)
            return house.ask(way[0], way[1], token=way[2]).status

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(go, ways))

    answers = [pair(person) for person in people]
    assert all(given in {204, 404} and gone == 204 for given, gone in answers)
    assert [person for person in people if person in str(house.ask("GET", "/role_assignments").json)] == []
