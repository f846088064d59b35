"""Owners run their project: whoever may give roles in it. A project keeps one, unless an operator takes the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from croft.core.ctx import ReadTx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict
from croft.core.policy import Role as Ladder
from croft.services.identity.model import Assignment, Project
from croft.services.identity.model.roles import below
from croft.services.identity.store import owners, projects, roles


def owner_rank(tx: ReadTx) -> Ladder:
    return tx.ctx.policy.rules["identity.grant.create"].least


def _owning(tx: WriteTx) -> set[str]:
    """Ids of the roles that make an owner."""
    names = {role.name.lower() for role in Ladder if role >= owner_rank(tx)}
    book = roles.book(tx)
    return {id for id in book.roles if any(name in names for _, name in book.effective([id]))}


def _places(tx: Tx, rows: Iterable[Assignment]) -> list[Project]:
    """The projects in which these assignments count."""
    ids, tops = set(), set()
    for row in rows:
        if row.inherited:
            tops.add(row.target)
        elif row.target_type == "project":
            ids.add(row.target)
    if tops:
        parents = projects.parents(tx)
        ids |= {each for top in tops for each in below(top, parents)}
    return [row for row in projects.some(tx, sorted(ids)) if not row.is_domain]


@contextmanager
def kept(tx: WriteTx, rows: Iterable[Assignment]) -> Iterator[None]:
    """Around a change that ends these assignments, or the standing of those who hold them."""
    if tx.actor.is_admin:
        yield
        return
    owners.lock(tx)
    owning = _owning(tx)
    places = _places(tx, [row for row in rows if row.role in owning])
    run = [each for each in places if owners.has_owner(tx, each, owning)]
    yield
    for place in run:
        if not owners.has_owner(tx, place, owning):
            role = owner_rank(tx).name.lower()
            raise Conflict(
                f"Nobody would be left to run project {place.name}. Make somebody else {role} there first, "
                "or ask an operator."
            )
