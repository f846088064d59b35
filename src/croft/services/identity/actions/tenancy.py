"""What the tenancy service does to projects, in transactions of its own that a rule of its own allowed."""

from __future__ import annotations

from collections.abc import Sequence

from croft.core.db import Tx
from croft.core.errors import Conflict
from croft.services.identity.actions.births import Births
from croft.services.identity.actions.family import refuse_unfit
from croft.services.identity.actions.naming import refuse_taken
from croft.services.identity.actions.projects import end_project, project_exists
from croft.services.identity.model import Assignment, Project, User
from croft.services.identity.model.roles import below
from croft.services.identity.store import epoch, projects, roles, users

__all__ = [
    "Births",
    "close_project",
    "delete_project",
    "find_project",
    "find_user",
    "found_project",
    "holds_role",
    "is_leaving",
    "open_project",
    "projects_below",
]


def find_user(tx: Tx, domain: str, who: str) -> User | None:
    """By id, else by name in a domain."""
    return users.show(tx, who) or users.named(tx, domain, who)


def find_project(tx: Tx, id: str) -> Project | None:
    """A live project; a domain is none."""
    return projects.show(tx, id) if project_exists(tx, id) else None


def is_leaving(tx: Tx, id: str) -> bool:
    """Whether its end was asked for and is not over."""
    return bool(projects.any_deleted(tx, id))


def projects_below(tx: Tx, id: str) -> list[Project]:
    """Every live project under one, in no order."""
    return projects.some(tx, below(id, projects.parents(tx)))


def holds_role(tx: Tx, user: str, project: Project, name: str) -> bool:
    """By whatever way, implied roles included."""
    held = roles.book(tx).effective(roles.on_project(tx, user, project))
    return name in {known for _, known in held}


def found_project(tx: Tx, births: Births, row: Project, owners: Sequence[str], role: str) -> Project:
    """A new project whose owners (user ids) hold a role there. Call it last: it ends in the identity epoch."""
    home = projects.show(tx, row.domain)
    if home is None or not (home.is_domain and home.enabled):
        raise Conflict("The requester's domain is gone or disabled.")
    refuse_taken(tx, "project", row.domain, row.name)
    born = births.register(tx, row)
    held = roles.named(tx, "", role)
    if held is None:
        raise Conflict(f"There is no role {role} to give to the owners. Mend owner_role in croft.toml.")
    for owner in dict.fromkeys(owners):
        roles.assign(tx, Assignment("user", owner, "project", row.id, held.id, False))
    epoch.bump(tx, row.id, *owners)
    return born


def close_project(tx: Tx, id: str) -> None:
    """Disables it and ends its tokens; they stay dead when it is opened again."""
    projects.update(tx, id, {"enabled": False})
    projects.revoke_tokens(tx, id)


def open_project(tx: Tx, id: str) -> None:
    """Refused while one above it is closed."""
    found = projects.show(tx, id)
    if found is not None:
        refuse_unfit(tx, found, enabled=True)
    projects.update(tx, id, {"enabled": True})
    epoch.bump(tx, id)


def delete_project(tx: Tx, id: str) -> bool:
    """Asks for its end; False while others are below it."""
    if projects.has_children(tx, id):
        return False
    end_project(tx, id)
    return True
