"""Roles and which imply which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from croft.core.ctx import Ctx, ReadTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Forbidden, Invalid, NotFound
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions import reach
from croft.services.identity.actions.projects import missing, need_domain, refuse_immutable
from croft.services.identity.model import Role
from croft.services.identity.store import epoch, roles
from croft.services.identity.wire import shapes


def need_role(tx: Tx, id: str) -> Role:
    found = roles.show(tx, id)
    if found is None:
        raise missing("role", id)
    return found


def list_roles(ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[Role]:
    """The global roles, or those of the domain asked for."""
    with ctx.read("identity.role.list") as tx:
        wanted = {"domain": "", **equal}
        return roles.list_(tx, wanted, page) if _seen(tx, wanted["domain"]) else []


def show_role(ctx: Ctx, id: str) -> Role:
    with ctx.read("identity.role.show") as tx:
        found = need_role(tx, id)
        if not _seen(tx, found.domain):
            raise missing("role", id)
        return found


def _seen(tx: ReadTx, domain: str) -> bool:
    """Global roles are everybody's to see, a domain's own those whom it is within reach of."""
    return not domain or reach.covers(tx, domain)


def create_role(ctx: Ctx, wish: shapes.NewRole) -> Role:
    with ctx.write("identity.role.create") as tx:
        domain = need_domain(tx, wish.domain_id).id if wish.domain_id else ""
        _refuse_taken(tx, domain, wish.name)
        row = Role(new_hex_id(), domain, wish.name, wish.description, shapes.options(wish.options, {}))
        roles.insert(tx, row)
        tx.audit(row.id, row.name)
        epoch.bump(tx, epoch.ROLES)
        return row


def _refuse_taken(tx: Tx, domain: str, name: str, own: str = "") -> None:
    found = roles.named(tx, domain, name)
    if found is not None and found.id != own:
        raise Conflict(f"There is already a role named {name}.")


def update_role(ctx: Ctx, id: str, wish: shapes.RoleChange) -> Role:
    with ctx.write("identity.role.update") as tx:
        before = need_role(tx, id)
        options = shapes.options(wish.options, before.options)
        refuse_immutable(before, options)
        if wish.domain_id not in {UNSET, before.domain or None}:
            raise Invalid("A role stays in its domain.")
        if wish.name is not UNSET:
            _refuse_taken(tx, before.domain, wish.name, id)
        values = shapes.given(name=wish.name, description=wish.description)
        roles.update(tx, id, {**values, "options": options})
        tx.audit(id, before.name)
        epoch.bump(tx)
        return need_role(tx, id)


def delete_role(ctx: Ctx, id: str) -> None:
    """With every assignment of it."""
    with ctx.write("identity.role.delete") as tx:
        row = need_role(tx, id)
        refuse_immutable(row)
        roles.delete(tx, id)
        tx.audit(id, row.name)
        epoch.bump(tx)


def implied_by(ctx: Ctx, prior: str) -> tuple[Role, list[Role]]:
    with ctx.read("identity.implied_role.list") as tx:
        return need_role(tx, prior), _implied(tx, prior)


def _implied(tx: Tx, prior: str) -> list[Role]:
    known = roles.book(tx).roles
    return [known[other] for first, other in roles.implications(tx) if first == prior]


def all_implications(ctx: Ctx) -> list[tuple[Role, list[Role]]]:
    with ctx.read("identity.implied_role.list") as tx:
        known = roles.book(tx).roles
        found: dict[str, list[Role]] = {}
        for prior, other in roles.implications(tx):
            found.setdefault(prior, []).append(known[other])
        return [(known[prior], others) for prior, others in found.items()]


def check_implied(ctx: Ctx, prior: str, other: str) -> tuple[Role, Role]:
    with ctx.read("identity.implied_role.list") as tx:
        first, second = need_role(tx, prior), need_role(tx, other)
        if (prior, other) not in roles.implications(tx):
            raise NotFound(f"{first.name} does not imply {second.name}.")
        return first, second


def imply(ctx: Ctx, prior: str, other: str) -> tuple[Role, Role]:
    with ctx.write("identity.implied_role.create") as tx:
        first, second = need_role(tx, prior), need_role(tx, other)
        if second.name == "admin" and not second.domain:
            raise Forbidden("No role may imply admin.")
        if second.domain and not first.domain:
            raise Forbidden("A global role may not imply a domain's own role.")
        if (prior, other) not in roles.implications(tx):
            roles.imply(tx, prior, other)
        tx.audit(prior, first.name)
        epoch.bump(tx)
        return first, second


def unimply(ctx: Ctx, prior: str, other: str) -> None:
    with ctx.write("identity.implied_role.delete") as tx:
        first = need_role(tx, prior)
        if not roles.unimply(tx, prior, other):
            raise NotFound(f"{first.name} does not imply {other[:64]}.")
        tx.audit(prior, first.name)
        epoch.bump(tx)
