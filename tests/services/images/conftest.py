"""Worlds that hold nothing but images."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from croft.core.db import Database
from croft.core.guard import guard
from croft.drivers.imagestore.fake import FakeImageStore
from croft.services import images
from tests.services.images.cloud import Cloud


def _cloud(db: Database) -> Cloud:
    store = FakeImageStore()
    return Cloud(db, store, [images.service(db, guard(store), largest=64 << 20)])


@pytest.fixture
def cloud(sqlite_db: Database) -> Iterator[Cloud]:
    """Where the kind of database can make no difference."""
    return _cloud(sqlite_db)


@pytest.fixture
def either(db: Database) -> Iterator[Cloud]:
    """On SQLite, then on PostgreSQL."""
    return _cloud(db)
