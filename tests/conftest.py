"""Fixtures for every test: a database of each kind, and a private PostgreSQL started once per worker."""

from __future__ import annotations

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
        database = Database(f"sqlite:///{tmp_path / 'croft.db'}", ManualClock())
        metadata.create_all(database.engine)
        yield database
        database.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    database = Database(server.url("croft"), ManualClock())
    metadata.create_all(database.engine)
    if names := ", ".join(f'"{table.name}"' for table in metadata.sorted_tables):
        with database.engine.begin() as conn:
            conn.execute(sa.text(f"TRUNCATE {names} CASCADE"))
    yield database
    database.close()
