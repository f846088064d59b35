"""Inserting, changing and dropping rows of any table, with statements built once per shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from croft.core.db import Tx

_NO_COLUMN = frozenset({"since"})
"""Fields that come from a join."""


@lru_cache(maxsize=64)
def _insert(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


@lru_cache(maxsize=512)
def _update(table: sa.Table, names: tuple[str, ...], intent: bool) -> sa.Update:
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    values |= {"updated": sa.bindparam("now"), "revision": table.c.revision + 1}
    if intent:
        values["gen"] = table.c.gen + 1
    return sa.update(table).where(table.c.id == sa.bindparam("row_id")).values(values)


@lru_cache(maxsize=64)
def _plain_update(table: sa.Table, names: tuple[str, ...]) -> sa.Update:
    values = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    return sa.update(table).where(table.c.id == sa.bindparam("row_id")).values(values)


@lru_cache(maxsize=64)
def _seen(table: sa.Table) -> sa.Update:
    reached = sa.bindparam("reached", type_=sa.BigInteger)
    return sa.update(table).where(table.c.id == sa.bindparam("row_id"), table.c.seen < reached).values(seen=reached)


@lru_cache(maxsize=64)
def _delete(table: sa.Table) -> sa.Delete:
    return sa.delete(table).where(table.c.id == sa.bindparam("row_id"))


def raw(tx: Tx, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
    """Rows of a few columns, to be taken apart by position."""
    return tx.tuples(statement, values)


def insert(tx: Tx, table: sa.Table, row: msgspec.Struct) -> None:
    values = {name: getattr(row, name) for name in row.__struct_fields__ if name not in _NO_COLUMN}
    tx.run(_insert(table), values)


def change(tx: Tx, table: sa.Table, id: str, changes: Mapping[str, Any], *, intent: bool) -> None:
    """Writes what people changed; `intent` moves gen, since the engine must follow."""
    values = {f"new_{name}": value for name, value in changes.items()}
    tx.run(_update(table, tuple(changes), intent), values | {"row_id": id, "now": tx.now})


def any_facts(tx: Tx, table: sa.Table, id: str, changes: Mapping[str, Any]) -> None:
    """Writes what was observed, or what people do not see: neither revision nor gen move."""
    values = {f"new_{name}": value for name, value in changes.items()}
    tx.run(_plain_update(table, tuple(changes)), values | {"row_id": id})


def any_seen(tx: Tx, table: sa.Table, id: str, gen: int) -> bool:
    """True when this generation is news."""
    return tx.run(_seen(table), {"row_id": id, "reached": gen}) == 1


def any_drop(tx: Tx, table: sa.Table, id: str) -> None:
    tx.run(_delete(table), {"row_id": id})


@lru_cache(maxsize=64)
def _names(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table.c.id, table.c.name).where(table.c.project == sa.bindparam("project")).order_by(table.c.id)


def any_names(tx: Tx, table: sa.Table, project: str) -> list[tuple[str, str]]:
    """(id, name) of every row of a project, also of what is on its way out."""
    return [(row.id, row.name) for row in tx.rows(_names(table), {"project": project})]
