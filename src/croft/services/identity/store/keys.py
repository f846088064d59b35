"""Keys that tokens are sealed with: one staged (known everywhere, not yet in use), one primary (seals), older ones."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.identity.store import tables

_T = tables.key
_COLUMNS = (_T.c.number, _T.c.secret, _T.c.made, _T.c.primary_from, _T.c.ends)
_ALL = sa.select(*_COLUMNS).order_by(_T.c.number.desc())
_INSERT = sa.insert(_T)
_PROMOTE = sa.update(_T).where(_T.c.primary_from.is_(None)).values(primary_from=sa.bindparam("now"))
_RETIRE = sa.update(_T).where(_T.c.primary_from.is_not(None), _T.c.ends.is_(None)).values(ends=sa.bindparam("last"))
_DROP = sa.delete(_T).where(_T.c.ends <= sa.bindparam("now"))
_CLEAR = sa.delete(_T)


class Key(msgspec.Struct, frozen=True):
    number: int
    secret: str
    made: int
    primary_from: int | None
    ends: int | None
    """When the last token it sealed has expired."""

    @property
    def state(self) -> str:
        return "staged" if self.primary_from is None else "primary" if self.ends is None else "older"

    def __repr__(self) -> str:
        return f"Key({self.number}, {self.state})"


def all_(tx: Tx) -> list[Key]:
    """The newest first."""
    return tx.all(Key, _ALL)


def insert(tx: Tx, row: Key) -> None:
    tx.run(_INSERT, {column.name: getattr(row, column.name) for column in _COLUMNS})


def rotate(tx: Tx, last: int) -> None:
    """The primary seals no more and opens until `last`; the staged one takes its place; what ended is dropped."""
    tx.run(_DROP, {"now": tx.now})
    tx.run(_RETIRE, {"last": last})
    tx.run(_PROMOTE, {"now": tx.now})


def clear(tx: Tx) -> None:
    tx.run(_CLEAR)
