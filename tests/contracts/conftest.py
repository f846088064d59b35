"""A real machine for the drivers' contract tests: two hosts, OVN and libvirt, no control plane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from croft.machine.embedded import Embedded, Endpoints
from croft.machine.facts import Wishes
from croft.machine.layout import Layout
from croft.machine.progress import Silent


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Engines of a cloud with hosts h1 and h2. Tests using it carry the mark `engines` and run as root."""
    cloud = Embedded(Layout(_short_directory(tmp_path_factory)), Wishes(hosts=2), serve=False)
    try:
        cloud.up(Silent())
        yield cloud.endpoints()
    finally:
        cloud.down(Silent(), purge=True)


def _short_directory(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("machine") / "state"
