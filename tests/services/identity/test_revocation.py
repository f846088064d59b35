"""Everything that ends a token ends it in every process, by itself and within a second; what does not, does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from croft.core.clock import ManualClock
from croft.core.db import Database
from croft.core.ids import new_secret
from croft.services.identity.actions import Tokens
from croft.services.identity.model import Token
from tests.services.identity.house import V3, House, project_scope
from tests.services.identity.test_tokens import subject
from tests.services.identity.test_watch import Ticks, elsewhere, gone, knows, reached, watching
from tests.world import Answer


@dataclass(frozen=True)
class Scene:
    """Ada is in a group that has a role in a project; she trusts Bob with it and has lent it to a robot."""

    house: House
    ids: dict[str, str]
    tokens: dict[str, str]

    def patch(self, kind: str, **change: Any) -> Answer:
        return self.house.ask("PATCH", f"/{kind}s/{self.ids[kind]}", {kind: change})

    def drop(self, path: str, token: str = "") -> Answer:
        return self.house.ask("DELETE", path.format(**self.ids), token=token)


def scene(house: House) -> Scene:
    domain = house.made("domain", name="empire")["id"]
    ids = {
        "domain": domain,
        "user": house.made("user", name="ada", domain_id=domain)["id"],
        "bob": house.made("user", name="bob")["id"],
        "project": house.made("project", name="tower", domain_id=domain)["id"],
        "group": house.made("group", name="crew", domain_id=domain)["id"],
        "role": house.made("role", name="crewman")["id"],
        "chief": house.made("role", name="chief")["id"],
    }
    house.ask("PUT", f"/groups/{ids['group']}/users/{ids['user']}")
    house.ask("PUT", f"/roles/{ids['chief']}/implies/{ids['role']}")
    house.grant(ids["group"], "crewman", ids["project"], who="groups")
    place = project_scope(ids["project"])
    own = house.login("ada", domain={"id": domain}, scope=place)
    lent = {"application_credential": {"name": "robot", "secret": "robot-secret"}}
    made = house.ask("POST", f"/users/{ids['user']}/application_credentials", lent, token=own)
    ids["credential"] = made.json["application_credential"]["id"]
    given = {"id": ids["credential"], "secret": "robot-secret"}
    wish = {"identity": {"methods": ["application_credential"], "application_credential": given}}
    robot = house.call("POST", f"{V3}/auth/tokens", {"auth": wish}, token=None).headers["x-subject-token"]
    trust = {"trustor_user_id": ids["user"], "trustee_user_id": ids["bob"], "project_id": ids["project"]}
    trust |= {"impersonation": False, "roles": [{"name": "crewman"}]}
    made = house.ask("POST", "/OS-TRUST/trusts", {"trust": trust}, token=own)
    ids["trust"] = made.json["trust"]["id"]
    trusted = house.login("bob", scope={"OS-TRUST:trust": {"id": ids["trust"]}})
    return Scene(house, ids, {"ada": own, "robot": robot, "bob": trusted})


Way = Callable[[Scene], object]
ALL = {"ada", "robot", "bob"}
WAYS: dict[str, tuple[Way, set[str]]] = {
    "token revoked": (
        lambda s: s.house.ask("DELETE", "/auth/tokens", headers=subject(s.tokens["ada"])),
        {"ada"},
    ),
    "user disabled": (lambda s: s.patch("user", enabled=False), ALL),
    "user deleted": (lambda s: s.drop("/users/{user}"), ALL),
    "password reset": (lambda s: s.patch("user", password="another"), ALL),
    "password changed": (
        lambda s: s.house.ask(
            "POST",
            f"/users/{s.ids['user']}/password",
            {"user": {"original_password": "secret-ada", "password": "another"}},
            token=s.tokens["ada"],
        ),
        ALL,
    ),
    "trustee disabled": (
        lambda s: s.house.ask("PATCH", f"/users/{s.ids['bob']}", {"user": {"enabled": False}}),
        {"bob"},
    ),
    "project disabled": (lambda s: s.patch("project", enabled=False), ALL),
    "project deleted": (lambda s: s.drop("/projects/{project}"), ALL),
    "domain disabled": (lambda s: s.patch("domain", enabled=False), ALL),
    "out of the group": (lambda s: s.drop("/groups/{group}/users/{user}"), ALL),
    "group deleted": (lambda s: s.drop("/groups/{group}"), ALL),
    "the group's role lost": (lambda s: s.drop("/projects/{project}/groups/{group}/roles/{role}"), ALL),
    "role deleted": (lambda s: s.drop("/roles/{role}"), ALL),
    "credential deleted": (
        lambda s: s.drop("/users/{user}/application_credentials/{credential}", s.tokens["ada"]),
        {"robot"},
    ),
    "trust deleted": (lambda s: s.drop("/OS-TRUST/trusts/{trust}", s.tokens["ada"]), {"bob"}),
    "nothing to do with it": (lambda s: s.house.made("user", name="eve"), set()),
    "a role of no one renamed": (
        lambda s: s.house.ask("PATCH", f"/roles/{s.ids['chief']}", {"role": {"name": "x"}}),
        set(),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_it_ends_in_another_process_by_itself(either: House, way: str) -> None:
    act, ended = WAYS[way]
    found, other = scene(either), elsewhere(either)
    with watching(other, Ticks(), period=0.02) as tokens:
        for text in found.tokens.values():
            tokens(text)
        answer = act(found)
        assert not isinstance(answer, Answer) or answer.status in {200, 204}, answer
        for name, text in found.tokens.items():
            if name in ended:
                assert reached(partial(gone, tokens, text)), name
                assert not knows(tokens, text)
                assert either.ask("GET", "/auth/tokens", headers=subject(text)).status == 404
            else:
                assert either.valid(text), name
                assert tokens(text).project == found.ids["project"]
    other.close()


@pytest.mark.parametrize("way", ["user disabled", "project disabled", "domain disabled", "password reset"])
def test_what_was_ended_does_not_come_back_with_what_ended_it(either: House, way: str) -> None:
    found = scene(either)
    WAYS[way][0](found)
    for kind in ("user", "project", "domain"):
        found.patch(kind, enabled=True)
    assert not any(either.valid(text) for text in found.tokens.values())
    password = "another" if way == "password reset" else None
    scope = project_scope(found.ids["project"])
    assert either.valid(either.login("ada", password, domain={"id": found.ids["domain"]}, scope=scope))


def test_a_lost_role_given_again_opens_the_project_again(house: House) -> None:
    """A token stands for its user, not for what the user held when it was made."""
    found = scene(house)
    found.drop("/groups/{group}/users/{user}")
    assert not house.valid(found.tokens["ada"])
    house.ask("PUT", f"/groups/{found.ids['group']}/users/{found.ids['user']}")
    assert house.valid(found.tokens["ada"])


def test_a_domain_made_again_under_its_old_id_does_not_wake_old_tokens(house: House) -> None:
    id = "0123456789abcdef0123456789abcdef"
    house.made("domain", name="empire", explicit_domain_id=id)
    operator = house.named("user", "admin")
    house.grant(operator, "admin", id, where="domains")
    text = house.login("admin", "the operator's", scope={"domain": {"id": id}})
    house.ask("PATCH", f"/domains/{id}", {"domain": {"enabled": False}})
    assert house.ask("DELETE", f"/domains/{id}").status == 204
    house.settle()
    house.made("domain", name="empire", explicit_domain_id=id)
    house.grant(operator, "admin", id, where="domains")
    assert not house.valid(text)
    assert house.valid(house.login("admin", "the operator's", scope={"domain": {"id": id}}))


def test_what_was_revoked_is_remembered_no_longer_than_it_could_live(either: House) -> None:
    def kept() -> list[str]:
        with either.db.read() as tx:
            return [row[0] for row in tx.rows(sa.text("SELECT subject FROM identity_revoked"))]

    first = either.demo()
    name = either.ask("GET", "/auth/tokens", headers=subject(first)).json["token"]["audit_ids"][0]
    assert either.ask("DELETE", "/auth/tokens", headers=subject(first)).status == 204
    assert name in kept()
    assert isinstance(either.clock, ManualClock)
    either.clock.advance(3600)
    either._admin = ""
    either.ask("DELETE", "/auth/tokens", headers=subject(either.demo()))
    assert name not in kept()
    assert not either.valid(first)


class TestChains:
    def exchange(self, house: House, token: str, scope: Any = "unscoped") -> Answer:
        wish = {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": scope}
        return house.call("POST", f"{V3}/auth/tokens", {"auth": wish}, token=None)

    def test_a_child_never_outlives_its_parent_and_names_the_first_of_its_line(self, house: House) -> None:
        _, place = house.resident()
        first = house.try_login("ada")
        clock = house.clock
        assert isinstance(clock, ManualClock)
        text, ends, born = first.headers["x-subject-token"], first.json["token"]["expires_at"], []
        for scope in (project_scope(place), "unscoped", project_scope(place)):
            clock.advance(900)
            answer = self.exchange(house, text, scope)
            shown, text = answer.json["token"], answer.headers["x-subject-token"]
            assert shown["expires_at"] == ends
            assert shown["audit_ids"][1:] == first.json["token"]["audit_ids"]
            assert shown["methods"] == ["password", "token"]
            assert len(text) <= 255
            born.append(shown["audit_ids"][0])
        assert len(set(born)) == 3
        clock.advance(899)
        assert house.valid(text)
        clock.advance(1)
        assert not house.valid(text)

    def test_a_revoked_one_has_no_more_children_and_leaves_those_it_has(self, house: House) -> None:
        house.resident()
        first = house.login("ada")
        child = self.exchange(house, first).headers["x-subject-token"]
        assert house.ask("DELETE", "/auth/tokens", headers=subject(first)).status == 204
        assert self.exchange(house, first).status == 404
        assert house.valid(child)


def test_a_login_that_meets_a_password_change_is_over_at_once(db: Database) -> None:
    """The number is read before the proof is checked: what ends tokens in between ends the one being made."""
    house = House(db)
    person, _ = house.resident()
    tokens, audit = Tokens(db), new_secret(16)
    with db.read() as tx:
        before, now = tokens.begin(tx), tx.now
    house.ask("PATCH", f"/users/{person}", {"user": {"password": "another"}})
    with db.read() as tx:
        made = [
            tokens.issue(tx, Token(person, ["password"], [audit], "", "", now, now + 60, None, None, born))
            for born in (before, tokens.begin(tx))
        ]
    assert [each is not None for each in made] == [False, True]
