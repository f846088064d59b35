"""Letting in whom an identity provider vouches for: by a token of its own, or by a browser that went there and back."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping

from croft.core.db import Database, Tx
from croft.core.errors import Invalid, NotFound, Rejected, Unauthorized, Unavailable
from croft.core.ids import new_hex_id, new_secret
from croft.core.policy import Actor
from croft.drivers.people import Group, Person
from croft.drivers.provider import Claims, Journey
from croft.services.identity import wire
from croft.services.identity.actions.knocks import Visit
from croft.services.identity.actions.login import Door, Proof
from croft.services.identity.actions.outside import Patience
from croft.services.identity.actions.tokens import NEEDED
from croft.services.identity.model import Project, Settings
from croft.services.identity.model.federation import IdentityProvider
from croft.services.identity.model.outside import PROVIDER, Trusted, compare_one, group_id, subject_id
from croft.services.identity.store import federation, journeys, outside, projects, users

log = logging.getLogger("croft.identity")
METHOD = "openid"
CALLBACK = "/v3/auth/OS-FEDERATION/callback"
_STALE = "This login took too long, was finished before, or began in another browser. Begin it again."


class Providers:
    """The providers of croft.toml. They are asked outside any transaction."""

    def __init__(self, db: Database, settings: Settings, door: Door, trusted: Mapping[str, Trusted]) -> None:
        self._db, self._settings, self._door, self._trusted = db, settings, door, trusted
        says = "The identity provider {} does not answer, so its people cannot log in now."
        self._patience = {name: Patience(says.format(name), Unavailable) for name in trusted}

    def by_token(self, provider: str, protocol: str, token: str, visit: Visit) -> tuple[str, bytes]:
        """An unscoped token for the one an access token stands for."""
        trusted = self._need(provider, protocol)
        if not token:
            raise Unauthorized("Send the identity provider's access token in the header Authorization: Bearer …")
        with self._db.read() as tx:
            self._door.passwords.knocks.admit(tx, visit)
        try:
            with self._patience[provider].asking():
                claims = trusted.provider.vouch(token)
        except Rejected as error:
            self._refuse(provider, visit, error)
        return self._let_in(provider, trusted, claims)

    def depart(self, provider: str | None, protocol: str, origin: str, secret: str) -> str:
        """Where a browser that keeps `secret` is sent, to come back to CALLBACK and be handed on to `origin`."""
        if not origin:
            raise Invalid("Say by the query parameter origin where the token is to be sent.")
        if origin not in self._settings.trusted_dashboards:
            raise Unauthorized(
                "This origin is no trusted dashboard of this cloud; see trusted_dashboards in croft.toml."
            )
        name = self._only(protocol) if provider is None else provider
        trusted, journey = self._need(name, protocol), self._journey(secret)
        with self._patience[name].asking():
            there = trusted.provider.departure(journey)
        with self._db.write() as tx:
            if not journeys.depart(tx, _digest(journey.state), name, origin):
                raise Unavailable("Too many logins by browser are under way.")
        return there

    def who(self, text: str) -> Actor:
        """The user of a token just made, for the audit."""
        return self._door.who(text)

    def arrive(self, secret: str, state: str, code: str, visit: Visit) -> tuple[str, str]:
        """(origin, token) of the browser that comes back; each journey ends once."""
        journey = self._journey(secret)
        if not secret or not hmac.compare_digest(journey.state.encode(), state.encode()):
            raise Unauthorized(_STALE)
        with self._db.write() as tx:
            found = journeys.arrive(tx, _digest(state))
        if found is None or found[0] not in self._trusted:
            raise Unauthorized(_STALE)
        name, origin = found
        if not code:
            raise Unauthorized("The identity provider let nobody in.")
        trusted = self._trusted[name]
        try:
            with self._patience[name].asking():
                claims = trusted.provider.arrival(journey, code)
        except Rejected as error:
            self._refuse(name, visit, error)
        return origin, self._let_in(name, trusted, claims)[0]

    def _journey(self, secret: str) -> Journey:
        """All that is the journey's own, from what only its browser has."""

        def part(what: str) -> str:
            return hmac.new(secret.encode(), what.encode(), hashlib.sha256).hexdigest()

        redirect = f"{self._settings.public_url}/identity{CALLBACK}"
        return Journey(part("state"), part("nonce"), part("verifier"), redirect)

    def _only(self, protocol: str) -> str:
        found = [name for name, each in self._trusted.items() if each.protocol == protocol]
        if len(found) != 1:
            raise NotFound(f"Say which identity provider: {len(found)} speak {protocol[:64]} here.")
        return found[0]

    def _need(self, provider: str, protocol: str) -> Trusted:
        trusted = self._trusted.get(provider)
        with self._db.read() as tx:
            row = federation.show(tx, IdentityProvider, provider) if trusted else None
        if trusted is None or trusted.protocol != protocol:
            raise NotFound(f"No identity provider {provider[:64]} with the protocol {protocol[:64]} is in croft.toml.")
        if row is not None and not row.enabled:
            raise Unauthorized(f"The identity provider {provider} is disabled here.")
        return trusted

    def _refuse(self, provider: str, visit: Visit, error: Rejected) -> None:
        log.info("identity provider %s: %s", provider, error)
        self._door.passwords.refuse(None, visit, wrong=False)

    def _let_in(self, name: str, trusted: Trusted, claims: Claims) -> tuple[str, bytes]:
        with self._db.read() as tx:
            place = projects.named(tx, "", trusted.link or trusted.domain or name)
            linked = users.named(tx, place.id, claims.name) if place and trusted.link and not claims.machine else None
        if place is None or (trusted.link and linked is None):
            log.info("identity provider %s: nobody here is called %s", name, claims.name)
            raise Unauthorized(NEEDED)
        user = linked.id if linked is not None else self._welcome(place, claims)
        proof = Proof(user, (METHOD,), lambda tx: True)
        return self._door.enter(proof, wire.Auth(wire.Identity([METHOD]), "unscoped"), with_catalog=False)

    def _welcome(self, place: Project, claims: Claims) -> str:
        """The row of somebody who lives elsewhere, as of now."""
        id = subject_id(f"{claims.issuer} {'client' if claims.machine else ''}", claims.subject)
        groups = [Group(each, each, (claims.subject,)) for each in claims.groups]
        named = [(group_id(place.id, each.subject), each.name) for each in groups]

        def plan_in(tx: Tx) -> tuple[bool, bool]:
            namesake = users.named(tx, place.id, claims.name)
            taken = namesake is not None and namesake.id != id
            name = f"{claims.name[:240]} ({id[:8]})" if taken else claims.name
            person = Person(claims.subject, claims.subject, name, claims.email)
            have = outside.any_have_one(tx, place.id, id, name, named, PROVIDER)
            plan = compare_one(place.id, id, have, person, groups)
            if tx.writing:
                outside.any_apply(tx, place.id, plan, PROVIDER)
            return plan.empty, plan.stranger

        with self._db.read() as tx:
            same, stranger = plan_in(tx)
        if not same:
            with self._db.write() as tx:
                same, stranger = plan_in(tx)
        if stranger:
            raise Unauthorized(NEEDED)
        return id


def browser_secret() -> str:
    return new_secret(32)


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def seed_providers(db: Database, trusted: Mapping[str, Trusted]) -> None:
    """The domain of each provider, and what `GET /v3/OS-FEDERATION` shows of it; safe to repeat."""
    for name, each in trusted.items():
        with db.write() as tx:
            tx.lock("identity:seed")
            domain = projects.named(tx, "", each.link or each.domain or name)
            if domain is None:
                called = each.link or each.domain or name
                domain = Project(new_hex_id(), "", "", called, "People of an identity provider", True, True, [], {}, {})
                projects.insert(tx, domain)
            if federation.show(tx, IdentityProvider, name) is None:
                row = IdentityProvider(name, domain.id, "From croft.toml", True, [], None)
                federation.insert(tx, row)
