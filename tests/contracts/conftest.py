"""A real machine for the drivers' contract tests: two hosts, OVN and libvirt, no control plane."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from croft.machine import packages
from croft.machine.embedded import Embedded, Endpoints
from croft.machine.facts import Wishes
from croft.machine.layout import Layout
from croft.machine.progress import Silent


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Engines of a cloud with hosts h1 and h2. Tests using it carry the mark `engines` and run as root."""
    packages.install(packages.TESTS, Silent())
    cloud = Embedded(Layout(tmp_path_factory.mktemp("machine") / "state"), Wishes(hosts=2), serve=False)
    try:
        cloud.up(Silent())
        yield cloud.endpoints()
    finally:
        cloud.down(Silent(), purge=True)
