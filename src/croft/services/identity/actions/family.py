"""Projects above and below a project: who is where, and that nothing open lies below something closed."""

from __future__ import annotations

from typing import Any

from croft.core.ctx import Ctx, ReadTx
from croft.core.db import Tx
from croft.core.errors import Forbidden
from croft.services.identity.model import Project
from croft.services.identity.model.roles import below
from croft.services.identity.store import projects, roles

Tree = dict[str, Any]
"""Project id → tree of those one step further, or None."""


def closed_above(tx: Tx, project: Project) -> Project | None:
    """A disabled one among those above it, its domain included."""
    above = projects.some(tx, projects.above(tx, project))
    return next((each for each in above if not each.enabled), None)


def refuse_unfit(tx: Tx, project: Project, enabled: bool) -> None:
    """A project opens only below open ones, and closes only above closed ones. Domains close whatever is in them."""
    if enabled and not project.enabled:
        closed = closed_above(tx, project)
        if closed is not None:
            raise Forbidden(f"Cannot enable {project.name}: {closed.name} above it is disabled. Enable that first.")
    if project.enabled and not enabled and not project.is_domain:
        inside = projects.some(tx, below(project.id, projects.parents(tx)))
        if any(each.enabled for each in inside):
            raise Forbidden(f"Cannot disable {project.name}: projects below it are enabled. Disable those first.")


def lines(ctx: Ctx, project: Project) -> tuple[list[Project], list[Project]]:
    """(those above it, nearest first; those below it): all for operators, for others those they hold a role in."""
    with ctx.read("identity.project.show") as tx:
        up = projects.above(tx, project)
        found = {row.id: row for row in projects.some(tx, [*up, *below(project.id, projects.parents(tx))])}
        seen = {id: row for id, row in found.items() if _sees(tx, row)}
        return [seen[id] for id in up if id in seen], [row for id, row in sorted(seen.items()) if id not in up]


def _sees(tx: ReadTx, project: Project) -> bool:
    if tx.actor.reach.project is None:
        return True
    user = tx.actor.user
    return bool(roles.on_target(tx, user, project.id) if project.is_domain else roles.on_project(tx, user, project))


def chain(above: list[Project]) -> Tree | None:
    """Nearest outermost."""
    found: Tree | None = None
    for each in reversed(above):
        found = {each.id: found}
    return found


def tree(top: str, inside: list[Project]) -> Tree | None:
    return {each.id: tree(each.id, inside) for each in inside if each.parent == top} or None
