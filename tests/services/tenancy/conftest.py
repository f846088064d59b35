"""A whole cloud per test, with people who log in."""

from __future__ import annotations

from pathlib import Path

import pytest

from croft.core.db import Database
from tests.services.tenancy.town import Town


@pytest.fixture
def town(sqlite_db: Database, tmp_path: Path) -> Town:
    """Where the kind of database can make no difference."""
    return Town(sqlite_db, tmp_path)


@pytest.fixture
def either(db: Database, tmp_path: Path) -> Town:
    """On SQLite, then on PostgreSQL."""
    return Town(db, tmp_path)
