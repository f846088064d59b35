"""Fixtures for every test: a database of each kind, and a private PostgreSQL started once per worker."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from croft.core.clock import ManualClock
from croft.core.db import Database, metadata
from tests.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of our own on a unix socket, without fsync, gone at the end."""
    with Postgres.start() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with the schema of all imported services, on SQLite and then on PostgreSQL."""
    yield from _database(request, tmp_path, request.param)


@pytest.fixture
def sqlite_db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """For tests where the kind of database can make no difference (wire formats, pure HTTP)."""
    yield from _database(request, tmp_path, "sqlite")


def _database(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Iterator[Database]:
    if kind == "sqlite":
        shutil.copy(_template(request), tmp_path / "croft.db")
        database = Database(f"sqlite:///{tmp_path / 'croft.db'}", ManualClock())
    else:
        server: Postgres = request.getfixturevalue("postgres")
        database = Database(server.url("croft"), ManualClock())
        _empty(database)
    yield database
    database.close()


def _template(request: pytest.FixtureRequest) -> Path:
    """A file with the tables declared so far, made once: copying it costs a fortieth of making it."""
    folder: Path = request.getfixturevalue("tmp_path_factory").getbasetemp()
    path = folder / f"template-{len(metadata.tables)}.db"
    if not path.exists():
        database = Database(f"sqlite:///{path}")
        metadata.create_all(database.engine)
        database.close()
    return path


def _empty(database: Database) -> None:
    """Every declared table, without a row; those that a test left filled are emptied."""
    with database.engine.begin() as conn:
        if set(metadata.tables) - set(sa.inspect(conn).get_table_names()):
            metadata.create_all(conn)
        names = [f'"{name}"' for name in metadata.tables]
        filled = " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in names)
        dirty = conn.execute(sa.text(filled)).scalars().all() if filled else []
        if dirty:
            conn.execute(sa.text("SET LOCAL session_replication_role = replica"))  # the audit lets nobody empty it
            conn.execute(sa.text(f"TRUNCATE {', '.join(dirty)} CASCADE"))
