"""Devices for one-time codes: who may bring, change and end them, when they are asked for, how their secrets are kept;
and keystoneauth's own plugins."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3
from requests.adapters import BaseAdapter

from croft.core.db import Database
from croft.services import identity
from croft.services.identity.actions import seal_credentials
from croft.services.identity.model.vault import new_key
from tests.services.identity.codes import SECRET, advance, careful, code, device, enter
from tests.services.identity.house import ADMIN_PASSWORD, V3, House, project_scope


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
        assert found[0]["blob"] == "", "shown once, when it was made"
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
        assert enter(strict, "secret-ada", scope="unscoped").status == 401, "who has a device shows it from then on"
        proof = {"methods": ["token"], "token": {"id": unscoped}}
        auth = {"identity": proof, "scope": scope}
        rescoped = strict.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None)
        assert rescoped.status == 401
        assert "openstack-auth-receipt" not in rescoped.headers

    def test_other_roles_and_the_way_to_a_first_device_stay_open(self, strict: House) -> None:
        strict._admin = self.admin_with_device(strict)
        person, place = strict.resident(role="manager")
        other = strict.made("project", name="other")["id"]
        strict.grant(person, "member", other)
        assert enter(strict, "secret-ada", scope=project_scope(other)).status == 201
        strict.ask("PATCH", f"/users/{person}", {"user": {"default_project_id": place}})
        assert "project" not in enter(strict, "secret-ada").json["token"], "unscoped where the default asks for a code"
        strict.ask("PATCH", f"/users/{person}", {"user": {"default_project_id": other}})
        assert enter(strict, "secret-ada").json["token"]["project"]["id"] == other

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
        wish = {"credential": {"type": "cert", "blob": "pem", "user_id": person}}
        path = f"/credentials/{house.ask('POST', '/credentials', wish).json['credential']['id']}"
        with db.write() as tx:
            tx.conn.exec_driver_sql(f"UPDATE identity_credential SET blob = '{SECRET}', sealed = {self.no(db)}")
        assert enter(house, "secret-ada", code(house)).status == 401, "not before it is sealed"
        assert house.ask("GET", path).json["credential"]["blob"] == SECRET
        assert seal_credentials(db, identity.Vault([new, old])) == 0
        before = self.rows(house)
        assert seal_credentials(db, identity.Vault([new, old])) == 0
        assert self.rows(house) == before
        moved = House(db, vault_keys=[new])
        assert enter(moved, "secret-ada", code(moved)).status == 201
        lost = House(db, vault_keys=[old])
        assert seal_credentials(db, identity.Vault([old])) == 2
        assert enter(lost, "secret-ada", code(lost, steps=1)).status == 401
        assert lost.ask("GET", path).json["credential"]["blob"] == ""

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
