"""Getting in: every way that opens the door, and that all the others look alike."""

from __future__ import annotations

from typing import Any

import pytest

from croft.core.clock import ManualClock
from croft.core.db import Database, metadata
from tests.services.identity.house import ADMIN_PASSWORD, DEMO_PASSWORD, V3, House, project_scope

NEUTRAL = "The request you have made requires authentication."


def auth(house: House, identity: dict[str, Any], scope: Any = None, **words: Any) -> Any:
    body: dict[str, Any] = {"auth": {"identity": identity}}
    if scope is not None:
        body["auth"]["scope"] = scope
    return house.call("POST", f"{V3}/auth/tokens", body, token=None, **words)


def test_a_password_gives_a_token_scoped_to_the_project_asked_for(either: House) -> None:
    person, place = either.resident(role="member")
    answer = either.try_login("ada", scope=project_scope(place))
    token = answer.json["token"]
    assert answer.status == 201
    assert len(answer.headers["x-subject-token"]) >= 32
    assert token["user"]["id"] == person
    assert token["user"]["domain"] == {"id": "default", "name": "Default"}
    assert token["project"] == {"id": place, "name": "tower", "domain": {"id": "default", "name": "Default"}}
    assert [role["name"] for role in token["roles"]] == ["member", "reader"]
    assert token["methods"] == ["password"]
    assert token["issued_at"] < token["expires_at"]
    assert [entry["type"] for entry in token["catalog"]] == ["identity", "compute"]


@pytest.mark.parametrize(
    "scope",
    [
        {"project": {"name": "tower", "domain": {"id": "default"}}},
        {"project": {"name": "tower", "domain": {"name": "Default"}}},
    ],
)
def test_a_project_may_be_named_by_name_and_domain(house: House, scope: Any) -> None:
    _, place = house.resident()
    assert house.try_login("ada", scope=scope).json["token"]["project"]["id"] == place


def test_a_user_may_be_named_by_id_or_by_the_domains_name(house: House) -> None:
    person, _ = house.resident()
    for who in ({"id": person}, {"name": "ada", "domain": {"name": "Default"}}):
        identity = {"methods": ["password"], "password": {"user": who | {"password": "secret-ada"}}}
        assert auth(house, identity).status == 201


def test_the_wrong_word_the_unknown_user_and_the_closed_account_answer_alike(either: House) -> None:
    house = either
    person, place = house.resident()
    house.made("user", name="shut", enabled=False)
    house.made("user", name="mute", password=None)
    domain = house.made("domain", name="empire")["id"]
    house.made("user", name="emperor", domain_id=domain)
    house.ask("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
    answers = [
        house.try_login("ada", "wrong"),
        house.try_login("nobody", "wrong"),
        house.try_login("ada", id="0" * 32),
        house.try_login("ada", domain={"id": "nowhere"}),
        house.try_login("shut"),
        house.try_login("mute", ""),
        house.try_login("emperor", domain={"id": domain}),
        house.try_login("ada", scope=project_scope("0" * 32)),
        house.try_login("ada", scope=project_scope(house.made("project", name="foreign")["id"])),
        house.try_login("ada", scope=project_scope("default")),
        house.try_login("ada", scope={"domain": {"id": "default"}}),
        house.try_login("ada", scope={"domain": {"id": place}}),
        house.try_login("ada", scope={"system": {"all": True}}),
        house.try_login("ada", scope={"OS-TRUST:trust": {"id": person}}),
    ]
    assert [answer.status for answer in answers] == [401] * len(answers)
    assert {answer.json["error"]["message"] for answer in answers} == {NEUTRAL}
    assert answers[0].json["error"] == {"code": 401, "title": "Unauthorized", "message": NEUTRAL}
    assert answers[0].headers["www-authenticate"].startswith("Keystone uri=")


def test_without_a_scope_the_default_project_counts_where_the_user_has_a_role(house: House) -> None:
    person, place = house.resident()
    assert "project" not in house.try_login("ada").json["token"]
    house.ask("PATCH", f"/users/{person}", {"user": {"default_project_id": place}})
    assert house.try_login("ada").json["token"]["project"]["id"] == place
    house.revoke(person, "member", place)
    unscoped = house.try_login("ada").json["token"]
    assert not {"project", "roles", "catalog"} & set(unscoped)


@pytest.mark.parametrize("scope", ["unscoped", {"unscoped": {}}])
def test_unscoped_can_be_asked_for(house: House, scope: Any) -> None:
    token = house.try_login("admin", ADMIN_PASSWORD, scope=scope).json["token"]
    assert not {"project", "roles", "catalog", "system"} & set(token)


def test_domain_and_system_scopes(house: House) -> None:
    person, _ = house.resident()
    domain = house.made("domain", name="empire")["id"]
    house.grant(person, "reader", domain, where="domains")
    house.grant(person, "reader", "", where="system")
    for scope in ({"domain": {"id": domain}}, {"domain": {"name": "empire"}}):
        token = house.try_login("ada", scope=scope).json["token"]
        assert token["domain"] == {"id": domain, "name": "empire"}
        assert [role["name"] for role in token["roles"]] == ["reader"]
    token = house.try_login("ada", scope={"system": {"all": True}}).json["token"]
    assert token["system"] == {"all": True}
    assert "project" not in token


def test_nocatalog_leaves_the_catalog_out(house: House) -> None:
    identity = {
        "methods": ["password"],
        "password": {"user": {"name": "croft", "domain": {"id": "default"}, "password": DEMO_PASSWORD}},
    }
    assert "catalog" not in auth(house, identity, query="nocatalog").json["token"]


BAD = {
    "no identity": {"auth": {}},
    "no methods": {"auth": {"identity": {"password": {"user": {"id": "x", "password": "y"}}}}},
    "password missing": {"auth": {"identity": {"methods": ["password"]}}},
    "token missing": {"auth": {"identity": {"methods": ["token"]}}},
    "credential missing": {"auth": {"identity": {"methods": ["application_credential"]}}},
    "nameless user": {"auth": {"identity": {"methods": ["password"], "password": {"user": {"password": "x"}}}}},
    "password not text": {"auth": {"identity": {"methods": ["password"], "password": {"user": {"password": 7}}}}},
    "not an object": [],
    "domain without name": {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": {"name": "x", "domain": {}, "password": "y"}}}
        }
    },
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_a_body_of_the_wrong_shape_is_refused(house: House, body: Any) -> None:
    answer = house.call("POST", f"{V3}/auth/tokens", body, token=None)
    assert answer.status == 400
    assert answer.json["error"]["code"] == 400


@pytest.mark.parametrize(
    "scope",
    ["elsewhere", {}, {"project": {"name": "x"}}, {"system": {"all": False}}, {"project": {"id": "x"}, "unscoped": {}}],
)
def test_a_scope_that_says_nothing_clear_is_refused(house: House, scope: Any) -> None:
    assert house.try_login("admin", ADMIN_PASSWORD, scope=scope).status == 400


def test_an_unknown_method_is_refused(house: House) -> None:
    assert auth(house, {"methods": ["saml2"]}).status == 401
    assert auth(house, {"methods": []}).status == 401


def test_all_methods_named_must_agree_on_the_user(house: House) -> None:
    house.resident()
    mine, others = house.login("ada"), house.demo()
    password = {"user": {"name": "ada", "domain": {"id": "default"}, "password": "secret-ada"}}
    both = {"methods": ["password", "token"], "password": password}
    answer = auth(house, both | {"token": {"id": mine}})
    assert answer.json["token"]["methods"] == ["password", "token"]
    assert auth(house, both | {"token": {"id": others}}).status == 401


def test_a_long_password_counts_to_its_last_letter(house: House) -> None:
    long = "x" * 100
    house.made("user", name="wordy", password=long)
    assert house.try_login("wordy", long).status == 201
    assert house.try_login("wordy", long[:-1] + "y").status == 401
    assert house.try_login("wordy", "x" * 72).status == 401
    assert house.try_login("wordy", "x" * 5000).status == 400
    house.made("user", name="odd", password="пароль 🌱")
    assert house.try_login("odd", "пароль 🌱").status == 201
    assert house.try_login("odd", "пароль 🌲").status == 401


class TestExchange:
    """One token for another."""

    def exchange(self, house: House, token: str, scope: Any = None) -> Any:
        return auth(house, {"methods": ["token"], "token": {"id": token}}, scope)

    def test_it_changes_the_scope_and_keeps_the_expiry(self, house: House) -> None:
        _, place = house.resident()
        first = house.try_login("ada")
        clock = house.clock
        assert isinstance(clock, ManualClock)
        clock.advance(600)
        second = self.exchange(house, first.headers["x-subject-token"], project_scope(place)).json["token"]
        assert second["project"]["id"] == place
        assert second["methods"] == ["password", "token"]
        assert second["expires_at"] == first.json["token"]["expires_at"]
        assert second["audit_ids"][1] == first.json["token"]["audit_ids"][0]

    def test_an_unknown_or_expired_token_opens_nothing(self, house: House) -> None:
        token = house.demo()
        assert self.exchange(house, "made-up").status == 404
        assert isinstance(house.clock, ManualClock)
        house.clock.advance(3600)
        assert self.exchange(house, token).status == 404


class TestLock:
    """Guessing passwords."""

    def test_after_too_many_wrong_words_the_right_one_waits_too(self, db: Database) -> None:
        house = House(db, lockout_attempts=3, lockout_seconds=60)
        person, _ = house.resident()
        clock = house.clock
        assert isinstance(clock, ManualClock)
        for _ in range(3):
            assert house.try_login("ada", "guess").status == 401
        answer = house.try_login("ada")
        assert answer.status == 401
        assert answer.json["error"]["message"] == NEUTRAL
        assert house.try_login("croft", DEMO_PASSWORD).status == 201, "others are not locked out"
        clock.advance(59)
        assert house.try_login("ada", "guess").status == 401, "guessing on does not count while it is locked"
        clock.advance(1)
        assert house.try_login("ada").status == 201
        for _ in range(2):
            house.try_login("ada", "guess")
        assert house.try_login("ada").status == 201, "the right word starts the count anew"
        for _ in range(2):
            house.try_login("ada", "guess")
        assert house.try_login("ada").status == 201
        for _ in range(3):
            house.try_login("ada", "guess")
        house.ask("PATCH", f"/users/{person}", {"user": {"password": "fresh"}})
        assert house.try_login("ada", "fresh").status == 201, "a new password opens the lock"

    def test_one_wrong_word_after_the_lock_does_not_lock_again(self, house: House) -> None:
        house.resident()
        for _ in range(10):
            house.try_login("ada", "guess")
        assert house.try_login("ada").status == 401
        assert isinstance(house.clock, ManualClock)
        house.clock.advance(60)
        house.try_login("ada", "guess")
        assert house.try_login("ada").status == 201

    def test_it_can_be_off_for_all_or_for_one(self, sqlite_db: Database) -> None:
        never = House(sqlite_db, lockout_attempts=0)
        never.resident()
        for _ in range(20):
            never.try_login("ada", "guess")
        assert never.try_login("ada").status == 201
        house = House(sqlite_db, lockout_attempts=2)
        house.made("user", name="robot", options={"ignore_lockout_failure_attempts": True})
        for _ in range(5):
            house.try_login("robot", "guess")
        assert house.try_login("robot").status == 201


def test_no_secret_stands_in_the_database(house: House) -> None:
    token = house.demo()
    with house.db.read() as tx:
        tables = [f'"{table.name}"' for table in metadata.sorted_tables]
        text = str([tx.conn.exec_driver_sql(f"SELECT * FROM {table}").all() for table in tables])
    assert token not in text
    assert DEMO_PASSWORD not in text
    assert ADMIN_PASSWORD not in text
