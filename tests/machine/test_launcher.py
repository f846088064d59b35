"""./croft in a clone of its own, with stand-ins for Python and the program: what it installs when, and what it runs."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass
class Clone:
    path: Path

    def run(self, *arguments: str, launcher: Path | None = None, cwd: str = "/") -> subprocess.CompletedProcess[str]:
        argv = [str(launcher or self.path / "croft"), *arguments]
        return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)

    def installs(self) -> list[str]:
        """Arguments of each `pip install` so far."""
        record = self.path / "pip-calls"
        return record.read_text().splitlines() if record.exists() else []


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    root = tmp_path / "a clone"
    (root / "requirements").mkdir(parents=True)
    (root / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "croft", root / "croft")
    for name in ("pyproject.toml", "requirements/base.txt", "requirements/dev.txt"):
        (root / name).write_text(f"{name} as it was\n")
    stand_in(root / ".venv/bin/python", f'case "$*" in *"pip "*) echo "$*" >>"{root}/pip-calls" ;; esac')
    stand_in(root / ".venv/bin/croft", 'echo "ran: $*"')
    return Clone(root)


def stand_in(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_it_installs_once_then_only_runs(clone: Clone) -> None:
    first = clone.run("status", "--json")
    assert (first.returncode, first.stdout) == (0, "ran: status --json\n")
    assert len(first.stderr.splitlines()) == 1
    assert len(clone.installs()) == 2
    again = clone.run("status")
    assert (again.stdout, again.stderr) == ("ran: status\n", "")
    assert len(clone.installs()) == 2


@pytest.mark.parametrize("changed", ["requirements/base.txt", "pyproject.toml"])
def test_it_installs_again_when_a_lock_file_changed(clone: Clone, changed: str) -> None:
    clone.run("status")
    (clone.path / changed).write_text("another\n")
    clone.run("status")
    assert len(clone.installs()) == 4


def test_hashes_are_required_and_the_clone_itself_is_editable(clone: Clone) -> None:
    clone.run("up")
    locked, itself = clone.installs()
    assert "--require-hashes" in locked
    assert locked.endswith("requirements/base.txt")
    assert "--no-deps --editable" in itself


def test_testing_needs_the_development_lock(clone: Clone) -> None:
    clone.run("test", "unit")
    assert clone.installs()[0].endswith("requirements/dev.txt")


def test_it_runs_through_a_symlink_from_anywhere(clone: Clone, tmp_path: Path) -> None:
    link = tmp_path / "bin" / "croft"
    link.parent.mkdir()
    link.symlink_to(clone.path / "croft")
    assert clone.run("env", "two words", launcher=link, cwd=str(tmp_path)).stdout == "ran: env two words\n"


def test_a_failed_install_says_so_and_is_tried_again(clone: Clone) -> None:
    stand_in(clone.path / ".venv/bin/python", "case $* in *pip*) echo no route to the index; exit 1 ;; esac")
    failed = clone.run("up")
    assert failed.returncode == 1
    assert "no route to the index" in failed.stderr
    assert "pip failed" in failed.stderr
    assert failed.stdout == ""
    assert clone.run("up").returncode == 1
