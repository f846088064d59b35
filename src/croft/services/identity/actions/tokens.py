"""What a token means right now: read once per epoch and remembered, in this process, by the token's digest."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from croft.core.ctx import Ctx
from croft.core.db import Database, Tx
from croft.core.errors import NotFound, Unauthorized
from croft.core.policy import Actor
from croft.services.identity import wire
from croft.services.identity.model import CatalogEndpoint, CatalogService, Project, Settings, Standing, Token
from croft.services.identity.model import catalog as catalogs
from croft.services.identity.model.passwords import token_digest
from croft.services.identity.model.roles import RoleBook
from croft.services.identity.store import catalog, credentials, epoch, roles, tokens, trusts, users
from croft.services.identity.store.tokens import Facts

V = TypeVar("V")
NEEDED = "The request you have made requires authentication."
_MISSING = "Could not find the token."


class Remembered(Generic[V]):
    """A bounded memory whose entries count only under the epoch they were read in; the oldest give way."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[str, tuple[int, V]] = {}
        self._lock = threading.Lock()

    def get(self, now: int, key: str) -> V | None:
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] == now else None

    def put(self, now: int, key: str, value: V) -> None:
        with self._lock:
            self._entries.pop(key, None)
            if len(self._entries) >= self._most:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (now, value)


@dataclass(frozen=True)
class Known:
    """A live token, with the answers already rendered (catalog or not → body)."""

    standing: Standing
    actor: Actor
    bodies: dict[bool, bytes] = field(default_factory=dict)


class Tokens:
    """Finds tokens. One per door; several may look at one database, and so may several processes."""

    def __init__(self, db: Database, settings: Settings | None = None, most: int = 4096) -> None:
        self._db = db
        self._settings = settings or Settings()
        self._known: Remembered[Known] = Remembered(most)
        self._books: Remembered[RoleBook] = Remembered(1)
        self._catalogs: Remembered[tuple[list[CatalogService], list[CatalogEndpoint]]] = Remembered(1)

    def authenticate(self, text: str) -> Actor:
        """Who a token of these words is. `Unauthorized` when it is none, or no more."""
        with self._db.read() as tx:
            known = self.find(tx, token_digest(text))
        if known is None:
            raise Unauthorized(NEEDED)
        return known.actor

    def find(self, tx: Tx, digest: str) -> Known | None:
        now = epoch.read(tx)
        known = self._known.get(now, digest)
        if known is None:
            standing = stand(tx, digest, self.book(tx, now))
            if standing is None:
                return None
            known = Known(standing, actor_of(standing))
            self._known.put(now, digest, known)
        return known if known.standing.token.expires > tx.now else None

    def book(self, tx: Tx, now: int) -> RoleBook:
        found = self._books.get(now, "")
        if found is None:
            found = roles.book(tx)
            self._books.put(now, "", found)
        return found

    def body(self, tx: Tx, known: Known, *, with_catalog: bool) -> bytes:
        """`{"token": …}` as JSON."""
        found = known.bodies.get(with_catalog)
        if found is None:
            shown = self.catalog(tx, known.standing) if with_catalog and known.standing.token.scope_type else None
            found = known.bodies[with_catalog] = wire.token_body(known.standing, shown)
        return found

    def catalog(self, tx: Tx, standing: Standing) -> list[dict[str, object]]:
        services, endpoints = self._catalog(tx)
        project = standing.token.scope if standing.token.scope_type == "project" else ""
        return catalogs.entries(services, endpoints, standing.token.user, project)

    def _catalog(self, tx: Tx) -> tuple[list[CatalogService], list[CatalogEndpoint]]:
        now = epoch.read(tx)
        found = self._catalogs.get(now, "")
        if found is None:
            services, endpoints = catalogs.builtin(self._settings)
            found = [*services, *catalog.services(tx)], [*endpoints, *catalog.endpoints(tx)]
            self._catalogs.put(now, "", found)
        return found


def stand(tx: Tx, digest: str, book: RoleBook) -> Standing | None:
    """Reads a token's meaning; None when the token, its user, its scope or its last role is gone."""
    found = tokens.facts(tx, digest)
    if found is None or not (found[1].user_enabled and found[1].user_domain_enabled):
        return None
    token, facts = found
    if not token.scope_type:
        return _standing(token, facts, ())
    if token.scope_type != "system" and not _open(facts):
        return None
    return _delegated(tx, token, facts, book)


def _open(facts: Facts) -> bool:
    lives = bool(facts.scope_enabled) and facts.scope_deleted is None
    return lives and (bool(facts.is_domain) or bool(facts.scope_domain_enabled))


def _delegated(tx: Tx, token: Token, facts: Facts, book: RoleBook) -> Standing | None:
    """The standing of a scoped token, cut down to what a credential or trust behind it hands on."""
    credential = credentials.by_id(tx, token.application_credential) if token.application_credential else None
    trust = trusts.show(tx, token.trust) if token.trust else None
    if (token.application_credential and credential is None) or (token.trust and trust is None):
        return None
    owner = trust.trustor if trust else token.user
    if trust and not all(_enabled(tx, user) for user in (trust.trustor, trust.trustee)):
        return None
    held = book.effective(_held(tx, owner, token, facts))
    limits = [each.roles for each in (credential, trust) if each is not None]
    for limit in limits:
        allowed = dict(book.effective(limit))
        held = tuple(role for role in held if role[0] in allowed)
    if not held:
        return None
    rules = None
    if credential is not None and credential.access_rules is not None:
        rules = tuple(credentials.some_rules(tx, credential.access_rules))
    return _standing(token, facts, held, credential, rules, trust)


def _enabled(tx: Tx, user: str) -> bool:
    found = users.login(tx, user)
    return found is not None and found.enabled and found.domain_enabled


def _held(tx: Tx, user: str, token: Token, facts: Facts) -> Iterable[str]:
    if token.scope_type != "project":
        return roles.on_target(tx, user, token.scope)
    place = Project(token.scope, facts.scope_domain or "", facts.scope_parent or "", "", None, True, False, [], {}, {})
    return roles.on_project(tx, user, place)


def _standing(token: Token, facts: Facts, held: tuple[tuple[str, str], ...], *behind: object) -> Standing:
    around = (facts.user_name, facts.user_domain, facts.user_domain_name, facts.scope_name or "")
    above = (facts.scope_domain or "", facts.scope_domain_name or "", bool(facts.is_domain))
    return Standing(token, *around, *above, held, *behind)  # type: ignore[arg-type]


def actor_of(standing: Standing) -> Actor:
    token, project = standing.token, standing.token.scope_type == "project"
    credential = standing.application_credential
    return Actor(
        user=token.user,
        user_name=standing.user_name,
        project=token.scope if project else "",
        project_name=standing.scope_name if project else "",
        roles=frozenset(name for _, name in standing.roles),
        domain=token.scope if token.scope_type == "domain" else "",
        system=token.scope_type == "system",
        user_domain=standing.user_domain,
        token=token.digest,
        expires=token.expires,
        restricted=(credential is not None and not credential.unrestricted) or standing.trust is not None,
        requests=None
        if standing.access_rules is None
        else tuple((rule.service, rule.method, rule.path) for rule in standing.access_rules),
        application_credential=token.application_credential or "",
        trust=token.trust or "",
        trustor=standing.trust.trustor if standing.trust else "",
        impersonator=standing.trust.trustee if standing.trust and standing.trust.impersonation else "",
    )


def _visible(ctx: Ctx, known: Known | None) -> Known:
    """One's own tokens, and anybody's for operators and services; a foreign one is as good as missing."""
    actor = ctx.actor
    if known is None:
        raise NotFound(_MISSING)
    if not (actor.is_admin or "service" in actor.roles or known.standing.token.user == actor.user):
        raise NotFound(_MISSING)
    return known


def show_token(ctx: Ctx, found: Tokens, text: str, *, with_catalog: bool) -> bytes:
    with ctx.read("identity.token.show") as tx:
        known = _visible(ctx, found.find(tx, token_digest(text)))
        return found.body(tx, known, with_catalog=with_catalog)


def delete_token(ctx: Ctx, found: Tokens, text: str) -> None:
    digest = token_digest(text)
    with ctx.write("identity.token.delete") as tx:
        known = _visible(ctx, found.find(tx, digest))
        tokens.delete(tx, digest)
        tx.audit(known.standing.token.audit[0])
        epoch.bump(tx)


def show_catalog(ctx: Ctx, found: Tokens) -> list[dict[str, object]]:
    with ctx.read("identity.catalog.show") as tx:
        known = found.find(tx, ctx.actor.token)
        if known is None or not known.standing.token.scope_type:
            raise Unauthorized(NEEDED)
        return found.catalog(tx, known.standing)
