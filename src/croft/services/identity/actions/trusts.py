"""Trusts: made and ended by the trustor, used by the trustee; operators see and end them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from croft.core.ctx import Ctx, ReadTx
from croft.core.errors import Forbidden, Invalid, NotFound
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions import reach
from croft.services.identity.actions.credentials import expiry_micro, pick_roles, refuse_delegated
from croft.services.identity.actions.projects import missing, need_project
from croft.services.identity.actions.users import need_user
from croft.services.identity.model import Role, Trust
from croft.services.identity.store import epoch, roles, trusts
from croft.services.identity.wire import delegation as shapes

MOST_REDELEGATIONS = 3


def _need(tx: ReadTx, id: str) -> Trust:
    found = trusts.show(tx, id)
    mine = found is not None and (reach.everything(tx) or tx.actor.user in {found.trustor, found.trustee})
    if found is None or not mine or (found.expires is not None and found.expires <= tx.now):
        raise missing("trust", id)
    return found


def list_trusts(ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[Trust]:
    """People list those they are part of. One that is used up only lives on in its tokens."""
    with ctx.read("identity.trust.list") as tx:
        if not reach.everything(tx) and tx.actor.user not in equal.values():
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
        parent = _parent(tx, wish)
        need_user(tx, wish.trustee_user_id)
        place = need_project(tx, wish.project_id)
        book = roles.book(tx)
        held = dict(book.effective(roles.on_project(tx, tx.actor.user, place)))
        if tx.actor.application_credential:
            elsewhere = place.id != tx.actor.project
            held = {} if elsewhere else {id: name for id, name in held.items() if name in tx.actor.roles}
        if place.is_domain or not held:
            raise missing("project", wish.project_id)
        if parent is not None:
            lent = dict(book.effective(parent.roles))
            held = {id: name for id, name in held.items() if id in lent}
        row = Trust(
            new_hex_id(),
            tx.actor.user,
            wish.trustee_user_id,
            place.id,
            wish.impersonation,
            pick_roles(held, wish.roles),
            _expiry(tx, wish, parent),
            wish.remaining_uses,
            _redelegations(wish, parent),
            None if parent is None else parent.id,
        )
        trusts.insert(tx, row)
        tx.audit(row.id, place.name, place.id)
        return row, [book.roles[role] for role in row.roles]


def _parent(tx: ReadTx, wish: shapes.NewTrust) -> Trust | None:
    """The trust that is handed on, when the token comes from one that may be; its trustor is then the new one's too."""
    parent = trusts.show(tx, tx.actor.trust) if tx.actor.trust else None
    if parent is None or not parent.redelegations:
        refuse_delegated(tx)
        return None
    if not parent.impersonation:
        raise Forbidden("A trust without impersonation cannot be handed on: its trustee holds no roles to give.")
    if wish.project_id != parent.project:
        raise missing("project", wish.project_id)
    if wish.remaining_uses is not None:
        raise Forbidden("A trust that is handed on cannot be limited to a number of uses.")
    return parent


def _expiry(tx: ReadTx, wish: shapes.NewTrust, parent: Trust | None) -> int | None:
    micro = expiry_micro(tx, wish.expires_at)
    end = None if micro is None else micro // 1_000_000
    latest = None if parent is None else parent.expires
    if end is None or latest is None:
        return latest if end is None else end
    if end > latest:
        raise Forbidden("A trust that is handed on ends no later than the one it comes from.")
    return end


def _redelegations(wish: shapes.NewTrust, parent: Trust | None) -> int:
    """How many more times the new trust may be handed on."""
    asked = wish.redelegation_count
    if not wish.allow_redelegation or asked == 0:
        return 0
    if wish.remaining_uses is not None:
        raise Invalid("remaining_uses must not be set for a trust that may be handed on.")
    if parent is not None:
        if asked not in {None, parent.redelegations - 1}:
            raise Forbidden("How often it may still be handed on follows from the trust it comes from; leave it out.")
        return parent.redelegations - 1
    if asked is not None and asked > MOST_REDELEGATIONS:
        raise Forbidden(f"A trust may be handed on at most {MOST_REDELEGATIONS} times.")
    return MOST_REDELEGATIONS if asked is None else asked


def delete_trust(ctx: Ctx, id: str) -> None:
    with ctx.write("identity.trust.delete") as tx:
        row = _need(tx, id)
        refuse_delegated(tx)
        if not tx.actor.is_admin and tx.actor.user != row.trustor:
            raise Forbidden("Only the trustor can end a trust.")
        gone = trusts.delete(tx, id)
        for each in gone:
            tx.audit(each)
        epoch.bump(tx, *gone)
