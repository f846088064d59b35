"""Keyset pages: a limit, a marker (the last id seen) and an order whose last key is the id. No offsets, no COUNT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from croft.core.errors import Invalid

MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page:
    limit: int = MAX_LIMIT
    marker: str = ""


def parse_page(limit: str | None, marker: str | None) -> Page:
    """From the query's words. Too large a limit is cut to 1000; 0 means the maximum, as in Nova."""
    if limit is None or limit == "":
        return Page(MAX_LIMIT, marker or "")
    if not (limit.isascii() and limit.isdigit()):
        raise Invalid(f"limit must be a whole number of zero or more, not '{limit[:40]}'.")
    return Page(min(int(limit[:9]) or MAX_LIMIT, MAX_LIMIT), marker or "")


def after(keys: Sequence[tuple[sa.ColumnElement[Any], bool]], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """The condition "comes after the marker": `keys` are (column, descending), `values` the marker row's. No nulls."""
    alternatives = []
    for index, (column, descending) in enumerate(keys):
        equal = [key == value for (key, _), value in zip(keys[:index], values[:index], strict=True)]
        beyond = column < values[index] if descending else column > values[index]
        alternatives.append(sa.and_(*equal, beyond))
    return sa.or_(*alternatives)
