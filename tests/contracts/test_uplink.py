"""What every way out must do, over the fake and, marked `engines`, over Linux in a namespace of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from croft.core.errors import Rejected
from croft.drivers.uplink import Gateway, Route, Uplink
from croft.drivers.uplink.fake import FakeUplink
from croft.drivers.uplink.linux import LinuxUplink

GATEWAY = Gateway(
    "0b0f3c1e-6a8f-4c8e-9d57-3f3c2c1d0a01", "physnet1", ("198.18.7.1/24", "2001:db8:7::1/64"), ("198.18.7.0/24",)
)


@pytest.fixture
def outside() -> Iterator[str]:
    """A network namespace of its own, with the device `outside` up in it."""
    name = f"croft-test-{uuid4().hex[:8]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for words in ("link add outside type veth peer name inside", "link set outside up", "link set inside up"):
            subprocess.run(["ip", "-n", name, *words.split()], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@pytest.fixture
def linux_uplink(outside: str) -> LinuxUplink:
    return LinuxUplink("outside", "test", netns=outside)


@pytest.fixture(params=["fake", pytest.param("linux", marks=pytest.mark.engines)])
def uplink(request: pytest.FixtureRequest) -> Iterator[Uplink]:
    if request.param == "fake":
        yield FakeUplink()
    else:
        yield request.getfixturevalue("linux_uplink")


def test_nothing_is_there_at_first(uplink: Uplink) -> None:
    assert uplink.observe(GATEWAY.name) is None
    assert uplink.names() == []
    assert uplink.routes() == frozenset()
    uplink.remove(GATEWAY.name)
    uplink.unroute("2001:db8:100::/64")


def test_a_gateway_is_as_specified_until_removed(uplink: Uplink) -> None:
    uplink.ensure(GATEWAY)
    uplink.ensure(GATEWAY)
    assert uplink.observe(GATEWAY.name) == GATEWAY
    assert uplink.names() == [GATEWAY.name]
    uplink.remove(GATEWAY.name)
    assert uplink.observe(GATEWAY.name) is None
    assert uplink.names() == []


@pytest.mark.parametrize(
    "changed",
    [
        replace(GATEWAY, nat=()),
        replace(GATEWAY, nat=("198.18.7.0/24", "10.0.0.0/8", "10.1.0.0/16")),
        replace(GATEWAY, addresses=("2001:db8:8::1/64", "198.18.8.1/24"), nat=("198.18.8.0/24",)),
        replace(GATEWAY, addresses=("198.18.7.1/25",)),
        replace(GATEWAY, addresses=()),
    ],
)
def test_a_gateway_changes(uplink: Uplink, changed: Gateway) -> None:
    uplink.ensure(GATEWAY)
    uplink.ensure(changed)
    assert uplink.observe(GATEWAY.name) == changed


def test_two_gateways_do_not_disturb_each_other(uplink: Uplink) -> None:
    other = Gateway("0b0f3c1e-6a8f-4c8e-9d57-3f3c2c1d0a02", "physnet1", ("198.18.9.1/24",))
    uplink.ensure(GATEWAY)
    uplink.ensure(other)
    uplink.remove(GATEWAY.name)
    assert uplink.observe(other.name) == other
    assert uplink.names() == [other.name]


def test_routes_come_change_and_go(uplink: Uplink) -> None:
    uplink.ensure(GATEWAY)
    uplink.route(Route("2001:db8:100::/64", "2001:db8:7::10"))
    uplink.route(Route("2001:db8:100::/64", "2001:db8:7::10"))
    uplink.route(Route("198.19.1.0/24", "198.18.7.10"))
    assert uplink.routes() == {Route("2001:db8:100::/64", "2001:db8:7::10"), Route("198.19.1.0/24", "198.18.7.10")}
    uplink.route(Route("2001:db8:100::/64", "2001:db8:7::11"))
    uplink.unroute("198.19.1.0/24")
    assert uplink.routes() == {Route("2001:db8:100::/64", "2001:db8:7::11")}
    uplink.unroute("2001:db8:100::/64")
    assert uplink.routes() == frozenset()


def test_a_route_through_no_gateway_is_refused(uplink: Uplink) -> None:
    uplink.ensure(GATEWAY)
    for via in ("2001:db8:ffff::1", "198.19.7.1", "nonsense"):
        with pytest.raises(Rejected):
            uplink.route(Route("2001:db8:100::/64", via))


def test_routes_end_with_their_gateway(uplink: Uplink) -> None:
    uplink.ensure(GATEWAY)
    uplink.route(Route("2001:db8:100::/64", "2001:db8:7::10"))
    uplink.remove(GATEWAY.name)
    assert uplink.routes() == frozenset()
