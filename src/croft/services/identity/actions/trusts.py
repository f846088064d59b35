"""Trusts: made and ended by the trustor, used by the trustee; operators see and end them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from croft.core.ctx import Ctx, ReadTx
from croft.core.errors import Forbidden, NotFound
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions.credentials import expiry_micro, pick_roles, refuse_delegated
from croft.services.identity.actions.projects import missing, need_project
from croft.services.identity.actions.users import need_user
from croft.services.identity.model import Role, Trust
from croft.services.identity.store import epoch, roles, trusts
from croft.services.identity.wire import delegation as shapes


def _need(tx: ReadTx, id: str) -> Trust:
    found = trusts.show(tx, id)
    mine = found is not None and (tx.actor.is_admin or tx.actor.user in {found.trustor, found.trustee})
    if found is None or not mine or (found.expires is not None and found.expires <= tx.now):
        raise missing("trust", id)
    return found


def list_trusts(ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[Trust]:
    """People list those they are part of. One that is used up only lives on in its tokens."""
    with ctx.read("identity.trust.list") as tx:
        if not tx.actor.is_admin and tx.actor.user not in equal.values():
            raise Forbidden("Only operators may list all trusts; name yourself as trustor or trustee.")
        return [row for row in trusts.list_(tx, equal, page) if row.remaining_uses != 0]


def show_trust(ctx: Ctx, id: str) -> tuple[Trust, list[Role]]:
    with ctx.read("identity.trust.show") as tx:
        row = _need(tx, id)
        if row.remaining_uses == 0:
            raise missing("trust", id)
        known = roles.book(tx).roles
        return row, [known[role] for role in row.roles if role in known]


def show_trust_role(ctx: Ctx, id: str, role: str) -> Role:
    for each in show_trust(ctx, id)[1]:
        if each.id == role:
            return each
    raise NotFound(f"Could not find role {role[:64]} in trust {id[:64]}.")


def create_trust(ctx: Ctx, wish: shapes.NewTrust) -> tuple[Trust, list[Role]]:
    with ctx.write("identity.trust.create") as tx:
        if wish.trustor_user_id != tx.actor.user:
            raise Forbidden("Only the trustor can make a trust.")
        refuse_delegated(tx)
        need_user(tx, wish.trustee_user_id)
        place = need_project(tx, wish.project_id)
        book = roles.book(tx)
        held = dict(book.effective(roles.on_project(tx, tx.actor.user, place)))
        if place.is_domain or not held:
            raise missing("project", wish.project_id)
        expires = expiry_micro(tx, wish.expires_at)
        row = Trust(
            new_hex_id(),
            tx.actor.user,
            wish.trustee_user_id,
            place.id,
            wish.impersonation,
            pick_roles(held, wish.roles),
            None if expires is None else expires // 1_000_000,
            wish.remaining_uses,
        )
        trusts.insert(tx, row)
        tx.audit(row.id, place.name)
        return row, [book.roles[role] for role in row.roles]


def delete_trust(ctx: Ctx, id: str) -> None:
    with ctx.write("identity.trust.delete") as tx:
        row = _need(tx, id)
        refuse_delegated(tx)
        if not tx.actor.is_admin and tx.actor.user != row.trustor:
            raise Forbidden("Only the trustor can end a trust.")
        trusts.delete(tx, id)
        tx.audit(id)
        epoch.bump(tx, id)
