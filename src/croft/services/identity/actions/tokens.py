"""Tokens: making and finding them, and what people may ask about one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from croft.core.ctx import Ctx
from croft.core.db import Database, Tx
from croft.core.errors import Forbidden, NotFound, Unauthorized
from croft.core.policy import Actor
from croft.services.identity import wire
from croft.services.identity.actions.keyring import read_sealer
from croft.services.identity.actions.memory import PERIOD, Memory, Watch
from croft.services.identity.actions.standing import Known, stand
from croft.services.identity.model import CatalogEndpoint, CatalogService, Settings, Token
from croft.services.identity.model import catalog as catalogs
from croft.services.identity.model.extras import reached
from croft.services.identity.model.roles import RoleBook
from croft.services.identity.model.seals import Sealer, looks_sealed
from croft.services.identity.store import catalog, epoch, extras, roles

NEEDED = "The request you have made requires authentication."
_MISSING = "Could not find the token."
_ONE = ""
"""Key of a memory of one thing."""


class Tokens:
    """Who a token is, for one process. Reads the database once per token and change; not at all, once known, while the
    watch runs (`start`, `stop`)."""

    def __init__(
        self,
        db: Database,
        settings: Settings | None = None,
        most: int = 4096,
        clock: Callable[[], float] = time.monotonic,
        period: float = PERIOD,
    ) -> None:
        self._db = db
        self._settings = settings or Settings()
        self._known: Memory[Known] = Memory(most)
        self._books: Memory[RoleBook] = Memory(1)
        self._sealers: Memory[Sealer] = Memory(1)
        self._catalogs: Memory[tuple[list[CatalogService], list[CatalogEndpoint]]] = Memory(1)
        memories: list[Memory[Any]] = [self._known, self._books, self._sealers, self._catalogs]
        self._watch = Watch(db, memories, clock, period)
        self.start, self.stop = self._watch.start, self._watch.stop

    def __call__(self, text: str) -> Actor:
        """Who a token of these words is. `Unauthorized` when it is none, or no more."""
        known = self._recall(text) or self._read(text)
        if known is None:
            raise Unauthorized(NEEDED)
        return known.actor

    authenticate = __call__

    def remembered(self, text: str) -> Actor | None:
        """The same without I/O or waiting, for an event loop; None: ask `authenticate`, on a thread that may wait."""
        known = self._recall(text)
        return None if known is None else known.actor

    def remembered_body(self, actor: Actor, text: str, *, with_catalog: bool) -> bytes | None:
        """What `show_token` would answer an actor whom the policy lets ask, likewise; None: ask there."""
        known = self._recall(text)
        return known.bodies.get(with_catalog) if known is not None and visible(actor, known) else None

    def _recall(self, text: str) -> Known | None:
        """From memory, if that counts at this moment."""
        known = self._known.get(text) if self._watch.fresh() else None
        return known if known is not None and known.standing.token.expires > self._db.clock.now() else None

    def _read(self, text: str) -> Known | None:
        if not looks_sealed(text):
            return None
        with self._db.read() as tx:
            return self.find(tx, text)

    def find(self, tx: Tx, text: str) -> Known | None:
        now = self._watch.look(tx)
        known = self._known.get(text)
        if known is None:
            token = self._sealer(tx, now).open(text)
            usable = token is not None and token.expires > tx.now and token.born <= now
            known = stand(tx, token, self.book(tx, now)) if token is not None and usable else None
            if known is not None:
                self._known.put(text, known, known.subjects, now)
        return known if known is not None and known.standing.token.expires > tx.now else None

    def holds(self, tx: Tx, token: Token) -> bool:
        """Whether a token that was found is still good."""
        return token.expires > tx.now and stand(tx, token, self.book(tx, self._watch.look(tx))) is not None

    def begin(self, tx: Tx) -> int:
        """The number a token is born with. Read before anything that lets someone in is: what ends tokens after this
        moment then ends this one too."""
        return self._watch.look(tx)

    def issue(self, tx: Tx, token: Token) -> tuple[str, Known] | None:
        """Its text and what it means; None when nobody could use it."""
        known = stand(tx, token, self.book(tx, token.born)) if token.expires > tx.now else None
        if known is None:
            return None
        text = self._sealer(tx, token.born).seal(token)
        self._known.put(text, known, known.subjects, token.born)
        return text, known

    def _sealer(self, tx: Tx, now: int) -> Sealer:
        found = self._sealers.get(_ONE)
        if found is None:
            found = read_sealer(tx)
            self._sealers.put(_ONE, found, [epoch.KEYS], now)
        return found

    def book(self, tx: Tx, now: int) -> RoleBook:
        found = self._books.get(_ONE)
        if found is None:
            found = roles.book(tx)
            self._books.put(_ONE, found, [epoch.ROLES], now)
        return found

    def body(self, tx: Tx, known: Known, *, with_catalog: bool) -> bytes:
        """`{"token": …}` as JSON."""
        found = known.bodies.get(with_catalog)
        if found is None:
            standing, shown = known.standing, None
            if with_catalog and standing.token.scope_type:
                project = standing.token.scope if standing.token.scope_type == "project" else ""
                shown = self.catalog(tx, standing.token.user, project)
            found = known.bodies[with_catalog] = wire.token_body(standing, shown)
        return found

    def catalog(self, tx: Tx, user: str, project: str) -> list[dict[str, object]]:
        services, endpoints = self._catalog(tx)
        given, groups = (extras.endpoints_of(tx, project), extras.groups_of(tx, project)) if project else ([], [])
        if given or groups:
            endpoints = reached(endpoints, given, groups)
            services = [each for each in services if any(row.service == each.id for row in endpoints)]
        return catalogs.entries(services, endpoints, user, project)

    def _catalog(self, tx: Tx) -> tuple[list[CatalogService], list[CatalogEndpoint]]:
        now = self._watch.look(tx)
        found = self._catalogs.get(_ONE)
        if found is None:
            services, endpoints = catalogs.builtin(self._settings)
            found = [*services, *catalog.services(tx)], [*endpoints, *catalog.endpoints(tx)]
            self._catalogs.put(_ONE, found, [epoch.CATALOG], now)
        return found


def visible(actor: Actor, known: Known) -> bool:
    """One's own tokens, and anybody's for operators, services and readers of the system; others are missing."""
    return "service" in actor.roles or actor.reach.project is None or known.standing.token.user == actor.user


def _need(actor: Actor, known: Known | None) -> Known:
    if known is None or not visible(actor, known):
        raise NotFound(_MISSING)
    return known


def show_token(ctx: Ctx, found: Tokens, text: str, *, with_catalog: bool) -> bytes:
    ctx.policy.check(ctx.actor, "identity.token.show")
    body = found.remembered_body(ctx.actor, text, with_catalog=with_catalog)
    if body is not None:
        return body
    with ctx.read("identity.token.show") as tx:
        return found.body(tx, _need(ctx.actor, found.find(tx, text)), with_catalog=with_catalog)


def delete_token(ctx: Ctx, found: Tokens, text: str) -> None:
    with ctx.write("identity.token.delete") as tx:
        token = _need(ctx.actor, found.find(tx, text)).standing.token
        if not (ctx.actor.is_admin or token.user == ctx.actor.user):
            raise Forbidden("Only operators end other people's tokens.")
        tx.audit(token.audit[0])
        epoch.end(tx, token.audit[0], token.expires)


def show_catalog(ctx: Ctx, found: Tokens) -> list[dict[str, object]]:
    with ctx.read("identity.catalog.show") as tx:
        actor = ctx.actor
        if not (actor.project or actor.domain or actor.system):
            raise Unauthorized(NEEDED)
        return found.catalog(tx, actor.user, actor.project)
