"""Lists with filters and keyset pages: one statement per combination of filters, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.page import Page
from croft.services.identity.model.filters import COMPARED, split

T = TypeVar("T")


@cache
def _statement(columns: tuple[sa.Column[Any], ...], names: frozenset[str], after: bool) -> sa.Select[Any]:
    table = columns[0].table
    statement = sa.select(*columns).order_by(columns[0]).limit(sa.bindparam("limit"))
    for name in sorted(names):
        statement = statement.where(_condition(table.c, name))
    if "deleted" in table.c:
        statement = statement.where(table.c.deleted.is_(None))
    return statement.where(columns[0] > sa.bindparam("marker")) if after else statement


def _condition(columns: Any, name: str) -> sa.ColumnElement[bool]:
    """Equality, or that a text has a part. In both databases and without LIKE, which in SQLite is blind to case."""
    column, word, exact = split(name)
    text: sa.ColumnElement[Any] = columns[column]
    if not word:
        return text == sa.bindparam(f"is_{name}")
    if word in COMPARED:
        return COMPARED[word](text, sa.bindparam(f"is_{name}"))  # type: ignore[no-any-return]
    part: sa.ColumnElement[str] = sa.bindparam(f"is_{name}", type_=sa.Text)
    if not exact:
        text, part = sa.func.lower(text), sa.func.lower(part)
    if word == "contains":
        return sa.func.replace(text, part, "") != text
    if word == "startswith":
        return sa.func.substr(text, 1, sa.func.length(part)) == part
    fits = sa.func.length(text) >= sa.func.length(part)
    return sa.and_(fits, sa.func.substr(text, sa.func.length(text) - sa.func.length(part) + 1) == part)


def listed(
    tx: Tx, made: Callable[..., T], columns: tuple[sa.Column[Any], ...], equal: Mapping[str, Any], page: Page
) -> list[T]:
    """Rows by id whose columns are what is asked (equal, or in part: `name__contains`), one more than the page holds so
    that the next link is known."""
    values = {f"is_{name}": value for name, value in equal.items()} | {"limit": page.limit + 1, "marker": page.marker}
    if not page.marker:
        del values["marker"]
    return tx.all(made, _statement(columns, frozenset(equal), bool(page.marker)), values)
