"""What tokens for the system and for a domain may do: the first everywhere, the second in that domain alone."""

from __future__ import annotations

from typing import Any

import pytest

from croft.core.db import Database
from tests.services.identity.house import House

SYSTEM = {"system": {"all": True}}


class Realms:
    """Two domains with a project, a group, a role and people; `eve` works in the one called own."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.own, self.foreign = (house.made("domain", name=name)["id"] for name in ("own", "foreign"))
        self.things = {realm: self._fill(realm) for realm in (self.own, self.foreign)}
        self.eve = self._person("eve", self.own)

    def _fill(self, realm: str) -> dict[str, str]:
        made = {kind: self.house.made(kind, name=kind, domain_id=realm)["id"] for kind in ("project", "user", "group")}
        made["member"] = self._person("member", realm)
        for who, actor in (("users", "member"), ("groups", "group")):
            self.house.grant(made[actor], "member", made["project"], who=who)
        self.house.ask("PUT", f"/groups/{made['group']}/users/{made['member']}")
        return made | {"role": self.house.made("role", name="own", domain_id=realm)["id"], "domain": realm}

    def _person(self, name: str, realm: str) -> str:
        return str(self.house.made("user", name=name, domain_id=realm)["id"])

    def token(self, role: str, scope: str) -> str:
        """Eve's, with one role on the domain or the system."""
        where = "system" if scope == "system" else "domains"
        self.house.grant(self.eve, role, self.own, where=where)
        wanted = SYSTEM if scope == "system" else {"domain": {"id": self.own}}
        return self.house.login("eve", scope=wanted, domain={"id": self.own})

    def ask(self, method: str, path: str, token: str, realm: str, body: Any = None) -> Any:
        return self.house.ask(method, path.format(**self.things[realm]), body, token=token)


@pytest.fixture
def realms(house: House) -> Realms:
    return Realms(house)


@pytest.fixture
def both(db: Database) -> Realms:
    return Realms(House(db))


ONE = [
    "/domains/{domain}",
    "/projects/{project}",
    "/projects/{project}/tags",
    "/users/{user}",
    "/users/{member}/projects",
    "/users/{member}/groups",
    "/groups/{group}",
    "/groups/{group}/users",
    "/groups/{group}/users/{member}",
    "/projects/{project}/users/{member}/roles",
    "/projects/{project}/groups/{group}/roles",
    "/domains/{domain}/users/{member}/roles",
    "/role_assignments?scope.project.id={project}",
    "/role_assignments?scope.domain.id={domain}",
]
LISTS = ["/domains", "/projects", "/users", "/groups", "/role_assignments", "/role_assignments?effective"]
OPERATORS = ["/services", "/endpoints", "/role_inferences", "/credentials", "/OS-TRUST/trusts"]


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_who_reads_the_system_reads_everything(realms: Realms, role: str) -> None:
    token = realms.token(role, "system")
    for path in ONE:
        for realm in (realms.own, realms.foreign):
            assert realms.ask("GET", path, token, realm).status in {200, 204}, path
    for path in LISTS:
        assert realms.things[realms.foreign]["domain"] in str(realms.ask("GET", path, token, realms.own).json) or (
            realms.things[realms.foreign]["project"] in str(realms.ask("GET", path, token, realms.own).json)
        ), path
    for path in [*OPERATORS, "/system/users/{member}/roles", "/users/{member}/application_credentials"]:
        assert realms.ask("GET", path, token, realms.own).status == 200, path


@pytest.mark.parametrize("role", ["reader", "member", "manager", "admin"])
def test_who_reads_a_domain_reads_it_and_no_other(both: Realms, role: str) -> None:
    token = both.token(role, "domain")
    for path in ONE:
        assert both.ask("GET", path, token, both.own).status in {200, 204}, path
        assert both.ask("GET", path, token, both.foreign).status == 404, path
    foreign = set(both.things[both.foreign].values())
    for path in LISTS:
        listed = str(both.ask("GET", path, token, both.own).json)
        assert both.own in listed or both.things[both.own]["project"] in listed, path
        assert not [id for id in foreign if id in listed], path
    for kind in ("projects", "users", "groups"):
        assert both.ask("GET", f"/{kind}?domain_id={both.foreign}", token, both.own).json[kind] == []
    for path in OPERATORS[:3]:
        assert both.ask("GET", path, token, both.own).status == 403, path
    for path in ("/system/users/{member}/roles", "/role_assignments?scope.system=all"):
        assert both.ask("GET", path, token, both.own).status in {403, 404}, path


WRITES: list[tuple[str, str, Any]] = [
    ("PATCH", "/projects/{project}", {"project": {"description": "x"}}),
    ("PUT", "/projects/{project}/tags/red", None),
    ("PATCH", "/users/{user}", {"user": {"password": "taken over"}}),
    ("PATCH", "/groups/{group}", {"group": {"description": "x"}}),
    ("PUT", "/groups/{group}/users/{user}", None),
    ("DELETE", "/groups/{group}/users/{user}", None),
    ("PUT", "/projects/{project}/users/{user}/roles/MEMBER", None),
    ("DELETE", "/projects/{project}/users/{user}/roles/MEMBER", None),
    ("PUT", "/domains/{domain}/groups/{group}/roles/MEMBER", None),
    ("PUT", "/OS-INHERIT/domains/{domain}/users/{user}/roles/MEMBER/inherited_to_projects", None),
    ("DELETE", "/users/{user}", None),
    ("DELETE", "/groups/{group}", None),
    ("DELETE", "/projects/{project}", None),
]


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_who_manages_a_domain_changes_what_is_in_it_and_nothing_else(both: Realms, role: str) -> None:
    token, member = both.token(role, "domain"), both.house.role("member")
    for kind in ("project", "user", "group"):
        made = both.ask("POST", f"/{kind}s", token, both.own, {kind: {"name": "new"}})
        assert (made.status, made.json[kind]["domain_id"]) == (201, both.own)
        wish = {kind: {"name": "new", "domain_id": both.foreign}}
        assert both.ask("POST", f"/{kind}s", token, both.own, wish).status == 404
    parent = {"project": {"name": "low", "parent_id": both.things[both.foreign]["project"]}}
    assert both.ask("POST", "/projects", token, both.own, parent).status == 400
    for realm, answers in ((both.foreign, {404}), (both.own, {200, 201, 204})):
        for method, path, body in WRITES:
            assert both.ask(method, path.replace("MEMBER", member), token, realm, body).status in answers, (
                method,
                path,
            )


@pytest.mark.parametrize("scope", ["system", "domain"])
@pytest.mark.parametrize("role", ["reader", "member"])
def test_who_only_reads_changes_nothing(realms: Realms, role: str, scope: str) -> None:
    token, member = realms.token(role, scope), realms.house.role("member")
    for method, path, body in WRITES:
        assert realms.ask(method, path.replace("MEMBER", member), token, realms.own, body).status == 403, (method, path)
    for kind in ("project", "user", "group", "domain", "role"):
        assert realms.ask("POST", f"/{kind}s", token, realms.own, {kind: {"name": "new"}}).status == 403
    key = realms.house.ask(
        "POST",
        "/credentials",
        {"credential": {"user_id": realms.things[realms.own]["member"], "type": "x", "blob": "x"}},
    )
    path = f"/credentials/{key.json['credential']['id']}"
    assert realms.ask("DELETE", path, token, realms.own).status == 404
    assert realms.ask("DELETE", "/users/{member}/tokens", token, realms.own).status == 404


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_a_domain_itself_and_what_is_global_stay_the_operators(realms: Realms, role: str) -> None:
    token = realms.token(role, "domain")
    for method, path, body in [
        ("PATCH", "/domains/{domain}", {"domain": {"enabled": False}}),
        ("PATCH", "/projects/{domain}", {"project": {"enabled": False}}),
        ("PUT", "/projects/{domain}/tags/red", None),
        ("DELETE", "/domains/{domain}", None),
        ("DELETE", "/projects/{domain}", None),
        ("POST", "/domains", {"domain": {"name": "third"}}),
        ("POST", "/projects", {"project": {"name": "third", "is_domain": True}}),
        ("POST", "/roles", {"role": {"name": "third"}}),
        ("POST", "/roles", {"role": {"name": "third", "domain_id": realms.own}}),
        ("POST", "/services", {"service": {"type": "x"}}),
        ("POST", "/regions", {"region": {"id": "x"}}),
    ]:
        assert realms.ask(method, path, token, realms.own, body).status == 403, (method, path)


class TestHandingOut:
    def grant(self, realms: Realms, token: str, place: str, role: str) -> int:
        id = realms.house.role(role)
        return int(realms.ask("PUT", place.replace("ROLE", id), token, realms.own).status)

    PLACES = (
        "/projects/{project}/users/{user}/roles/ROLE",
        "/domains/{domain}/users/{user}/roles/ROLE",
        "/OS-INHERIT/domains/{domain}/users/{user}/roles/ROLE/inherited_to_projects",
        "/OS-INHERIT/projects/{project}/groups/{group}/roles/ROLE/inherited_to_projects",
    )

    @pytest.mark.parametrize("role", ["manager", "admin"])
    def test_no_path_leads_from_a_domain_to_admin_of_projects(self, realms: Realms, role: str) -> None:
        token = realms.token(role, "domain")
        for place in self.PLACES:
            for given in ("reader", "member", "manager"):
                assert self.grant(realms, token, place, given) == 204, (place, given)
            allowed = role == "admin" and place.startswith("/domains")
            assert self.grant(realms, token, place, "admin") == (204 if allowed else 403), place
            assert self.grant(realms, token, place, "service") == 403
        for who in ("users/{user}", "groups/{group}"):
            assert self.grant(realms, token, f"/system/{who}/roles/ROLE", "reader") == 403

    def test_a_domains_admin_gives_the_domains_own_roles(self, realms: Realms) -> None:
        own, foreign = (realms.things[realm]["role"] for realm in (realms.own, realms.foreign))
        assert realms.house.ask("PUT", f"/roles/{own}/implies/{realms.house.role('member')}").status == 201
        place = "/projects/{project}/users/{user}/roles/"
        manager = realms.token("manager", "domain")
        assert realms.ask("PUT", place + own, manager, realms.own).status == 403
        admin = realms.token("admin", "domain")
        assert realms.ask("PUT", place + own, admin, realms.own).status == 204
        assert realms.ask("PUT", place + foreign, admin, realms.own).status == 403
        assert realms.ask("GET", f"/roles/{foreign}", admin, realms.own).status == 404
        assert realms.ask("GET", f"/roles?domain_id={realms.foreign}", admin, realms.own).json["roles"] == []
        assert [
            each["id"] for each in realms.ask("GET", f"/roles?domain_id={realms.own}", admin, realms.own).json["roles"]
        ]
        assert realms.house.ask("PUT", f"/roles/{own}/implies/{realms.house.role('service')}").status == 201
        assert realms.ask("PUT", place + own, admin, realms.own).status == 403, "it brings more than its giver holds"

    @pytest.mark.parametrize("power", ["admin in a project", "service", "system", "elsewhere", "admin by a group"])
    @pytest.mark.parametrize("role", ["manager", "admin"])
    def test_who_holds_more_is_out_of_reach(self, realms: Realms, role: str, power: str) -> None:
        """Their password, or a seat in their group, would be everything they may do."""
        house, own = realms.house, realms.things[realms.own]
        actor, who = (own["group"], "groups") if power == "admin by a group" else (own["member"], "users")
        match power:
            case "service":
                house.grant(actor, "service", own["project"])
            case "system":
                house.grant(actor, "reader", "", where="system")
            case "elsewhere":
                house.grant(actor, "reader", realms.things[realms.foreign]["project"])
            case _:
                house.grant(actor, "admin", own["project"], who=who)
        token = realms.token(role, "domain")
        for body in ({"password": "mine now"}, {"enabled": False}, {"options": {"lock_password": False}}):
            assert realms.ask("PATCH", "/users/{member}", token, realms.own, {"user": body}).status == 403
        assert realms.ask("DELETE", "/users/{member}", token, realms.own).status == 403
        if who == "groups":
            for method in ("PUT", "DELETE"):
                assert realms.ask(method, "/groups/{group}/users/{user}", token, realms.own).status == 403
            assert realms.ask("DELETE", "/groups/{group}", token, realms.own).status == 403
        assert realms.ask("PATCH", "/users/{user}", token, realms.own, {"user": {"password": "fine"}}).status == 200


def test_a_project_token_in_the_domain_is_no_token_for_the_domain(realms: Realms) -> None:
    own = realms.things[realms.own]
    realms.house.grant(realms.eve, "manager", own["project"])
    scope = {"project": {"id": own["project"]}}
    token = realms.house.login("eve", scope=scope, domain={"id": realms.own})
    for method, path, body in WRITES[2:6]:
        assert realms.ask(method, path, token, realms.own, body).status == 403, (method, path)
    assert realms.ask("GET", "/groups", token, realms.own).status == 403
    assert realms.ask("GET", "/users/{user}", token, realms.own).status == 404
    assert realms.ask("GET", "/domains/{domain}", token, realms.own).status == 200
    assert realms.ask("GET", "/domains/{domain}", token, realms.foreign).status == 404


@pytest.mark.parametrize(("role", "scope", "sees"), [("reader", "system", True), ("admin", "domain", False)])
def test_other_peoples_tokens_are_looked_at_by_readers_of_the_system_and_ended_by_operators(
    realms: Realms, role: str, scope: str, sees: bool
) -> None:
    token, subject = realms.token(role, scope), realms.house.demo()
    headers = {"X-Subject-Token": subject}
    assert realms.house.ask("GET", "/auth/tokens", token=token, headers=headers).status == (200 if sees else 404)
    assert realms.house.ask("DELETE", "/auth/tokens", token=token, headers=headers).status == (403 if sees else 404)
    assert realms.house.valid(subject)
    assert realms.house.ask("DELETE", "/auth/tokens", headers=headers).status == 204
    assert not realms.house.valid(subject)
