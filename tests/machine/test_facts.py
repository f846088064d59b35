"""What a cloud chooses once stays, and no two clouds choose the same."""

from __future__ import annotations

import ipaddress
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from croft.machine.facts import EXTERNAL_V4, EXTERNAL_V6, Facts, Wishes, free_network, load, settle
from croft.machine.layout import Layout
from croft.machine.progress import StepFailed


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    made = Layout(tmp_path)
    yield made
    shutil.rmtree(made.run, ignore_errors=True)


def settle_fake(layout: Layout, **wishes: object) -> Facts:
    return settle(layout, Wishes(engines="fake", **wishes))  # type: ignore[arg-type]


def test_what_was_chosen_once_stays(layout: Layout) -> None:
    first = settle_fake(layout, hosts=2, port=9443)
    assert settle(layout, Wishes()) == first == load(layout)


def test_hosts_may_grow_but_not_shrink(layout: Layout) -> None:
    settle_fake(layout, hosts=2)
    assert settle_fake(layout, hosts=3).hosts == 3
    with pytest.raises(StepFailed, match="3 hosts"):
        settle_fake(layout, hosts=1)


def test_engines_cannot_be_exchanged(layout: Layout) -> None:
    settle_fake(layout)
    with pytest.raises(StepFailed, match="fake engines"):
        settle(layout, Wishes(engines="real"))


def test_a_moved_state_directory_is_refused(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> None:
    settle_fake(layout)
    moved = Layout(tmp_path_factory.mktemp("elsewhere"))
    shutil.copy(layout.facts, moved.facts)
    with pytest.raises(StepFailed, match="another path"):
        settle(moved, Wishes())
    assert not moved.run.exists()


def test_the_port_is_one_nobody_listens_on_and_no_other_cloud_has(
    layout: Layout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = settle_fake(layout)
    neighbour = Layout(tmp_path_factory.mktemp("neighbour"))
    try:
        second = settle_fake(neighbour)
    finally:
        shutil.rmtree(neighbour.run, ignore_errors=True)
    assert first.port != second.port
    for port in (first.port, second.port):
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind((first.host, port))


def test_the_external_ranges_come_from_the_ranges_set_aside_for_it(layout: Layout) -> None:
    facts = settle_fake(layout)
    assert ipaddress.IPv4Network(facts.external_v4).subnet_of(EXTERNAL_V4)
    assert ipaddress.IPv6Network(facts.external_v6).subnet_of(EXTERNAL_V6)


def test_a_range_in_use_is_passed_over() -> None:
    pool = ipaddress.IPv4Network("198.18.0.0/22")
    used = [ipaddress.ip_network("198.18.2.0/24"), ipaddress.ip_network("198.18.3.128/25")]
    assert str(free_network(pool, 24, 2, used)) == "198.18.0.0/24"
    assert str(free_network(pool, 24, 1, used)) == "198.18.1.0/24"


def test_no_range_left_says_so() -> None:
    pool = ipaddress.IPv4Network("198.18.0.0/24")
    with pytest.raises(StepFailed, match="in use"):
        free_network(pool, 24, 0, [pool])


@pytest.mark.parametrize(("host", "plain", "url"), [("::1", False, "https://[::1]:1"), ("a", True, "http://a:1")])
def test_the_url_is_one_clients_can_use(host: str, plain: bool, url: str) -> None:
    facts = Facts("abc", "fake", 1, host, 1, plain, "RegionOne", "198.18.0.0/24", "2001:db8::/48")
    assert facts.url == url
