"""One whole cloud per test."""

from __future__ import annotations

from pathlib import Path

import pytest

from croft.core.config import Config
from croft.core.db import Database
from tests.cloud import Cloud, build


@pytest.fixture
def cloud(db: Database, tmp_path: Path) -> Cloud:
    return build(db, Config(state=tmp_path, engines="fake", bcrypt_rounds=4))


@pytest.fixture
def sqlite_cloud(sqlite_db: Database, tmp_path: Path) -> Cloud:
    return build(sqlite_db, Config(state=tmp_path, engines="fake", bcrypt_rounds=4))
