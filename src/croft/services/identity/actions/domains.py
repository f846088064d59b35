"""Domains: the same rows as projects, holding users, groups, projects and roles of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.errors import Conflict, Forbidden
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions import reach
from croft.services.identity.actions.naming import refuse_taken
from croft.services.identity.actions.projects import (
    KIND,
    change,
    end_project,
    missing,
    need_domain,
    need_project,
    refuse_immutable,
)
from croft.services.identity.model import Project
from croft.services.identity.store import epoch, projects, roles, users
from croft.services.identity.wire import shapes


def list_domains(ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[Project]:
    with ctx.read("identity.domain.list") as tx:
        own = {"id": tx.scope.domain} if tx.scope.domain else {}
        return projects.list_(tx, {**equal, "is_domain": True, **own}, page)


def show_domain(ctx: Ctx, id: str) -> Project:
    """Operators see every domain, people their own and that of their project."""
    with ctx.read("identity.domain.show") as tx:
        found = need_domain(tx, id)
        if id in {tx.actor.user_domain, tx.actor.domain} or reach.everything(tx):
            return found
        place = projects.show(tx, tx.actor.project)
        if place is None or place.domain != id:
            raise missing("domain", id)
        return found


def create_domain(ctx: Ctx, wish: shapes.NewDomain) -> Project:
    with ctx.write("identity.domain.create") as tx:
        id = new_hex_id() if wish.explicit_domain_id is UNSET else wish.explicit_domain_id
        if projects.any_deleted(tx, id) is not None:
            raise Conflict(f"The id {id} is taken.")
        refuse_taken(tx, "project", "", wish.name)
        row = Project(
            id,
            "",
            "",
            wish.name,
            "" if wish.description is UNSET else wish.description,
            shapes.flag(wish.enabled, True),
            True,
            list(dict.fromkeys(wish.tags)),
            shapes.options(wish.options, {}),
            {},
        )
        projects.insert(tx, row)
        tx.audit(row.id, row.name)
        return row


def update_domain(ctx: Ctx, id: str, wish: shapes.DomainChange) -> Project:
    with ctx.write("identity.domain.update") as tx:
        return change(tx, need_domain(tx, id), wish, {})


def delete_domain(ctx: Ctx, id: str) -> None:
    with ctx.write("identity.domain.delete") as tx:
        _end_domain(tx, need_domain(tx, id))


def delete_project(ctx: Ctx, id: str) -> None:
    """Also of a project that acts as a domain."""
    with ctx.write("identity.project.delete", project=id) as tx:
        row = need_project(tx, id)
        reach.refuse_own_domain(tx, row)
        if row.is_domain:
            _end_domain(tx, row)
            return
        refuse_immutable(row)
        projects.hold(tx, id)
        if projects.has_children(tx, id):
            raise Forbidden("Cannot delete the project: others are below it. Delete those first.")
        end_project(tx, id)
        tx.audit(id, row.name)


def _end_domain(tx: WriteTx, row: Project) -> None:
    """With all its users, groups, roles and projects."""
    if row.enabled:
        raise Forbidden("Cannot delete a domain that is enabled; disable it first.")
    refuse_immutable(row)
    for user in users.in_domain(tx, row.id):
        users.delete(tx, user)
    for group in users.groups_in_domain(tx, row.id):
        users.delete_group(tx, group)
    for role in roles.in_domain(tx, row.id):
        roles.delete(tx, role)
    for project in projects.in_domain(tx, row.id):
        if not projects.any_deleted(tx, project):
            end_project(tx, project)
    projects.forget(tx, row.id)
    projects.mark_deleted(tx, row.id)
    work.wake(tx, KIND, row.id)
    tx.audit(row.id, row.name)
    epoch.bump(tx)
