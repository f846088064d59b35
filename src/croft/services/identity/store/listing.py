"""Lists with filters and keyset pages: one statement per combination of filters, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.page import Page

T = TypeVar("T")


@cache
def _statement(columns: tuple[sa.Column[Any], ...], names: frozenset[str], after: bool) -> sa.Select[Any]:
    table = columns[0].table
    statement = sa.select(*columns).order_by(columns[0]).limit(sa.bindparam("limit"))
    for name in sorted(names):
        statement = statement.where(table.c[name] == sa.bindparam(f"is_{name}"))
    if "deleted" in table.c:
        statement = statement.where(table.c.deleted.is_(None))
    return statement.where(columns[0] > sa.bindparam("marker")) if after else statement


def listed(
    tx: Tx, made: Callable[..., T], columns: tuple[sa.Column[Any], ...], equal: Mapping[str, Any], page: Page
) -> list[T]:
    """Rows by id whose columns equal what is asked, one more than the page holds so that the next link is known."""
    values = {f"is_{name}": value for name, value in equal.items()} | {"limit": page.limit + 1, "marker": page.marker}
    if not page.marker:
        del values["marker"]
    return tx.all(made, _statement(columns, frozenset(equal), bool(page.marker)), values)
