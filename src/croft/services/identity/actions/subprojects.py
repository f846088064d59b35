"""Projects that an owner makes below the own one, without an operator."""

from __future__ import annotations

from msgspec import UNSET

from croft.core.ctx import WriteTx
from croft.core.errors import Forbidden, Invalid
from croft.services.identity.actions import reach
from croft.services.identity.actions.owners import owner_rank
from croft.services.identity.model import Assignment, Project
from croft.services.identity.model.roles import below
from croft.services.identity.store import epoch, projects, roles
from croft.services.identity.wire import shapes


def by_owner(tx: WriteTx) -> bool:
    """Whether neither an operator nor a domain's manager asks, but a project's owner."""
    return not reach.everything(tx) and not tx.scope.domain


def place_below(tx: WriteTx, wish: shapes.NewProject, most: int) -> Project:
    """The parent of an owner's new project: the own one, while the whole tree has room."""
    if tx.actor.restricted:
        raise Forbidden("A token from a trust or a restricted credential makes no projects. Log in yourself.")
    if wish.parent_id != tx.actor.project:
        raise Forbidden(f"You may make projects only below your own: ask with parent_id {tx.actor.project}.")
    own = projects.show(tx, tx.actor.project)
    assert own is not None
    if wish.domain_id not in {None, own.domain}:
        raise Invalid("The parent belongs to another domain.")
    if wish.options is not UNSET and wish.options:
        raise Forbidden("Only operators set the options of a project.")
    above = projects.above(tx, own)
    top = above[-2] if len(above) > 1 else own.id
    tx.lock(f"identity:tree:{top}")
    if len(below(top, projects.parents(tx))) >= most:
        raise Forbidden(f"Below project {top} there may be {most} projects. Delete one, or ask an operator.")
    return own


def hand_over(tx: WriteTx, row: Project) -> None:
    """Who made it owns it."""
    name = owner_rank(tx).name.lower()
    role = roles.named(tx, "", name)
    assert role is not None
    roles.assign(tx, Assignment("user", tx.actor.user, "project", row.id, role.id, False))
    tx.audit(tx.actor.user, f"{name} project {row.id}")
    epoch.bump(tx, tx.actor.user)
