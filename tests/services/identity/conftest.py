"""Houses: on SQLite alone where the database can make no difference, else on both."""

from __future__ import annotations

import pytest

from croft.core.db import Database
from tests.laws.conftest import sqlite_cloud
from tests.services.identity.house import House

__all__ = ["sqlite_cloud"]


@pytest.fixture
def house(sqlite_db: Database) -> House:
    return House(sqlite_db)


@pytest.fixture
def either(db: Database) -> House:
    """On SQLite, then on PostgreSQL."""
    return House(db)
