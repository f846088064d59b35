"""What guests read at 169.254.169.254, over the fake and, marked `engines`, over namespaces plugged into OVN."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Protocol

import pytest

from croft.core.errors import Rejected
from croft.drivers.fabric import Kind, MetadataPort, Network, Port, Subnet
from croft.drivers.fabric.ovn import OvnFabric
from croft.drivers.metadata import Answer, Endpoint, Metadata, Question
from croft.drivers.metadata.fake import FakeMetadata
from croft.drivers.metadata.namespaces import NETNS, MetadataHost
from croft.drivers.metadata.netns import NetnsMetadata
from croft.machine.embedded import Endpoints
from tests.contracts.guests import Guest, eventually

SECONDS = 5
GUEST = "10.0.0.11"


def new_id() -> str:
    return str(uuid.uuid4())


def tell(question: Question) -> Answer:
    """Answers with the question itself."""
    text = f"{question.network} {question.client} {question.path}"
    return Answer(404 if question.path == "/nothing" else 200, "text/plain", text.encode())


class Side(Protocol):
    """A metadata engine, and guests at 10.0.0.11 in two networks to ask it."""

    metadata: Metadata
    endpoints: list[Endpoint]

    def ask(self, endpoint: Endpoint, path: str) -> bytes | None: ...

    def damage(self, endpoint: Endpoint) -> None: ...

    def another(self) -> Metadata:
        """A second driver on the same machine: what a restarted process has."""


class FakeSide:
    def __init__(self) -> None:
        self.metadata = FakeMetadata()
        self.endpoints = [make_endpoint(new_id(), new_id(), number) for number in (1, 2)]

    def ask(self, endpoint: Endpoint, path: str) -> bytes | None:
        answer = self.metadata.ask(endpoint.network, GUEST, path)
        return answer.body if answer else None

    def damage(self, endpoint: Endpoint) -> None:
        self.metadata.lose(endpoint.network)


class RealSide:
    def __init__(self, machine: Endpoints, stack: ExitStack) -> None:
        self._machine, self._stack = machine, stack
        self._fabric = OvnFabric(machine.northbound, machine.southbound, f"metadata-{new_id()}")
        stack.callback(self._fabric.close)
        stack.callback(self._clear)
        self.endpoints = []
        self.guests: dict[str, Guest] = {}
        for number in (1, 2):
            self._make_network(number)
        self.metadata: Metadata = self.another()

    def another(self) -> NetnsMetadata:
        hosts = [MetadataHost(host.name, host.netns, f"unix:{host.ovsdb_socket}") for host in self._machine.hosts]
        driver = NetnsMetadata(hosts, self._machine.namespace_prefix)
        self._stack.callback(driver.close)
        return driver

    def _make_network(self, number: int) -> None:
        endpoint = make_endpoint(new_id(), new_id(), number)
        port = MetadataPort(endpoint.port, endpoint.mac, ("10.0.0.2", "2001:db8:1::2"))
        subnet = Subnet(new_id(), "10.0.0.0/24", None, True)
        self._fabric.ensure(Network(endpoint.network, 1, "inside", 1442, (subnet,), port))
        plug = Port(new_id(), 1, endpoint.network, f"fa:16:3e:0{number}:01:0b", (GUEST,), (subnet.id,), security=False)
        self._fabric.ensure(plug)
        guest = Guest(self._machine, self._machine.hosts[number - 1], plug.id, plug.mac)
        self._stack.callback(guest.close)
        guest.settle([f"{GUEST}/24"], [])
        guest.ip("route add 169.254.169.254/32 via 10.0.0.2 dev eth0")
        self.endpoints.append(endpoint)
        self.guests[endpoint.network] = guest

    def _clear(self) -> None:
        for kind in (Kind.PORT, Kind.NETWORK):
            for name in self._fabric.names(kind):
                self._fabric.remove(kind, name)

    def ask(self, endpoint: Endpoint, path: str) -> bytes | None:
        request = f"GET {path} HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n".encode()
        answer = self.guests[endpoint.network].fetch("169.254.169.254", 80, request, seconds=0.5)
        return answer.partition(b"\r\n\r\n")[2] if answer else None

    def damage(self, endpoint: Endpoint) -> None:
        name = next(path.name for path in NETNS.iterdir() if path.name.endswith(endpoint.network))
        subprocess.run(["ip", "netns", "delete", name], check=True)


def make_endpoint(network: str, port: str, number: int) -> Endpoint:
    return Endpoint(
        network, port, f"fa:16:3e:0{number}:00:02", ("10.0.0.2/24", "2001:db8:1::2/64", "169.254.169.254/32")
    )


@pytest.fixture(scope="module")
def real_side(machine: Endpoints) -> Iterator[RealSide]:
    with ExitStack() as stack:
        yield RealSide(machine, stack)


@pytest.fixture(params=["fake", pytest.param("netns", marks=pytest.mark.engines)])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "fake":
        side: Side = FakeSide()
    else:
        side = request.getfixturevalue("real_side")
        side.metadata = side.another()
    yield side
    side.metadata.close()


def asks(side: Side, endpoint: Endpoint, path: str) -> bytes:
    """Asks until somebody answers: the fabric may still be plugging the endpoint in."""
    answers: list[bytes] = []
    eventually(lambda: bool(answers.append(side.ask(endpoint, path)) or answers[-1]), SECONDS, f"answer to {path}")
    return answers[-1]


def test_nobody_listens_before_somebody_answers(side: Side) -> None:
    with pytest.raises(Rejected):
        side.metadata.ensure(side.endpoints[0])
    assert side.metadata.names() == []


def test_a_question_says_which_network_and_client_ask(side: Side) -> None:
    side.metadata.serve(tell)
    for endpoint in side.endpoints:
        side.metadata.ensure(endpoint)
        assert side.metadata.observe(endpoint.network) == endpoint
    for endpoint in side.endpoints:
        wanted = f"{endpoint.network} {GUEST} /openstack/latest/meta_data.json".encode()
        assert asks(side, endpoint, "/openstack/latest/meta_data.json") == wanted
    assert asks(side, side.endpoints[0], "/nothing").endswith(b"/nothing")
    assert sorted(side.metadata.names()) == sorted(endpoint.network for endpoint in side.endpoints)


def test_ensuring_again_changes_nothing(side: Side) -> None:
    side.metadata.serve(tell)
    side.metadata.ensure(side.endpoints[0])
    side.metadata.ensure(side.endpoints[0])
    assert asks(side, side.endpoints[0], "/x")


def test_the_removed_is_silent_and_can_be_removed_again(side: Side) -> None:
    side.metadata.serve(tell)
    gone, kept = side.endpoints
    for endpoint in (gone, kept):
        side.metadata.ensure(endpoint)
        asks(side, endpoint, "/x")
    side.metadata.remove(gone.network)
    side.metadata.remove(gone.network)
    assert side.metadata.observe(gone.network) is None
    assert side.metadata.names() == [kept.network]
    assert side.ask(gone, "/x") is None
    assert side.ask(kept, "/x")


def test_a_changed_endpoint_takes_over(side: Side) -> None:
    side.metadata.serve(tell)
    before = side.endpoints[0]
    side.metadata.ensure(before)
    after = replace(before, addresses=("10.0.0.2/24", "10.0.1.2/24", "169.254.169.254/32"))
    side.metadata.ensure(after)
    assert side.metadata.observe(before.network) == after
    assert asks(side, before, "/x")


def test_damage_is_noticed_and_healed(side: Side) -> None:
    side.metadata.serve(tell)
    endpoint = side.endpoints[0]
    side.metadata.ensure(endpoint)
    side.damage(endpoint)
    assert side.metadata.observe(endpoint.network) is None
    side.metadata.ensure(endpoint)
    assert side.metadata.observe(endpoint.network) == endpoint
    assert asks(side, endpoint, "/x")


def test_close_leaves_nothing(side: Side) -> None:
    side.metadata.serve(tell)
    side.metadata.ensure(side.endpoints[0])
    side.metadata.close()
    assert side.metadata.names() == []
    assert side.ask(side.endpoints[0], "/x") is None


@pytest.mark.engines
def test_a_restarted_process_finds_the_plumbing_and_only_listens_again(real_side: RealSide) -> None:
    crashed, endpoint = real_side.another(), real_side.endpoints[0]
    crashed.serve(tell)
    crashed.ensure(endpoint)
    asks(real_side, endpoint, "/x")
    inode = namespace_inode(endpoint)
    crashed._stop(endpoint.network)
    assert real_side.ask(endpoint, "/x") is None
    restarted = real_side.another()
    assert restarted.observe(endpoint.network) is None
    assert restarted.names() == [endpoint.network]
    restarted.serve(tell)
    restarted.ensure(endpoint)
    assert asks(real_side, endpoint, "/x")
    assert namespace_inode(endpoint) == inode
    restarted.close()


def namespace_inode(endpoint: Endpoint) -> int:
    return next(path.stat().st_ino for path in NETNS.iterdir() if path.name.endswith(endpoint.network))
