"""Those who knock in vain: limits by address and by user, and answers from which nothing can be learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bcrypt
import pytest

from croft.core.clock import ManualClock
from croft.core.db import Database
from croft.core.errors import CroftError
from croft.services import identity
from croft.services.identity.model.addresses import NOWHERE, network_of
from tests.services.identity.house import V3, House, project_scope
from tests.world import Answer

NEUTRAL = "The request you have made requires authentication."
HOME, AWAY = "192.0.2.7", "203.0.113.66"


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every hash that is computed, by its stored salt and cost."""
    seen: list[bytes] = []
    check, make = bcrypt.checkpw, bcrypt.hashpw

    def counted_check(secret: bytes, stored: bytes) -> bool:
        seen.append(stored[:7])
        return check(secret, stored)

    def counted_make(secret: bytes, salt: bytes) -> bytes:
        seen.append(salt[:7])
        return make(secret, salt)

    monkeypatch.setattr(bcrypt, "checkpw", counted_check)
    monkeypatch.setattr(bcrypt, "hashpw", counted_make)
    return seen


def advance(house: House, seconds: int) -> None:
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(seconds)


def change(house: House, user: str, old: str) -> Answer:
    body = {"user": {"original_password": old, "password": "another"}}
    return house.call("POST", f"{V3}/users/{user}/password", body, token=None)


def headers(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-openstack-request-id"}


class TestOracle:
    """A stranger learns nothing from how a refusal looks or what it costs."""

    def people(self, house: House) -> dict[str, tuple[str, dict[str, Any]]]:
        """Case → (password, how the user is named); none of them may come in."""
        domain = house.made("domain", name="empire")["id"]
        house.made("user", name="emperor", domain_id=domain)
        house.ask("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
        house.made("user", name="shut", enabled=False)
        house.made("user", name="mute", password=None)
        house.made("user", name="ada")
        house.made("user", name="locked")
        house.made("user", name="careful", options={"multi_factor_auth_rules": [["password", "totp"]]})
        for _ in range(3):
            house.try_login("locked", "guess")
        old = house.made("user", name="old")["id"]
        with house.db.write() as tx:
            tx.conn.exec_driver_sql(f"UPDATE identity_user SET password_expires = 1 WHERE id = '{old}'")
        return {
            "wrong": ("guess", {"name": "ada"}),
            "unknown user": ("guess", {"name": "nobody"}),
            "unknown id": ("guess", {"id": "0" * 32}),
            "unknown domain": ("guess", {"name": "ada", "domain": {"name": "nowhere"}}),
            "disabled": ("secret-shut", {"name": "shut"}),
            "disabled, wrong": ("guess", {"name": "shut"}),
            "disabled domain": ("secret-emperor", {"name": "emperor", "domain": {"id": domain}}),
            "no password": ("", {"name": "mute"}),
            "locked": ("secret-locked", {"name": "locked"}),
            "locked, wrong": ("guess", {"name": "locked"}),
            "expired, wrong": ("guess", {"name": "old"}),
            "second factor, wrong": ("guess", {"name": "careful"}),
        }

    def test_every_refusal_is_the_same_to_the_byte_and_costs_one_hash(self, db: Database, hashes: list[bytes]) -> None:
        house = House(db, lockout_attempts=3, bcrypt_rounds=5)
        found = {}
        for case, (password, who) in self.people(house).items():
            hashes.clear()
            answer = house.try_login("-", password, **{"name": None, "domain": {"id": "default"}} | who)
            found[case] = (answer.status, answer.body, headers(answer), tuple(hashes))
        assert found["wrong"][0] == 401
        assert NEUTRAL.encode() in found["wrong"][1]
        assert found["wrong"][3] == (b"$2b$05$",)
        assert {case: told for case, told in found.items() if told != found["wrong"]} == {}

    def test_changing_a_password_tells_no_more(self, sqlite_db: Database, hashes: list[bytes]) -> None:
        house = House(sqlite_db, lockout_attempts=3)
        self.people(house)
        found = {}
        for name in ("ada", "shut", "locked", "old", "careful"):
            hashes.clear()
            answer = change(house, house.named("user", name), "guess")
            found[name] = (answer.status, answer.body, headers(answer), tuple(hashes))
        hashes.clear()
        answer = change(house, "0" * 32, "guess")
        assert len(hashes) == 1
        stranger = (answer.status, answer.body, headers(answer), tuple(hashes))
        assert set(map(str, found.values())) == {str(stranger)}

    def test_application_credentials_neither(self, sqlite_db: Database, hashes: list[bytes]) -> None:
        house = House(sqlite_db)
        person, place = house.resident()
        token = house.login("ada", scope=project_scope(place))
        wish = {"application_credential": {"name": "key"}}
        path = f"/users/{person}/application_credentials"
        key = house.ask("POST", path, wish, token=token).json["application_credential"]["id"]
        seen = set()
        for given in ({"id": key}, {"id": "0" * 32}, {"name": "key", "user": {"id": person}}, {"name": "key"}):
            hashes.clear()
            identity = {"methods": ["application_credential"], "application_credential": given | {"secret": "guess"}}
            answer = house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": identity}}, token=None)
            seen.add((answer.status, answer.body, str(headers(answer)), tuple(hashes)))
        assert len(seen) == 1
        assert next(iter(seen))[0] == 401


class TestAddress:
    def test_it_is_shut_out_whomever_it_names_and_others_are_not(self, db: Database, hashes: list[bytes]) -> None:
        house = House(db, address_attempts=5, address_seconds=600, lockout_attempts=0)
        house.resident()
        for number in range(5):
            assert house.try_login(f"name-{number}", "guess", client=AWAY).status == 401
        hashes.clear()
        answers = [
            house.try_login("ada", client=AWAY),
            house.try_login("ada", "guess", client=AWAY),
            house.try_login("nobody", client=AWAY),
        ]
        assert {(answer.status, answer.body) for answer in answers} == {(429, answers[0].body)}
        assert answers[0].headers["retry-after"] == "600"
        assert "Try again in 600 seconds" in answers[0].json["error"]["message"]
        assert hashes == [], "no work for those who were shut out"
        assert house.try_login("ada", client=HOME).status == 201
        advance(house, 599)
        assert house.try_login("ada", client=AWAY).status == 429
        advance(house, 1)
        assert house.try_login("ada", client=AWAY).status == 201

    def test_it_holds_for_all_processes_and_all_ways_in(self, db: Database) -> None:
        house = House(db, address_attempts=4)
        person, _ = house.resident()
        other = House(db, address_attempts=4)
        identity = {"methods": ["application_credential"], "application_credential": {"id": "x", "secret": "guess"}}
        house.try_login("nobody")
        other.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": identity}}, token=None)
        change(house, person, "guess")
        other.try_login("nobody")
        assert house.try_login("ada").status == 429
        assert other.try_login("ada").status == 429
        assert change(other, person, "secret-ada").status == 429
        assert house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": identity}}, token=None).status == 429

    def test_an_ipv6_site_is_one_address_and_many_failures_are_few_rows(self, db: Database) -> None:
        house = House(db, address_attempts=8)
        house.resident()
        for number in range(8):
            house.try_login("nobody", client=f"2001:db8:0:1::{number:x}")
        assert house.try_login("ada", client="2001:db8:0:1:ffff::1").status == 429
        assert house.try_login("ada", client="2001:db8:0:2::1").status == 201
        advance(house, 600)
        for number in range(3):
            house.try_login("nobody", client=f"198.51.100.{number}")
        with db.read() as tx:
            rows = tx.conn.exec_driver_sql("SELECT network FROM identity_knock ORDER BY network").scalars().all()
        assert rows == ["198.51.100.0", "198.51.100.1", "198.51.100.2"], "what is old is swept"

    def test_a_dashboards_network_can_be_exempt_and_all_of_it_off(self, sqlite_db: Database) -> None:
        house = House(sqlite_db, address_attempts=2, address_exempt=["192.0.2.0/24", "2001:db8::/32"])
        never = House(sqlite_db, address_attempts=0)
        house.resident()
        for _ in range(4):
            house.try_login("nobody", client=HOME)
            house.try_login("nobody", client="2001:db8:5::1")
            house.try_login("nobody", client="-")
            house.try_login("nobody", client=AWAY)
        statuses = [house.try_login("ada", client=each).status for each in (HOME, "2001:db8:5::1", "-", AWAY)]
        assert statuses == [201, 201, 201, 429]
        assert never.try_login("ada", client=AWAY).status == 201
        with pytest.raises(CroftError, match="address_exempt"):
            identity.service(sqlite_db, identity.Settings(address_exempt=["192.0.2.1/8"]))

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("fe80::1%eth0", "fe80::/64"),
            ("/run/croft.sock", NOWHERE),
            ("", NOWHERE),
        ],
    )
    def test_what_counts_as_one_network(self, address: str, network: str) -> None:
        assert network_of(address) == network


class TestStrangers:
    """Nobody is kept out for ever by somebody else's wrong passwords."""

    def guess(self, house: House, times: int, client: str) -> None:
        for _ in range(times):
            house.try_login("ada", "guess", client=client)

    def test_a_lock_by_strangers_does_not_hold_where_the_user_has_been(self, db: Database) -> None:
        house = House(db, lockout_attempts=3)
        house.resident()
        assert house.try_login("ada", client=HOME).status == 201
        self.guess(house, 3, AWAY)
        assert house.try_login("ada", client=AWAY).status == 401
        assert house.try_login("ada", client="198.51.100.1").status == 401, "other strangers are locked out too"
        assert house.try_login("ada", client=HOME).status == 201
        assert house.try_login("ada", client=AWAY).status == 401, "and that does not open it to them"

    def test_known_networks_have_their_own_count(self, db: Database) -> None:
        house = House(db, lockout_attempts=3, lockout_seconds=60)
        person, _ = house.resident()
        for client in (HOME, AWAY):
            assert house.try_login("ada", client=client).status == 201
        self.guess(house, 3, HOME)
        assert house.try_login("ada", client=HOME).status == 401
        assert house.try_login("ada", client=AWAY).status == 201
        advance(house, 60)
        assert house.try_login("ada", client=HOME).status == 201
        self.guess(house, 3, HOME)
        house.ask("PATCH", f"/users/{person}", {"user": {"password": "secret-ada"}})
        assert house.try_login("ada", client=HOME).status == 201, "a new password opens it"

    def test_no_single_address_can_hold_a_lock(self, sqlite_db: Database) -> None:
        house = House(sqlite_db)
        settings = house.settings
        longest = settings.address_attempts / settings.lockout_attempts * settings.lockout_seconds
        assert longest < settings.address_seconds, "there is always a time in which the lock is open"
        house.resident()
        opened = 0
        for _ in range(20):
            self.guess(house, 10, AWAY)
            opened += house.try_login("ada", client=HOME).status == 201
            advance(house, 60)
            with sqlite_db.write() as tx:
                tx.conn.exec_driver_sql("DELETE FROM identity_known_network")
        assert opened >= 8

    def test_networks_are_forgotten_by_and_by(self, db: Database) -> None:
        house = House(db)
        house.resident()
        count: Callable[[], list[Any]] = lambda: self.networks(db)  # noqa: E731
        for number in range(20):
            advance(house, 1)
            house.try_login("ada", client=f"198.51.100.{number}")
        assert len(count()) == 16
        assert "198.51.100.19" in count()
        advance(house, 31 * 86_400)
        house.try_login("ada", client=HOME)
        assert count() == [HOME]

    def networks(self, db: Database) -> list[Any]:
        with db.read() as tx:
            statement = "SELECT k.network FROM identity_known_network k JOIN identity_user u ON u.id = k.user"
            return list(
                tx.conn.exec_driver_sql(statement.replace("k.user", 'k."user"') + " WHERE u.name='ada'").scalars()
            )
