"""From a password, a token or an application credential to a token. The only action without an actor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from croft.core.db import Database, Tx
from croft.core.errors import Forbidden, Invalid, NotFound, Unauthorized
from croft.core.ids import new_secret
from croft.core.policy import Actor
from croft.services.identity import wire
from croft.services.identity.actions import meant
from croft.services.identity.actions.factors import Factors, Shown
from croft.services.identity.actions.knocks import Visit
from croft.services.identity.actions.outside import Directories
from croft.services.identity.actions.passwords import Passwords
from croft.services.identity.actions.standing import Known
from croft.services.identity.actions.tokens import NEEDED, Tokens
from croft.services.identity.model import Settings, Token
from croft.services.identity.model.passwords import MAX_LENGTH, matches
from croft.services.identity.store import credentials, epoch, projects, trusts, users

Reverify = Callable[[Tx], bool]


@dataclass(frozen=True)
class Proof:
    """Who has shown to be whom. `holds` says, inside the transaction that issues, that it is still so."""

    user: str
    methods: tuple[str, ...]
    holds: Reverify
    expires: int | None = None
    parent_audit: str = ""
    credential: str | None = None
    project: str = ""
    """The one project a credential is for."""
    receipt_until: int | None = None
    """When the receipt shown ends; none that is made of it lives longer."""


@dataclass(frozen=True)
class Scope:
    type: str = ""
    id: str = ""
    trust: str | None = None


class Door:
    """Lets people in."""

    def __init__(self, db: Database, settings: Settings, known: Tokens, directories: Directories | None = None) -> None:
        self._db, self._settings, self._tokens = db, settings, known
        self._directories = directories or Directories(db, {})
        self.passwords = Passwords(db, settings)
        self.factors = Factors(db, settings, self.passwords)
        self._methods: dict[str, Callable[[wire.Identity, Visit], Proof]] = {
            "password": self._by_password,
            "token": self._by_token,
            "application_credential": self._by_credential,
        }

    def log_in(self, wish: wire.Auth, visit: Visit, *, with_catalog: bool) -> tuple[str, bytes]:
        """The token's text and its description. `Unauthorized` never says which part was wrong."""
        proof = self._prove(wish.identity, visit)
        if proof.credential is not None and wish.scope is not None:
            raise Unauthorized("An application credential comes with its scope; ask for no other.")
        return self.enter(proof, wish, with_catalog=with_catalog)

    def enter(self, proof: Proof, wish: wire.Auth | None = None, *, with_catalog: bool) -> tuple[str, bytes]:
        """A token for who has proven to be somebody; without a wish, for the project that the proof is for."""
        with self._db.write() as tx:
            born = self._tokens.begin(tx)
            if not proof.holds(tx) or not self.passwords.admits(tx, proof.user):
                raise Unauthorized(NEEDED)
            shown = Shown(proof.user, proof.methods, proof.receipt_until)
            if wish is not None:
                self.factors.demand(tx, shown, {*self._methods, "totp"})
            scope = Scope("project", proof.project) if wish is None else self._scope(tx, wish, proof)
            text, known = self._issue(tx, self._token(tx, scope, proof, born), shown)
            if known is None and wish and wish.scope is None and proof.credential is None and scope.type:
                text, known = self._issue(tx, self._token(tx, Scope(), proof, born), shown)
            if known is None and text:
                self.factors.ask_for_code(tx, shown)
            if known is None:
                raise Unauthorized(NEEDED)
            return text, self._tokens.body(tx, known, with_catalog=with_catalog)

    def _issue(self, tx: Tx, token: Token, shown: Shown) -> tuple[str, Known | None]:
        """A text without a meaning is a token that only lacks a one-time code."""
        issued = self._tokens.issue(tx, token)
        if issued is None:
            return "", None
        lacks = self.factors.lacks_code(shown, (name for _, name in issued[1].standing.roles))
        return issued[0], None if lacks else issued[1]

    def who(self, text: str) -> Actor:
        return self._tokens.authenticate(text)

    def meant(self, identity: wire.Identity) -> tuple[str, str]:
        return meant.whom(self._db, identity)

    def _prove(self, identity: wire.Identity, visit: Visit) -> Proof:
        proofs = []
        for method in dict.fromkeys(identity.methods):
            if method == "totp":
                continue
            prove = self._methods.get(method)
            if prove is None:
                raise Unauthorized("Attempted to authenticate with an unsupported method.")
            proofs.append(prove(identity, visit))
        if visit.receipt and identity.methods:
            proofs.append(self._by_receipt(visit))
        if "totp" in identity.methods:
            proofs.append(self._by_code(identity, visit, proofs))
        if not proofs or any(each.user != proofs[0].user for each in proofs):
            raise Unauthorized(NEEDED)
        if len(proofs) == 1:
            return proofs[0]
        methods = tuple(dict.fromkeys(method for each in proofs for method in each.methods))
        expiries = [each.expires for each in proofs if each.expires is not None]
        return replace(
            max(proofs, key=lambda each: each.credential is not None),
            methods=methods,
            expires=min(expiries, default=None),
            parent_audit="".join(each.parent_audit for each in proofs),
            holds=lambda tx: all(each.holds(tx) for each in proofs),
            receipt_until=next((each.receipt_until for each in proofs if each.receipt_until), None),
        )

    def _by_password(self, identity: wire.Identity, visit: Visit) -> Proof:
        if identity.password is None:
            raise Invalid("Expecting to find password in identity.")
        given = identity.password.user
        with self._db.read() as tx:
            user = _find_user(tx, given)
            domain = _find_domain(tx, given.domain) if given.domain is not None else None
        asked = self._directories.look(user, given.name, domain)
        login = self.passwords.verify(user, given.password, visit, asked=asked)
        return Proof(login.user, ("password",), lambda tx: self.passwords.stays(tx, login, visit))

    def _by_receipt(self, visit: Visit) -> Proof:
        receipt = self.factors.read_receipt(visit.receipt)
        holds = partial(self.factors.holds, receipt=receipt)
        return Proof(receipt.user, tuple(receipt.methods), holds, receipt_until=receipt.expires)

    def _by_code(self, identity: wire.Identity, visit: Visit, others: Sequence[Proof]) -> Proof:
        """Last of all, and only for the user whom the others have shown."""
        if identity.totp is None:
            raise Invalid("Expecting to find totp in identity.")
        given = identity.totp.user
        with self._db.read() as tx:
            user = _find_user(tx, given)
        if any(each.user != user for each in others):
            self.passwords.refuse(None, visit, wrong=False)
        self.factors.check_code(user, given.passcode, visit, alone=not others)
        return Proof(user or "-", ("totp",), lambda tx: True)

    def _by_token(self, identity: wire.Identity, visit: Visit) -> Proof:
        if identity.token is None:
            raise Invalid("Expecting to find token in identity.")
        with self._db.read() as tx:
            known = self._tokens.find(tx, identity.token.id)
        if known is None:
            raise NotFound("Could not find the token.")
        token = known.standing.token
        if token.application_credential or token.trust or "ec2credential" in token.methods:
            raise Forbidden("A token from a credential or a trust cannot be exchanged for another.")
        methods = tuple(dict.fromkeys([*token.methods, "token"]))
        return Proof(token.user, methods, lambda tx: self._tokens.holds(tx, token), token.expires, token.audit[-1])

    def _by_credential(self, identity: wire.Identity, visit: Visit) -> Proof:
        given = identity.application_credential
        if given is None:
            raise Invalid("Expecting to find application_credential in identity.")
        if len(given.secret) > MAX_LENGTH:
            raise Invalid(f"A secret has at most {MAX_LENGTH} characters.")
        with self._db.read() as tx:
            self.passwords.knocks.admit(tx, visit)
            if given.id is not None:
                found = credentials.by_id(tx, given.id)
            else:
                user = _find_user(tx, given.user) if given.user and given.name else None
                found = credentials.named(tx, user, given.name) if user and given.name else None
            stored = credentials.secret(tx, found.id if found else "-")
            now = tx.now
        fits = matches(given.secret, stored, self._settings.bcrypt_rounds)
        if found is None or not fits or found.expired(now):
            self.passwords.refuse(found.user if found else None, visit, wrong=False)
        id = found.id
        return Proof(
            found.user,
            ("application_credential",),
            lambda tx: credentials.secret(tx, id) == stored,
            expires=None if found.expires_micro is None else found.expires_micro // 1_000_000,
            credential=id,
            project=found.project,
        )

    def _scope(self, tx: Tx, wish: wire.Auth, proof: Proof) -> Scope:
        if proof.credential is not None:
            return Scope("project", proof.project)
        if wish.scope is None:
            user = users.show(tx, proof.user)
            return Scope("project", user.default_project) if user and user.default_project else Scope()
        if isinstance(wish.scope, str):
            if wish.scope != "unscoped":
                raise Invalid("scope must be an object, or the word unscoped.")
            return Scope()
        return _asked_scope(tx, wish.scope, proof)

    def _token(self, tx: Tx, scope: Scope, proof: Proof, born: int) -> Token:
        user, expires = proof.user, tx.now + min(self._settings.token_ttl, epoch.LONGEST)
        if proof.expires is not None:
            expires = min(expires, proof.expires)
        if scope.trust is not None:
            trust = trusts.show(tx, scope.trust)
            assert trust is not None
            user = trust.trustor if trust.impersonation else trust.trustee
            expires = expires if trust.expires is None else min(expires, trust.expires)
            if trust.remaining_uses is not None and not trusts.use(tx, trust.id):
                raise Unauthorized(NEEDED)
        audit = [new_secret(16), *([proof.parent_audit] if proof.parent_audit else [])]
        return Token(
            user,
            list(proof.methods),
            audit,
            scope.type,
            scope.id,
            tx.now,
            expires,
            proof.credential,
            scope.trust,
            born,
        )


def _asked_scope(tx: Tx, asked: wire.AuthScope, proof: Proof) -> Scope:
    wishes = [each for each in (asked.project, asked.domain, asked.system, asked.trust) if each is not None]
    if len(wishes) + (asked.unscoped is not None) != 1:
        raise Invalid("scope must name exactly one of project, domain, system, OS-TRUST:trust or unscoped.")
    if asked.system is not None:
        if asked.system.get("all") is not True:
            raise Invalid('The system scope is {"all": true}.')
        return Scope("system", "system")
    if asked.trust is not None:
        return _trust_scope(tx, asked.trust.id, proof)
    if asked.domain is not None:
        domain = _find_domain(tx, asked.domain)
        return Scope("domain", domain)
    if asked.project is not None:
        return Scope("project", _find_project(tx, asked.project))
    return Scope()


def _trust_scope(tx: Tx, id: str, proof: Proof) -> Scope:
    trust = trusts.show(tx, id)
    if trust is None or trust.trustee != proof.user:
        raise Unauthorized(NEEDED)
    if (trust.expires is not None and trust.expires <= tx.now) or trust.remaining_uses == 0:
        raise Unauthorized(NEEDED)
    return Scope("project", trust.project, trust.id)


def _find_user(tx: Tx, given: wire.UserRef) -> str | None:
    if given.id is not None:
        return given.id
    if given.name is None or given.domain is None:
        raise Invalid("Expecting to find id, or name and domain, in user.")
    found = users.named(tx, _find_domain(tx, given.domain), given.name)
    return found.id if found else None


def _find_project(tx: Tx, given: wire.ProjectRef) -> str:
    """Empty-handed answers give an id that nobody has a role in."""
    if given.id is not None:
        found = projects.show(tx, given.id)
    elif given.name is None or given.domain is None:
        raise Invalid("Expecting to find id, or name and domain, in project.")
    else:
        found = projects.named(tx, _find_domain(tx, given.domain) or "-", given.name)
    return found.id if found and not found.is_domain else "-"


def _find_domain(tx: Tx, given: wire.DomainRef) -> str:
    if given.id is not None:
        found = projects.show(tx, given.id)
    elif given.name is None:
        raise Invalid("Expecting to find id or name in domain.")
    else:
        found = projects.named(tx, "", given.name)
    return found.id if found and found.is_domain else "-"
