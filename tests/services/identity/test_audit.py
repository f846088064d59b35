"""What the audit says of logins and of roles that were given."""

from __future__ import annotations

from typing import Any

from croft.core import audit
from croft.core.db import Database
from croft.core.page import Page
from croft.core.policy import ALL, Scope
from tests.services.identity.house import V3, House
from tests.world import Answer


def lines(house: House, scope: Scope = ALL, **narrow: Any) -> list[audit.Entry]:
    house.application.ledger.settle()
    with house.db.read() as tx:
        return audit.entries(tx, scope, Page(), audit.Narrow(**narrow))


def logins(house: House, outcome: str) -> list[audit.Entry]:
    return lines(house, prefix="identity.token.create", outcome=outcome)


def by_credential(house: House, **given: Any) -> Answer:
    auth = {"identity": {"methods": ["application_credential"], "application_credential": given}}
    return house.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None, headers={"user-agent": "tofu"})


def test_a_login_is_told_with_its_user_project_and_address(db: Database) -> None:
    house = House(db)
    user, project = house.resident()
    house.login("ada", scope={"project": {"id": project}})
    line = logins(house, "done")[0]
    assert (line.user, line.user_name, line.project, line.target) == (user, "ada", project, user)
    assert (line.client, line.path, line.times) == ("127.0.0.1", "POST /identity/v3/auth/tokens", 1)
    house.login("ada", scope={"project": {"id": project}})
    assert logins(house, "done")[0].times == 2, "the same within a minute is counted"


def test_a_failed_login_names_a_user_only_if_there_is_one(db: Database) -> None:
    house = House(db)
    user, _ = house.resident()
    unknown = {"name": "ada", "domain": {"id": "nowhere"}}
    assert house.try_login("ada", "wrong").status == 401
    assert house.try_login("a password in the wrong field", "x").status == 401
    assert house.try_login("ada", "wrong", domain={"name": "Default"}).status == 401
    assert house.try_login("ada", "wrong", domain={"name": "nowhere"}).status == 401
    assert house.try_login("ada", "wrong", **unknown).status == 401
    assert house.try_login("ada", "wrong", id=user).status == 401
    assert house.try_login("ada", "wrong", name=None, id=None).status == 400
    found = logins(house, "refused")
    assert {(each.target, each.name, each.times) for each in found} == {(user, "ada", 3), ("", "", 3)}
    assert {(each.user, each.status) for each in found} == {("", 401)}
    assert "password" not in str(found)
    nobody = {"identity": {"methods": ["token"], "token": {"id": "forged"}}}
    assert house.call("POST", f"{V3}/auth/tokens", {"auth": nobody}, token=None).status in {401, 404}
    assert sum(each.times for each in logins(house, "refused")) == 7


def test_an_application_credential_is_named(db: Database) -> None:
    house = House(db)
    user, project = house.resident()
    token = house.login("ada", scope={"project": {"id": project}})
    wish = {"application_credential": {"name": "robot", "secret": "robot-secret"}}
    made = house.ask("POST", f"/users/{user}/application_credentials", wish, token=token)
    credential = made.json["application_credential"]["id"]
    answer = by_credential(house, id=credential, secret="robot-secret")
    assert answer.status == 201
    line = logins(house, "done")[0]
    assert (line.credential, line.user, line.agent) == (credential, user, "tofu")
    wrong = {"name": "robot", "user": {"name": "ada", "domain": {"id": "default"}}, "secret": "wrong"}
    assert by_credential(house, id=credential, secret="wrong").status == 401
    assert by_credential(house, id="unknown", secret="wrong").status == 401
    assert by_credential(house, **wrong).status == 401
    assert {(each.target, each.times) for each in logins(house, "refused")} == {(user, 2), ("", 1)}
    robot = answer.headers["x-subject-token"]
    refused = house.ask("POST", f"/users/{user}/credentials/OS-EC2", {"tenant_id": project}, token=robot)
    assert refused.status == 403
    line = lines(house, outcome="refused", user=user)[0]
    assert (line.credential, line.status, line.action) == (credential, 403, "identity.ec2_credential.create")
    assert line.why == refused.json["error"]["message"]


def test_what_an_operator_does_to_a_project_is_in_its_own_log(db: Database) -> None:
    house = House(db)
    _, project = house.resident()
    house.ask("PATCH", f"/projects/{project}", {"project": {"description": "of stone"}})
    told = {each.action for each in lines(house, Scope(project))}
    assert {"identity.grant.create", "identity.project.create", "identity.project.update"} <= told


def test_a_login_that_cannot_be_told_is_none(sqlite_db: Database, monkeypatch: Any) -> None:
    house = House(sqlite_db)
    house.resident()

    def broken(_values: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(house.application.ledger, "add", broken)
    answer = house.try_login("ada")
    assert answer.status == 500
    assert "x-subject-token" not in answer.headers
    assert house.try_login("ada", "wrong").status == 401, "a refusal stays what it is"
