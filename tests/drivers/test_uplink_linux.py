"""What the Linux uplink does to real packets, and what it leaves alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from croft.core.errors import Rejected, Unavailable
from croft.drivers.uplink import Gateway, Route
from croft.drivers.uplink.linux import LinuxUplink

pytestmark = pytest.mark.engines

GATEWAY = Gateway("net-1", "physnet1", ("198.18.7.1/24", "2001:db8:7::1/64"), ("198.18.7.0/24",))


@dataclass
class World:
    """Three namespaces in a row: guest ─outside─ machine ─wan─ internet, addressed but for the machine's outside."""

    tag: str

    @property
    def machine(self) -> str:
        return f"croft-{self.tag}-machine"

    @property
    def guest(self) -> str:
        return f"croft-{self.tag}-guest"

    @property
    def internet(self) -> str:
        return f"croft-{self.tag}-internet"

    def ip(self, namespace: str, words: str) -> str:
        command = ["ip", "-n", namespace, *words.split()]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def inside(self, namespace: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["ip", "netns", "exec", namespace, *words]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    def reaches(self, address: str) -> bool:
        return self.inside(self.guest, "ping", "-c1", "-W2", address).returncode == 0

    def build(self) -> None:
        self.ip(self.machine, f"link add outside type veth peer name eth0 netns {self.guest}")
        self.ip(self.machine, f"link add wan type veth peer name eth0 netns {self.internet}")
        for namespace, device in (("machine", "outside"), ("machine", "wan"), ("guest", "eth0"), ("internet", "eth0")):
            self.ip(getattr(self, namespace), f"link set {device} up")
        for namespace, device, address in (
            (self.machine, "wan", "198.19.0.1/24"),
            (self.machine, "wan", "2001:db8:ff::1/64 nodad"),
            (self.internet, "eth0", "198.19.0.2/24"),
            (self.internet, "eth0", "2001:db8:ff::2/64 nodad"),
            (self.guest, "eth0", "198.18.7.10/24"),
            (self.guest, "eth0", "2001:db8:7::10/64 nodad"),
        ):
            self.ip(namespace, f"address add {address} dev {device}")
        self.ip(self.guest, "route add default via 198.18.7.1")
        self.ip(self.guest, "route add default via 2001:db8:7::1")
        for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.inside(self.machine, "sh", "-c", f"echo 1 >/proc/sys/net/{setting}")


@pytest.fixture
def world() -> Iterator[World]:
    world = World(uuid4().hex[:6])
    names = (world.machine, world.guest, world.internet)
    try:
        for name in names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        world.build()
        yield world
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


@pytest.fixture
def uplink(world: World) -> LinuxUplink:
    return LinuxUplink("outside", "a", netns=world.machine)


def test_ipv4_leaves_masqueraded(world: World, uplink: LinuxUplink) -> None:
    uplink.ensure(Gateway(GATEWAY.name, GATEWAY.physnet, GATEWAY.addresses))
    assert not world.reaches("198.19.0.2"), "the internet knows no way back to the provider network"
    uplink.ensure(GATEWAY)
    assert world.reaches("198.19.0.2")


def test_ipv6_is_routed_and_never_translated(world: World, uplink: LinuxUplink) -> None:
    uplink.ensure(GATEWAY)
    assert not world.reaches("2001:db8:ff::2"), "without a way back, an untranslated address gets no answer"
    world.ip(world.internet, "route add 2001:db8:7::/64 via 2001:db8:ff::1")
    assert world.reaches("2001:db8:ff::2")
    with pytest.raises(Rejected):
        uplink.ensure(Gateway(GATEWAY.name, GATEWAY.physnet, GATEWAY.addresses, ("2001:db8:7::/64",)))


def test_a_projects_prefix_is_reached_through_its_router(world: World, uplink: LinuxUplink) -> None:
    uplink.ensure(GATEWAY)
    world.ip(world.guest, "address add 2001:db8:100::5/128 dev eth0 nodad")
    probe = ("ping", "-c1", "-W2", "2001:db8:100::5")
    assert world.inside(world.machine, *probe).returncode != 0
    uplink.route(Route("2001:db8:100::/64", "2001:db8:7::10"))
    assert world.inside(world.machine, *probe).returncode == 0


def test_what_others_made_is_left_alone(world: World, uplink: LinuxUplink) -> None:
    foreign = "add table ip nat; add chain ip nat other { type filter hook forward priority 0; }"
    world.inside(world.machine, "nft", foreign)
    world.ip(world.machine, "route add 198.19.99.0/24 via 198.19.0.2")
    world.ip(world.machine, "address add 198.18.50.1/24 dev outside")
    world.ip(world.machine, "route add 198.19.98.0/24 via 198.18.50.9 dev outside proto 7")
    before = [world.inside(world.machine, "nft", "list", "ruleset").stdout, world.ip(world.machine, "-4 route")]
    uplink.ensure(GATEWAY)
    uplink.route(Route("2001:db8:100::/64", "2001:db8:7::10"))
    for prefix in ("198.19.98.0/24", "198.19.99.0/24"):
        with pytest.raises(Rejected):
            uplink.route(Route(prefix, "198.18.7.10"))
        uplink.unroute(prefix)
    assert uplink.routes() == {Route("2001:db8:100::/64", "2001:db8:7::10")}
    uplink.remove(GATEWAY.name)
    after = [world.inside(world.machine, "nft", "list", "ruleset").stdout, world.ip(world.machine, "-4 route")]
    assert after == before
    assert "198.18.50.1/24" in world.ip(world.machine, "address show dev outside")


def test_two_clouds_on_one_machine_do_not_see_each_other(world: World, uplink: LinuxUplink) -> None:
    world.ip(world.machine, "link add second type veth peer name second-far")
    world.ip(world.machine, "link set second up")
    world.ip(world.machine, "link set second-far up")
    other = LinuxUplink("second", "b", netns=world.machine)
    uplink.ensure(GATEWAY)
    other.ensure(Gateway("net-2", "physnet1", ("198.18.8.1/24",), ("198.18.8.0/24",)))
    uplink.route(Route("198.19.5.0/24", "198.18.7.10"))
    assert (uplink.names(), other.names()) == (["net-1"], ["net-2"])
    assert other.routes() == frozenset()
    other.remove("net-2")
    assert uplink.observe("net-1") == GATEWAY
    assert len(uplink.routes()) == 1


def test_an_address_two_gateways_share_stays_until_the_last_goes(world: World, uplink: LinuxUplink) -> None:
    other = Gateway("net-2", "physnet1", ("198.18.7.1/24",))
    uplink.ensure(GATEWAY)
    uplink.ensure(other)
    uplink.remove(GATEWAY.name)
    assert uplink.observe(other.name) == other
    uplink.remove(other.name)
    assert "198.18.7.1" not in world.ip(world.machine, "address show dev outside")


def test_a_lost_address_shows_and_comes_back(world: World, uplink: LinuxUplink) -> None:
    uplink.ensure(GATEWAY)
    world.ip(world.machine, "address delete 198.18.7.1/24 dev outside")
    seen = uplink.observe(GATEWAY.name)
    assert seen is not None
    assert seen.addresses == ("2001:db8:7::1/64",)
    uplink.ensure(GATEWAY)
    assert uplink.observe(GATEWAY.name) == GATEWAY


def test_a_missing_device_is_unavailable_and_can_still_be_forgotten(world: World, uplink: LinuxUplink) -> None:
    uplink.ensure(GATEWAY)
    world.ip(world.machine, "link delete outside")
    with pytest.raises(Unavailable):
        uplink.ensure(GATEWAY)
    uplink.remove(GATEWAY.name)
    assert uplink.names() == []


def test_obstacles_are_named(world: World, uplink: LinuxUplink) -> None:
    assert uplink.obstacles() == []
    policy = "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }"
    world.inside(world.machine, "nft", policy)
    world.inside(world.machine, "sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/outside/forwarding")
    firewall, forwarding = sorted(uplink.obstacles())
    assert "FORWARD" in firewall
    assert "IPv4" in forwarding
