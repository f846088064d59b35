"""Projects above and below a project: who is where, and that nothing open lies below something closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from croft.core.ctx import Ctx, ReadTx
from croft.core.db import Tx
from croft.core.errors import Forbidden
from croft.services.identity.actions import reach
from croft.services.identity.model import Project
from croft.services.identity.model.roles import ancestors, below
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
    """(those above it, nearest first; those below it): those within reach, and those one holds a role in."""
    with ctx.read("identity.project.show") as tx:
        parents = projects.parents(tx)
        up, down = projects.above(tx, project), below(project.id, parents)
        ids = [*up, *down] if reach.covers(tx, reach.home(project)) else _held(tx, [*up, *down], parents)
        found = {row.id: row for row in projects.some(tx, ids)}
        return [found[id] for id in up if id in found], [row for id, row in sorted(found.items()) if id not in up]


def _held(tx: ReadTx, ids: list[str], parents: Mapping[str, str]) -> list[str]:
    """Those where the asking one holds a role, there or inherited."""
    held = roles.held(tx, tx.actor.user)
    direct = {each.target for each in held if not each.inherited}
    tops = {each.target for each in held if each.inherited}
    return [id for id in ids if id in direct or not tops.isdisjoint(ancestors(id, parents))]


def chain(above: list[Project]) -> Tree | None:
    """Nearest outermost."""
    found: Tree | None = None
    for each in reversed(above):
        found = {each.id: found}
    return found


def tree(top: str, inside: list[Project]) -> Tree | None:
    """What lies below, each under its parent; what lies below something that is not there is left out."""
    children: dict[str, list[str]] = {}
    for each in inside:
        children.setdefault(each.parent, []).append(each.id)

    def grow(id: str) -> Tree | None:
        return {child: grow(child) for child in children.get(id, ())} or None

    return grow(top)
