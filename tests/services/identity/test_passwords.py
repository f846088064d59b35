"""Passwords over time: when they end, how they are changed, what a new one must be like, who has stayed away."""

from __future__ import annotations

from typing import Any

import pytest

from croft.core.clock import ManualClock
from croft.core.db import Database
from croft.core.errors import CroftError
from tests.services.identity.house import DEMO_PASSWORD, V3, House, project_scope

NEUTRAL = "The request you have made requires authentication."
DAY = 86_400


def change(house: House, user: str, old: str, new: str) -> Any:
    body = {"user": {"original_password": old, "password": new}}
    return house.call("POST", f"{V3}/users/{user}/password", body, token=None)


def advance(house: House, days: float) -> None:
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(int(days * DAY))
    house._admin = ""


class TestExpiry:
    def test_an_old_password_opens_nothing_but_its_own_change(self, db: Database) -> None:
        house = House(db, password_expires_days=30)
        person, _ = house.resident()
        shown = house.ask("GET", f"/users/{person}").json["user"]["password_expires_at"]
        assert shown == "2023-12-14T22:13:20.000000"
        advance(house, 29.9)
        assert house.try_login("ada").json["token"]["user"]["password_expires_at"] == shown
        advance(house, 0.1)
        refused = house.try_login("ada")
        assert refused.status == 401
        assert refused.json["error"]["message"].startswith(
            f"The password is expired and needs to be changed for user: {person}."
        )
        assert change(house, person, "secret-ada", "better").status == 204
        assert house.try_login("ada", "better").status == 201
        assert house.try_login("ada").json["error"]["message"] == NEUTRAL

    def test_the_operator_of_the_first_hour_is_not_locked_out_by_time(self, house: House) -> None:
        strict = House(house.db, password_expires_days=1)
        advance(strict, 400)
        assert strict.admin

    def test_one_user_can_be_exempt(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, password_expires_days=1)
        robot = house.made("user", name="robot", options={"ignore_password_expiry": True})
        late = house.made("user", name="late")["id"]
        assert robot["password_expires_at"] is None
        advance(house, 2)
        assert house.try_login("robot").status == 201
        assert house.try_login("late").status == 401
        house.ask("PATCH", f"/users/{late}", {"user": {"options": {"ignore_password_expiry": True}}})
        assert house.try_login("late").status == 201

    def test_a_password_set_by_an_operator_is_changed_first_of_all(self, db: Database) -> None:
        house = House(db, change_upon_first_use=True)
        person = house.made("user", name="ada")["id"]
        house.made("user", name="robot", options={"ignore_change_password_upon_first_use": True})
        assert house.try_login("robot").status == 201
        assert "is expired" in house.try_login("ada").json["error"]["message"]
        assert change(house, person, "secret-ada", "own words").status == 204
        assert house.try_login("ada", "own words").status == 201
        house.ask("PATCH", f"/users/{person}", {"user": {"password": "set anew"}})
        assert house.try_login("ada", "set anew").status == 401

    def test_tokens_live_on_when_the_password_ends(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, password_expires_days=1, token_ttl=3 * DAY)
        person, _ = house.resident()
        token = house.login("ada")
        advance(house, 2)
        assert house.valid(token)
        assert change(house, person, "secret-ada", "better").status == 204
        assert not house.valid(token)


class TestChange:
    def test_it_needs_no_token_but_the_present_password(self, either: House) -> None:
        person, place = either.resident()
        tokens = [either.login("ada"), either.login("ada", scope=project_scope(place))]
        wrong = [change(either, person, "guess", "better"), change(either, "0" * 32, "guess", "better")]
        assert [answer.status for answer in wrong] == [401, 401]
        assert wrong[0].body == wrong[1].body
        assert change(either, person, "secret-ada", "better").status == 204
        assert [either.valid(token) for token in tokens] == [False, False]
        with either.db.read() as tx:
            rows = tx.conn.exec_driver_sql("SELECT action, target FROM audit ORDER BY id").all()
        assert ("identity.user_password.update", person) in [tuple(row) for row in rows]

    def test_a_password_must_stay_for_some_days_unless_an_operator_changes_it(self, db: Database) -> None:
        house = House(db, password_minimum_days=2)
        person = house.made("user", name="ada")["id"]
        assert change(house, person, "secret-ada", "two").status == 204, "that one was the operator's"
        advance(house, 1.5)
        refused = change(house, person, "two", "three")
        assert refused.status == 400
        assert "try again in 1 days" in refused.json["error"]["message"]
        assert change(house, person, "guess", "three").status == 401
        house.ask("PATCH", f"/users/{person}", {"user": {"password": "reset"}})
        assert change(house, person, "reset", "three").status == 204
        advance(house, 2)
        assert change(house, person, "three", "four").status == 204


class TestShape:
    def test_a_new_password_must_fit_all_patterns(self, sqlite_db: Database) -> None:
        says = "eight characters, a digit among them"
        house = House(sqlite_db, password_patterns=["^.{8,}$", "[0-9]"], password_says=says)
        person = house.made("user", name="ada", password="long enough 1")["id"]
        for weak in ("short 1", "no digit at all"):
            answers = [
                house.ask("POST", "/users", {"user": {"name": "eve", "password": weak}}),
                house.ask("PATCH", f"/users/{person}", {"user": {"password": weak}}),
                change(house, person, "long enough 1", weak),
            ]
            assert [answer.status for answer in answers] == [400] * 3
            assert {answer.json["error"]["message"].endswith(says) for answer in answers} == {True}
            assert weak not in str([answer.body for answer in answers])
        assert change(house, person, "long enough 1", "long enough 2").status == 204
        assert house.try_login("croft", DEMO_PASSWORD).status == 201, "old passwords stay"

    def test_without_words_the_patterns_speak_for_themselves(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, password_patterns=["[0-9]"])
        answer = house.ask("POST", "/users", {"user": {"name": "eve", "password": "x"}})
        assert "[0-9]" in answer.json["error"]["message"]

    @pytest.mark.parametrize("pattern", ["(", "^(?=.*[0-9]).{7,}$", "(a)\\1"])
    def test_an_expression_that_cannot_be_run_refuses_to_start(self, sqlite_db: Database, pattern: str) -> None:
        with pytest.raises(CroftError, match="password_regex"):
            House(sqlite_db, password_patterns=[pattern])

    def test_an_expression_of_exponential_cost_does_not_exist(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, password_patterns=["^(a+)+$"])
        assert house.ask("POST", "/users", {"user": {"name": "eve", "password": "a" * 4000 + "b"}}).status == 400


class TestAbsence:
    def test_who_stays_away_is_locked_out_until_an_operator_opens(self, db: Database) -> None:
        house = House(db, inactive_days=10)
        person, _ = house.resident()
        for _ in range(3):
            advance(house, 9)
            assert house.try_login("ada").status == 201, "coming in counts"
        advance(house, 10)
        assert house.try_login("ada").json["error"]["message"] == NEUTRAL
        assert change(house, person, "secret-ada", "better").status == 401
        with house.db.write() as tx:
            tx.conn.exec_driver_sql(f"UPDATE identity_user SET active_at = {tx.now} WHERE name = 'admin'")
        assert house.ask("PATCH", f"/users/{person}", {"user": {"enabled": True}}).status == 200
        assert house.try_login("ada").status == 201

    def test_robots_may_stay_away_and_other_proofs_do_not_help(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, inactive_days=10, token_ttl=30 * DAY)
        house.made("user", name="robot", options={"ignore_user_inactivity": True})
        person, place = house.resident()
        token = house.login("ada", scope=project_scope(place))
        wish = {"application_credential": {"name": "key"}}
        made = house.ask("POST", f"/users/{person}/application_credentials", wish, token=token).json
        key = made["application_credential"]
        advance(house, 11)
        assert house.try_login("robot").status == 201
        for identity in (
            {
                "methods": ["application_credential"],
                "application_credential": {"id": key["id"], "secret": key["secret"]},
            },
            {"methods": ["token"], "token": {"id": token}},
        ):
            answer = house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": identity}}, token=None)
            assert answer.status == 401, identity["methods"]
