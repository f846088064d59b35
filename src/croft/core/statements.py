"""Runs statements on a driver's connection. One that has been run before is not looked at again: its text, the order of
its values and how they are turned on their way in and out are kept for as long as the statement itself.

SQLAlchemy builds and compiles them and keeps the connections. Having it run them too would cost several times what
SQLite needs to answer (docs/adr/0008).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import ReturnsRows

Turn = Callable[[Any], Any]
Values = Mapping[str, Any]


class Prepared:
    """A statement in the words of one database, for values of certain names."""

    __slots__ = ("_columns", "_named", "_places", "text")

    def __init__(self, statement: sa.Executable, compiled: SQLCompiler, names: Collection[str]) -> None:
        dialect = compiled.dialect
        self.text = compiled.string
        by_name = {name: bind for bind, name in compiled.bind_names.items()}
        order = compiled.positiontup if compiled.positional else None
        self._named = None if order is not None else list(by_name)
        self._places: list[tuple[str, Any, Turn | None]] = []
        for name in by_name if order is None else order:
            bind = by_name[name]
            write = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if bind.key in names:
                self._places.append((bind.key, None, write))
            else:
                value = bind.effective_value
                self._places.append(("", write(value) if write else value, None))
        columns = statement.exported_columns if isinstance(statement, ReturnsRows) else ()
        reads = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
        self._columns = [(at, read) for at, read in enumerate(reads) if read is not None]

    def values(self, given: Values) -> Any:
        """As the driver takes them: in a list, or by name."""
        listed = [(write(given[key]) if write else given[key]) if key else fixed for key, fixed, write in self._places]
        return listed if self._named is None else dict(zip(self._named, listed, strict=True))

    def rows(self, found: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        if not self._columns:
            return found
        rows = [list(row) for row in found]
        for at, read in self._columns:
            for row in rows:
                row[at] = read(row[at])
        return rows


class Statements:
    """What is kept of the statements of one engine. The first run of each is SQLAlchemy's, since most of those that are
    built for one request never come again."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._known: WeakKeyDictionary[sa.Executable, dict[tuple[str, ...], Prepared | None]] = WeakKeyDictionary()

    def find(self, statement: sa.Executable, values: Values) -> Prepared | None:
        shapes = self._known.get(statement)
        if shapes is None:
            self._known[statement] = {}
            return None
        names = tuple(values)
        if names not in shapes:
            shapes[names] = self._prepare(statement, names)
        return shapes[names]

    def _prepare(self, statement: sa.Executable, names: tuple[str, ...]) -> Prepared | None:
        """None for one whose text depends on its values."""
        compiled = statement.compile(dialect=self.engine.dialect, column_keys=list(names))  # type: ignore[attr-defined]
        if any(bind.expanding or bind.literal_execute for bind in compiled.bind_names):
            return None
        return Prepared(statement, compiled, names)


class Link:
    """The connection of one transaction."""

    __slots__ = ("_conn", "_cursor", "_statements", "raw")

    def __init__(self, raw: PoolProxiedConnection, statements: Statements, begin: str) -> None:
        self.raw = raw
        self._statements = statements
        self._conn: Connection | None = None
        self._cursor: DBAPICursor = raw.cursor()
        if begin:
            self._cursor.execute(begin)

    @property
    def conn(self) -> Connection:
        """SQLAlchemy's view of it, in the same transaction."""
        if self._conn is None:
            self._conn = Connection(self._statements.engine, self.raw)
        return self._conn

    def all(self, statement: sa.Executable, values: Values) -> Sequence[Sequence[Any]]:
        known = self._statements.find(statement, values)
        if known is None:
            return self.conn.execute(statement, values).all()
        self._cursor.execute(known.text, known.values(values))
        return known.rows(self._cursor.fetchall())

    def first(self, statement: sa.Executable, values: Values) -> Sequence[Any] | None:
        known = self._statements.find(statement, values)
        if known is None:
            return self.conn.execute(statement, values).first()
        self._cursor.execute(known.text, known.values(values))
        row = self._cursor.fetchone()
        return None if row is None else known.rows([row])[0]

    def run(self, statement: sa.Executable, values: Values) -> int:
        known = self._statements.find(statement, values)
        if known is None:
            return self.conn.execute(statement, values).rowcount
        self._cursor.execute(known.text, known.values(values))
        return self._cursor.rowcount

    def commit(self) -> None:
        """SQLite commits nothing while a changing statement still has rows to give."""
        self._cursor.close()
        self.raw.commit()
