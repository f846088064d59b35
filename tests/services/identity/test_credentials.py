"""Application credentials, access rules, EC2-like keys: one's own, and for nobody else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from croft.core.clock import ManualClock, iso
from croft.services import identity
from tests.services.identity.house import DEMO_PASSWORD, V3, House, project_scope
from tests.world import Answer


@dataclass(frozen=True)
class Tenant:
    """Ada, member of project tower, with a token for it."""

    house: House
    user: str
    project: str
    token: str

    @property
    def path(self) -> str:
        return f"/users/{self.user}/application_credentials"

    def create(self, token: str = "", **wish: Any) -> Answer:
        body = {"application_credential": {"name": "robot"} | wish}
        return self.house.ask("POST", self.path, body, token=token or self.token)

    def made(self, **wish: Any) -> dict[str, Any]:
        answer = self.create(**wish)
        assert answer.status == 201, answer.body
        return dict(answer.json["application_credential"])

    def log_in(self, credential: dict[str, Any], scope: Any = None, **words: Any) -> Answer:
        given = {"id": credential["id"], "secret": credential["secret"]} | words
        wish = {"identity": {"methods": ["application_credential"], "application_credential": given}}
        body = {"auth": wish | ({"scope": scope} if scope else {})}
        return self.house.call("POST", f"{V3}/auth/tokens", body, token=None)

    def enter(self, credential: dict[str, Any]) -> str:
        answer = self.log_in(credential)
        assert answer.status == 201, answer.body
        return answer.headers["x-subject-token"]


def tenant(house: House) -> Tenant:
    user, project = house.resident(role="member")
    return Tenant(house, user, project, house.login("ada", scope=project_scope(project)))


@pytest.fixture
def ada(house: House) -> Tenant:
    return tenant(house)


def test_a_credential_opens_its_project_with_the_roles_held(either: House) -> None:
    ada = tenant(either)
    made = ada.made(description="for the robot")
    assert len(made["secret"]) >= 64
    assert {role["name"] for role in made["roles"]} == {"member", "reader"}
    assert (made["project_id"], made["unrestricted"], made["expires_at"]) == (ada.project, False, None)
    entered = ada.log_in(made)
    token = entered.json["token"]
    actor = identity.authenticator(either.db)(entered.headers["x-subject-token"])
    assert (actor.application_credential, actor.trust, actor.trustor) == (made["id"], "", "")
    assert token["project"]["id"] == ada.project
    assert token["methods"] == ["application_credential"]
    assert token["application_credential"] == {"id": made["id"], "name": "robot", "restricted": True}
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}


def test_it_is_shown_to_its_owner_without_its_secret(ada: Tenant) -> None:
    made = ada.made()
    secret = made.pop("secret")
    one = ada.house.ask("GET", f"{ada.path}/{made['id']}", token=ada.token)
    assert one.json["application_credential"] == made
    listed = ada.house.ask("GET", ada.path, token=ada.token)
    assert listed.json["application_credentials"] == [made]
    assert secret not in (one.body + listed.body).decode()
    assert ada.house.ask("GET", ada.path, token=ada.token, query="name=x").json["application_credentials"] == []


def test_nobody_else_sees_it(ada: Tenant) -> None:
    house, made = ada.house, ada.made()
    for method, path, body in (
        ("GET", ada.path, None),
        ("POST", ada.path, {"application_credential": {"name": "x"}}),
        ("GET", f"{ada.path}/{made['id']}", None),
        ("DELETE", f"{ada.path}/{made['id']}", None),
        ("GET", f"/users/{ada.user}/access_rules", None),
    ):
        assert house.ask(method, path, body, token=house.demo()).status == 404, (method, path)
    mine = f"/users/{house.named('user', 'croft')}/application_credentials/{made['id']}"
    assert house.ask("GET", mine, token=house.demo()).status == 404
    assert ada.log_in(made).status == 201


def test_an_operator_finds_and_ends_one_that_leaked_but_makes_none(ada: Tenant) -> None:
    house, made = ada.house, ada.made()
    shown = house.ask("GET", f"{ada.path}/{made['id']}")
    assert (shown.status, "secret" in shown.json["application_credential"]) == (200, False)
    assert house.ask("POST", ada.path, {"application_credential": {"name": "x"}}).status == 404
    assert house.ask("DELETE", f"{ada.path}/{made['id']}").status == 204
    assert ada.log_in(made).status == 401


def test_by_name_with_a_secret_of_ones_own(ada: Tenant) -> None:
    ada.made(secret="correct horse")
    user = {"name": "ada", "domain": {"id": "default"}}
    for words in ({"user": user}, {"user": {"id": ada.user}}):
        given = {"name": "robot", "secret": "correct horse"} | words
        wish = {"identity": {"methods": ["application_credential"], "application_credential": given}}
        assert ada.house.call("POST", f"{V3}/auth/tokens", {"auth": wish}, token=None).status == 201


def test_wrong_secrets_and_unknown_credentials_answer_alike(ada: Tenant) -> None:
    made = ada.made()
    answers = [
        ada.log_in(made, secret="wrong"),
        ada.log_in(made, id="0" * 32),
        ada.log_in(made, id=None),
        ada.log_in(made, id=None, name="robot"),
        ada.log_in(made, id=None, name="other", user={"id": ada.user}),
    ]
    assert {(answer.status, answer.json["error"]["message"]) for answer in answers} == {
        (401, "The request you have made requires authentication.")
    }
    assert ada.log_in(made, secret="x" * 5000).status == 400
    assert ada.log_in(made, scope=project_scope(ada.project)).status == 401


def test_it_lends_only_what_was_picked_and_is_held(ada: Tenant) -> None:
    reader = ada.house.role("reader")
    for ref in ({"name": "reader"}, {"id": reader}):
        made = ada.made(name=str(ref), roles=[ref])
        assert [role["name"] for role in ada.log_in(made).json["token"]["roles"]] == ["reader"]
    for ref in ({"name": "admin"}, {"name": "manager"}, {"id": ada.house.role("admin")}, {"id": "0" * 32}, {}):
        assert ada.create(name="bad", roles=[ref]).status == 400, ref
    assert ada.create(name="bad", roles=[{"name": "reader", "rank": 1}]).status == 400


def test_it_never_gives_more_than_its_owner_still_holds(either: House) -> None:
    ada = tenant(either)
    made = ada.made()
    token = ada.enter(made)
    who = identity.authenticator(either.db)
    assert who(token).roles == {"member", "reader"}
    either.grant(ada.user, "reader", ada.project)
    either.revoke(ada.user, "member", ada.project)
    assert who(token).roles == {"reader"}
    either.grant(ada.user, "manager", ada.project)
    assert "manager" not in who(token).roles


def test_restricted_ones_make_no_others_and_unrestricted_do(ada: Tenant) -> None:
    house = ada.house
    bound, free = ada.enter(ada.made()), ada.enter(ada.made(name="free", unrestricted=True))
    assert ada.create(bound, name="child").status == 403
    assert house.ask("DELETE", f"{ada.path}/{ada.made(name='victim')['id']}", token=bound).status == 403
    ec2 = f"/users/{ada.user}/credentials/OS-EC2"
    assert house.ask("POST", ec2, {"tenant_id": ada.project}, token=bound).status == 403
    assert house.ask("GET", ada.path, token=bound).status == 200
    assert ada.create(free, name="child").status == 201


def test_its_token_cannot_be_exchanged(ada: Tenant) -> None:
    token = ada.enter(ada.made(unrestricted=True))
    wish = {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": "unscoped"}
    assert ada.house.call("POST", f"{V3}/auth/tokens", {"auth": wish}, token=None).status == 403


def test_it_ends_with_its_time_and_its_tokens_no_later(either: House) -> None:
    ada = tenant(either)
    clock = either.clock
    assert isinstance(clock, ManualClock)
    made = ada.made(expires_at=iso(clock.now() + 600).rstrip("Z") + ".250000")
    assert made["expires_at"].endswith(".250000")
    token = ada.enter(made)
    assert identity.authenticator(either.db)(token).expires == clock.now() + 600
    clock.advance(600)
    assert not either.valid(token)
    assert ada.log_in(made).status == 401


@pytest.mark.parametrize("when", ["yesterday", "2001-01-01T00:00:00", "2030-13-01T00:00:00", "9999999-01-01T00:00:00"])
def test_a_time_that_cannot_be_is_refused(ada: Tenant, when: str) -> None:
    assert ada.create(expires_at=when).status == 400


def test_deleting_it_ends_its_tokens(either: House) -> None:
    ada = tenant(either)
    made = ada.made()
    token = ada.enter(made)
    assert either.valid(token)
    assert either.ask("DELETE", f"{ada.path}/{made['id']}", token=ada.token).status == 204
    assert not either.valid(token)
    assert ada.log_in(made).status == 401
    assert either.ask("DELETE", f"{ada.path}/{made['id']}", token=ada.token).status == 404


def test_names_are_unique_and_the_project_is_the_tokens(ada: Tenant) -> None:
    ada.made()
    assert ada.create().status == 409
    assert ada.create(name="other", project_id="0" * 32).status == 400
    assert ada.create(name="other", project_id=ada.project).status == 201
    unscoped = ada.house.login("ada", scope="unscoped")
    assert ada.create(unscoped, name="third").status == 400


class TestAccessRules:
    SERVERS = {"service": "compute", "method": "GET", "path": "/v2.1/servers"}
    SELF = {"service": "identity", "method": "GET", "path": "/v3/users/*"}

    def test_only_the_requests_named_are_let_through(self, either: House) -> None:
        ada = tenant(either)
        made = ada.made(access_rules=[self.SELF, self.SERVERS])
        token = ada.enter(made)
        shown = ada.log_in(made).json["token"]["application_credential"]["access_rules"]
        assert [{key: rule[key] for key in self.SELF} for rule in shown] == [self.SELF, self.SERVERS]
        assert either.ask("GET", f"/users/{ada.user}", token=token).status == 200
        assert either.ask("GET", f"/users/{ada.user}/groups", token=token).status == 403
        assert either.ask("GET", "/auth/projects", token=token).status == 403
        assert either.ask("POST", f"/users/{ada.user}", {}, token=token).status == 405
        actor = identity.authenticator(either.db)(token)
        assert actor.may_request("compute", "GET", "/v2.1/servers")
        assert not actor.may_request("compute", "DELETE", "/v2.1/servers")

    def test_an_empty_list_is_what_the_client_sends_for_no_rules(self, ada: Tenant) -> None:
        made = ada.made(access_rules=[], roles=[])
        assert "access_rules" not in made
        assert ada.house.ask("GET", f"/users/{ada.user}", token=ada.enter(made)).status == 200

    def test_they_are_shared_between_credentials_and_outlive_them(self, ada: Tenant) -> None:
        house, rules = ada.house, f"/users/{ada.user}/access_rules"
        first = ada.made(access_rules=[self.SERVERS])
        second = ada.made(name="other", access_rules=[self.SERVERS, self.SERVERS])
        assert first["access_rules"] == second["access_rules"]
        id = first["access_rules"][0]["id"]
        assert ada.made(name="third", access_rules=[{"id": id}])["access_rules"] == first["access_rules"]
        listed = house.ask("GET", rules, token=ada.token).json["access_rules"]
        assert [each["id"] for each in listed] == [id]
        assert house.ask("GET", rules, token=ada.token, query="method=POST").json["access_rules"] == []
        assert house.ask("GET", f"{rules}/{id}", token=ada.token).json["access_rule"]["path"] == "/v2.1/servers"
        assert house.ask("DELETE", f"{rules}/{id}", token=ada.token).status == 403
        for each in house.ask("GET", ada.path, token=ada.token).json["application_credentials"]:
            house.ask("DELETE", f"{ada.path}/{each['id']}", token=ada.token)
        assert house.ask("DELETE", f"{rules}/{id}", token=ada.token).status == 204
        assert house.ask("GET", f"{rules}/{id}", token=ada.token).status == 404

    def test_nobody_else_reads_or_ends_them(self, ada: Tenant) -> None:
        house, made = ada.house, ada.made(access_rules=[self.SERVERS])
        path = f"/users/{ada.user}/access_rules/{made['access_rules'][0]['id']}"
        house.ask("DELETE", f"{ada.path}/{made['id']}", token=ada.token)
        bound = ada.enter(ada.made(name="bound"))
        assert house.ask("DELETE", path, token=bound).status == 403
        for method in ("GET", "DELETE"):
            assert house.ask(method, path, token=house.demo()).status == 404
        assert house.ask("GET", path, token=ada.token).status == 200
        assert house.ask("GET", path).status == 200, "operators look for what gives access"

    @pytest.mark.parametrize(
        "rule",
        [
            {"service": "compute"},
            {"service": "compute", "method": "LOOK", "path": "/"},
            {"service": "compute", "method": "GET", "path": "servers"},
            {"service": "compute", "method": "GET", "path": "/servers/a*"},
            {"id": "0" * 32},
        ],
    )
    def test_what_says_nothing_clear_is_refused(self, ada: Tenant, rule: dict[str, str]) -> None:
        assert ada.create(access_rules=[rule]).status in {400, 404}
        assert ada.house.ask("GET", ada.path, token=ada.token).json["application_credentials"] == []


class TestKeys:
    """`/v3/credentials` and EC2-like keys."""

    BLOB = json.dumps({"access": "AKIA", "secret": "hush"})

    def test_ec2_keys_are_made_shown_and_ended_by_their_user(self, either: House) -> None:
        ada = tenant(either)
        path = f"/users/{ada.user}/credentials/OS-EC2"
        made = either.ask("POST", path, {"tenant_id": ada.project}, token=ada.token)
        assert made.status == 201
        key = made.json["credential"]
        assert (key["user_id"], key["tenant_id"], key["trust_id"]) == (ada.user, ada.project, None)
        one = f"{path}/{key['access']}"
        assert either.ask("GET", one, token=ada.token).json["credential"] == key
        assert either.ask("GET", path, token=ada.token).json["credentials"] == [key]
        for method in ("GET", "DELETE"):
            assert either.ask(method, one, token=either.demo()).status == 404
        assert either.ask("GET", one).json["credential"] == key | {"secret": ""}, "operators do not read it"
        assert either.ask("POST", path, {"tenant_id": either.named("project", "demo")}, token=ada.token).status == 404
        assert either.ask("DELETE", one, token=ada.token).status == 204
        assert either.ask("GET", one, token=ada.token).status == 404

    def test_credentials_are_made_shown_changed_and_ended(self, either: House) -> None:
        ada = tenant(either)
        wish = {"user_id": ada.user, "type": "cert", "blob": "pem"}
        made = either.ask("POST", "/credentials", {"credential": wish}, token=ada.token).json["credential"]
        path = f"/credentials/{made['id']}"
        assert either.ask("GET", path, token=ada.token).json["credential"] == made
        changed = either.ask("PATCH", path, {"credential": {"blob": "new", "type": "cert"}}, token=ada.token)
        assert changed.json["credential"] == made | {"blob": "new"}
        assert either.ask("PATCH", path, {"credential": {"blob": "x", "type": "ec2"}}, token=ada.token).status == 400
        listed = either.ask("GET", "/credentials", token=ada.token, query="type=cert").json["credentials"]
        assert [each["id"] for each in listed] == [made["id"]]
        assert either.ask("GET", "/credentials", token=ada.token, query="user_id=x").json["credentials"] == []
        assert either.ask("DELETE", path, token=ada.token).status == 204
        assert either.ask("GET", path, token=ada.token).status == 404

    def test_an_operator_reads_only_the_blobs_of_operators_own_making(self, ada: Tenant) -> None:
        house = ada.house
        secret = {"user_id": ada.user, "type": "cert", "blob": "hush"}
        own = house.ask("POST", "/credentials", {"credential": secret}, token=ada.token).json["credential"]
        assert house.ask("GET", f"/credentials/{own['id']}").json["credential"]["blob"] == ""
        assert b"hush" not in house.ask("GET", "/credentials").body
        given = {"user_id": ada.user, "type": "ec2", "blob": self.BLOB, "project_id": ada.project}
        made = house.ask("POST", "/credentials", {"credential": given}).json["credential"]
        assert house.ask("GET", f"/credentials/{made['id']}").json["credential"]["blob"] == self.BLOB
        assert house.ask("GET", f"/credentials/{made['id']}", token=ada.token).json["credential"]["blob"] == self.BLOB
        assert house.ask("GET", f"/credentials/{made['id']}", token=house.demo()).status == 404
        assert house.ask("DELETE", f"/credentials/{own['id']}").status == 204
        assert house.ask("POST", "/credentials", {"credential": secret}, token=house.demo()).status == 404

    def test_a_restricted_token_makes_and_ends_none(self, ada: Tenant) -> None:
        house, ec2 = ada.house, f"/users/{ada.user}/credentials/OS-EC2"
        wish = {"credential": {"user_id": ada.user, "type": "cert", "blob": "x"}}
        kept = house.ask("POST", "/credentials", wish, token=ada.token).json["credential"]["id"]
        key = house.ask("POST", ec2, {"tenant_id": ada.project}, token=ada.token).json["credential"]["access"]
        bound = ada.enter(ada.made())
        for method, path, body in (
            ("POST", "/credentials", wish),
            ("PATCH", f"/credentials/{kept}", {"credential": {"blob": "y"}}),
            ("DELETE", f"/credentials/{kept}", None),
            ("POST", ec2, {"tenant_id": ada.project}),
            ("DELETE", f"{ec2}/{key}", None),
        ):
            assert house.ask(method, path, body, token=bound).status == 403, (method, path)
        assert house.ask("GET", f"{ec2}/{key}", token=bound).status == 200
        assert house.ask("GET", ec2, token=house.demo()).status == 404
        assert house.ask("POST", ec2, {"tenant_id": ada.project}, token=house.demo()).status == 404

    @pytest.mark.parametrize(
        ("wish", "status"),
        [
            ({"type": "ec2", "blob": BLOB}, 400),
            ({"type": "ec2", "blob": "{}", "project_id": "own"}, 400),
            ({"type": "cert", "blob": "x", "project_id": "0" * 32}, 404),
            ({"type": "cert", "blob": "x", "user_id": "0" * 32}, 404),
        ],
    )
    def test_what_cannot_be_is_refused(self, ada: Tenant, wish: dict[str, str], status: int) -> None:
        sent = {"user_id": ada.user} | {key: ada.project if value == "own" else value for key, value in wish.items()}
        for token in (ada.token, ada.house.admin):
            assert ada.house.ask("POST", "/credentials", {"credential": sent}, token=token).status == status

    def test_an_access_key_is_used_once(self, ada: Tenant) -> None:
        wish = {"user_id": ada.user, "type": "ec2", "blob": self.BLOB, "project_id": ada.project}
        assert ada.house.ask("POST", "/credentials", {"credential": wish}).status == 201
        assert ada.house.ask("POST", "/credentials", {"credential": wish}).status == 409

    def test_a_project_takes_its_credentials_along(self, ada: Tenant) -> None:
        house, made = ada.house, ada.made()
        path = f"/users/{ada.user}/credentials/OS-EC2"
        house.ask("POST", path, {"tenant_id": ada.project}, token=ada.token)
        house.ask("DELETE", f"/projects/{ada.project}")
        bare = house.login("ada")
        assert house.ask("GET", path, token=bare).json["credentials"] == []
        assert house.ask("GET", ada.path, token=bare).json["application_credentials"] == []
        assert ada.log_in(made).status == 401


def test_the_demo_tenant_can_make_one(house: House) -> None:
    token, user = house.login("croft", DEMO_PASSWORD), house.named("user", "croft")
    body = {"application_credential": {"name": "robot"}}
    assert house.ask("POST", f"/users/{user}/application_credentials", body, token=token).status == 201
