"""What a token is worth, for how long, and to whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from croft.core.clock import ManualClock
from croft.core.db import Database
from croft.core.errors import Unauthorized
from croft.core.policy import Actor, Role
from croft.services import identity
from tests.services.identity.house import ADMIN_PASSWORD, DEMO_PASSWORD, House, project_scope


def subject(token: str) -> dict[str, str]:
    return {"X-Subject-Token": token}


def test_the_actor_of_a_project_token(either: House) -> None:
    person, place = either.resident(role="manager")
    actor = identity.authenticator(either.db)(either.login("ada", scope=project_scope(place)))
    assert (actor.user, actor.user_name, actor.project, actor.project_name) == (person, "ada", place, "tower")
    assert actor.roles == {"manager", "member", "reader"}
    assert actor.role is Role.MANAGER
    assert (actor.is_admin, actor.system, actor.domain, actor.restricted) == (False, False, "", False)
    assert actor.expires == either.db.clock.now() + 3600


def test_the_actors_of_the_other_scopes(house: House) -> None:
    person, _ = house.resident()
    house.grant(person, "reader", "default", where="domains")
    who = identity.authenticator(house.db)
    domain = who(house.login("ada", scope={"domain": {"id": "default"}}))
    assert (domain.project, domain.domain, domain.system) == ("", "default", False)
    system = who(house.login("admin", ADMIN_PASSWORD, scope={"system": {"all": True}}))
    assert (system.project, system.domain, system.system, system.is_admin) == ("", "", True, True)
    bare = who(house.login("ada", scope="unscoped"))
    assert (bare.project, bare.domain, bare.system, bare.roles) == ("", "", False, frozenset())


@pytest.mark.parametrize("token", ["", "made-up", "é" * 300, "\udcff"])
def test_what_is_no_token_is_nobody(house: House, token: str) -> None:
    with pytest.raises(Unauthorized):
        identity.authenticator(house.db)(token)


def _disable(house: House, kind: str, id: str) -> None:
    assert house.ask("PATCH", f"/{kind}s/{id}", {kind: {"enabled": False}}).status == 200


def _enable(house: House, kind: str, id: str) -> None:
    assert house.ask("PATCH", f"/{kind}s/{id}", {kind: {"enabled": True}}).status == 200


def _drop(house: House, kind: str, id: str) -> None:
    assert house.ask("DELETE", f"/{kind}s/{id}").status == 204


def _leave_group(house: House, ids: dict[str, str]) -> None:
    assert house.ask("DELETE", f"/groups/{ids['group']}/users/{ids['user']}").status == 204


ENDS: dict[str, Callable[[House, dict[str, str]], object]] = {
    "user disabled": lambda house, ids: _disable(house, "user", ids["user"]),
    "user deleted": lambda house, ids: _drop(house, "user", ids["user"]),
    "password reset": lambda house, ids: house.ask("PATCH", f"/users/{ids['user']}", {"user": {"password": "new"}}),
    "project disabled": lambda house, ids: _disable(house, "project", ids["project"]),
    "project deleted": lambda house, ids: _drop(house, "project", ids["project"]),
    "domain disabled": lambda house, ids: _disable(house, "domain", ids["domain"]),
    "out of the group": _leave_group,
    "group deleted": lambda house, ids: _drop(house, "group", ids["group"]),
    "role deleted": lambda house, ids: _drop(house, "role", ids["role"]),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_token_dies_at_once_in_every_process(either: House, end: str) -> None:
    house = either
    domain = house.made("domain", name="empire")["id"]
    ids = {
        "domain": domain,
        "user": house.made("user", name="ada", domain_id=domain)["id"],
        "project": house.made("project", name="tower", domain_id=domain)["id"],
        "group": house.made("group", name="crew", domain_id=domain)["id"],
        "role": house.made("role", name="crewman")["id"],
    }
    house.ask("PUT", f"/groups/{ids['group']}/users/{ids['user']}")
    house.grant(ids["group"], "crewman", ids["project"], who="groups")
    scoped = house.login("ada", domain={"id": domain}, scope=project_scope(ids["project"]))
    processes = [identity.authenticator(house.db) for _ in range(2)]
    assert [each(scoped).user for each in processes] == [ids["user"]] * 2
    ENDS[end](house, ids)
    for each in processes:
        with pytest.raises(Unauthorized):
            each(scoped)
    assert house.ask("GET", "/auth/tokens", headers=subject(scoped)).status == 404


@pytest.mark.parametrize("kind", ["user", "project", "domain"])
def test_what_was_disabled_once_does_not_come_back_to_life(house: House, kind: str) -> None:
    domain = house.made("domain", name="empire")["id"]
    ids = {
        "domain": domain,
        "user": house.made("user", name="ada", domain_id=domain)["id"],
        "project": house.made("project", name="tower", domain_id=domain)["id"],
    }
    house.grant(ids["user"], "member", ids["project"])
    token = house.login("ada", domain={"id": domain}, scope=project_scope(ids["project"]))
    _disable(house, kind, ids[kind])
    _enable(house, kind, ids[kind])
    assert not house.valid(token)
    assert house.valid(house.login("ada", domain={"id": domain}, scope=project_scope(ids["project"])))


@pytest.mark.parametrize("inside", ["user", "project"])
def test_a_disabled_domain_ends_for_good_what_its_people_and_projects_had(house: House, inside: str) -> None:
    domain = house.made("domain", name="empire")["id"]
    homes = {"user": "default", "project": "default"} | {inside: domain}
    person = house.made("user", name="ada", domain_id=homes["user"])["id"]
    place = house.made("project", name="tower", domain_id=homes["project"])["id"]
    house.grant(person, "member", place)
    token = house.login("ada", domain={"id": homes["user"]}, scope=project_scope(place))
    _disable(house, "domain", domain)
    assert not house.valid(token)
    _enable(house, "domain", domain)
    assert not house.valid(token)


def test_a_role_taken_away_leaves_the_token_with_the_others(either: House) -> None:
    person, place = either.resident(role="member")
    either.grant(person, "service", place)
    token = either.login("ada", scope=project_scope(place))
    who = identity.authenticator(either.db)
    assert who(token).roles == {"member", "reader", "service"}
    either.revoke(person, "member", place)
    assert who(token).roles == {"service"}
    either.revoke(person, "service", place)
    with pytest.raises(Unauthorized):
        who(token)


def test_a_new_role_counts_in_the_tokens_of_before(house: House) -> None:
    person, place = house.resident(role="reader")
    token = house.login("ada", scope=project_scope(place))
    who = identity.authenticator(house.db)
    assert who(token).role is Role.READER
    house.grant(person, "manager", place)
    assert who(token).role is Role.MANAGER


def test_a_token_ends_with_its_time(either: House) -> None:
    token = either.demo()
    who = identity.authenticator(either.db)
    clock = either.clock
    assert isinstance(clock, ManualClock)
    clock.advance(3599)
    assert who(token).user_name == "croft"
    clock.advance(1)
    with pytest.raises(Unauthorized):
        who(token)


def test_validating_says_what_logging_in_said(house: House) -> None:
    first = house.try_login("croft", DEMO_PASSWORD)
    token = first.headers["x-subject-token"]
    for asking in (house.admin, token):
        again = house.ask("GET", "/auth/tokens", token=asking, headers=subject(token))
        assert again.status == 200
        assert again.headers["x-subject-token"] == token
        assert again.json == first.json
    bare = house.ask("GET", "/auth/tokens", headers=subject(token), query="nocatalog=1").json["token"]
    assert bare == {key: value for key, value in first.json["token"].items() if key != "catalog"}
    head = house.ask("HEAD", "/auth/tokens", headers=subject(token))
    assert (head.status, head.body) == (200, b"")


def test_services_may_validate_and_strangers_may_not(house: House) -> None:
    person, place = house.resident(role="service")
    house.made("user", name="eve")
    subject_token = house.demo()
    service = house.login("ada", scope=project_scope(place))
    assert house.ask("GET", "/auth/tokens", token=service, headers=subject(subject_token)).status == 200
    eve = house.login("eve")
    for method in ("GET", "DELETE"):
        assert house.ask(method, "/auth/tokens", token=eve, headers=subject(subject_token)).status == 404
    assert house.valid(subject_token)
    assert house.ask("GET", "/auth/tokens", headers=subject("made-up")).status == 404
    assert house.ask("GET", "/auth/tokens").status == 400
    assert person


def test_a_revoked_token_is_over_and_others_are_not(either: House) -> None:
    one, other = either.demo(), either.demo()
    processes = [identity.authenticator(either.db) for _ in range(2)]
    for each in processes:
        each(one)
    assert either.ask("DELETE", "/auth/tokens", token=one, headers=subject(one)).status == 204
    for each in processes:
        with pytest.raises(Unauthorized):
            each(one)
        assert each(other).user_name == "croft"
    assert either.ask("DELETE", "/auth/tokens", headers=subject(other)).status == 204
    assert not either.valid(other)


def test_the_memory_is_bounded_and_forgets_no_one(house: House) -> None:
    from croft.services.identity.actions import Tokens

    tokens = [house.demo() for _ in range(5)]
    small = Tokens(house.db, most=2)
    for _ in range(2):
        assert {small.authenticate(token).user_name for token in tokens} == {"croft"}


def test_where_one_may_work(house: House) -> None:
    person, place = house.resident()
    closed = house.made("project", name="closed")["id"]
    house.grant(person, "member", closed)
    _disable(house, "project", closed)
    house.grant(person, "reader", "default", where="domains")
    token = house.login("ada")
    assert [each["id"] for each in house.ask("GET", "/auth/projects", token=token).json["projects"]] == [place]
    assert [each["id"] for each in house.ask("GET", "/auth/domains", token=token).json["domains"]] == ["default"]
    assert house.ask("GET", "/auth/system", token=token).json["system"] == []
    assert house.ask("GET", "/auth/system").json["system"] == [{"all": True}]
    listed = house.ask("GET", f"/users/{person}/projects", token=token).json["projects"]
    assert {each["id"] for each in listed} == {place, closed}
    assert house.ask("GET", f"/users/{person}/projects", token=house.demo()).status == 404
    assert house.ask("GET", f"/users/{person}/projects").status == 200


def test_the_catalog_names_every_interface(house: House) -> None:
    catalog = house.ask("GET", "/auth/catalog", token=house.demo()).json["catalog"]
    compute = next(each for each in catalog if each["type"] == "compute")
    assert {each["interface"] for each in compute["endpoints"]} == {"public", "internal", "admin"}
    assert {each["url"] for each in compute["endpoints"]} == {"https://cloud.test:8443/compute/v2.1"}
    assert {each["region_id"] for each in compute["endpoints"]} == {"RegionOne"}
    unscoped = house.login("croft", DEMO_PASSWORD, scope="unscoped")
    assert house.ask("GET", "/auth/catalog", token=unscoped).status == 401


def test_a_rename_shows_in_tokens_of_before(house: House) -> None:
    person, place = house.resident()
    token = house.login("ada", scope=project_scope(place))
    house.ask("PATCH", f"/projects/{place}", {"project": {"name": "spire"}})
    house.ask("PATCH", f"/users/{person}", {"user": {"name": "lovelace"}})
    shown = house.ask("GET", "/auth/tokens", headers=subject(token)).json["token"]
    assert (shown["project"]["name"], shown["user"]["name"]) == ("spire", "lovelace")


def test_a_renamed_role_counts_by_its_new_name(house: House) -> None:
    role = house.made("role", name="gardener")["id"]
    person, place = house.resident(role="gardener")
    token = house.login("ada", scope=project_scope(place))
    who = identity.authenticator(house.db)
    assert who(token).roles == {"gardener"}
    house.ask("PATCH", f"/roles/{role}", {"role": {"name": "farmer"}})
    assert who(token).roles == {"farmer"}
    assert person


class TestRequests:
    """What an actor with access rules may ask for."""

    @pytest.mark.parametrize(
        ("pattern", "path", "fits"),
        [
            ("/v2.1/servers", "/v2.1/servers", True),
            ("/v2.1/servers", "/v2.1/servers/7", False),
            ("/v2.1/servers/*", "/v2.1/servers/7", True),
            ("/v2.1/servers/*", "/v2.1/servers/7/action", False),
            ("/v2.1/servers/{id}/action", "/v2.1/servers/7/action", True),
            ("/v2.1/**", "/v2.1/servers/7/action", True),
            ("/v2.1/**/action", "/v2.1/servers/7/action", True),
            ("/v2.1/**/action", "/v2.1/servers/7/actions", False),
            ("/**", "/v2.1/servers", True),
            ("/v2.1/**", "/v3/servers", False),
            ("/a/**/b/**/c", "/a/x/b/y/b/z/c", True),
            ("/a/**/b/**/c", "/a/x/c", False),
        ],
    )
    def test_paths(self, pattern: str, path: str, fits: bool) -> None:
        actor = Actor("u", requests=(("compute", "GET", pattern),))
        assert actor.may_request("compute", "GET", path) is fits
        assert not actor.may_request("compute", "POST", path)
        assert not actor.may_request("network", "GET", path)
        assert Actor("u").may_request("compute", "GET", path)

    def test_a_hostile_pattern_takes_no_time(self) -> None:
        actor = Actor("u", requests=(("compute", "GET", "/**/a" * 45),))
        assert not actor.may_request("compute", "GET", "/a" * 2000 + "/b")


def test_the_time_a_token_has_can_be_set(sqlite_db: Database) -> None:
    house = House(sqlite_db, token_ttl=7200)
    assert identity.authenticator(sqlite_db)(house.demo()).expires == sqlite_db.clock.now() + 7200
