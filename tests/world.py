"""A small Croft for tests: real database, real work loop and HTTP, fake engines, a clock that tests move."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from croft.core import audit
from croft.core.clock import ManualClock
from croft.core.ctx import Ctx
from croft.core.db import Database, metadata
from croft.core.errors import Unauthorized
from croft.core.http import Application, Response, Service
from croft.core.http.service import Arrival, Matched
from croft.core.policy import Actor, Policy
from croft.core.quota import Quotas
from croft.core.work import work
from croft.core.work.loop import Loop

BASE = "https://cloud.test:8443"

UNWRITTEN = {"/echo"}
READING = {"compute.server.console", "compute.server.forget_password"}
"""What does not begin with GET and changes nothing: no password is kept that could be forgotten."""


def contents(db: Database) -> dict[str, int]:
    """How many rows each table has: what a refused request must not change. That it was refused may be written down."""
    with db.read() as tx:
        found = {each.name: sa.select(sa.func.count()).select_from(each) for each in metadata.sorted_tables}
        found["audit"] = found["audit"].where(audit.record.c.outcome == audit.DONE)
        return {name: tx.scalar(statement) for name, statement in found.items()}


def actor(role: str = "member", project: str = "alpha", user: str = "") -> Actor:
    """Someone with one role in one project; role `none` has no role, project `-` gives an unscoped token."""
    where = "" if project == "-" else project
    roles = frozenset() if role == "none" else frozenset({role})
    return Actor(user=user or f"user-{role}-{project}", user_name=role, project=where, project_name=where, roles=roles)


@contextmanager
def away(db: Database) -> Iterator[None]:
    """The database answers nobody for as long as this lasts."""

    def refuse(*_: object) -> None:
        raise db.engine.dialect.loaded_dbapi.OperationalError("away")

    sa.event.listen(db.engine, "checkout", refuse)
    try:
        yield
    finally:
        sa.event.remove(db.engine, "checkout", refuse)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class World:
    """`services` are built on `db`; tokens are spelled `role:project[:user]` unless `authenticate` is given."""

    def __init__(
        self,
        db: Database,
        services: Sequence[Service],
        authenticate: Callable[[str], Actor] | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.db = db
        self.clock = db.clock
        self.services = list(services)
        self.policy = policy or Policy(rule for service in services for rule in service.rules)
        self.quotas = Quotas({name: value for service in services for name, value in service.quotas.items()})
        self.base = BASE
        self._authenticate = authenticate
        self.application = Application(services, db, self.policy, self.quotas, self._actor)
        self.loop = Loop(db, [each for service in services for each in service.reconcilers])

    def ctx(self, role: str = "member", project: str = "alpha", user: str = "") -> Ctx:
        return Ctx(self.db, self.policy, self.quotas, actor(role, project, user), "req-test")

    def _actor(self, token: str) -> Actor:
        words = token.split(":")
        if len(words) in {2, 3} and words[0] in {"none", "reader", "member", "manager", "admin", "other"}:
            return actor(*words)
        if self._authenticate is None:
            raise Unauthorized("The request you have made requires authentication.")
        return self._authenticate(token)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "member:alpha",
        headers: Mapping[str, str] | None = None,
        query: str = "",
        content: bytes | None = None,
        chunks: Iterable[bytes] | None = None,
        client: str = "127.0.0.1",
    ) -> Answer:
        """One request through the whole application, without sockets. `content` is a raw body instead of JSON."""
        path, _, inline = path.partition("?")
        said = {"host": "cloud.test:8443", "accept": "application/json"} | {
            name.lower(): value for name, value in (headers or {}).items()
        }
        if token is not None:
            said["x-auth-token"] = token
        payload = content if content is not None else (json.dumps(body).encode() if body is not None else b"")
        arrival = Arrival(method, quote(path, safe="/%:,"), query or inline, said, client, self.base)
        matched = self.application.prepare(arrival)
        if isinstance(matched, Response):
            response = matched
        else:
            stream = iter(chunks) if chunks is not None else iter([payload] if payload else [])
            response = self.application.handle(matched, b"" if matched.route.stream else payload, stream)
        if not isinstance(matched, Response):
            self._audited(matched, response.status)
        whole = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        return Answer(response.status, response.headers, whole)

    def _audited(self, matched: Matched, status: int) -> None:
        """A law: what changed something has left a line in the audit, and who was refused a change too."""
        method, path = matched.arrival.method, matched.route.path
        if method in {"GET", "HEAD"} or path in UNWRITTEN or status not in {*range(200, 300), 403}:
            return
        if status != 403 and matched.trail.action in READING:
            return
        assert matched.trail.written, f"{method} {path} answered {status} without a line in the audit"

    def settle(self, seconds: int = 0, rounds: int = 2000) -> None:
        """Runs everything due until nothing is; then on through so many (manual) seconds, from due time to due time."""
        assert isinstance(self.clock, ManualClock)
        end = self.clock.now() + seconds
        while rounds > 0:
            rounds -= 1
            if self.loop.run_due():
                continue
            due = self._next_due()
            if due is None or due > end:
                self.clock.advance(end - self.clock.now())
                return
            self.clock.advance(due - self.clock.now())
        raise AssertionError("the work loop does not come to rest")

    def _next_due(self) -> int | None:
        with self.db.read() as tx:
            when = sa.case((work.c.until > work.c.due, work.c.until), else_=work.c.due)
            found = tx.scalar(sa.select(sa.func.min(when)))
        return None if found is None else int(found)
