"""Trusts: acting with some of another's roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from croft.core.clock import ManualClock, iso
from croft.services import identity
from tests.services.identity.house import V3, House, project_scope
from tests.world import Answer

TRUSTS = "/OS-TRUST/trusts"


@dataclass(frozen=True)
class Pair:
    """Ada, a manager of tower, and Bob, who is to act for her."""

    house: House
    ada: str
    bob: str
    project: str
    token: str

    def create(self, token: str = "", **wish: Any) -> Answer:
        trust = {
            "trustor_user_id": self.ada,
            "trustee_user_id": self.bob,
            "project_id": self.project,
            "impersonation": False,
            "roles": [{"name": "reader"}],
        }
        return self.house.ask("POST", TRUSTS, {"trust": trust | wish}, token=token or self.token)

    def made(self, **wish: Any) -> str:
        answer = self.create(**wish)
        assert answer.status == 201, answer.body
        return str(answer.json["trust"]["id"])

    def use(self, trust: str, name: str = "bob") -> Answer:
        return self.house.try_login(name, scope={"OS-TRUST:trust": {"id": trust}})


def pair(house: House) -> Pair:
    ada, project = house.resident(role="manager")
    bob = house.made("user", name="bob")["id"]
    return Pair(house, ada, bob, project, house.login("ada", scope=project_scope(project)))


@pytest.fixture
def two(house: House) -> Pair:
    return pair(house)


def test_the_trustee_gets_the_roles_trusted_and_no_others(either: House) -> None:
    two = pair(either)
    trust = two.made()
    token = two.use(trust).json["token"]
    assert token["user"]["id"] == two.bob
    actor = identity.authenticator(either.db)(two.use(trust).headers["x-subject-token"])
    assert (actor.user, actor.trust, actor.trustor, actor.impersonator) == (two.bob, trust, two.ada, "")
    assert token["project"]["id"] == two.project
    assert [role["name"] for role in token["roles"]] == ["reader"]
    assert token["OS-TRUST:trust"] == {
        "id": trust,
        "impersonation": False,
        "trustee_user": {"id": two.bob},
        "trustor_user": {"id": two.ada},
    }


def test_with_impersonation_the_token_is_the_trustors_but_restricted(either: House) -> None:
    two = pair(either)
    answer = two.use(two.made(impersonation=True))
    assert answer.json["token"]["user"]["id"] == two.ada
    token = answer.headers["x-subject-token"]
    actor = identity.authenticator(either.db)(token)
    assert (actor.user, actor.roles, actor.restricted) == (two.ada, {"reader"}, True)
    assert (actor.trustor, actor.impersonator) == (two.ada, two.bob)
    assert actor.trust == answer.json["token"]["OS-TRUST:trust"]["id"]
    body = {"application_credential": {"name": "mine now"}}
    assert either.ask("POST", f"/users/{two.ada}/application_credentials", body, token=token).status == 403
    assert two.create(token).status == 403
    assert either.ask("DELETE", f"{TRUSTS}/{two.made()}", token=token).status == 403
    wish = {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": project_scope(two.project)}
    assert either.call("POST", f"{V3}/auth/tokens", {"auth": wish}, token=None).status == 403


def test_it_ends_for_every_reason_it_should(either: House) -> None:
    two = pair(either)
    trust = two.made()
    token = two.use(trust).headers["x-subject-token"]
    either.ask("PATCH", f"/users/{two.ada}", {"user": {"enabled": False}})
    assert not either.valid(token)
    either.ask("PATCH", f"/users/{two.ada}", {"user": {"enabled": True}})
    assert not either.valid(token), "what ended its trustor's tokens ended it for good"
    token = two.use(trust).headers["x-subject-token"]
    either.revoke(two.ada, "manager", two.project)
    assert not either.valid(token)
    either.grant(two.ada, "manager", two.project)
    ada = either.login("ada", scope=project_scope(two.project))
    assert either.ask("DELETE", f"{TRUSTS}/{trust}", token=ada).status == 204
    assert not either.valid(token)
    assert two.use(trust).status == 401
    assert either.ask("GET", f"{TRUSTS}/{trust}", token=ada).status == 404


def test_only_the_trustee_may_use_it(two: Pair) -> None:
    trust = two.made()
    two.house.made("user", name="eve")
    assert two.use(trust, "eve").status == 401
    assert two.use(trust, "ada").status == 401


def test_uses_are_counted(either: House) -> None:
    two = pair(either)
    trust = two.made(remaining_uses=2)
    tokens = [two.use(trust).headers["x-subject-token"] for _ in range(2)]
    assert two.use(trust).status == 401
    assert either.ask("GET", f"{TRUSTS}/{trust}", token=two.token).status == 404
    assert either.ask("GET", TRUSTS).json["trusts"] == []
    assert all(either.valid(token) for token in tokens)
    assert either.ask("DELETE", f"{TRUSTS}/{trust}", token=two.token).status == 204
    assert not any(either.valid(token) for token in tokens)


def test_time_ends_it_and_its_tokens(two: Pair) -> None:
    clock = two.house.clock
    assert isinstance(clock, ManualClock)
    trust = two.made(expires_at=iso(clock.now() + 600))
    answer = two.use(trust)
    assert identity.authenticator(two.house.db)(answer.headers["x-subject-token"]).expires == clock.now() + 600
    clock.advance(600)
    assert not two.house.valid(answer.headers["x-subject-token"])
    assert two.use(trust).status == 401
    assert two.house.ask("GET", f"{TRUSTS}/{trust}", token=two.token).status == 404


def test_what_cannot_be_trusted_is_refused(two: Pair) -> None:
    for wish, status in (
        ({"roles": [{"name": "admin"}]}, 400),
        ({"roles": []}, 400),
        ({"expires_at": "soon"}, 400),
        ({"remaining_uses": 0}, 400),
        ({"allow_redelegation": True, "remaining_uses": 1}, 400),
        ({"project_id": "0" * 32}, 404),
        ({"project_id": two.house.named("project", "demo")}, 404),
        ({"trustee_user_id": "0" * 32}, 404),
        ({"trustor_user_id": two.bob}, 403),
    ):
        assert two.create(**wish).status == status, wish
    assert two.house.ask("GET", TRUSTS).json["trusts"] == []


def test_who_sees_and_ends_it(two: Pair) -> None:
    house, trust = two.house, two.made()
    bob, stranger = house.login("bob"), house.demo()
    for token in (two.token, bob, house.admin):
        shown = house.ask("GET", f"{TRUSTS}/{trust}", token=token).json["trust"]
        assert [role["name"] for role in shown["roles"]] == ["reader"]
    assert house.ask("GET", f"{TRUSTS}/{trust}", token=stranger).status == 404
    assert house.ask("DELETE", f"{TRUSTS}/{trust}", token=stranger).status == 404
    assert house.ask("DELETE", f"{TRUSTS}/{trust}", token=bob).status == 403
    assert house.ask("GET", TRUSTS, token=bob).status == 403
    assert house.ask("GET", TRUSTS, token=bob, query=f"trustor_user_id={two.ada}").status == 403
    for query, token in ((f"trustee_user_id={two.bob}", bob), (f"trustor_user_id={two.ada}", two.token), ("", "")):
        listed = house.ask("GET", TRUSTS, token=token, query=query).json["trusts"]
        assert [each["id"] for each in listed] == [trust]
    assert house.ask("DELETE", f"{TRUSTS}/{trust}").status == 204


def test_its_roles_can_be_read_one_by_one(two: Pair) -> None:
    house, trust = two.house, two.made()
    roles = f"{TRUSTS}/{trust}/roles"
    listed = house.ask("GET", roles, token=two.token).json["roles"]
    assert [each["name"] for each in listed] == ["reader"]
    assert house.ask("GET", f"{roles}/{listed[0]['id']}", token=two.token).json["role"] == listed[0]
    assert house.ask("HEAD", f"{roles}/{listed[0]['id']}", token=two.token).status == 200
    assert house.ask("GET", f"{roles}/{house.role('member')}", token=two.token).status == 404
