"""The only doors to a transaction for people: `ctx.read(action)` and `ctx.write(action)`.

Opening one is the permission check; a write also holds the project's lock and leaves an audit entry in its commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from croft.core import audit
from croft.core.audit import NOWHERE, Origin
from croft.core.audit.ledger import Ledger
from croft.core.db import Database, Tx
from croft.core.errors import CroftError
from croft.core.policy import Actor, Policy, Scope
from croft.core.quota import Quotas


class ReadTx(Tx):
    """A transaction with a scope: what `store` functions take as their second argument."""

    __slots__ = ("actor", "ctx", "scope")

    def __init__(self, tx: Tx, ctx: Ctx, scope: Scope) -> None:
        super().__init__(tx._db, tx.link, tx.now, tx.writing)
        self.at_end = tx.at_end
        self.ctx = ctx
        self.scope = scope
        self.actor = ctx.actor


class WriteTx(ReadTx):
    __slots__ = ("_targets", "action", "project")

    def __init__(self, tx: Tx, ctx: Ctx, scope: Scope, action: str, project: str) -> None:
        super().__init__(tx, ctx, scope)
        self.action = action
        self.project = project
        """Whose quota the action counts against, and whose lock is held."""
        self._targets: list[tuple[str, str, str]] = []

    def audit(self, target: str, name: str = "", project: str | None = None) -> None:
        """Names what the action is done to; at least once in each write. `project` is whose log it belongs in, where
        that is not whose lock is held."""
        self._targets.append((target, name, self.project if project is None else project))
        self.ctx.trail.target, self.ctx.trail.name = target, name

    def ensure_quota(self, name: str, used: int, asked: int = 1) -> None:
        self.ctx.quotas.ensure(self, self.project, name, used, asked)


@dataclass(slots=True)
class Trail:
    """What a request has come to, for the line of the audit that its end may need."""

    action: str = ""
    """The last action that was begun."""
    writes: bool = False
    """Whether one of them was a write."""
    target: str = ""
    name: str = ""
    written: bool = False
    """Whether a line was committed."""
    refusal: CroftError | None = None
    """What was answered in words of the handler's own instead of being raised."""
    actor: Actor | None = None
    """Who came in by a request that needs no token."""
    meant: Callable[[], tuple[str, str]] | None = None
    """Whom such a request meant, as (id, name); asked only once it was refused, outside of any transaction."""


@dataclass(frozen=True)
class Ctx:
    """One request's (or one command's) powers."""

    db: Database
    policy: Policy
    quotas: Quotas
    actor: Actor
    request_id: str = "-"
    facts: dict[str, str] = field(default_factory=dict)
    origin: Origin = NOWHERE
    trail: Trail = field(default_factory=Trail)
    ledger: Ledger | None = None

    def settle(self) -> None:
        """Has the audit's counts written, for somebody who is about to read them."""
        if self.ledger is not None:
            self.ledger.settle()

    def allows(self, action: str) -> bool:
        return self.policy.allows(self.actor, action)

    @contextmanager
    def read(self, action: str) -> Iterator[ReadTx]:
        self.trail.action = action
        scope = self.policy.check(self.actor, action)
        with self.db.read() as tx:
            yield ReadTx(tx, self, scope)

    @contextmanager
    def write(self, action: str, project: str | None = None) -> Iterator[WriteTx]:
        """`project` is whose quota and lock it is: the actor's own unless an operator acts for another."""
        self.trail.action, self.trail.writes = action, True
        scope = self.policy.check(self.actor, action, writing=True)
        owner = self.actor.project if project is None else project
        with self.db.write() as tx:
            if owner:
                tx.lock(f"project:{owner}")
            mine = WriteTx(tx, self, scope, action, owner)
            yield mine
            if not mine._targets:
                raise AssertionError(f"{action} changed something without naming it to the audit")
            for target, name, where in mine._targets:
                audit.write(tx, self.line(action, where, target, name))
            tx.woken = tx.woken or mine.woken
            tx.changed = tx.changed or mine.changed
        self.trail.written = True

    def line(self, action: str, project: str, target: str, name: str) -> dict[str, Any]:
        """What the audit says of this actor's action."""
        return audit.values_of(
            self.actor,
            self.origin,
            project=project,
            request=self.request_id,
            action=action,
            target=target,
            name=name,
        )
