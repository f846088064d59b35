"""A world with nothing but identity, freshly seeded, and short words for what its tests do all the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from croft.core.db import Database
from croft.services import identity
from croft.services.identity.actions import Seed, seed
from croft.services.identity.model.outside import Source, Trusted
from tests.services.identity import schemas
from tests.world import Answer, World

ADMIN_PASSWORD = "the operator's"
DEMO_PASSWORD = "the tenant's"
V3 = "/identity/v3"
ENDPOINTS = (("identity", "keystone", "/identity/v3"), ("compute", "nova", "/compute/v2.1"))


class House(World):
    """Passwords of users made here are `secret-<name>`."""

    def __init__(
        self,
        db: Database,
        directories: Mapping[str, Source] | None = None,
        providers: Mapping[str, Trusted] | None = None,
        **settings: Any,
    ) -> None:
        words = {"bcrypt_rounds": 4, "endpoints": lambda: ENDPOINTS, "public_url": "https://cloud.test:8443"}
        self.settings = identity.Settings(**(words | settings))
        seed(db, Seed(ADMIN_PASSWORD, DEMO_PASSWORD), 4)
        super().__init__(
            db,
            [identity.service(db, self.settings, directories=directories, providers=providers)],
            identity.authenticator(db),
        )
        self._admin = ""

    def call(self, method: str, path: str, body: Any = None, **words: Any) -> Answer:
        """As in every world; and each answer must be what Keystone's schema says, wherever the schemas are at hand."""
        answer = super().call(method, path, body, **words)
        if answer.status in {200, 201} and answer.body:
            schema = schemas.find(method, path.removeprefix("/identity").partition("?")[0])[1]
            assert schema is None or schemas.problems(schema, answer.json) == [], (method, path, answer.body)
        return answer

    @property
    def admin(self) -> str:
        """The operator's token for project `admin`."""
        if not self._admin:
            self._admin = self.login("admin", ADMIN_PASSWORD)
        return self._admin

    def demo(self) -> str:
        """A new token of user `croft`, member and manager of project `demo`."""
        return self.login("croft", DEMO_PASSWORD)

    def try_login(
        self, called: str, password: str | None = None, scope: Any = None, client: str = "127.0.0.1", **user: Any
    ) -> Answer:
        who = {"name": called, "domain": {"id": "default"}} | user
        secret = f"secret-{called}" if password is None else password
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": who | {"password": secret}}}}
        if scope is not None:
            auth["scope"] = scope
        return self.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None, client=client)

    def login(self, called: str, password: str | None = None, scope: Any = None, **user: Any) -> str:
        answer = self.try_login(called, password, scope, **user)
        assert answer.status == 201, answer.body
        return answer.headers["x-subject-token"]

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "", **words: Any) -> Answer:
        """As the operator unless another token is given; the path is below /identity/v3."""
        return self.call(method, f"{V3}{path}", body, token=token or self.admin, **words)

    def made(self, kind: str, **words: Any) -> dict[str, Any]:
        """A new project, user, group, role or domain of the operator's, named by `name`."""
        if kind == "user":
            words.setdefault("password", f"secret-{words['name']}")
        answer = self.ask("POST", f"/{kind}s", {kind: words})
        assert answer.status == 201, answer.body
        return dict(answer.json[kind])

    def role(self, name: str) -> str:
        found = self.ask("GET", "/roles", query=f"name={name}").json["roles"]
        return str(found[0]["id"])

    def named(self, kind: str, name: str) -> str:
        return str(self.ask("GET", f"/{kind}s", query=f"name={name}").json[f"{kind}s"][0]["id"])

    def grant(self, user: str, role: str, target: str, *, where: str = "projects", who: str = "users") -> None:
        place = "/system" if where == "system" else f"/{where}/{target}"
        answer = self.ask("PUT", f"{place}/{who}/{user}/roles/{self.role(role)}")
        assert answer.status == 204, answer.body

    def revoke(self, user: str, role: str, target: str, *, where: str = "projects", who: str = "users") -> None:
        answer = self.ask("DELETE", f"/{where}/{target}/{who}/{user}/roles/{self.role(role)}")
        assert answer.status == 204, answer.body

    def resident(self, name: str = "ada", role: str = "member", project: str = "tower") -> tuple[str, str]:
        """A user with a role in a new project: their ids."""
        place, person = self.made("project", name=project)["id"], self.made("user", name=name)["id"]
        self.grant(person, role, place)
        return person, place

    def valid(self, token: str) -> bool:
        """Whether a token still opens anything."""
        return self.ask("GET", "/auth/projects", token=token).status == 200


def project_scope(id: str) -> dict[str, Any]:
    return {"project": {"id": id}}
