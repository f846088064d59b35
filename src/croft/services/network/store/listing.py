"""Lists with Neutron's filters, sort keys and keyset pages, from one description per resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from croft.core.clock import parse_iso
from croft.core.db import Tx
from croft.core.errors import Invalid, NotFound
from croft.core.page import after
from croft.core.policy import Scope
from croft.services.network.model.query import Query

T = TypeVar("T")
Condition = sa.ColumnElement[bool]
Filter = sa.ColumnElement[Any] | Callable[[Sequence[str]], Condition]
PROJECT = sa.bindparam("project", type_=sa.String)
NOW = sa.bindparam("now", type_=sa.BigInteger)
MOST_TAGS = 50
_WHOSE = frozenset({"project_id", "tenant_id"})
"""Filters by which a guest of an open cloud asks for what is others'."""


@dataclass(frozen=True)
class Listing(Generic[T]):
    """`visible` says which rows a project may see; it and status filters use the parameters `project` and `now`."""

    made: Callable[..., T]
    table: sa.Table
    select: sa.Select[Any]
    visible: Condition
    filters: Mapping[str, Filter]
    missing: str
    """Neutron's name of the error for a marker that does not exist."""
    _plain: dict[bool, sa.Select[Any]] = field(default_factory=dict)

    def rows(self, tx: Tx, scope: Scope, query: Query) -> tuple[list[T], bool]:
        """A page in the order asked, and whether more follow in its direction."""
        if scope.guest and not _WHOSE.isdisjoint(query.filters):
            scope = scope.wide
        values: dict[str, Any] = {"now": tx.now, "most": query.limit + 1}
        if scope.project is not None:
            values["project"] = scope.project
        if not (query.filters or query.sorts or query.marker or query.reverse):
            found = tx.all(self.made, self._first_page(scope.project is None), values)
        else:
            found = tx.all(self.made, self._page(tx, scope, query), values)
        more = len(found) > query.limit
        if more:
            del found[query.limit :]
        if query.reverse:
            found.reverse()
        return found, more

    def _first_page(self, everything: bool) -> sa.Select[Any]:
        if everything not in self._plain:
            bare = self.select if everything else self.select.where(self.visible)
            self._plain[everything] = bare.order_by(self.table.c.id).limit(sa.bindparam("most"))
        return self._plain[everything]

    def _page(self, tx: Tx, scope: Scope, query: Query) -> sa.Select[Any]:
        statement = self.select if scope.project is None else self.select.where(self.visible)
        for name, texts in query.filters.items():
            statement = statement.where(self._condition(name, texts))
        keys = self._keys(query)
        if query.marker:
            found = self._marker(tx, scope, query.marker, keys)
            if found is None:
                raise NotFound(f"The marker {query.marker[:64]} could not be found.", kind=self.missing)
            statement = statement.where(after(keys, found))
        order = (key.desc() if descending else key.asc() for key, descending in keys)
        return statement.order_by(*order).limit(sa.bindparam("most"))

    def _marker(self, tx: Tx, scope: Scope, id: str, keys: Sequence[tuple[sa.ColumnElement[Any], bool]]) -> Any:
        """The sort key's values of the last row seen, which must be one the scope may see."""
        statement = sa.select(*(key for key, _ in keys)).where(self.table.c.id == id)
        if scope.project is None:
            return next(iter(tx.rows(statement)), None)
        return next(iter(tx.rows(statement.where(self.visible), {"project": scope.project})), None)

    def _keys(self, query: Query) -> list[tuple[sa.ColumnElement[Any], bool]]:
        once: dict[str, bool] = {}
        for name, descending in (*query.sorts, ("id", False)):
            once.setdefault(name, descending)
        keys = []
        for name, descending in once.items():
            column = self.filters.get(name)
            if not isinstance(column, sa.ColumnElement):
                raise Invalid(f"'{name[:40]}' is not a valid sort key here.")
            keys.append((_without_null(column), descending != query.reverse))
        return keys

    def _condition(self, name: str, texts: Sequence[str]) -> Condition:
        wanted = self.filters.get(name)
        if wanted is None:
            raise Invalid(f"['{name[:60]}'] is invalid attribute for filtering")
        if not isinstance(wanted, sa.ColumnElement):
            return wanted(texts)
        values = [_value(wanted, text, name) for text in texts]
        none = wanted.is_(None) if "" in texts and not isinstance(wanted.type, sa.Boolean | sa.Integer) else sa.false()
        return sa.or_(wanted == values[0] if len(values) == 1 else wanted.in_(values), none)


def _without_null(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if not getattr(column, "nullable", False):
        return column
    return sa.func.coalesce(column, 0 if isinstance(column.type, sa.Integer) else "")


def _value(column: sa.ColumnElement[Any], text: str, name: str) -> Any:
    if isinstance(column.type, sa.Boolean):
        if text.lower() in {"true", "1", "yes", "on", "t"}:
            return True
        if text.lower() in {"false", "0", "no", "off", "f"}:
            return False
        raise Invalid(f"'{text[:40]}' cannot be converted to boolean value of {name}")
    if isinstance(column.type, sa.Integer):
        if name.endswith("_at"):
            return _seconds(text)
        digits = text.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) < 10:
            return int(text)
        raise Invalid(f"'{text[:40]}' is not an integer value of {name}")
    return text


def _seconds(text: str) -> int:
    try:
        return parse_iso(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"'{text[:40]}' is not a time in ISO 8601") from error


def tag_filters(table: sa.Table) -> dict[str, Filter]:
    column = sa.type_coerce(table.c.tags, sa.Text)

    def having(tag: str) -> Condition:
        return sa.or_(*(column.contains(part, autoescape=True) for part in _spellings(tag)))

    def split(texts: Sequence[str]) -> list[str]:
        tags = list(dict.fromkeys(tag for text in texts for tag in text.split(",")))
        if len(tags) > MOST_TAGS:
            raise Invalid(f"A list can be asked for at most {MOST_TAGS} tags.")
        return tags

    return {
        "tags": lambda texts: sa.and_(*map(having, split(texts))),
        "tags-any": lambda texts: sa.or_(*map(having, split(texts))),
        "not-tags": lambda texts: sa.not_(sa.and_(*map(having, split(texts)))),
        "not-tags-any": lambda texts: sa.not_(sa.or_(*map(having, split(texts)))),
    }


def _spellings(tag: str) -> tuple[str, ...]:
    """How a tag may stand within the JSON text of a list; quotes inside tags are escaped there."""
    text = msgspec.json.encode(tag).decode()
    return tuple(f"{before}{text}{behind}" for before in "[," for behind in "],")


def standard(table: sa.Table) -> dict[str, Filter]:
    """The filters every resource with standard attributes has."""
    return {
        "id": table.c.id,
        "name": table.c.name,
        "description": table.c.description,
        "project_id": table.c.project,
        "tenant_id": table.c.project,
        "revision_number": table.c.revision,
        "created_at": table.c.created,
        "updated_at": table.c.updated,
        **tag_filters(table),
    }


def status_filter(status: sa.ColumnElement[Any]) -> Filter:
    return lambda texts: status.in_([text.upper() for text in texts])
