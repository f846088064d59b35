"""Domains: the same rows as projects, holding users, groups, projects and roles of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from croft.core.ctx import Ctx, WriteTx
from croft.core.errors import Conflict, Forbidden
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions import projects as project_actions
from croft.services.identity.actions.projects import missing, need_domain, refuse_immutable, refuse_taken
from croft.services.identity.model import DEFAULT_DOMAIN, Project
from croft.services.identity.store import epoch, projects, roles, users
from croft.services.identity.wire import shapes


def list_domains(ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[Project]:
    with ctx.read("identity.domain.list") as tx:
        return projects.list_(tx, {**equal, "is_domain": True}, page)


def show_domain(ctx: Ctx, id: str) -> Project:
    """Operators see every domain, people their own."""
    with ctx.read("identity.domain.show") as tx:
        if not tx.actor.is_admin and id not in {tx.actor.user_domain, tx.actor.domain}:
            raise missing("domain", id)
        return need_domain(tx, id)


def create_domain(ctx: Ctx, wish: shapes.NewDomain) -> Project:
    with ctx.write("identity.domain.create") as tx:
        id = new_hex_id() if wish.explicit_domain_id is UNSET else wish.explicit_domain_id
        if projects.any_deleted(tx, id) is not None:
            raise Conflict(f"The id {id} is taken.")
        refuse_taken(tx, "", wish.name)
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
        before = need_domain(tx, id)
        if id == DEFAULT_DOMAIN and not shapes.flag(wish.enabled, True):
            raise Forbidden("The default domain stays enabled.")
        after = project_actions.change(tx, before, wish, {})
        if before.enabled and not after.enabled:
            _revoke_all(tx, id)
        return after


def _revoke_all(tx: WriteTx, id: str) -> None:
    """Tokens of a disabled domain's people and projects do not come back when it is enabled again."""
    for project in projects.in_domain(tx, id):
        projects.revoke_tokens(tx, project)
    for user in users.in_domain(tx, id):
        users.revoke_tokens(tx, user)


def delete_domain(ctx: Ctx, id: str) -> None:
    """With all its users, groups, roles and projects."""
    with ctx.write("identity.domain.delete") as tx:
        row = need_domain(tx, id)
        if row.enabled:
            raise Forbidden("Cannot delete a domain that is enabled; disable it first.")
        refuse_immutable(row)
        for user in users.in_domain(tx, id):
            users.delete(tx, user)
        for group in users.groups_in_domain(tx, id):
            users.delete_group(tx, group)
        for role in roles.in_domain(tx, id):
            roles.delete(tx, role)
        for project in projects.in_domain(tx, id):
            if not projects.any_deleted(tx, project):
                project_actions.end_project(tx, project)
        projects.forget(tx, id)
        projects.any_drop(tx, id)
        tx.audit(id, row.name)
        epoch.bump(tx)
