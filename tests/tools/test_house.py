"""Each house rule finds what it is for, and leaves the honest neighbour alone."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tools import house

HEAD = '"""Says what it owns."""\n'
SERVICE = "src/croft/services/dns/"


def says(path: str, text: str, *, bare: bool = False) -> list[str]:
    findings = house.check(PurePosixPath(path), text if bare else HEAD + text)
    return [("warning: " if each.warning else "") + each.says for each in findings]


def lines(count: int) -> str:
    return "x = 1\n" * count


def function(count: int) -> str:
    return "def long():\n" + "    x = 1\n" * (count - 1)


BAD = {
    "a long file": ("src/croft/a.py", lines(600)),
    "a long function": ("src/croft/a.py", function(61)),
    "a long async method": ("src/croft/a.py", "class A:\n    async def b(self):\n" + "        x = 1\n" * 60),
    "a poor file name": ("src/croft/utils.py", ""),
    "a poor folder name": ("src/croft/common/zones.py", ""),
    "a poor test name": ("tests/test_helpers.py", ""),
    "a swallowed error": ("src/croft/a.py", "try:\n    x()\nexcept Exception:\n    pass\n"),
    "a swallowed anything": ("src/croft/a.py", "for i in y:\n    try:\n        x()\n    except:\n        continue\n"),
    "a suppressed error": ("src/croft/a.py", "import contextlib\nwith contextlib.suppress(Exception):\n    x()\n"),
    "a mock": ("tests/test_a.py", "from unittest import mock\n"),
    "a patch": ("tests/test_a.py", "from unittest.mock import patch\n"),
    "a guessed sleep": ("tests/test_a.py", "import time\ntime.sleep(1)\n"),
    "a sleeping driver": ("src/croft/drivers/dns/pdns.py", "import time\nfor i in x:\n    time.sleep(1)\n"),
    "a sleeping service": (SERVICE + "reconcile.py", "from time import sleep\nsleep(1)\n"),
    "a dialect test": ("src/croft/core/work/loop.py", "x = db.sqlite\n"),
    "a dialect name": ("src/croft/core/quota.py", "x = tx.conn.engine.dialect.name\n"),
    "a dialect word": ("src/croft/core/quota.py", "x = name == 'postgresql'\n"),
    "SQL in an action": (SERVICE + "actions.py", "import sqlalchemy as sa\n"),
    "SQL in a driver": ("src/croft/drivers/dns/pdns.py", "from sqlalchemy import select\n"),
    "a neighbour's store": (SERVICE + "actions.py", "from croft.services.network import store\n"),
    "a neighbour's table": (SERVICE + "store.py", "from croft.services.network.store.ports import port\n"),
    "a store without scope": (SERVICE + "store.py", "def find(tx, id):\n    return 1\n"),
    "a store folder without scope": (SERVICE + "store/zones.py", "def list_zones(tx):\n    return 1\n"),
    "unfinished work": ("src/croft/a.py", "x = 1  # TO" + "DO: later\n"),
    "a machine's path in code": ("src/croft/a.py", "x = '/wo" + "rk/main/x'\n"),
    "a machine's path in prose": ("docs/a.md", "See /ho" + "me/me/notes.\n"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_a_rule_is_found(name: str) -> None:
    path, text = BAD[name]
    found = says(path, text)
    assert len(found) == 1
    assert not found[0].startswith("warning")


def test_a_module_says_what_it_is_for() -> None:
    assert len(says("src/croft/a.py", "x = 1\n", bare=True)) == 1
    assert says("src/croft/a/__init__.py", "", bare=True) == []


def test_getting_long_is_a_warning() -> None:
    assert [text[:8] for text in says("src/croft/a.py", lines(400))] == ["warning:"]
    assert [text[:8] for text in says("src/croft/a.py", function(41))] == ["warning:"]


GOOD = {
    "a file of 400 lines": ("src/croft/a.py", lines(399)),
    "a long migration": ("src/croft/migrations/versions/0009_dns.py", function(100)),
    "an expected error": ("src/croft/a.py", "try:\n    x()\nexcept KeyError:\n    pass\n"),
    "a handled error": ("src/croft/a.py", "try:\n    x()\nexcept Exception:\n    log.exception('x')\n"),
    "a polling test": ("tests/test_a.py", "import time\nwhile not x():\n    time.sleep(0.1)\n"),
    "a thread that runs forever": ("src/croft/drivers/a/b.py", "import time\nwhile True:\n    time.sleep(1)\n"),
    "the database's own file": ("src/croft/core/db.py", "x = y.get_backend_name() == 'sqlite'\n"),
    "an API's dialect": ("src/croft/core/http/service.py", "x = service.dialect(error)\n"),
    "a store with scope": (SERVICE + "store.py", "import sqlalchemy as sa\ndef find(tx, scope, id):\n    return 1\n"),
    "a store for reconcilers": (SERVICE + "store.py", "def any_find(tx, id):\n    return 1\n"),
    "a part of a query": (SERVICE + "store.py", "def _find(tx, id):\n    return 1\n"),
    "a neighbour's actions": (SERVICE + "actions.py", "from croft.services.network import actions\n"),
    "a neighbour's model": (SERVICE + "actions.py", "from croft.services.network.model import Port\n"),
    "one's own store": (SERVICE + "actions.py", "from croft.services.dns import store\n"),
    "an API path": ("src/croft/a.py", "x = '/work/' + id\n"),
}


@pytest.mark.parametrize("name", GOOD)
def test_the_honest_neighbour_is_left_alone(name: str) -> None:
    assert says(*GOOD[name]) == []


def test_the_repository_is_listed_without_what_git_ignores() -> None:
    root = Path(house.__file__).parents[1]
    found = set(map(str, house.tracked(root)))
    assert {"tools/house.py", "pyproject.toml", "Makefile"} <= found
    assert not any(name.startswith((".venv/", ".git/")) for name in found)


def test_findings_fail_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(house, "tracked", lambda root: [PurePosixPath("tools/__init__.py")])
    assert house.main() == 0
    monkeypatch.setattr(house, "check", lambda path, text: [house.Finding(3, "is wrong")])
    assert house.main() == 1
    assert capsys.readouterr().out == "tools/__init__.py:3: is wrong\n"
