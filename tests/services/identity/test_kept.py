"""Policies, OAuth consumers and domains' configuration: kept as they were written, shown to operators alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.identity.house import House


def test_a_policy_lives(either: House) -> None:
    house = either
    wish = {"type": "application/json", "blob": '{"rule": "role:admin"}', "note": "ours"}
    row = house.ask("POST", "/policies", {"policy": wish}).json["policy"]
    place = f"/policies/{row['id']}"
    assert {**row, **wish} == row
    assert row["links"]["self"].endswith(place)
    assert house.ask("GET", place).json["policy"] == row
    changed = house.ask("PATCH", place, {"policy": {"blob": "{}", "note": "theirs"}}).json["policy"]
    assert changed == row | {"blob": "{}", "note": "theirs"}
    found = [house.ask("GET", "/policies", query=f"type={kind}").json["policies"] for kind in ("application/json", "x")]
    assert found == [[changed], []]
    assert house.ask("DELETE", place).status == 204
    assert [house.ask(verb, place, {"policy": {"blob": ""}}).status for verb in ("GET", "PATCH", "DELETE")] == [404] * 3


@pytest.mark.parametrize("wrong", [{}, {"type": "x"}, {"blob": "x"}, {"type": "x" * 256, "blob": "x"}, {"blob": 7}])
def test_a_wrong_policy_is_refused(house: House, wrong: dict[str, Any]) -> None:
    assert house.ask("POST", "/policies", {"policy": wrong}).status == 400
    assert house.ask("GET", "/policies").json["policies"] == []


def test_a_consumer_lives_and_shows_its_secret_once(either: House) -> None:
    house = either
    made = house.ask("POST", "/OS-OAUTH1/consumers", {"consumer": {"description": "a shop", "note": "ours"}})
    row = made.json["consumer"]
    secret, place = row.pop("secret"), f"/OS-OAUTH1/consumers/{row['id']}"
    assert (made.status, row["description"], row["note"]) == (201, "a shop", "ours")
    assert len(secret) > 20
    assert house.ask("GET", place).json["consumer"] == row
    assert house.ask("GET", "/OS-OAUTH1/consumers").json["consumers"] == [row]
    changed = house.ask("PATCH", place, {"consumer": {"description": "two shops"}}).json["consumer"]
    assert changed == row | {"description": "two shops"}
    assert house.ask("PATCH", place, {"consumer": {"secret": "mine"}}).status == 400
    assert house.ask("DELETE", place).status == 204
    wish = {"consumer": {"description": "x"}}
    assert [house.ask(verb, place, wish).status for verb in ("GET", "PATCH", "DELETE")] == [404] * 3


CONFIG = {"identity": {"driver": "ldap"}, "ldap": {"url": "ldap://directory.test", "user_tree_dn": "ou=people"}}


@pytest.fixture
def place(house: House) -> str:
    return f"/domains/{house.made('domain', name='empire')['id']}/config"


def config(house: House, path: str) -> Any:
    return house.ask("GET", path).json["config"]


def test_a_domains_configuration_lives(either: House) -> None:
    house = either
    place = f"/domains/{house.made('domain', name='empire')['id']}/config"
    assert house.ask("GET", place).status == 404
    assert [house.ask("PUT", place, {"config": CONFIG}).status for _ in range(2)] == [201, 200]
    assert config(house, place) == CONFIG
    assert config(house, f"{place}/ldap") == {"ldap": CONFIG["ldap"]}
    assert config(house, f"{place}/ldap/url") == {"url": "ldap://directory.test"}
    assert house.ask("GET", f"{place}/ldap/suffix").status == 404
    changed = house.ask("PATCH", place, {"config": {"ldap": {"suffix": "dc=test"}}}).json["config"]
    assert changed == CONFIG | {"ldap": CONFIG["ldap"] | {"suffix": "dc=test"}}
    changed = house.ask("PATCH", f"{place}/ldap", {"config": {"ldap": {"url": "ldap://two.test"}}}).json["config"]
    assert changed["ldap"]["url"] == "ldap://two.test"
    changed = house.ask("PATCH", f"{place}/ldap/url", {"config": {"url": "ldap://three.test"}}).json["config"]
    assert changed["ldap"] == {"url": "ldap://three.test", "user_tree_dn": "ou=people", "suffix": "dc=test"}
    assert house.ask("DELETE", f"{place}/ldap/suffix").status == 204
    assert set(config(house, f"{place}/ldap")["ldap"]) == {"url", "user_tree_dn"}
    assert house.ask("DELETE", f"{place}/ldap").status == 204
    assert config(house, place) == {"identity": {"driver": "ldap"}}
    assert [house.ask("DELETE", place).status for _ in range(2)] == [204, 204]
    assert house.ask("GET", place).status == 404


@pytest.mark.parametrize(
    "wrong",
    [{}, {"ldap": {}}, {"token": {"provider": "x"}}, {"ldap": {"password": "secret"}}, {"identity": {"url": "x"}}],
)
def test_a_configuration_holds_only_what_keystone_takes_and_no_secret(
    house: House, place: str, wrong: dict[str, Any]
) -> None:
    assert house.ask("PUT", place, {"config": wrong}).status == 403
    house.ask("PUT", place, {"config": CONFIG})
    assert house.ask("PATCH", place, {"config": wrong}).status == 403
    assert config(house, place) == CONFIG


def test_a_part_is_changed_alone_and_must_be_there(house: House, place: str) -> None:
    house.ask("PUT", place, {"config": {"ldap": CONFIG["ldap"]}})
    two = {"ldap": {"url": "x"}, "identity": {"driver": "x"}}
    assert house.ask("PATCH", f"{place}/ldap", {"config": two}).status == 403
    assert house.ask("PATCH", f"{place}/ldap/url", {"config": {"url": "x", "suffix": "y"}}).status == 403
    assert house.ask("PATCH", f"{place}/identity", {"config": {"identity": {"driver": "x"}}}).status == 404
    assert house.ask("PATCH", f"{place}/ldap/suffix", {"config": {"suffix": "x"}}).status == 404
    assert house.ask("PATCH", f"{place}/ldap", {"config": {"ldap": "x"}}).status == 400
    wrong = ("token", "ldap/password", "token/provider")
    assert [house.ask("GET", f"{place}/{part}").status for part in wrong] == [403] * 3
    assert [house.ask("DELETE", f"{place}/{part}").status for part in wrong] == [403] * 3
    assert [house.ask("DELETE", f"{place}/{part}").status for part in ("identity", "ldap/suffix")] == [404] * 2
    assert config(house, place) == {"ldap": CONFIG["ldap"]}


def test_a_configuration_is_of_a_domain_and_goes_with_it(house: House, place: str) -> None:
    elsewhere = "/domains/nowhere/config"
    assert house.ask("PUT", elsewhere, {"config": CONFIG}).status == 404
    assert house.ask("PUT", f"/domains/{house.named('project', 'demo')}/config", {"config": CONFIG}).status == 404
    house.ask("PUT", place, {"config": CONFIG})
    domain = place.removesuffix("/config")
    house.ask("PATCH", domain, {"domain": {"enabled": False}})
    assert house.ask("DELETE", domain).status == 204
    assert house.ask("GET", place).status == 404


def test_the_defaults_are_told(house: House) -> None:
    assert set(config(house, "/domains/config/default")) == {"identity", "ldap"}
    assert config(house, "/domains/config/identity/default") == {"identity": {"driver": "sql", "list_limit": None}}
    assert config(house, "/domains/config/identity/driver/default") == {"driver": "sql"}
    assert house.ask("GET", "/domains/config/token/default").status == 403
    assert house.ask("GET", "/domains/config/ldap/odd/default").status == 403


def test_everybody_reads_what_passwords_must_look_like(house: House, place: str) -> None:
    told = "/domains/default/config/security_compliance"
    both = house.ask("GET", told, token=house.demo()).json["config"]
    assert set(both["security_compliance"]) == {"password_regex", "password_regex_description"}
    assert set(config(house, f"{told}/password_regex")) == {"password_regex"}
    assert house.ask("GET", f"{told}/lockout_duration").status == 403
    assert house.ask("GET", f"{place}/security_compliance").status == 403
