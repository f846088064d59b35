"""Second factors: rules, one-time codes, receipts, what is tried against them; keystoneauth drives them as well."""

from __future__ import annotations

import json
from typing import Any

import pytest

from croft.core.clock import ManualClock
from croft.core.db import Database
from croft.services.identity.model.vault import Vault, new_key
from tests.services.identity.codes import ADA, BOTH, NEUTRAL, advance, careful, code, device, enter
from tests.services.identity.house import V3, House, project_scope


class TestRules:
    def test_password_and_code_together_open(self, either: House) -> None:
        person, place = careful(either)
        token = enter(either, "secret-ada", code(either), scope=project_scope(place)).json["token"]
        assert (token["user"]["id"], token["methods"]) == (person, ["password", "totp"])

    def test_one_of_both_gets_a_receipt_that_the_other_completes(self, either: House) -> None:
        person, place = careful(either)
        first = enter(either, "secret-ada", scope=project_scope(place))
        assert first.status == 401
        assert first.json == {
            "receipt": {
                "methods": ["password"],
                "user": {"id": person, "name": "ada", "domain": {"id": "default", "name": "Default"}},
                "issued_at": "2023-11-14T22:13:20.000000Z",
                "expires_at": "2023-11-14T22:18:20.000000Z",
            },
            "required_auth_methods": [["password", "totp"]],
        }
        receipt = first.headers["openstack-auth-receipt"]
        token = enter(either, passcode=code(either), receipt=receipt, scope=project_scope(place)).json["token"]
        assert sorted(token["methods"]) == ["password", "totp"]
        assert token["project"]["id"] == place

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            ({"multi_factor_auth_rules": [["password", "totp"]], "multi_factor_auth_enabled": False}, 201),
            ({"multi_factor_auth_rules": []}, 201),
            ({"multi_factor_auth_rules": [["password", "totp"], ["password"]]}, 201),
            ({"multi_factor_auth_rules": [["password", "palm"]]}, 201),
            ({"multi_factor_auth_rules": [["palm"]]}, 201),
            ({"multi_factor_auth_rules": [["palm"], ["totp", "password"]]}, 401),
            ({"multi_factor_auth_rules": [["totp", "password", "palm"]]}, 401),
            ({"multi_factor_auth_rules": [["token", "totp"]]}, 401),
        ],
    )
    def test_they_are_read_as_keystone_reads_them(self, house: House, options: dict[str, Any], status: int) -> None:
        careful(house, options)
        assert enter(house, "secret-ada").status == status

    def test_they_hold_for_every_way_in(self, house: House) -> None:
        person, place = house.resident()
        token = house.login("ada", scope=project_scope(place))
        path = f"/users/{person}/application_credentials"
        key = house.ask("POST", path, {"application_credential": {"name": "k"}}, token=token).json
        key = key["application_credential"]
        device(house, person)
        house.ask("PATCH", f"/users/{person}", {"user": {"options": BOTH}})
        by_key = {"id": key["id"], "secret": key["secret"]}
        for proof in (
            {"methods": ["application_credential"], "application_credential": by_key},
            {"methods": ["token"], "token": {"id": token}},
        ):
            answer = house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": proof}}, token=None)
            assert answer.status == 401
            assert "openstack-auth-receipt" not in answer.headers
        both = enter(house, "secret-ada", code(house)).headers["x-subject-token"]
        proof = {"methods": ["token"], "token": {"id": both}}
        answer = house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": proof}}, token=None)
        assert sorted(answer.json["token"]["methods"]) == ["password", "token", "totp"]
        rule = {"multi_factor_auth_rules": [["password", "totp"], ["application_credential"]]}
        house.ask("PATCH", f"/users/{person}", {"user": {"options": rule}})
        proof = {"methods": ["application_credential"], "application_credential": by_key}
        assert house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": proof}}, token=None).status == 201


class TestCodes:
    def test_a_code_counts_once(self, either: House) -> None:
        careful(either)
        now = code(either)
        assert enter(either, "secret-ada", now).status == 201
        assert enter(either, "secret-ada", now).json["error"]["message"] == NEUTRAL
        advance(either, 30)
        assert enter(either, "secret-ada", now).status == 401, "nor within the drift"
        assert enter(either, "secret-ada", code(either)).status == 201
        assert enter(either, "secret-ada", code(either, steps=-1)).status == 401, "nor any before it"

    @pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 201), (0, 201), (1, 201), (2, 401)])
    def test_clocks_may_differ_by_one_step(self, house: House, steps: int, status: int) -> None:
        careful(house)
        assert enter(house, "secret-ada", code(house, steps=steps)).status == status

    @pytest.mark.parametrize("given", ["", "000", "00000\uff10", "abcdef", "1" * 4000])
    def test_what_is_no_code_opens_nothing(self, house: House, given: str) -> None:
        careful(house)
        assert enter(house, "secret-ada", given).status == 401

    def test_only_for_whom_the_password_is(self, house: House) -> None:
        careful(house)
        eve = house.made("user", name="eve")["id"]
        device(house, eve, "A" * 32)
        proofs = {
            "password": {"user": {**ADA, "password": "secret-ada"}},
            "totp": {"user": {"id": eve, "passcode": code(house, "A" * 32)}},
        }
        auth = {"identity": {"methods": ["password", "totp"], **proofs}}
        answer = house.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None)
        assert answer.json["error"]["message"] == NEUTRAL

    def test_alone_it_opens_only_where_a_rule_says_so(self, house: House) -> None:
        person, _ = house.resident()
        device(house, person)
        assert enter(house, passcode=code(house)).json["error"]["message"] == NEUTRAL
        house.ask("PATCH", f"/users/{person}", {"user": {"options": {"multi_factor_auth_rules": [["totp"]]}}})
        assert enter(house, passcode=code(house)).json["token"]["methods"] == ["totp"]
        assert enter(house, passcode=code(house), who={"id": "0" * 32}).status == 401

    def test_several_devices_each_have_their_codes(self, house: House) -> None:
        person, _ = careful(house)
        assert device(house, person, "A" * 32).status == 201
        assert enter(house, "secret-ada", code(house)).status == 201
        assert enter(house, "secret-ada", code(house, "A" * 32)).status == 201
        assert enter(house, "secret-ada", code(house, "A" * 32)).status == 401
        for letter in "BCDEFG":
            assert device(house, person, letter * 32).status == 201
        assert device(house, person, "H" * 32).status == 403

    @pytest.mark.parametrize("secret", ["", "JBSWY3DPEHPK3PXP", "not base32 at all 0189 not base32", "ä" * 40])
    def test_a_poor_secret_is_refused(self, house: House, secret: str) -> None:
        person = house.made("user", name="ada")["id"]
        assert device(house, person, secret).status == 400
        made = device(house, person).json["credential"]
        change = house.ask("PATCH", f"/credentials/{made['id']}", {"credential": {"blob": secret}})
        assert change.status == 400


class TestGuessing:
    def test_wrong_codes_behind_the_right_password_close_for_longer_and_longer(self, db: Database) -> None:
        house = House(db, address_attempts=0)
        careful(house)
        for _ in range(5):
            assert enter(house, "secret-ada", "000000").status == 401
        closed = enter(house, "secret-ada", code(house))
        assert closed.json["error"]["message"] == NEUTRAL
        advance(house, 60)
        assert enter(house, "secret-ada", "000000").status == 401
        advance(house, 60)
        assert enter(house, "secret-ada", code(house)).status == 401, "two minutes now"
        advance(house, 60)
        assert enter(house, "secret-ada", code(house)).status == 201
        for _ in range(5):
            enter(house, "secret-ada", "000000")
        advance(house, 60)
        assert enter(house, "secret-ada", code(house)).status == 201, "a right one began the count anew"

    def test_in_a_day_of_trying_few_codes_are_tried(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, address_attempts=0)
        careful(house)
        tried = 0
        for _ in range(24 * 60):
            with house.db.read() as tx:
                before = tx.conn.exec_driver_sql("SELECT second_failed FROM identity_user WHERE name='ada'").scalar()
            if before >= 5:
                advance(house, min(3600, 60 << min(before - 5, 16)))
            enter(house, "secret-ada", "000000")
            tried += 1
            if house.clock.now() > ManualClock().now() + 86_400:
                break
        assert tried < 40

    def test_strangers_cannot_close_it(self, house: House) -> None:
        careful(house)
        for _ in range(12):
            assert enter(house, passcode="000000").status == 401
            assert enter(house, "guess", "000000", client="203.0.113.1").status == 401
        with house.db.write() as tx:
            tx.conn.exec_driver_sql("UPDATE identity_user SET failed = 0")
        assert enter(house, "secret-ada", code(house)).status == 201

    def test_whether_somebody_has_a_device_shows_to_nobody_else(self, house: House) -> None:
        careful(house)
        house.made("user", name="plain")
        plain = {"name": "plain", "domain": {"id": "default"}}
        nobody = {"name": "nobody", "domain": {"id": "default"}}
        answers = [
            enter(house, password, passcode, who=who)
            for who in (ADA, plain, nobody)
            for password, passcode in (("guess", None), ("guess", code(house)), (None, code(house)), (None, "000000"))
        ]
        assert {(answer.status, answer.body) for answer in answers} == {(401, answers[0].body)}
        assert not any("openstack-auth-receipt" in answer.headers for answer in answers)

    def test_the_guesses_count_for_the_address(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, address_attempts=3)
        careful(house)
        for _ in range(3):
            enter(house, "secret-ada", "000000")
        assert enter(house, "secret-ada", code(house)).status == 429
        assert enter(house, passcode=code(house)).status == 429


class TestReceipts:
    def receipt(self, house: House) -> str:
        return enter(house, "secret-ada").headers["openstack-auth-receipt"]

    def test_they_end_after_five_minutes_and_are_not_renewed_by_themselves(self, house: House) -> None:
        careful(house, {"multi_factor_auth_rules": [["password", "totp", "token"]]})
        receipt = self.receipt(house)
        advance(house, 299)
        second = enter(house, passcode=code(house), receipt=receipt)
        assert second.status == 401
        assert second.json["receipt"]["methods"] == ["password", "totp"]
        assert second.json["receipt"]["expires_at"] == "2023-11-14T22:18:20.000000Z"
        advance(house, 1)
        renewed = second.headers["openstack-auth-receipt"]
        for late in (receipt, renewed):
            assert enter(house, passcode=code(house), receipt=late).json["error"]["message"] == NEUTRAL

    def test_a_receipt_alone_opens_nothing_and_makes_no_other(self, house: House) -> None:
        careful(house)
        answer = enter(house, receipt=self.receipt(house))
        assert answer.status == 401
        assert "openstack-auth-receipt" not in answer.headers

    @pytest.mark.parametrize("forged", ["gAAAAABmade-up", "x" * 400, "ä", "e30="])
    def test_a_forged_one_opens_nothing(self, house: House, forged: str) -> None:
        careful(house)
        answer = enter(house, passcode=code(house), receipt=forged)
        assert answer.json["error"]["message"] == NEUTRAL

    def test_nothing_else_that_the_vault_sealed_passes_for_one(self, house: House) -> None:
        person, _ = careful(house)
        vault = Vault(house.settings.vault_keys)
        words = {"user": person, "methods": ["password"], "issued": 1, "expires": 2**40, "stamp": ""}
        for purpose in ("credential", person):
            sealed = vault.seal(purpose, json.dumps(words))
            assert enter(house, passcode=code(house), receipt=sealed).status == 401
        foreign = Vault([new_key()]).seal("receipt", json.dumps(words))
        assert enter(house, passcode=code(house), receipt=foreign).status == 401

    def test_a_stolen_one_serves_no_other_user(self, house: House) -> None:
        careful(house)
        eve = house.made("user", name="eve", options=BOTH)["id"]
        device(house, eve, "A" * 32)
        mine = {"id": eve}
        answer = enter(house, passcode=code(house, "A" * 32), receipt=self.receipt(house), who=mine)
        assert answer.json["error"]["message"] == NEUTRAL
        answer = enter(house, "secret-eve", code(house, "A" * 32), receipt=self.receipt(house), who=mine)
        assert answer.json["error"]["message"] == NEUTRAL

    def test_they_end_with_the_password_and_the_account(self, house: House) -> None:
        person, _ = careful(house)
        old = self.receipt(house)
        house.ask("PATCH", f"/users/{person}", {"user": {"password": "fresh"}})
        assert enter(house, passcode=code(house), receipt=old).status == 401
        advance(house, 60)
        new = enter(house, "fresh").headers["openstack-auth-receipt"]
        house.ask("PATCH", f"/users/{person}", {"user": {"enabled": False}})
        assert enter(house, passcode=code(house), receipt=new).status == 401

    def test_another_process_with_the_same_keys_takes_them(self, sqlite_db: Database) -> None:
        keys = [new_key()]
        house = House(sqlite_db, vault_keys=keys)
        careful(house)
        receipt = self.receipt(house)
        assert enter(House(sqlite_db), passcode=code(house), receipt=receipt).status == 401
        newer = House(sqlite_db, vault_keys=[new_key(), *keys])
        assert enter(newer, passcode=code(house), receipt=receipt).status == 201
