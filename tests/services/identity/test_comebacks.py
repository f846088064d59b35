"""Coming back by another door after the first was closed, and many coming at once through one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from croft.core.clock import ManualClock
from croft.core.db import Database
from tests.services.identity.house import V3, House, project_scope

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
Close = Callable[[House, str, str], Any]


def disable(house: House, user: str, project: str) -> None:
    assert house.ask("PATCH", f"/users/{user}", {"user": {"enabled": False}}).status == 200


def disable_project(house: House, user: str, project: str) -> None:
    assert house.ask("PATCH", f"/projects/{project}", {"project": {"enabled": False}}).status == 200


def lose_role(house: House, user: str, project: str) -> None:
    house.revoke(user, "member", project)


def delete(house: House, user: str, project: str) -> None:
    assert house.ask("DELETE", f"/users/{user}").status == 204


def delete_project(house: House, user: str, project: str) -> None:
    assert house.ask("DELETE", f"/projects/{project}").status == 204


@pytest.mark.parametrize("close", [disable, disable_project, lose_role, delete, delete_project])
def test_no_proof_of_before_opens_a_project_that_was_closed(db: Database, close: Close) -> None:
    house = House(db)
    user, project = house.resident()
    token = house.login("ada", scope=project_scope(project))
    wish = {"application_credential": {"name": "key", "unrestricted": True}}
    path = f"/users/{user}/application_credentials"
    key = house.ask("POST", path, wish, token=token).json["application_credential"]
    proof = {"id": key["id"], "secret": key["secret"]}
    by_key = {"methods": ["application_credential"], "application_credential": proof}
    handed = house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": by_key}}, token=None)
    assert handed.status == 201
    close(house, user, project)
    for old in (token, handed.headers["x-subject-token"]):
        assert not house.valid(old)
        by_token = {"methods": ["token"], "token": {"id": old}}
        answer = house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": by_token}}, token=None)
        assert answer.status in {401, 403, 404}
    assert house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": by_key}}, token=None).status == 401
    assert house.try_login("ada", scope=project_scope(project)).status == 401


def at_once(count: int, work: Callable[[int], int]) -> list[int]:
    """What each of so many threads got, all let go at the same moment."""
    gate, found = threading.Barrier(count), [0] * count

    def run(number: int) -> None:
        gate.wait(timeout=60)
        found[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=100)
    return found


def test_one_code_shown_by_many_at_once_opens_once(db: Database) -> None:
    house = House(db)
    person, _ = house.resident()
    wish = {"credential": {"type": "totp", "blob": SECRET, "user_id": person}}
    assert house.ask("POST", "/credentials", wish).status == 201
    who = {"name": "ada", "domain": {"id": "default"}}
    proofs = {
        "password": {"user": who | {"password": "secret-ada"}},
        "totp": {"user": who | {"passcode": pyotp.TOTP(SECRET).at(house.clock.now())}},
    }
    auth = {"identity": {"methods": ["password", "totp"], **proofs}}

    def enter(_: int) -> int:
        return house.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None).status

    assert sorted(at_once(8, enter)) == [201, *[401] * 7]


def test_wrong_passwords_at_once_are_all_counted(db: Database) -> None:
    house = House(db, lockout_attempts=0, address_attempts=12)
    house.resident()
    assert set(at_once(12, lambda _: house.try_login("ada", "guess").status)) == {401}
    assert house.try_login("ada").status == 429
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(600)
    assert house.try_login("ada").status == 201
