"""The import contracts hold back what they are meant to: one forbidden import each, in a copy of the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "core uses a service": ("core/quota.py", "from croft.services.images import actions", "Imports"),
    "a lower service uses an upper one": (
        "services/images/actions/data.py",
        "from croft.services.compute import actions",
        "Imports",
    ),
    "a driver uses the machine": ("drivers/uplink/fake.py", "from croft.machine import layout", "Imports"),
    "a store uses actions": (
        "services/images/store.py",
        "from croft.services.images import actions",
        "Inside",
    ),
    "a model uses a store": ("services/images/model.py", "from croft.services.images import store", "Inside"),
    "a reconciler uses actions": (
        "services/images/reconcile.py",
        "from croft.services.images import actions",
        "Inside",
    ),
    "a service uses an engine": (
        "services/images/reconcile.py",
        "from croft.drivers.imagestore.file import FileImageStore",
        "Services",
    ),
    "a service uses a fake": (
        "services/images/api/data.py",
        "from croft.drivers.imagestore.fake import FakeImageStore",
        "Services",
    ),
    "a driver uses the database": ("drivers/uplink/fake.py", "from croft.core import db", "Drivers"),
    "a driver uses SQL": ("drivers/uplink/fake.py", "import sqlalchemy", "Drivers"),
    "an action uses HTTP": (
        "services/images/actions/data.py",
        "from croft.core.http import Request",
        "Actions",
    ),
    "a reconciler sees a request": (
        "services/images/reconcile.py",
        "from croft.core.ctx import Ctx",
        "Reconcilers",
    ),
    "a model reads the clock": ("services/images/model.py", "import time", "Models"),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_forbidden_import_breaks_its_contract(name: str, tmp_path: Path) -> None:
    file, line, contract = FORBIDDEN[name]
    shutil.copytree(ROOT / "src/croft", tmp_path / "croft", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    changed = tmp_path / "croft" / file
    changed.write_text(changed.read_text() + f"\n{line}\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = [each for each in done.stdout.splitlines() if each.endswith(" BROKEN")]
    assert done.returncode == 1, done.stdout
    assert any(each.startswith(contract) for each in broken), done.stdout
