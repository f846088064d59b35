"""Users, their passwords, and groups."""

from __future__ import annotations

from typing import Any

import pytest

from croft.core.db import Database
from croft.services.identity.actions import Seed, project_exists, seed
from tests.services.identity.house import ADMIN_PASSWORD, DEMO_PASSWORD, House, project_scope


def test_a_user_is_what_was_asked_for(either: House) -> None:
    wish = {"name": "ada", "description": "counts", "email": "ada@example.org", "password": "x" * 10}
    made = either.made("user", **wish)
    shown = either.ask("GET", f"/users/{made['id']}").json["user"]
    assert made == shown
    assert shown == {
        "id": made["id"],
        "name": "ada",
        "description": "counts",
        "email": "ada@example.org",
        "domain_id": "default",
        "enabled": True,
        "options": {},
        "password_expires_at": None,
        "links": {"self": f"https://cloud.test:8443/identity/v3/users/{made['id']}"},
    }


def test_a_user_changes_only_where_it_was_told_to(either: House) -> None:
    made = either.made("user", name="ada", description="counts", email="a@example.org")
    path = f"/users/{made['id']}"
    assert either.ask("PATCH", path, {"user": {"name": "lovelace"}}).json["user"] == made | {"name": "lovelace"}
    either.ask("PATCH", path, {"user": {"email": "b@example.org", "description": None}})
    shown = either.ask("GET", path).json["user"]
    assert shown["email"] == "b@example.org"
    assert "description" not in shown
    assert either.try_login("lovelace", "secret-ada").status == 201


def test_names_are_unique_in_a_domain(either: House) -> None:
    either.made("user", name="ada")
    assert either.ask("POST", "/users", {"user": {"name": "ada"}}).status == 409
    other = either.made("user", name="bob")["id"]
    assert either.ask("PATCH", f"/users/{other}", {"user": {"name": "ada"}}).status == 409
    domain = either.made("domain", name="empire")["id"]
    either.made("user", name="ada", domain_id=domain)
    assert either.ask("PATCH", f"/users/{other}", {"user": {"domain_id": domain}}).status == 400


@pytest.mark.parametrize(
    "user",
    [
        {"name": "x" * 256},
        {"name": ""},
        {"name": "x", "enabled": "maybe"},
        {"name": "x", "password": "x" * 5000},
        {"name": "x", "options": {"unheard": True}},
        {"name": "x", "options": {"multi_factor_auth_enabled": "yes"}},
        {"name": "x", "options": {"multi_factor_auth_rules": [[]]}},
        {"name": "x", "options": {"multi_factor_auth_rules": ["password"]}},
        {"name": "x", "options": {"multi_factor_auth_rules": [["password", "password"]]}},
        {"name": "x", "options": {"multi_factor_auth_rules": [["password"], ["password"]]}},
        {"name": "x", "federated": [{"idp_id": "a", "protocols": []}]},
    ],
)
def test_what_cannot_be_kept_is_refused(house: House, user: dict[str, Any]) -> None:
    assert house.ask("POST", "/users", {"user": user}).status == 400
    assert house.ask("GET", "/users", query="name=x").json["users"] == []


def test_a_deleted_user_leaves_nothing_behind(either: House) -> None:
    person, place = either.resident()
    group = either.made("group", name="crew")["id"]
    either.ask("PUT", f"/groups/{group}/users/{person}")
    either.login("ada", scope=project_scope(place))
    assert either.ask("DELETE", f"/users/{person}").status == 204
    assert either.ask("GET", f"/users/{person}").status == 404
    assert either.ask("DELETE", f"/users/{person}").status == 404
    assert either.ask("GET", f"/groups/{group}/users").json["users"] == []
    assignments = either.ask("GET", "/role_assignments").json["role_assignments"]
    assert person not in str(assignments)
    either.made("user", name="ada")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=ada", ["ada"]),
        ("enabled=0", ["bob"]),
        ("domain_id=nowhere", []),
        ("domain_id=default&enabled=1", ["ada", "admin", "croft"]),
    ],
)
def test_lists_are_narrowed_by_what_is_asked(house: House, query: str, names: list[str]) -> None:
    house.made("user", name="ada")
    house.made("user", name="bob", enabled=False)
    assert sorted(each["name"] for each in house.ask("GET", "/users", query=query).json["users"]) == names


class TestEyes:
    def test_people_see_themselves_and_nobody_else(self, either: House) -> None:
        person = either.made("user", name="ada", email="ada@example.org")["id"]
        other = either.made("user", name="bob")["id"]
        token = either.login("ada")
        assert either.ask("GET", f"/users/{person}", token=token).json["user"]["email"] == "ada@example.org"
        for path in (f"/users/{other}", f"/users/{'0' * 32}", f"/users/{other}/groups", f"/users/{other}/projects"):
            assert either.ask("GET", path, token=token).status == 404, path
        for method, path in (("GET", "/users"), ("GET", "/users?name=bob"), ("DELETE", f"/users/{person}")):
            assert either.ask(method, path, token=token).status == 403, path
        assert either.ask("PATCH", f"/users/{person}", {"user": {"name": "root"}}, token=token).status == 403
        assert either.ask("POST", "/users", {"user": {"name": "eve"}}, token=token).status == 403

    def test_a_manager_finds_people_by_name_and_sees_little_of_them(self, house: House) -> None:
        person = house.made("user", name="ada", email="ada@example.org")["id"]
        token = house.login("croft", DEMO_PASSWORD)
        assert house.ask("GET", "/users", token=token).status == 403
        assert house.ask("GET", "/users", token=token, query="domain_id=default").status == 403
        found = house.ask("GET", "/users", token=token, query="name=ada").json["users"]
        assert [set(each) for each in found] == [{"id", "name", "domain_id", "enabled", "links"}]
        assert house.ask("GET", f"/users/{person}", token=token).status == 404
        house.grant(person, "member", house.named("project", "demo"))
        member = house.ask("GET", f"/users/{person}", token=token).json["user"]
        assert member["name"] == "ada"
        assert "email" not in member


class TestOwnPassword:
    def change(self, house: House, user: str, old: str, new: str, token: str) -> int:
        body = {"user": {"original_password": old, "password": new}}
        return house.ask("POST", f"/users/{user}/password", body, token=token).status

    def test_it_ends_every_token_and_the_old_word(self, either: House) -> None:
        person, place = either.resident()
        tokens = [either.login("ada"), either.login("ada", scope=project_scope(place))]
        assert self.change(either, person, "secret-ada", "better", tokens[0]) == 204
        assert [either.valid(token) for token in tokens] == [False, False]
        assert either.try_login("ada").status == 401
        assert either.try_login("ada", "better").status == 201

    def test_it_asks_for_the_present_word_and_counts_wrong_ones(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, lockout_attempts=3)
        person, _ = house.resident()
        token = house.login("ada")
        for _ in range(3):
            assert self.change(house, person, "guess", "better", token) == 401
        assert self.change(house, person, "secret-ada", "better", token) == 401, "it is locked now"
        assert self.change(house, "0" * 32, "guess", "better", token) == 401
        assert house.valid(token)

    def test_a_closed_account_keeps_its_word(self, house: House) -> None:
        person = house.made("user", name="ada", enabled=False)["id"]
        assert self.change(house, person, "secret-ada", "better", house.demo()) == 401

    def test_it_must_be_a_new_one(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, unique_last_passwords=3)
        person, _ = house.resident()
        assert self.change(house, person, "secret-ada", "secret-ada", house.login("ada")) == 400
        assert self.change(house, person, "secret-ada", "two", house.login("ada")) == 204
        assert self.change(house, person, "two", "three", house.login("ada", "two")) == 204
        assert self.change(house, person, "three", "secret-ada", house.login("ada", "three")) == 400
        assert self.change(house, person, "three", "four", house.login("ada", "three")) == 204
        assert self.change(house, person, "four", "secret-ada", house.login("ada", "four")) == 204

    def test_an_operator_can_lock_it(self, house: House) -> None:
        person = house.made("user", name="ada", options={"lock_password": True})["id"]
        assert self.change(house, person, "secret-ada", "better", house.login("ada")) == 403
        house.ask("PATCH", f"/users/{person}", {"user": {"options": {"lock_password": None}}})
        assert self.change(house, person, "secret-ada", "better", house.login("ada")) == 204


class TestGroups:
    def test_they_are_made_shown_changed_and_ended(self, either: House) -> None:
        made = either.made("group", name="crew", description="all hands")
        path = f"/groups/{made['id']}"
        assert either.ask("GET", path).json["group"] == made
        assert either.ask("POST", "/groups", {"group": {"name": "crew"}}).status == 409
        changed = either.ask("PATCH", path, {"group": {"name": "band"}}).json["group"]
        assert changed == made | {"name": "band"}
        other = either.made("group", name="other")["id"]
        assert either.ask("PATCH", f"/groups/{other}", {"group": {"name": "band"}}).status == 409
        assert either.ask("PATCH", path, {"group": {"domain_id": "elsewhere"}}).status == 400
        names = [each["name"] for each in either.ask("GET", "/groups").json["groups"]]
        assert sorted(names) == ["band", "other"]
        assert len(either.ask("GET", "/groups", query="name=band").json["groups"]) == 1
        assert either.ask("DELETE", path).status == 204
        assert either.ask("GET", path).status == 404

    def test_membership(self, either: House) -> None:
        group, person = either.made("group", name="crew")["id"], either.made("user", name="ada")["id"]
        path = f"/groups/{group}/users/{person}"
        assert either.ask("HEAD", path).status == 404
        for _ in range(2):
            assert either.ask("PUT", path).status == 204
        assert either.ask("HEAD", path).status == 204
        assert [each["id"] for each in either.ask("GET", f"/groups/{group}/users").json["users"]] == [person]
        token = either.login("ada")
        mine = either.ask("GET", f"/users/{person}/groups", token=token).json["groups"]
        assert [each["name"] for each in mine] == ["crew"]
        assert either.ask("GET", f"/users/{person}/groups", query="name=other").json["groups"] == []
        assert either.ask("GET", f"/groups/{group}", token=token).status == 403
        assert either.ask("DELETE", path).status == 204
        assert either.ask("DELETE", path).status == 404
        assert either.ask("PUT", f"/groups/{group}/users/{'0' * 32}").status == 404
        assert either.ask("PUT", f"/groups/{'0' * 32}/users/{person}").status == 404


class TestSeed:
    def test_the_operator_and_the_tenant_are_there_once(self, db: Database) -> None:
        house = House(db)
        before = house.ask("GET", "/role_assignments").json["role_assignments"]
        seed(db, Seed("other", "other"), 4)
        assert house.ask("GET", "/role_assignments").json["role_assignments"] == before
        assert house.try_login("admin", "other").status == 401
        assert house.try_login("admin", ADMIN_PASSWORD).json["token"]["project"]["name"] == "admin"
        assert house.try_login("admin", ADMIN_PASSWORD, scope={"system": {"all": True}}).status == 201
        tenant = house.try_login("croft", DEMO_PASSWORD).json["token"]
        assert (tenant["project"]["name"], [role["name"] for role in tenant["roles"]]) == (
            "demo",
            ["manager", "member", "reader"],
        )
        with db.read() as tx:
            assert project_exists(tx, tenant["project"]["id"])
            assert not project_exists(tx, "default")
            assert not project_exists(tx, "nowhere")

    def test_its_words_do_not_show_secrets(self) -> None:
        assert "hush" not in repr(Seed("hush", "hush"))
