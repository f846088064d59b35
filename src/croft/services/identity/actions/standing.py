"""What a token means right now, read from the rows around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from croft.core.db import Tx
from croft.core.policy import Actor
from croft.services.identity.model import ApplicationCredential, Project, Standing, Token, Trust
from croft.services.identity.model.roles import RoleBook
from croft.services.identity.store import credentials, epoch, roles, tokens, trusts, users
from croft.services.identity.store.tokens import Facts


@dataclass(frozen=True)
class Known:
    """A live token, with the answers already rendered (catalog or not → body)."""

    standing: Standing
    actor: Actor
    subjects: frozenset[str]
    """What it depends on: when one of them changes, it must be read again."""
    bodies: dict[bool, bytes] = field(default_factory=dict)


def stand(tx: Tx, token: Token, book: RoleBook) -> Known | None:
    """None when the token was revoked, or its user, its scope, what is behind it or its last role is gone."""
    facts = tokens.facts(tx, token)
    if facts is None or not (facts.user_enabled and facts.user_domain_enabled):
        return None
    trust = trusts.show(tx, token.trust) if token.trust else None
    subjects = _subjects(tx, token, facts, trust)
    if subjects is None or epoch.revoked(tx, token, subjects):
        return None
    if not token.scope_type:
        standing: Standing | None = _standing(token, facts, ())
    elif token.scope_type != "system" and not _open(facts):
        return None
    else:
        standing = _scoped(tx, token, facts, book, trust)
    return None if standing is None else Known(standing, actor_of(standing), subjects | {epoch.CATALOG})


def _subjects(tx: Tx, token: Token, facts: Facts, trust: Trust | None) -> frozenset[str] | None:
    """None when someone the trust behind it needs is gone."""
    names = [token.audit[0], token.user, facts.user_domain, token.scope, facts.scope_domain]
    if trust is not None:
        for user in (trust.trustor, trust.trustee):
            found, login = users.show(tx, user), users.login(tx, user)
            if found is None or login is None or not (login.enabled and login.domain_enabled):
                return None
            names += [user, found.domain]
        line = trusts.line(tx, trust)
        if line is None:
            return None
        names += [name for above in line for name in (above.id, above.trustee)]
    return frozenset(each for each in (*names, token.application_credential, token.trust) if each)


def _open(facts: Facts) -> bool:
    lives = bool(facts.scope_enabled) and facts.scope_deleted is None
    return lives and (bool(facts.is_domain) or bool(facts.scope_domain_enabled))


def _scoped(tx: Tx, token: Token, facts: Facts, book: RoleBook, trust: Trust | None) -> Standing | None:
    """The standing in a scope, cut down to what a credential or trust behind it hands on."""
    credential = credentials.by_id(tx, token.application_credential) if token.application_credential else None
    if (token.application_credential and credential is None) or (token.trust and trust is None):
        return None
    owner = trust.trustor if trust else token.user
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


def _held(tx: Tx, user: str, token: Token, facts: Facts) -> Iterable[str]:
    if token.scope_type != "project":
        return roles.on_target(tx, user, token.scope)
    place = Project(token.scope, facts.scope_domain or "", facts.scope_parent or "", "", None, True, False, [], {}, {})
    return roles.on_project(tx, user, place)


def _standing(token: Token, facts: Facts, held: tuple[tuple[str, str], ...], *behind: object) -> Standing:
    around = (facts.user_name, facts.user_domain, facts.user_domain_name, facts.scope_name or "")
    above = (facts.scope_domain or "", facts.scope_domain_name or "", bool(facts.is_domain), facts.password_expires)
    return Standing(token, *around, *above, held, *behind)  # type: ignore[arg-type]


def actor_of(standing: Standing) -> Actor:
    token, project = standing.token, standing.token.scope_type == "project"
    credential: ApplicationCredential | None = standing.application_credential
    return Actor(
        user=token.user,
        user_name=standing.user_name,
        project=token.scope if project else "",
        project_name=standing.scope_name if project else "",
        roles=frozenset(name for _, name in standing.roles),
        domain=token.scope if token.scope_type == "domain" else "",
        system=token.scope_type == "system",
        user_domain=standing.user_domain,
        token=token.audit[0],
        expires=token.expires,
        restricted=(credential is not None and not credential.unrestricted)
        or standing.trust is not None
        or "ec2credential" in token.methods,
        methods=tuple(token.methods),
        requests=None
        if standing.access_rules is None
        else tuple((rule.service, rule.method, rule.path) for rule in standing.access_rules),
        application_credential=token.application_credential or "",
        trust=token.trust or "",
        trustor=standing.trust.trustor if standing.trust else "",
        impersonator=standing.trust.trustee if standing.trust and standing.trust.impersonation else "",
    )
