"""Identity providers elsewhere, their protocols and mappings; service providers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.identity.house import House

AT = "/OS-FEDERATION"
RULES = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "UserName"}, {"type": "org", "any_one_of": ["x"]}]}]
SERVICE_PROVIDER = {"auth_url": "https://there.test/v3", "sp_url": "https://there.test/saml"}


def put(house: House, kind: str, name: str, **words: Any) -> dict[str, Any]:
    answer = house.ask("PUT", f"{AT}/{kind}s/{name}", {kind: words})
    assert answer.status == 201, answer.body
    return dict(answer.json[kind])


def test_a_provider_lives_in_a_domain_of_its_own_unless_one_is_named(either: House) -> None:
    provider = put(either, "identity_provider", "campus", enabled=True, remote_ids=["a", "b"])
    assert provider["domain_id"] != "default"
    assert provider["enabled"]
    assert provider["remote_ids"] == ["a", "b"]
    assert either.ask("GET", f"/domains/{provider['domain_id']}").status == 200
    named = put(either, "identity_provider", "city", domain_id="default")
    assert named["domain_id"] == "default"
    assert not named["enabled"]
    unknown = {"identity_provider": {"domain_id": "nowhere"}}
    assert either.ask("PUT", f"{AT}/identity_providers/sea", unknown).status == 404
    listed = either.ask("GET", f"{AT}/identity_providers").json["identity_providers"]
    assert [each["id"] for each in listed] == ["campus", "city"]
    listed = either.ask("GET", f"{AT}/identity_providers", query="enabled=true").json["identity_providers"]
    assert [each["id"] for each in listed] == ["campus"]


def test_a_remote_id_belongs_to_one_provider(house: House) -> None:
    put(house, "identity_provider", "campus", remote_ids=["a"])
    put(house, "identity_provider", "city", remote_ids=["b"])
    taken = {"identity_provider": {"remote_ids": ["a"]}}
    assert house.ask("PATCH", f"{AT}/identity_providers/city", taken).status == 409
    assert house.ask("PUT", f"{AT}/identity_providers/sea", taken).status == 409
    assert house.ask("PATCH", f"{AT}/identity_providers/campus", taken).status == 200
    changed = house.ask("PATCH", f"{AT}/identity_providers/city", {"identity_provider": {"remote_ids": None}})
    assert changed.json["identity_provider"]["remote_ids"] == []
    assert house.ask("PUT", f"{AT}/identity_providers/city", {"identity_provider": {}}).status == 409


def test_a_protocol_reads_by_a_mapping_that_is_there(either: House) -> None:
    put(either, "identity_provider", "campus")
    at = f"{AT}/identity_providers/campus/protocols"
    wish = {"protocol": {"mapping_id": "plain"}}
    assert either.ask("PUT", f"{at}/openid", wish).status == 400
    put(either, "mapping", "plain", rules=RULES)
    put(either, "mapping", "other", rules=RULES, schema_version="2.0")
    assert either.ask("PUT", f"{AT}/identity_providers/city/protocols/openid", wish).status == 404
    made = either.ask("PUT", f"{at}/openid", wish)
    assert made.status == 201
    assert made.json["protocol"]["mapping_id"] == "plain"
    assert either.ask("PUT", f"{at}/openid", wish).status == 409
    assert either.ask("DELETE", f"{AT}/mappings/plain").status == 409
    change = {"protocol": {"mapping_id": "other", "remote_id_attribute": "iss"}}
    assert either.ask("PATCH", f"{at}/openid", change).json["protocol"]["remote_id_attribute"] == "iss"
    assert either.ask("GET", at).json["protocols"][0]["idp_id"] == "campus"
    assert either.ask("DELETE", f"{AT}/mappings/plain").status == 204
    assert either.ask("DELETE", f"{AT}/identity_providers/campus").status == 204
    assert either.ask("GET", f"{at}/openid").status == 404
    assert either.ask("GET", at).status == 404
    assert either.ask("DELETE", f"{AT}/mappings/other").status == 204


def test_a_protocol_ends(house: House) -> None:
    put(house, "identity_provider", "campus")
    put(house, "mapping", "plain", rules=RULES)
    one = f"{AT}/identity_providers/campus/protocols/openid"
    house.ask("PUT", one, {"protocol": {"mapping_id": "plain"}})
    assert house.ask("GET", one).json["protocol"]["id"] == "openid"
    assert house.ask("DELETE", one).status == 204
    assert house.ask("DELETE", one).status == 404


def test_a_mapping_is_kept_as_it_was_written(either: House) -> None:
    made = put(either, "mapping", "plain", rules=RULES, id="plain")
    assert made["rules"] == RULES
    assert made["schema_version"] == "1.0"
    change = {"mapping": {"rules": RULES * 2, "schema_version": "2.0"}}
    assert either.ask("PATCH", f"{AT}/mappings/plain", change).json["mapping"]["schema_version"] == "2.0"
    assert either.ask("GET", f"{AT}/mappings/plain").json["mapping"]["rules"] == RULES * 2
    assert [each["id"] for each in either.ask("GET", f"{AT}/mappings").json["mappings"]] == ["plain"]


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"rules": []},
        {"rules": [{"local": [], "remote": [{"type": "a"}]}]},
        {"rules": [{"local": [{"user": {"name": "x"}}]}]},
        {"rules": [{"local": [{"power": {}}], "remote": [{"type": "a"}]}]},
        {"rules": RULES, "schema_version": "3.0"},
        {"rules": RULES, "owner": "me"},
    ],
)
def test_mappings_that_say_nothing_are_refused(house: House, wish: dict[str, Any]) -> None:
    assert house.ask("PUT", f"{AT}/mappings/plain", {"mapping": wish}).status == 400
    assert house.ask("GET", f"{AT}/mappings/plain").status == 404


def test_ids_that_a_url_cannot_hold_are_refused(house: House) -> None:
    for name in ("a%20b", "x" * 65, "..%2f"):
        answer = house.ask("PUT", f"{AT}/identity_providers/{name}", {"identity_provider": {}})
        assert answer.status == 400, name


def test_service_providers_come_change_and_go(either: House) -> None:
    made = put(either, "service_provider", "there", **SERVICE_PROVIDER)
    assert made["relay_state_prefix"] == "ss:mem:"
    assert not made["enabled"]
    change = {"service_provider": {"enabled": True, "relay_state_prefix": None, "description": "far"}}
    changed = either.ask("PATCH", f"{AT}/service_providers/there", change).json["service_provider"]
    assert changed["enabled"]
    assert changed["description"] == "far"
    assert changed["relay_state_prefix"] == "ss:mem:"
    half = {"service_provider": {"auth_url": "https://there.test"}}
    assert either.ask("PUT", f"{AT}/service_providers/half", half).status == 400
    again = either.ask("PUT", f"{AT}/service_providers/there", {"service_provider": SERVICE_PROVIDER})
    assert again.status == 409
    assert len(either.ask("GET", f"{AT}/service_providers").json["service_providers"]) == 1
    assert either.ask("DELETE", f"{AT}/service_providers/there").status == 204
    assert either.ask("GET", f"{AT}/service_providers/there").status == 404
