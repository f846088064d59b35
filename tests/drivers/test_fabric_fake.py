"""What the fake offers beyond the port: counting, plugging, losing."""

from __future__ import annotations

from croft.drivers.fabric import Group, Kind, Network, Port, PortState
from croft.drivers.fabric.fake import FakeFabric

NETWORK = Network(id="n", gen=1, name="blue", mtu=1442)
PORT = Port(id="p", gen=1, network="n", mac="fa:16:3e:00:00:01")


def test_only_changes_are_counted() -> None:
    fabric = FakeFabric()
    fabric.ensure(NETWORK)
    fabric.ensure(NETWORK)
    fabric.ensure(PORT)
    fabric.remove(Kind.PORT, "p")
    fabric.remove(Kind.PORT, "p")
    assert fabric.writes == 3


def test_a_plugged_port_is_up_and_watchers_hear_of_it() -> None:
    fabric = FakeFabric()
    heard: list[tuple[Kind, str]] = []
    fabric.watch(lambda kind, id: heard.append((kind, id)))
    fabric.plug("p", "host1")
    assert heard == [], "there is no such port yet"
    fabric.ensure(NETWORK)
    fabric.ensure(PORT)
    assert fabric.port("p") == PortState(up=True, host="host1")
    fabric.plug("p", "host2")
    fabric.plug("p", "host2")
    fabric.unplug("p")
    fabric.unplug("p")
    assert fabric.port("p") == PortState(up=False, host="")
    assert heard == [(Kind.PORT, "p")] * 3


def test_a_lost_object_takes_its_children_and_counts_as_no_write() -> None:
    fabric = FakeFabric()
    group = Group("g", 1)
    for spec in (NETWORK, group, Port("p", 1, "n", "fa:16:3e:00:00:01", groups=("g",))):
        fabric.ensure(spec)
    fabric.lose(Kind.GROUP, "g")
    assert fabric.held(Kind.PORT, "p") == PORT
    fabric.lose(Kind.NETWORK, "n")
    assert fabric.held(Kind.PORT, "p") is None
    assert fabric.writes == 3


def test_hosts_are_what_the_test_says() -> None:
    fabric = FakeFabric(hosts=("h1", "h2"))
    fabric.set_host("h2", alive=False)
    assert fabric.hosts() == {"h1": True, "h2": False}


def test_ten_thousand_ports_come_and_go() -> None:
    fabric = FakeFabric()
    fabric.ensure(NETWORK)
    fabric.ensure(Group("g", 1))
    for number in range(10_000):
        port = Port(str(number), 1, "n", "fa:16:3e:00:00:01", groups=("g",))
        fabric.ensure(port)
        assert fabric.matches(port)
        fabric.plug(port.id, "host1")
    fabric.remove(Kind.NETWORK, "n")
    assert not fabric.names(Kind.PORT)
