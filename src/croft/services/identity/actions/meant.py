"""Whom a refused login meant, for the audit."""

from __future__ import annotations

from croft.core.db import Database, Tx
from croft.services.identity import wire
from croft.services.identity.model import User
from croft.services.identity.store import credentials, projects, users


def whom(db: Database, identity: wire.Identity) -> tuple[str, str]:
    """The user's id and name. Empty where there is no such user: a password typed into the wrong field is not kept."""
    with db.read() as tx:
        found = _named(tx, identity)
    return (found.id, found.name) if found else ("", "")


def _named(tx: Tx, identity: wire.Identity) -> User | None:
    credential = identity.application_credential
    if credential is not None and credential.id is not None:
        kept = credentials.by_id(tx, credential.id)
        return users.show(tx, kept.user) if kept else None
    for way in ("password", "totp", "application_credential"):
        part = getattr(identity, way, None)
        if part is not None and part.user is not None:
            return _user(tx, part.user)
    return None


def _user(tx: Tx, given: wire.UserRef) -> User | None:
    if given.id is not None:
        return users.show(tx, given.id)
    if given.name is None or given.domain is None:
        return None
    domain = given.domain.id
    if domain is None:
        place = projects.named(tx, "", given.domain.name or "")
        domain = place.id if place is not None else ""
    return users.named(tx, domain, given.name)
