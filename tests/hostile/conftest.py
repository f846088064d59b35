"""Two tenants in one cloud: alpha has things, beta wants them."""

from __future__ import annotations

from pathlib import Path

import pytest

from croft.core.config import Config
from croft.core.db import Database
from tests.cloud import build
from tests.hostile.tenants import Tenants


@pytest.fixture
def cloud(db: Database, tmp_path: Path) -> Tenants:
    return Tenants(build(db, Config(state=tmp_path, engines="fake", bcrypt_rounds=4)))


@pytest.fixture
def sqlite_cloud(sqlite_db: Database, tmp_path: Path) -> Tenants:
    return Tenants(build(sqlite_db, Config(state=tmp_path, engines="fake", bcrypt_rounds=4)))
