"""What must be there before anybody can log in: the default domain, the roles, the operator and a first project."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from croft.core.db import Database, Tx
from croft.core.ids import new_hex_id
from croft.services.identity.actions.births import Births
from croft.services.identity.actions.keyring import ensure_keys
from croft.services.identity.model import DEFAULT_DOMAIN, Assignment, Project, Role, Settings, User
from croft.services.identity.model.passwords import hashed
from croft.services.identity.store import epoch, projects, roles, users

_LADDER = ("admin", "manager", "member", "reader")
_ROLES = (*_LADDER, "service")


@dataclass(frozen=True)
class Seed:
    """Passwords count only when their user is first made."""

    admin_password: str = field(repr=False)
    demo_password: str = field(repr=False)


def seed(db: Database, wish: Seed, rounds: int = 12, settings: Settings | None = None) -> None:
    """Makes what is missing; changes nothing that is there."""
    births = Births(settings or Settings())
    with db.read() as tx:
        made = {name: users.named(tx, DEFAULT_DOMAIN, name) is not None for name in ("admin", "croft")}
    secrets = {"admin": wish.admin_password, "croft": wish.demo_password}
    hashes = {name: hashed(secrets[name], rounds) for name, there in made.items() if not there}
    with db.write() as tx:
        tx.lock("identity:keys")
        ensure_keys(tx)
    if not hashes:
        return
    with db.write() as tx:
        tx.lock("identity:seed")
        if projects.show(tx, DEFAULT_DOMAIN) is None:
            projects.insert(tx, _project(DEFAULT_DOMAIN, "", "Default", "The default domain"))
        ids = _seed_roles(tx)
        operator = _seed_user(tx, births, "admin", "admin", hashes)
        demo = _seed_user(tx, births, "croft", "demo", hashes)
        if operator is not None:
            user, project = operator
            roles.assign(tx, Assignment("user", user, "project", project, ids["admin"], False))
            roles.assign(tx, Assignment("user", user, "system", "system", ids["admin"], False))
        if demo is not None:
            user, project = demo
            for name in ("member", "manager"):
                roles.assign(tx, Assignment("user", user, "project", project, ids[name], False))
        epoch.bump(tx)


def _project(id: str, domain: str, name: str, description: str) -> Project:
    return Project(id, domain, domain, name, description, True, not domain, [], {}, {})


def _seed_roles(tx: Tx) -> dict[str, str]:
    ids = {}
    for name in _ROLES:
        found = roles.named(tx, "", name)
        if found is None:
            found = Role(new_hex_id(), "", name, None, {"immutable": True})
            roles.insert(tx, found)
        ids[name] = found.id
    known = set(roles.implications(tx))
    for prior, other in pairwise(_LADDER):
        if (ids[prior], ids[other]) not in known:
            roles.imply(tx, ids[prior], ids[other])
    return ids


def _seed_user(tx: Tx, births: Births, name: str, project: str, hashes: dict[str, str]) -> tuple[str, str] | None:
    """The new user's id and that of the project to work in; None when the user was there."""
    if name not in hashes or users.named(tx, DEFAULT_DOMAIN, name) is not None:
        return None
    place = projects.named(tx, DEFAULT_DOMAIN, project)
    if place is None:
        place = births.register(tx, _project(new_hex_id(), DEFAULT_DOMAIN, project, ""))
    row = User(new_hex_id(), DEFAULT_DOMAIN, name, None, True, place.id, {}, {})
    users.insert(tx, row, hashes[name])
    return row.id, place.id
