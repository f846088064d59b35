"""What people show to get in leaves no trace: not in logs at their loudest, not in error bodies, not in the audit."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import sqlalchemy as sa

from croft.core import audit, work
from croft.core.audit.ledger import Ledger
from croft.core.db import Database, metadata
from tests.services.identity.house import V3, House
from tests.world import Answer


class Watcher:
    """A house whose every refusal is kept, with the words that must be nowhere."""

    def __init__(self, house: House) -> None:
        self.house, self.words, self.refusals = house, list[str](), list[bytes]()

    def secret(self, word: str) -> str:
        self.words.append(word)
        return word

    def ask(self, method: str, path: str, body: Any = None, **words: Any) -> Answer:
        answer = self.house.call(method, V3 + path, body, **words)
        if answer.status >= 400:
            self.refusals.append(answer.body)
        for name in ("x-subject-token", "openstack-auth-receipt"):
            if name in answer.headers:
                self.secret(answer.headers[name])
        return answer

    def login(self, password: str, name: str = "ada", **scope: Any) -> Answer:
        who = {"name": name, "domain": {"id": "default"}, "password": self.secret(password)}
        auth = {"identity": {"methods": ["password"], "password": {"user": who}}}
        return self.ask("POST", "/auth/tokens", {"auth": auth | scope}, token=None)

    def written(self, *tables: str) -> str:
        self.house.application.ledger.settle()
        with self.house.db.read() as tx:
            return "\n".join(str(row) for name in tables for row in tx.rows(sa.select(metadata.tables[name])))


def live(watcher: Watcher) -> None:
    """All ways in, right and wrong."""
    house, ask = watcher.house, watcher.ask
    user, project = house.resident(role="manager")
    scope = {"scope": {"project": {"id": project}}}
    watcher.secret("secret-ada")
    token = watcher.login("secret-ada", **scope).headers["x-subject-token"]
    watcher.login("a-wrong-password", **scope)
    watcher.login("secret-of-nobody", name="a-password-as-name")
    ask("POST", "/auth/tokens", {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}, token=None)
    for forged in (watcher.secret(token[:-4] + "AAAA"), watcher.secret("gAAAAA-forged-token")):
        ask("GET", "/auth/projects", token=forged)
        ask("POST", "/users", {"user": {"name": "x"}}, token=forged)
        ask("GET", "/auth/tokens", token=token, headers={"x-subject-token": forged})
        ask("DELETE", "/auth/tokens", token=token, headers={"x-subject-token": forged})
        ask("POST", "/auth/tokens", {"auth": {"identity": {"methods": ["token"], "token": {"id": forged}}}}, token=None)
    wish = {"name": "robot", "secret": watcher.secret("robot-secret-word")}
    robot = ask("POST", f"/users/{user}/application_credentials", {"application_credential": wish}, token=token)
    id = robot.json["application_credential"]["id"]
    for secret in ("robot-secret-word", watcher.secret("robot-wrong-word")):
        given = {"id": id, "secret": secret}
        auth = {"identity": {"methods": ["application_credential"], "application_credential": given}}
        ask("POST", "/auth/tokens", {"auth": auth}, token=None)
    ask("POST", f"/users/{user}/application_credentials", {"application_credential": wish}, token=token)
    kept = {"type": "totp", "user_id": user, "blob": watcher.secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")}
    ask("POST", "/credentials", {"credential": kept}, token=token)
    ask("POST", "/credentials", {"credential": kept | {"user_id": "somebody"}}, token=token)
    ec2 = ask("POST", f"/users/{user}/credentials/OS-EC2", {"tenant_id": project}, token=token)
    watcher.secret(ec2.json["credential"]["secret"])
    for old, new in (("not-the-old-word", "new-password-word"), ("secret-ada", "new-password-word")):
        change = {"original_password": watcher.secret(old), "password": watcher.secret(new)}
        ask("POST", f"/users/{user}/password", {"user": change}, token=token)
    watcher.login("new-password-word", **scope)
    for wrong in ({"password": watcher.secret("patched-word")}, {"password": ["listed-word"]}):
        ask("PATCH", f"/users/{user}", {"user": wrong}, token=watcher.words[-1])
    ask("POST", "/users", {"user": {"name": "ada", "password": watcher.secret("taken-name-word")}}, token=house.admin)
    ask("POST", "/users", {"user": {"name": "eve", "password": watcher.secret("eves-word")}}, token=house.admin)
    ask("POST", "/users", {"user": {"password": watcher.secret("nameless-word")}}, token=house.admin)
    watcher.secret(house.admin)


def no_room(ledger: Ledger, values: dict[str, Any]) -> None:
    """Only logins that succeed are written down."""
    if values["outcome"] == audit.REFUSED:
        raise RuntimeError("no room")
    with ledger._db.write() as tx:
        audit.write(tx, values)


@pytest.mark.parametrize("broken", [False, True])
def test_no_secret_is_logged_answered_or_recorded(
    db: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    """Also where a refusal cannot be recorded and goes to the log instead."""
    watcher = Watcher(House(db))
    with caplog.at_level(logging.DEBUG):
        if broken:
            monkeypatch.setattr(Ledger, "add", no_room)
        live(watcher)
    told = {"log": caplog.text, "audit and queue": watcher.written(audit.record.name, work.work.name)}
    told["refusals"] = b"\n".join(watcher.refusals).decode()
    assert len(watcher.refusals) > 10
    assert "identity.token.create" in told["audit and queue"]
    words = {word for word in watcher.words if len(word) > 6}
    assert len(words) > 15
    found = [(where, word) for where, text in told.items() for word in words if word in text]
    assert found == []


def test_what_is_typed_into_the_wrong_field_is_kept_nowhere(
    sqlite_db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Watcher(House(sqlite_db))
    with caplog.at_level(logging.DEBUG):
        for field in ("name", "id"):
            who = {"domain": {"id": "default"}, "password": "x", field: "hunter2-in-the-wrong-field"}
            auth = {"identity": {"methods": ["password"], "password": {"user": who}}}
            assert watcher.ask("POST", "/auth/tokens", {"auth": auth}, token=None).status == 401
    assert "hunter2" not in caplog.text
    assert "hunter2" not in watcher.written(*metadata.tables)


PATHS = [
    "/identity/v3/../v3/users",
    "/identity//v3/users",
    "/identity/v3/users/..%2f..%2fprojects",
    "/identity/v3/projects/%2e%2e/users",
    "/identity/v3/users%00",
    "/identity/v3/users;admin=1",
    "/identity/v3/USERS",
    "/identity/v3/users/%75%73%65%72",
    "/IDENTITY/v3/users",
    "/identity/v3/auth/tokens/../../users",
    "/compute/v2.1/servers/../../../identity/v3/users",
    "//identity/v3/users",
    "/identity\\v3\\users",
    "/%69dentity/v3/users",
    "/identity/v3/./users",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_no_way_of_writing_a_path_leads_past_the_door(sqlite_db: Database, method: str, path: str) -> None:
    """Nobody gets what the plain path would refuse them, and nothing breaks."""
    from croft.core.http.message import Response
    from croft.core.http.service import Arrival

    house = House(sqlite_db)
    house.resident()
    for token in ("", house.login("ada")):
        headers = {"x-auth-token": token} if token else {}
        found = house.application.prepare(Arrival(method, path, "", headers, "127.0.0.1", "https://cloud.test"))
        answer = found if isinstance(found, Response) else house.application.handle(found, b"{}", iter(()))
        assert answer.status in {400, 401, 403, 404, 405}, (answer.status, answer.body)
