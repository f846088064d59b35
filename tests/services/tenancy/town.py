"""A whole Croft on fake engines, seen by people who have no project yet, by owners and by operators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from croft.core.clock import ManualClock
from croft.core.config import Config
from croft.core.db import Database
from tests.cloud import Cloud, build
from tests.world import Answer

DAY = 86_400
DECADES = 24 * 3650
TENANCY, V3 = "/tenancy/v1", "/identity/v3"
DEFAULT = {"id": "default"}


class Town:
    """Users made here have the password `secret-<name>`; tokens last for years, since tests let months pass."""

    def __init__(self, db: Database, state: Path, **settings: Any) -> None:
        config = Config(state=state, engines="fake", bcrypt_rounds=4, token_hours=DECADES, **settings)
        self.cloud: Cloud = build(db, config)
        self.world = self.cloud.world
        self.admin = self.login("admin", "admin", password="admin-password")
        self._users: dict[str, str] = {}

    def login(self, name: str, project: str | None = None, password: str = "") -> str:
        """A token for a project by name, or an unscoped one."""
        user = {"name": name, "domain": DEFAULT, "password": password or f"secret-{name}"}
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
        auth["scope"] = {"project": {"name": project, "domain": DEFAULT}} if project else "unscoped"
        answer = self.world.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None)
        assert answer.status == 201, answer.body
        return str(answer.headers["x-subject-token"])

    def user(self, name: str) -> str:
        """Somebody without any role; their unscoped token."""
        wish = {"user": {"name": name, "password": f"secret-{name}"}}
        answer = self.world.call("POST", f"{V3}/users", wish, token=self.admin)
        assert answer.status == 201, answer.body
        self._users[name] = str(answer.json["user"]["id"])
        return self.login(name)

    def id_of(self, name: str) -> str:
        return self._users[name]

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", query: str = "") -> Answer:
        """As the operator unless another token is given."""
        return self.world.call(method, f"{TENANCY}{path}", body, token=token or self.admin, query=query)

    def ask(self, token: str, **wishes: Any) -> Answer:
        wishes = {"kind": "project", "purpose": "To grow.", **wishes}
        if wishes["kind"] == "project":
            wishes.setdefault("name", "tower")
        return self.call("POST", "/requests", {"request": wishes}, token=token)

    def asked(self, token: str, **wishes: Any) -> str:
        answer = self.ask(token, **wishes)
        assert answer.status == 201, answer.body
        return str(answer.json["request"]["id"])

    def decide(self, id: str, verb: str = "approve", *, token: str = "", **words: Any) -> Answer:
        return self.call("POST", f"/requests/{id}/{verb}", {verb: words}, token=token)

    def owned(self, name: str = "ada", project: str = "tower", **wishes: Any) -> tuple[str, str]:
        """A project that somebody asked for and got: its id, and its owner's token there."""
        answer = self.decide(self.asked(self.user(name), name=project, **wishes))
        assert answer.status == 200, answer.body
        return str(answer.json["request"]["project_id"]), self.login(name, project)

    def project(self, id: str, token: str = "") -> dict[str, Any]:
        answer = self.call("GET", f"/projects/{id}", token=token)
        assert answer.status == 200, answer.body
        return dict(answer.json["project"])

    def expire(self, id: str, when: str | None) -> None:
        answer = self.call("PATCH", f"/projects/{id}", {"project": {"expires": when}})
        assert answer.status == 200, answer.body

    def notices(self, id: str, token: str = "") -> list[str]:
        """Kinds, oldest first."""
        answer = self.call("GET", "/notices", token=token, query=f"project_id={id}")
        assert answer.status == 200, answer.body
        return [each["kind"] for each in reversed(answer.json["notices"])]

    def days(self, count: float) -> None:
        """Time passes in one leap; then everything due is done."""
        clock = self.world.clock
        assert isinstance(clock, ManualClock)
        clock.advance(round(count * DAY))
        self.world.settle(30)

    def opens(self, token: str) -> bool:
        return self.world.call("GET", f"{V3}/auth/projects", token=token).status == 200
