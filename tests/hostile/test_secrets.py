"""Secrets and powers that were lent, logged or left lying about."""

from __future__ import annotations

import logging
from base64 import b64encode
from typing import Any

import pytest
import sqlalchemy as sa

from croft.core.db import Database
from croft.core.errors import Rejected
from tests.hostile.tenants import NOVA, OPERATOR, VICTIM, Tenants
from tests.services.identity.house import House


def lent(house: House, token: str, user: str, **words: Any) -> str:
    """A token of a new application credential of the user's."""
    wish = {"application_credential": {"name": "robot", "secret": "robot-secret"} | words}
    made = house.ask("POST", f"/users/{user}/application_credentials", wish, token=token)
    assert made.status == 201, made.body
    given = {"id": made.json["application_credential"]["id"], "secret": "robot-secret"}
    auth = {"identity": {"methods": ["application_credential"], "application_credential": given}}
    return house.call("POST", "/identity/v3/auth/tokens", {"auth": auth}, token=None).headers["x-subject-token"]


def test_a_lent_token_reads_no_kept_secret_and_lends_no_further(sqlite_db: Database) -> None:
    house = House(sqlite_db)
    user, project = house.resident()
    token = house.login("ada", scope={"project": {"id": project}})
    pair = house.ask("POST", f"/users/{user}/credentials/OS-EC2", {"tenant_id": project}, token=token)
    secret = pair.json["credential"]["secret"]
    robot = lent(house, token, user)
    for path in ("/credentials", f"/users/{user}/credentials/OS-EC2"):
        assert secret in house.ask("GET", path, token=token).body.decode()
        assert secret not in house.ask("GET", path, token=robot).body.decode()
    again = {"application_credential": {"name": "heir"}}
    assert house.ask("POST", f"/users/{user}/application_credentials", again, token=robot).status == 403
    assert house.ask("POST", f"/users/{user}/credentials/OS-EC2", {"tenant_id": project}, token=robot).status == 403
    exchange = {"auth": {"identity": {"methods": ["token"], "token": {"id": robot}}}}
    assert house.call("POST", "/identity/v3/auth/tokens", exchange, token=None).status == 403


@pytest.mark.parametrize("role", ["admin", "manager", "service"])
def test_nobody_lends_what_they_do_not_hold(sqlite_db: Database, role: str) -> None:
    house = House(sqlite_db)
    user, project = house.resident()
    other = house.made("user", name="eve")["id"]
    token = house.login("ada", scope={"project": {"id": project}})
    wish = {"application_credential": {"name": "robot", "roles": [{"name": role}]}}
    assert house.ask("POST", f"/users/{user}/application_credentials", wish, token=token).status == 400
    assert house.ask("POST", f"/users/{other}/application_credentials", wish, token=token).status == 404
    trust = {"trustor_user_id": user, "trustee_user_id": other, "project_id": project, "impersonation": True}
    assert (
        house.ask("POST", "/OS-TRUST/trusts", {"trust": trust | {"roles": [{"name": role}]}}, token=token).status == 400
    )
    forged = trust | {"trustor_user_id": other, "trustee_user_id": user, "roles": [{"name": "member"}]}
    assert house.ask("POST", "/OS-TRUST/trusts", {"trust": forged}, token=token).status == 403
    path = f"/projects/{project}/users/{user}/roles/{house.role(role)}"
    assert house.ask("PUT", path, token=token).status == 403
    for change in ({"enabled": True}, {"password": "new-password"}, {"name": "root"}):
        assert house.ask("PATCH", f"/users/{user}", {"user": change}, token=token).status == 403
        assert house.ask("PATCH", f"/users/{other}", {"user": change}, token=token).status == 403


def test_a_manager_gives_no_admin_and_nothing_elsewhere(sqlite_db: Database) -> None:
    house = House(sqlite_db)
    user, project = house.resident(role="manager")
    other = house.made("project", name="elsewhere")["id"]
    token = house.login("ada", scope={"project": {"id": project}})
    for role in ("admin", "service"):
        path = f"/projects/{project}/users/{user}/roles/{house.role(role)}"
        assert house.ask("PUT", path, token=token).status == 403
    for place in (f"projects/{other}", "domains/default", "system", f"OS-INHERIT/projects/{project}"):
        tail = "/inherited_to_projects" if place.startswith("OS") else ""
        path = f"/{place}/users/{user}/roles/{house.role('member')}{tail}"
        assert house.ask("PUT", path, token=token).status in {403, 404}, place


def test_what_fails_in_the_database_shows_no_values(db: Database) -> None:
    with pytest.raises(sa.exc.SQLAlchemyError) as caught, db.write() as tx:
        tx.run(sa.text("INSERT INTO nowhere VALUES (:value)"), {"value": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_no_secret_reaches_the_log(sqlite_cloud: Tenants, caplog: pytest.LogCaptureFixture) -> None:
    cloud = sqlite_cloud
    secret = b64encode(b"the very secret user data").decode()
    with caplog.at_level(logging.DEBUG):
        cloud.server(user_data=secret, adminPass="hunter2-admin-pass")
        user = {"user": {"name": "u", "password": "hunter2-password"}}
        assert cloud.call("POST", "/identity/v3/users", user, OPERATOR).status == 201
        who = {"name": "u", "domain": {"id": "default"}, "password": "hunter2-password"}
        auth = {"auth": {"identity": {"methods": ["password"], "password": {"user": who}}}}
        answer = cloud.world.call("POST", "/identity/v3/auth/tokens", auth, token=None)
        assert answer.status == 201
        key = cloud.call("POST", f"{NOVA}/os-keypairs", {"keypair": {"name": "k", "type": "ssh"}}, VICTIM)
    private = key.json["keypair"]["private_key"].splitlines()[1]
    for word in (secret, "hunter2", answer.headers["x-subject-token"], private):
        assert word not in caplog.text


def test_a_fault_shows_no_path_of_the_machine(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    wish = {"name": "s", "flavorRef": cloud.flavor(), "imageRef": cloud.image(), "networks": "none"}
    id = cloud.call("POST", f"{NOVA}/servers", {"server": wish}, VICTIM).json["server"]["id"]
    why = "qemu-img: '/var/lib/cloud/volumes/a.qcow2': 2 of 10.0.0.0/24, https://a.test/b/c failed"
    for _ in range(40):
        cloud.cloud.faults.among = frozenset({"compute.server"})
        cloud.cloud.faults.arm(1, Rejected(why))
        cloud.world.settle(60)
        shown = cloud.call("GET", f"{NOVA}/servers/{id}", token=VICTIM).json["server"]
        if shown["status"] == "ERROR":
            break
    assert shown["fault"]["message"] == "qemu-img: 'a.qcow2': 2 of 10.0.0.0/24, https://a.test/b/c failed"
    seen = cloud.call("GET", f"{NOVA}/servers/{id}", token=OPERATOR).json["server"]
    assert seen["fault"]["message"] == why
