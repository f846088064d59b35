"""The one line of history, walked on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from croft.core import audit, quota, work
from croft.core.db import Database
from croft.core.errors import CroftError
from croft.core.migrate import current, head, migrate
from tests.postgres import Postgres

KERNEL = (work.work, audit.record, quota.limit)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a single table."""
    if request.param == "sqlite":
        db = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        db = Database(server.fresh("walked"))
    yield db
    db.close()


def test_from_empty_to_the_head_and_then_nothing_more(empty: Database) -> None:
    assert current(empty) is None
    assert migrate(empty) == (None, head())
    assert current(empty) == head()
    assert migrate(empty) == (head(), head())


def test_a_newer_database_is_refused_untouched(empty: Database) -> None:
    migrate(empty)
    with empty.write() as tx:
        tx.run(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CroftError, match="revision 9999"):
        migrate(empty)
    assert current(empty) == "9999"


def test_the_kernels_tables_are_as_declared(empty: Database) -> None:
    migrate(empty)
    found = sa.inspect(empty.engine)
    for table in KERNEL:
        columns = {column["name"]: column for column in found.get_columns(table.name)}
        assert set(columns) == set(table.c.keys())
        for column in table.c:
            assert columns[column.name]["nullable"] == column.nullable, column
        assert found.get_pk_constraint(table.name)["constrained_columns"] == [each.name for each in table.primary_key]
        assert {index["name"] for index in found.get_indexes(table.name)} == {index.name for index in table.indexes}


def test_the_numbers_of_the_files_are_one_line() -> None:
    folder = Path(__file__).parents[2] / "src/croft/migrations/versions"
    numbers = sorted(int(path.name[:4]) for path in folder.glob("[0-9]*.py"))
    assert numbers == list(range(1, len(numbers) + 1))
    assert head() == f"{numbers[-1]:04}"
