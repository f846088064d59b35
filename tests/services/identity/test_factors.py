"""Second factors: rules, one-time codes, receipts, what is tried against them; keystoneauth drives them as well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
import requests
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3
from requests.adapters import BaseAdapter

from croft.core.clock import ManualClock
from croft.core.db import Database
from croft.services import identity
from croft.services.identity.actions import seal_credentials
from croft.services.identity.model.vault import Vault, new_key
from tests.services.identity.house import ADMIN_PASSWORD, V3, House, project_scope
from tests.world import Answer

NEUTRAL = "The request you have made requires authentication."
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
BOTH = {"multi_factor_auth_rules": [["password", "totp"]]}
ADA = {"name": "ada", "domain": {"id": "default"}}


def code(house: House, secret: str = SECRET, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(house.clock.now() + 30 * steps)


def advance(house: House, seconds: int) -> None:
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(seconds)


def device(house: House, user: str, secret: str = SECRET, token: str = "") -> Answer:
    wish = {"credential": {"type": "totp", "blob": secret, "user_id": user}}
    return house.ask("POST", "/credentials", wish, token=token)


def careful(house: House, options: Mapping[str, Any] = BOTH) -> tuple[str, str]:
    """ada, who has a device and must use it: her id and her project's."""
    person, place = house.resident()
    assert device(house, person).status == 201
    house.ask("PATCH", f"/users/{person}", {"user": {"options": dict(options)}})
    return person, place


def enter(
    house: House,
    password: str | None = None,
    passcode: str | None = None,
    receipt: str = "",
    who: Mapping[str, Any] = ADA,
    scope: Any = None,
    **words: Any,
) -> Answer:
    proofs: dict[str, Any] = {}
    if password is not None:
        proofs["password"] = {"user": {**who, "password": password}}
    if passcode is not None:
        proofs["totp"] = {"user": {**who, "passcode": passcode}}
    auth: dict[str, Any] = {"identity": {"methods": list(proofs), **proofs}}
    if scope is not None:
        auth["scope"] = scope
    headers = {"Openstack-Auth-Receipt": receipt} if receipt else {}
    return house.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None, headers=headers, **words)


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


class TestDevices:
    """A stolen password is not enough to bring a device of one's own."""

    def test_who_has_one_shows_its_code_before_changing_any(self, house: House) -> None:
        person, _ = house.resident()
        thief = house.login("ada")
        first = device(house, person, token=thief)
        assert first.status == 201, "the first device needs none before it"
        path = f"/credentials/{first.json['credential']['id']}"
        refused = [
            device(house, person, "A" * 32, token=thief),
            house.ask("PATCH", path, {"credential": {"blob": "A" * 32}}, token=thief),
            house.ask("DELETE", path, token=thief),
        ]
        assert [answer.status for answer in refused] == [403] * 3
        owner = enter(house, "secret-ada", code(house)).headers["x-subject-token"]
        assert device(house, person, "A" * 32, token=owner).status == 201
        assert house.ask("DELETE", path, token=owner).status == 204

    def test_an_operator_ends_a_lost_one(self, house: House) -> None:
        person, _ = careful(house)
        found = house.ask("GET", "/credentials", query=f"user_id={person}&type=totp").json["credentials"]
        assert found[0]["blob"] == SECRET, "the operator wrote it"
        assert house.ask("DELETE", f"/credentials/{found[0]['id']}").status == 204
        assert enter(house, "secret-ada", code(house)).status == 401
        assert device(house, person, "A" * 32).status == 201
        assert enter(house, "secret-ada", code(house, "A" * 32)).status == 201


class TestRequired:
    """`require_totp_for`: an operator's word for whole roles."""

    @pytest.fixture
    def strict(self, sqlite_db: Database) -> House:
        return House(sqlite_db, require_totp_for=["manager"])

    def test_the_role_is_given_only_with_a_code(self, strict: House) -> None:
        strict._admin = self.admin_with_device(strict)
        person, place = strict.resident(role="manager")
        scope = project_scope(place)
        asked = enter(strict, "secret-ada", scope=scope)
        assert asked.json["required_auth_methods"] == [["password", "totp"]]
        unscoped = enter(strict, "secret-ada", scope="unscoped").headers["x-subject-token"]
        assert device(strict, person, token=unscoped).status == 201
        receipt = asked.headers["openstack-auth-receipt"]
        assert enter(strict, passcode=code(strict), receipt=receipt, scope=scope).status == 201
        proof = {"methods": ["token"], "token": {"id": unscoped}}
        auth = {"identity": proof, "scope": scope}
        rescoped = strict.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None)
        assert rescoped.status == 401
        assert "openstack-auth-receipt" not in rescoped.headers
        other = strict.made("project", name="other")["id"]
        strict.grant(person, "member", other)
        assert enter(strict, "secret-ada", scope=project_scope(other)).status == 201

    def admin_with_device(self, house: House) -> str:
        admin = {"name": "admin", "domain": {"id": "default"}}
        bare = enter(house, ADMIN_PASSWORD, who=admin, scope="unscoped")
        assert device(house, bare.json["token"]["user"]["id"], "Z" * 32, bare.headers["x-subject-token"]).status == 201
        whole = enter(house, ADMIN_PASSWORD, code(house, "Z" * 32), who=admin)
        return whole.headers["x-subject-token"]


class TestAtRest:
    def rows(self, house: House) -> list[tuple[str, str, bool]]:
        with house.db.read() as tx:
            found = tx.conn.exec_driver_sql("SELECT id, blob, sealed FROM identity_credential ORDER BY id").all()
        return [(row[0], row[1], bool(row[2])) for row in found]

    def test_no_secret_lies_open_in_the_database(self, db: Database) -> None:
        house = House(db)
        person, place = house.resident()
        device(house, person)
        token = house.login("ada", scope=project_scope(place))
        path = f"/users/{person}/credentials/OS-EC2"
        pair = house.ask("POST", path, {"tenant_id": place}, token=token).json["credential"]
        text = str(self.rows(house))
        assert SECRET not in text
        assert pair["secret"] not in text
        assert [sealed for _, _, sealed in self.rows(house)] == [True, True]

    def test_a_blob_in_another_row_opens_nothing(self, db: Database) -> None:
        house = House(db)
        careful(house)
        eve = house.made("user", name="eve")["id"]
        device(house, eve, "A" * 32)
        (_, hers, _), (_, mine, _) = self.rows(house)
        with house.db.write() as tx:
            tx.conn.exec_driver_sql(f"UPDATE identity_credential SET blob = '{mine}' WHERE blob = '{hers}'")
        assert enter(house, "secret-ada", code(house, "A" * 32)).status == 401

    def test_what_was_open_is_sealed_and_what_is_old_is_sealed_anew(self, db: Database) -> None:
        old, new = new_key(), new_key()
        house = House(db, vault_keys=[old])
        person, _ = careful(house)
        device(house, person, "A" * 32)
        id = self.rows(house)[0][0]
        with db.write() as tx:
            tx.conn.exec_driver_sql(f"UPDATE identity_credential SET blob = '{SECRET}', sealed = {self.no(db)}")
        assert house.ask("GET", f"/credentials/{id}").json["credential"]["blob"] == SECRET
        assert seal_credentials(db, identity.Vault([new, old])) == 0
        before = self.rows(house)
        assert seal_credentials(db, identity.Vault([new, old])) == 0
        assert self.rows(house) == before
        moved = House(db, vault_keys=[new])
        assert enter(moved, "secret-ada", code(moved)).status == 201
        lost = House(db, vault_keys=[old])
        assert seal_credentials(db, identity.Vault([old])) == 2
        assert enter(lost, "secret-ada", code(lost, steps=1)).status == 401
        assert lost.ask("GET", f"/credentials/{id}").json["credential"]["blob"] == ""

    def no(self, db: Database) -> str:
        return "0" if db.sqlite else "false"


class Wire(BaseAdapter):
    """Carries requests of the real client library into the application."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house

    def send(self, request: requests.PreparedRequest, **words: Any) -> requests.Response:  # type: ignore[override]
        url = urlsplit(str(request.url))
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        answer = self.house.call(
            str(request.method), url.path, content=body, token=None, query=url.query, headers=dict(request.headers)
        )
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response._content = answer.body
        response.request, response.url = request, str(request.url)
        return response

    def close(self) -> None:
        pass


class TestClient:
    """keystoneauth's own plugins, unmodified."""

    def session(self, house: House, auth: Any) -> session.Session:
        raw = requests.Session()
        raw.mount("https://", Wire(house))
        return session.Session(auth=auth, session=raw)

    def test_v3multifactor_and_receipts(self, house: House) -> None:
        person, place = careful(house)
        url = "https://cloud.test:8443/identity/v3"
        who = {"username": "ada", "user_domain_id": "default"}
        plugin = v3.MultiFactor(
            url,
            auth_methods=["v3password", "v3totp"],
            password="secret-ada",
            passcode=code(house),
            project_id=place,
            **who,
        )
        assert plugin.get_access(self.session(house, plugin)).user_id == person
        advance(house, 30)
        alone = v3.Password(url, password="secret-ada", project_id=place, **who)
        with pytest.raises(exceptions.auth.MissingAuthMethods) as missing:
            alone.get_access(self.session(house, alone))
        assert missing.value.required_auth_methods == [["password", "totp"]]
        assert missing.value.methods == ["password"]
        second = v3.TOTP(url, passcode=code(house), project_id=place, **who)
        second.add_method(v3.ReceiptMethod(receipt=missing.value.receipt))
        assert second.get_access(self.session(house, second)).project_id == place

    def test_v3totp_where_a_rule_lets_it(self, house: House) -> None:
        person, _ = careful(house, {"multi_factor_auth_rules": [["totp"]]})
        url = "https://cloud.test:8443/identity/v3"
        plugin = v3.TOTP(url, passcode=code(house), user_id=person)
        assert plugin.get_access(self.session(house, plugin)).user_id == person
