"""The database: SQLite or PostgreSQL, transactions, and the few places where the two differ.

A transaction is short and never spans an engine call: `outside_transaction` is what drivers are guarded with.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from croft.core.clock import Clock, SystemClock
from croft.core.errors import Conflict, Invalid, Unavailable
from croft.core.statements import Link, Statements

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
T = TypeVar("T")
_current = threading.local()
_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


class Json(TypeDecorator[Any]):
    """A JSON value kept as text: opaque to SQL in both databases."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], str | None]:
        return _dumped

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[str | None], Any]:
        """Replaces the decorator's own chain of calls: lists read three such columns a row."""
        return _loaded

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return _dumped(value)


def _dumped(value: Any) -> str | None:
    return None if value is None else _ENCODE(value).decode()


def _loaded(text: str | None) -> Any:
    return None if text is None else _DECODE(text)


class _Each(FunctionElement[Any]):
    """The elements of a JSON list, as a sub-select."""

    name = "each"
    inherit_cache = True


@compiles(_Each)
def _each_postgres(element: _Each, compiler: Any, **words: Any) -> str:
    return f"(SELECT jsonb_array_elements_text(CAST({compiler.process(element.clauses, **words)} AS jsonb)))"


@compiles(_Each, "sqlite")
def _each_sqlite(element: _Each, compiler: Any, **words: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **words)}))"  # noqa: S608


def one_of(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """`column` is in the list bound to `name`: one parameter, where 1,000 of them cost more than the rows they find."""
    return column.op("IN", is_comparison=True)(_Each(sa.bindparam(name, type_=Json)))


class TransactionHeld(AssertionError):
    """An engine was called, or a transaction opened, inside a transaction: a bug of ours."""


def outside_transaction() -> None:
    """Raises unless this thread holds no transaction."""
    if getattr(_current, "tx", None) is not None:
        raise TransactionHeld("engine call or second transaction inside a transaction")


class Tx:
    """One transaction. Rows come back as the given type, built from the columns in order."""

    __slots__ = ("_db", "at_end", "changed", "link", "now", "woken", "writing")

    def __init__(self, db: Database, link: Link, now: int, writing: bool) -> None:
        self._db = db
        self.link = link
        self.now = now
        self.writing = writing
        self.woken = False
        self.changed = False
        self.at_end: list[Callable[[Tx], None]] = []
        """Called just before the commit, for what must be locked last."""

    @property
    def conn(self) -> Connection:
        """For Alembic, and for looking inside."""
        return self.link.conn

    def all(self, made: Callable[..., T], statement: sa.Executable, values: Mapping[str, Any] | None = None) -> list[T]:
        return [made(*row) for row in self.link.all(statement, values or {})]

    def first(
        self, made: Callable[..., T], statement: sa.Executable, values: Mapping[str, Any] | None = None
    ) -> T | None:
        row = self.link.first(statement, values or {})
        return None if row is None else made(*row)

    def tuples(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """Rows of a few columns, to be taken apart by position."""
        return self.link.all(statement, values or {})

    def rows(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Rows whose columns have names; dearer than `tuples`."""
        return self.conn.execute(statement, values or {}).all()

    def scalar(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Any:
        row = self.link.first(statement, values or {})
        return None if row is None else row[0]

    def run(
        self, statement: sa.Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Executes a change and returns how many rows it touched (unknown for a list of values)."""
        if values is None or isinstance(values, Mapping):
            return self.link.run(statement, values or {})
        return self.conn.execute(statement, values).rowcount

    def lock(self, name: str) -> None:
        """Holds a named lock until the transaction ends; others asking for the same name wait."""
        self._db.lock(self, name)


class Database:
    """Connections to one database. `on_commit` is called after each commit that woke a reconciler, `on_change` after
    each that `changed` what is remembered elsewhere in this process."""

    def __init__(self, url: str, clock: Clock | None = None, *, pool_size: int = 40) -> None:
        self.clock = clock or SystemClock()
        self.on_commit: Callable[[], None] = lambda: None
        self.on_change: list[Callable[[], None]] = []
        self.url = sa.make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._writer = threading.Lock()
        arguments: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 20, "hide_parameters": True}
        if self.sqlite:
            arguments["connect_args"] = {"isolation_level": None, "timeout": 20, "check_same_thread": False}
        else:
            arguments |= {"pool_pre_ping": True, "isolation_level": "READ COMMITTED"}
        self.engine = sa.create_engine(self.url, **arguments)
        if self.sqlite:
            _own_file(self.url.database)
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
        self._driver: Any = self.engine.dialect.loaded_dbapi
        self.statements = Statements(self.engine)
        self._begin = {False: "BEGIN", True: "BEGIN IMMEDIATE"} if self.sqlite else {False: "", True: ""}
        self._skip_locked = "" if self.sqlite else " FOR UPDATE SKIP LOCKED"

    @contextmanager
    def read(self) -> Iterator[Tx]:
        with self._open(writing=False) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        outside_transaction()
        if self.sqlite:
            with self._writer, self._open(writing=True) as tx:
                yield tx
        else:
            with self._open(writing=True) as tx:
                yield tx
        if tx.changed:
            for heard in self.on_change:
                heard()
        if tx.woken:
            self.on_commit()

    @contextmanager
    def _open(self, writing: bool) -> Iterator[Tx]:
        outside_transaction()
        try:
            raw = self.engine.raw_connection()
            try:
                link = Link(raw, self.statements, self._begin[writing])
                tx = Tx(self, link, self.clock.now(), writing)
                _current.tx = tx
                try:
                    yield tx
                finally:
                    _current.tx = None
                for finish in tx.at_end:
                    finish(tx)
                link.commit()
            except self._driver.Error as error:
                if self.engine.dialect.is_disconnect(error, raw.driver_connection, None):
                    raw.invalidate(error)
                raise
            finally:
                raw.close()  # undoes what is not committed
        except (DBAPIError, self._driver.Error) as error:
            worded = self._worded(error)
            if worded is error:
                raise
            raise worded from error
        except OverflowError as error:
            raise Invalid("A value is out of the range that can be kept.") from error
        except PoolTimeout as error:
            raise Unavailable("The database is busy.") from error

    def _worded(self, error: Exception) -> Exception:
        """What a driver's error means to callers; itself when it is a mistake of ours."""
        said = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(said, self._driver.IntegrityError):
            return Conflict("This conflicts with something that exists already.")
        if isinstance(said, self._driver.DataError):
            return Invalid("A value is out of the range that can be kept.")
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if (lost or isinstance(said, self._driver.OperationalError)) and not _is_ours(said):
            return Unavailable("The database does not answer.")
        return error

    def lock(self, tx: Tx, name: str) -> None:
        """On SQLite the one writer holds every lock already."""
        if not self.sqlite:
            tx.scalar(_ADVISORY, {"name": name})

    @property
    def skip_locked(self) -> str:
        """What a claiming sub-select ends in, so that two claimers never wait for each other."""
        return self._skip_locked

    @property
    def exclusive(self) -> bool:
        """Whether this process alone works on the database."""
        return self.sqlite

    def close(self) -> None:
        self.engine.dispose()


def spoken(conn: Connection, sqlite: Sequence[str], postgresql: Sequence[str]) -> Sequence[str]:
    """Those of two lists of statements that this database understands, for what SQLAlchemy has no words."""
    return sqlite if conn.dialect.name == "sqlite" else postgresql


def _is_ours(error: Exception | None) -> bool:
    """SQLite calls wrong SQL an operational error too."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


_ADVISORY = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


def _own_file(path: str | None) -> None:
    """The file is its owner's alone from its first byte; SQLite gives its journals the same mode."""
    if path and path != ":memory:" and Path(path).parent.is_dir():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _lower(text: Any) -> Any:
    """SQLite's own knows no letters but English ones."""
    return text.lower() if isinstance(text, str) else text


def _prepare_sqlite(raw: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=20000"):
        raw.execute(f"PRAGMA {pragma}")
    raw.create_function("lower", 1, _lower, deterministic=True)
