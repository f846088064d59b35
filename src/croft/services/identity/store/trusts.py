"""Trusts: a trustor lets a trustee act with some of the trustor's roles in a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.page import Page
from croft.services.identity.model import Trust
from croft.services.identity.store import tables
from croft.services.identity.store.listing import listed

_T = tables.trust
_COLUMNS = (
    _T.c.id,
    _T.c.trustor,
    _T.c.trustee,
    _T.c.project,
    _T.c.impersonation,
    _T.c.roles,
    _T.c.expires,
    _T.c.remaining_uses,
    _T.c.redelegations,
    _T.c.parent,
)
_ONE = sa.select(*_COLUMNS).where(_T.c.id == sa.bindparam("id"))
_CHILDREN = sa.select(_T.c.id).where(_T.c.parent == sa.bindparam("id"))
_INSERT = sa.insert(_T)
_DELETE = sa.delete(_T).where(_T.c.id == sa.bindparam("id"))
_USE = (
    sa.update(_T)
    .where(_T.c.id == sa.bindparam("at"), _T.c.remaining_uses > 0)
    .values(remaining_uses=_T.c.remaining_uses - 1)
)


def show(tx: Tx, id: str) -> Trust | None:
    return tx.first(Trust, _ONE, {"id": id})


def list_(tx: Tx, equal: Mapping[str, Any], page: Page) -> list[Trust]:
    return listed(tx, Trust, _COLUMNS, equal, page)


def insert(tx: Tx, row: Trust) -> None:
    tx.run(_INSERT, {column.name: getattr(row, column.name) for column in _COLUMNS})


def line(tx: Tx, trust: Trust) -> list[Trust] | None:
    """Those it was handed on by, nearest first; None when one of them is gone."""
    found: list[Trust] = []
    while trust.parent:
        above = show(tx, trust.parent)
        if above is None:
            return None
        found.append(above)
        trust = above
    return found


def delete(tx: Tx, id: str) -> list[str]:
    """With all that were made by it; the ids."""
    gone = [id]
    for each in gone:
        gone += [row[0] for row in tx.rows(_CHILDREN, {"id": each})]
        tx.run(_DELETE, {"id": each})
    return gone


def use(tx: Tx, id: str) -> bool:
    """Takes one of the remaining uses; False when none is left."""
    return tx.run(_USE, {"at": id}) > 0
