"""One cloud with two hosts for all end-to-end tests, taken down and checked for leftovers at the end."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cloud import RunningCloud


@pytest.fixture(scope="session")
def cloud() -> Iterator[RunningCloud]:
    with tempfile.TemporaryDirectory(prefix="croft-e2e-") as folder:
        running = RunningCloud(Path(folder) / "state")
        running.state.mkdir(mode=0o711)
        (running.state / "croft.toml").write_text('resolvers = "none"\n')  # guests of tests ask nobody outside
        try:
            print(running.croft("up", "--hosts", "2").stdout)
            yield running
        finally:
            tag = running.tag if (running.state / "cloud.json").exists() else ""
            running.croft("down", "--purge", check=False)
        assert leftovers(tag) == []


def leftovers(tag: str) -> list[str]:
    """Processes, namespaces, devices and mounts that name the cloud."""
    found = []
    for argv in (["ip", "netns", "list"], ["ip", "-o", "link"], ["cat", "/proc/self/mounts"], ["ps", "-eo", "args"]):
        listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        found += [line for line in listed.splitlines() if f"croft-{tag}" in line]
    return found
