"""People for whom an identity provider vouches: by its tokens, and by a browser that went there."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from croft.core.db import Database
from croft.core.errors import Unavailable
from croft.core.guard import guard
from croft.drivers.provider.fake import FakeProvider
from croft.services.identity.actions import seed_providers
from croft.services.identity.model.outside import Trusted
from tests.services.identity.house import House, project_scope
from tests.world import Answer

AUTH = "/identity/v3/OS-FEDERATION/identity_providers/{}/protocols/{}/auth"
SSO = "/identity/v3/auth/OS-FEDERATION/identity_providers/sso/protocols/openid/websso"
BACK = "/identity/v3/auth/OS-FEDERATION/callback"
HORIZON = "https://horizon.test/auth/websso/"


class Club(House):
    """A house that trusts one provider, `sso`, which knows ada of the group makers."""

    def __init__(self, db: Database, **words: Any) -> None:
        self.provider = FakeProvider()
        self.provider.issue("ada's", "1815", "ada", "makers", "poets", email="ada@example.org")
        self.provider.issue("bob's", "1816", "bob")
        trusted = {"sso": Trusted(guard(self.provider), **words)}
        super().__init__(db, providers=trusted, trusted_dashboards=(HORIZON,))
        seed_providers(db, trusted)
        seed_providers(db, trusted)

    def come(self, token: str, idp: str = "sso", protocol: str = "openid", method: str = "POST") -> Answer:
        return self.call(method, AUTH.format(idp, protocol), token=None, headers={"authorization": f"Bearer {token}"})

    def token(self, token: str = "ada's") -> str:
        answer = self.come(token)
        assert answer.status == 201, answer.body
        return str(answer.headers["x-subject-token"])

    def rescope(self, token: str, place: str) -> Answer:
        wish = {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": project_scope(place)}
        return self.call("POST", "/identity/v3/auth/tokens", {"auth": wish}, token=None)

    def group(self, name: str = "makers") -> str:
        domain = self.named("domain", "sso")
        return str(self.ask("GET", "/groups", query=f"domain_id={domain}&name={name}").json["groups"][0]["id"])

    def depart(self, path: str = SSO, origin: str = HORIZON, **words: Any) -> Answer:
        return self.call("GET", path, token=None, query=f"origin={origin}", **words)

    def back(self, departed: Answer, code: str, *, cookie: str | None = None, state: str | None = None) -> Answer:
        sent = parse_qs(urlsplit(departed.headers["location"]).query)
        kept = departed.headers["set-cookie"].partition(";")[0] if cookie is None else cookie
        query = f"state={sent['state'][0] if state is None else state}&code={code}"
        return self.call("GET", BACK, token=None, query=query, headers={"cookie": kept})


def state(departed: Answer) -> str:
    return parse_qs(urlsplit(departed.headers["location"]).query)["state"][0]


@pytest.fixture
def club(sqlite_db: Database) -> Club:
    return Club(sqlite_db)


@pytest.fixture
def either_club(db: Database) -> Club:
    return Club(db)


def test_a_providers_token_becomes_one_of_ours(either_club: Club) -> None:
    club = either_club
    answer = club.come("ada's")
    assert answer.status == 201, answer.body
    token = answer.json["token"]
    assert (token["user"]["name"], token["user"]["domain"]["name"]) == ("ada", "sso")
    assert token["methods"] == ["openid"]
    assert "project" not in token
    assert len(answer.headers["x-subject-token"]) <= 255
    again = club.come("ada's", method="GET")
    assert again.json["token"]["user"]["id"] == token["user"]["id"], "the same person every time"
    shown = club.ask("GET", f"/users/{token['user']['id']}").json["user"]
    assert shown["email"] == "ada@example.org"


def test_roles_come_by_group_and_by_grant(either_club: Club) -> None:
    club = either_club
    first, second = club.made("project", name="first")["id"], club.made("project", name="second")["id"]
    token = club.token()
    user = club.call("GET", "/identity/v3/auth/tokens", token=token, headers={"x-subject-token": token}).json["token"]
    club.grant(club.group(), "member", first, who="groups")
    club.grant(user["user"]["id"], "reader", second)
    scoped = club.rescope(token, first)
    assert scoped.status == 201
    assert scoped.json["token"]["methods"] == ["openid", "token"]
    assert club.rescope(token, second).status == 201
    club.provider.issue("ada's", "1815", "ada", "poets")
    newer = club.token()
    assert club.rescope(newer, first).status == 401, "no longer in the group, as of this login"
    assert not club.valid(scoped.headers["x-subject-token"])
    assert club.rescope(newer, second).status == 201


def test_a_new_name_is_the_same_person_and_nobody_takes_another_ones(club: Club) -> None:
    ada = club.come("ada's").json["token"]["user"]["id"]
    club.provider.issue("ada's", "1815", "countess")
    assert club.come("ada's").json["token"]["user"] | {"password_expires_at": None} == {
        "id": ada,
        "name": "countess",
        "domain": {"id": club.named("domain", "sso"), "name": "sso"},
        "password_expires_at": None,
    }
    club.provider.issue("eve's", "666", "countess")
    eve = club.come("eve's").json["token"]["user"]
    assert eve["id"] != ada
    assert eve["name"].startswith("countess (")
    club.provider.issue("client's", "1815", "countess")
    assert club.come("client's").json["token"]["user"]["id"] == ada


def test_a_machine_is_not_the_person_of_the_same_id(club: Club) -> None:
    from dataclasses import replace

    person = club.come("ada's").json["token"]["user"]["id"]
    club.provider._tokens["robot's"] = replace(club.provider.vouch("ada's"), machine=True)
    assert club.come("robot's").json["token"]["user"]["id"] != person


@pytest.mark.parametrize("token", ["forged", "", "ada's "])
def test_a_token_that_is_not_good_is_401_and_tells_nothing(club: Club, token: str) -> None:
    answer = club.come(token)
    assert answer.status == (401 if token != "ada's " else 201)
    assert b"forged" not in answer.body


def test_forging_on_and_on_closes_the_door_to_the_address(club: Club) -> None:
    statuses = {club.call("POST", AUTH.format("sso", "openid"), token=None, client="192.0.2.1",
                          headers={"authorization": f"Bearer {number}"}).status for number in range(70)}  # fmt: skip
    assert statuses == {401, 429}
    assert club.come("ada's").status == 201


@pytest.mark.parametrize(("idp", "protocol"), [("sso", "saml2"), ("other", "openid"), ("x" * 300, "openid")])
def test_a_provider_that_is_not_in_croft_toml_is_404(club: Club, idp: str, protocol: str) -> None:
    assert club.come("ada's", idp, protocol).status == 404


def test_an_operator_shuts_a_provider_or_a_person_out(club: Club) -> None:
    token = club.token()
    user = club.call("GET", "/identity/v3/auth/tokens", token=token, headers={"x-subject-token": token}).json["token"]
    path = f"/users/{user['user']['id']}"
    assert club.ask("PATCH", path, {"user": {"enabled": False}}).status == 200
    assert not club.valid(token)
    assert club.come("ada's").status == 401
    club.provider.issue("ada's", "1815", "ada l", "makers")
    assert club.come("ada's").status == 401, "a new name does not open what the operator closed"
    assert club.ask("PATCH", path, {"user": {"password": "mine now"}}).status == 403
    listed = club.ask("GET", "/OS-FEDERATION/identity_providers").json["identity_providers"]
    assert [each["id"] for each in listed] == ["sso"]
    closed = {"identity_provider": {"enabled": False}}
    assert club.ask("PATCH", "/OS-FEDERATION/identity_providers/sso", closed).status == 200
    assert club.come("bob's").status == 401


def test_while_the_provider_is_away_only_its_people_wait(club: Club) -> None:
    token = club.token()

    def away(_verb: str) -> None:
        raise Unavailable("no answer")

    club.provider.before = away
    for _ in range(3):
        answer = club.come("ada's")
        assert answer.status == 503
        assert "identity provider sso does not answer" in answer.json["error"]["message"]
    assert club.depart().status == 503
    assert club.valid(token)
    assert club.try_login("croft", "the tenant's").status == 201


def test_linked_people_are_users_that_exist(sqlite_db: Database) -> None:
    club = Club(sqlite_db, link="Default")
    assert club.come("ada's").status == 401, "nobody here is called so, and nobody is made"
    ada = club.made("user", name="ada")["id"]
    assert club.come("ada's").json["token"]["user"]["id"] == ada
    assert club.ask("GET", "/groups").json["groups"] == [], "the provider's groups are nothing to a linked user"
    club.ask("PATCH", f"/users/{ada}", {"user": {"enabled": False}})
    assert club.come("ada's").status == 401


def test_a_body_makes_nobody_vouched_for(club: Club) -> None:
    for identity in (
        {"methods": ["openid"], "user": "admin"},
        {"methods": ["openid"], "openid": {"user": club.named("user", "admin")}},
        {"methods": ["mapped"], "mapped": {}},
    ):
        answer = club.call("POST", "/identity/v3/auth/tokens", {"auth": {"identity": identity}}, token=None)
        assert answer.status in {400, 401}


def test_a_browser_goes_to_the_provider_and_its_token_to_the_dashboard(either_club: Club) -> None:
    club = either_club
    departed = club.depart()
    assert departed.status == 302
    assert departed.headers["location"].startswith("https://idp.test/authorize?")
    sent = parse_qs(urlsplit(departed.headers["location"]).query)
    assert sent["redirect_uri"] == ["https://cloud.test:8443" + BACK]
    cookie = departed.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/identity/v3/auth"))
    club.provider.consent("code-1", state(departed), "1815", "ada", "makers")
    answer = club.back(departed, "code-1")
    assert answer.status == 200, answer.body
    page = answer.body.decode()
    assert f'<form action="{HORIZON}" method="post">' in page
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    assert club.valid(found[1])
    assert answer.headers["cache-control"] == "no-store"
    assert "form-action https://horizon.test;" in answer.headers["content-security-policy"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert club.back(departed, "code-1").status == 401, "a journey ends once"


def test_without_the_providers_name_the_only_one_is_meant(club: Club) -> None:
    path = "/identity/v3/auth/OS-FEDERATION/websso/"
    assert club.depart(path + "openid").status == 302
    assert club.depart(path + "saml2").status == 404


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("", 400),
        ("https://evil.test/", 401),
        ("https://horizon.test", 401),
        ("https://horizon.test/auth/websso/../../x", 401),
        ("https://horizon.test/auth/websso/%23", 401),
        ("https://horizon.test@evil.test/auth/websso/", 401),
        ("https://horizon.test.evil.test/auth/websso/", 401),
        ("//evil.test/", 401),
        ("javascript:alert(1)", 401),
    ],
)
def test_tokens_go_to_trusted_dashboards_alone(club: Club, origin: str, status: int) -> None:
    answer = club.depart(origin=origin)
    assert answer.status == status
    assert "location" not in answer.headers


def test_another_browser_cannot_end_the_journey(club: Club) -> None:
    """Nor can a page that sends somebody's browser back with a code of its own."""
    mine, other = club.depart(), club.depart()
    club.provider.consent("code-1", state(mine), "1815", "ada")
    stolen = other.headers["set-cookie"].partition(";")[0]
    for cookie in ("", "croft-sso=", "croft-sso=made-up", stolen, "croft-sso", "\x01=;;"):
        assert club.back(mine, "code-1", cookie=cookie).status == 401, cookie
    for wrong in ("", "made-up", state(other)):
        assert club.back(mine, "code-1", state=wrong).status == 401, wrong
    assert club.back(mine, "code-1").status == 200


def test_a_journey_ends_in_ten_minutes(club: Club) -> None:
    departed = club.depart()
    club.provider.consent("code-1", state(departed), "1815", "ada")
    club.clock.advance(601)  # type: ignore[attr-defined]
    assert club.back(departed, "code-1").status == 401


def test_who_refuses_at_the_provider_gets_no_token(club: Club) -> None:
    departed = club.depart()
    sent = state(departed)
    kept = {"cookie": departed.headers["set-cookie"].partition(";")[0]}
    answer = club.call("GET", BACK, token=None, query=f"state={sent}&error=access_denied", headers=kept)
    assert answer.status == 401
    assert "let nobody in" in answer.json["error"]["message"]
    departed = club.depart()
    assert club.back(departed, "made-up").status == 401


def test_a_flood_of_departures_is_bounded(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("croft.services.identity.store.journeys.MOST", 3)
    assert [club.depart().status for _ in range(4)] == [302, 302, 302, 503]
    club.clock.advance(601)  # type: ignore[attr-defined]
    assert club.depart().status == 302
