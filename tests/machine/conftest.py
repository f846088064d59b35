"""Small clouds without a control plane, each in its own state directory, gone after the test whatever happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from croft.machine.embedded import Embedded
from croft.machine.facts import Wishes
from croft.machine.layout import Layout
from croft.machine.progress import Silent

MakeCloud = Callable[..., Embedded]


@pytest.fixture(scope="module")
def make_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeCloud]:
    made: list[Embedded] = []

    def make(hosts: int = 1) -> Embedded:
        cloud = Embedded(Layout(tmp_path_factory.mktemp("cloud") / "state"), Wishes(hosts=hosts), serve=False)
        made.append(cloud)
        return cloud

    try:
        yield make
    finally:
        for cloud in made:
            cloud.down(Silent(), purge=True)


@pytest.fixture(scope="module")
def cloud(make_cloud: MakeCloud) -> Embedded:
    """One host, up, shared by the tests of a module; they must leave it healthy."""
    made = make_cloud()
    made.up(Silent())
    return made


def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Polls until it holds; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.05)


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
