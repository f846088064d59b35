"""Worlds that hold nothing but networks."""

from __future__ import annotations

import pytest

from croft.core.db import Database
from tests.services.network.cloud import Cloud


@pytest.fixture
def cloud(sqlite_db: Database) -> Cloud:
    """Where the kind of database can make no difference."""
    return Cloud(sqlite_db)


@pytest.fixture
def either(db: Database) -> Cloud:
    """On SQLite, then on PostgreSQL."""
    return Cloud(db)
