"""Whom a domain's manager may change: nobody who holds more than that manager could give."""

from __future__ import annotations

from croft.core.ctx import WriteTx
from croft.core.errors import Forbidden
from croft.services.identity.actions import reach
from croft.services.identity.model import Assignment, Group, User
from croft.services.identity.store import projects, roles


def refuse_mightier(tx: WriteTx, row: User | Group) -> None:
    """A new password, or a seat in a group, is everything that the user or the group may do."""
    if reach.everything(tx):
        return
    user = isinstance(row, User)
    held = roles.held(tx, row.id) if user else roles.assignments(tx, {"actor_type": "group", "actor": row.id})
    book = roles.book(tx)
    homes = {each.id: reach.home(each) for each in projects.some(tx, sorted({each.target for each in held}))}

    def within(each: Assignment) -> bool:
        names = {name for _, name in book.effective([each.role])}
        crowned = "admin" in names and (each.target_type != "domain" or each.inherited)
        return homes.get(each.target) == tx.scope.domain and names <= tx.actor.roles and not crowned

    if not all(within(each) for each in held):
        raise Forbidden(f"{row.name} holds roles above yours or outside this domain; only an operator may change that.")
