"""What the fabric does to real packets, between stand-in guests on two hosts and a neighbour outside.

Two projects, blue and red, have the same addresses. One topology is built for all tests; each test leaves it as it was.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from croft.drivers.fabric import Group, Kind, Network, Port, Rule
from croft.machine.embedded import Endpoints
from tests.contracts.guests import Guest, ask_dhcp, ask_dhcpv6, eventually, resolve, run
from tests.contracts.topology import OUTSIDE_V4, OUTSIDE_V6, SECRET, WEB, World, new_id

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("machine")]


@pytest.fixture(scope="module")
def world(machine: Endpoints) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(machine, stack)


@dataclass
class Blue:
    one: Guest
    """On the first host."""
    near: Guest
    """On the same."""
    far: Guest
    """On the other."""


@pytest.fixture(scope="module")
def blue(world: World) -> Blue:
    guests = Blue(
        world.guest(world.blue, 0, 11, hostname="one"), world.guest(world.blue, 0, 12), world.guest(world.blue, 1, 13)
    )
    for guest in (guests.one, guests.near, guests.far):
        guest.serve(WEB)
        eventually(lambda guest=guest: world.fabric.port(guest.port).up, 10, "port up")
    return guests


@pytest.fixture(scope="module")
def red(world: World) -> Guest:
    guest = world.guest(world.red, 0, 11)
    eventually(lambda: world.fabric.port(guest.port).up, 10, "port up")
    return guest


def test_a_stuck_host_is_dead_until_it_moves_again(world: World) -> None:
    both = {"h1": True, "h2": True}
    eventually(lambda: world.fabric.hosts() == both, 10, "both alive")
    controller = int((world.machine.hosts[1].run / "ovs" / "ovn-controller.pid").read_text())
    os.kill(controller, signal.SIGSTOP)
    try:
        eventually(lambda: world.fabric.hosts() == both | {"h2": False}, 10, "one stuck")
    finally:
        os.kill(controller, signal.SIGCONT)
    eventually(lambda: world.fabric.hosts() == both, 10, "both again")


def test_a_plugged_port_is_up_on_its_host_and_watchers_hear_of_it(world: World, blue: Blue) -> None:
    state = world.fabric.port(blue.far.port)
    assert state.up
    assert state.host == "h2"
    assert (Kind.PORT, blue.far.port) in world.news


def test_guests_of_a_network_reach_each_other_on_one_host_and_across(world: World, blue: Blue) -> None:
    for other in (blue.near, blue.far):
        for address in world.ports[other].addresses:
            eventually(lambda address=address: blue.one.pings(address), 5, f"reply from {address}")
    assert blue.one.fetch("10.0.0.13", SECRET - 1) == b"10.0.0.11"


def test_dhcp_gives_address_router_resolvers_mtu_and_routes(world: World, blue: Blue) -> None:
    offer = ask_dhcp(blue.far)
    assert offer[0] == socket.inet_aton("10.0.0.13")
    assert offer[1] == bytes([255, 255, 255, 0])
    assert offer[3] == socket.inet_aton("10.0.0.1")
    assert offer[6] == socket.inet_aton("9.9.9.9")
    assert int.from_bytes(offer[26], "big") == 1442
    assert offer[15].rstrip(b"\0") == b"inside.example"
    metadata = bytes([32, 169, 254, 169, 254, 10, 0, 0, 2])
    assert offer[121] == metadata + bytes([16, 10, 9, 10, 0, 0, 9]) + bytes([0, 10, 0, 0, 1])


def test_router_advertisements_give_slaac_addresses(world: World) -> None:
    guest = world.guest(world.blue, 1, 14, settle=False)
    wanted = world.ports[guest].addresses[1]
    eventually(lambda: f"{wanted}/64" in guest.addresses(), 15, f"{wanted} by SLAAC")
    gateway = world.blue.network.subnets[1].gateway
    eventually(lambda: guest.pings(gateway), 5, "reply from the router")


def test_stateful_dhcpv6_gives_the_ports_address(world: World, red: Guest) -> None:
    wanted = socket.inet_pton(socket.AF_INET6, world.ports[red].addresses[1])
    eventually(lambda: wanted in ask_dhcpv6(red), 8, "address by DHCPv6")


def test_a_filtered_port_without_groups_gets_its_address_and_nothing_else(world: World, blue: Blue) -> None:
    guest = world.guest(world.blue, 1, 15, groups=())
    eventually(lambda: bool(ask_dhcp(guest)), 5, "an offer")
    eventually(lambda: "dadfailed" not in guest.addresses(), 1, "IPv6")
    assert not guest.pings("10.0.0.11")
    assert not blue.one.pings("10.0.0.15")
    world.change(guest, groups=(world.blue.group.id,))
    eventually(lambda: blue.one.pings("10.0.0.15"), 2, "reply after joining a group")


def test_guests_reach_the_outside_with_the_routers_address(world: World, blue: Blue) -> None:
    world.outside.serve(SECRET)
    eventually(lambda: blue.far.fetch(OUTSIDE_V4, SECRET) == b"198.18.50.10", 10, "SNAT")


def test_ipv6_is_routed_both_ways_untranslated(world: World, blue: Blue) -> None:
    address = world.ports[blue.far].addresses[1]
    eventually(lambda: world.outside.pings(address), 10, "IPv6 from outside")
    assert blue.far.pings(OUTSIDE_V6)


@pytest.mark.parametrize("distributed", [True, False])
def test_a_floating_address_leads_in_and_shows_outside(world: World, blue: Blue, distributed: bool) -> None:
    guest, external = (blue.one, "198.18.50.101") if distributed else (blue.far, "198.18.50.103")
    world.outside.serve(SECRET + 1 + distributed)
    world.float(guest, world.blue, external, distributed)
    eventually(lambda: world.outside.fetch(external, WEB) == OUTSIDE_V4.encode(), 10, "the web page through it")
    assert guest.fetch(OUTSIDE_V4, SECRET + 1 + distributed) == external.encode()
    world.sink()
    eventually(lambda: world.outside.fetch(external, WEB, seconds=0.3) is None, 2, "closed after removal")


def test_bulk_tcp_crosses_the_mtu_step(world: World, blue: Blue) -> None:
    payload = bytes(300_000)
    world.outside.serve(SECRET + 5, payload)
    blue.far.serve(SECRET + 6, payload)
    external = world.float(blue.far, world.blue, "198.18.50.105", False)
    world.allow(Rule("ingress", "IPv4", "tcp"))
    assert blue.far.fetch(OUTSIDE_V4, SECRET + 5, seconds=8) == payload
    eventually(lambda: world.outside.fetch(external, SECRET + 6, seconds=8) == payload, 10, "bulk from inside")
    world.allow()
    world.sink()


def test_packets_too_big_for_the_inside_are_answered(world: World, blue: Blue) -> None:
    external = world.float(blue.one, world.blue, "198.18.50.104", True)
    for address, size in ((external, "1472"), (world.ports[blue.far].addresses[1], "1452")):
        eventually(lambda address=address: world.outside.pings(address), 10, "small packets")
        assert not world.outside.pings(address, "-M", "do", "-s", size)
        assert "mtu 1442" in run("ip", "-n", world.outside.namespace, "route", "get", address)
    world.sink()


def test_members_of_another_group_are_let_in_even_if_it_came_later(world: World, blue: Blue) -> None:
    friends = new_id()
    host = world.guest(world.blue, 0, 18, groups=())
    host.serve(WEB)
    only = Group(new_id(), 1, (Rule("egress", "IPv4"), Rule("ingress", "IPv4", "tcp", WEB, WEB, "", friends)))
    world.fabric.ensure(only)
    world.change(host, groups=(only.id,))
    assert blue.far.fetch("10.0.0.18", WEB, seconds=0.5) is None
    world.fabric.ensure(Group(friends, 1))
    world.change(blue.far, groups=(world.blue.group.id, friends))
    eventually(lambda: blue.far.fetch("10.0.0.18", WEB, seconds=0.2) == b"10.0.0.13", 2, "a member's question")
    assert blue.near.fetch("10.0.0.18", WEB, seconds=0.5) is None
    world.change(blue.far, groups=(world.blue.group.id,))
    eventually(lambda: blue.far.fetch("10.0.0.18", WEB, seconds=0.2) is None, 2, "no longer a member")


def test_a_provider_network_with_a_vlan_crosses_hosts(world: World) -> None:
    tagged = Network(new_id(), 1, "tagged", 1500, physnet=world.machine.physnet, vlan=100)
    world.fabric.ensure(tagged)
    guests = []
    for host in (0, 1):
        port = Port(new_id(), 1, tagged.id, f"fa:16:3e:88:00:0{host}", (f"10.8.0.{host + 1}",), security=False)
        world.fabric.ensure(port)
        guests.append(Guest(world.machine, world.machine.hosts[host], port.id, port.mac, mtu=1500))
        world.stack.callback(guests[host].close)
        guests[host].settle([f"10.8.0.{host + 1}/24"], [])
    eventually(lambda: guests[0].pings("10.8.0.2", "-M", "do", "-s", "1472"), 10, "reply over the provider network")


def test_a_changed_group_acts_within_two_seconds(world: World, blue: Blue) -> None:
    external = world.float(blue.one, world.blue, "198.18.50.106", True)
    blue.one.serve(SECRET + 9)
    eventually(lambda: world.outside.fetch(external, WEB) is not None, 10, "the open port")
    assert world.outside.fetch(external, SECRET + 9, seconds=0.5) is None
    world.allow(Rule("ingress", "IPv4", "tcp", SECRET + 9, SECRET + 9))
    eventually(lambda: world.outside.fetch(external, SECRET + 9, seconds=0.2) is not None, 2, "open")
    world.allow()
    eventually(lambda: world.outside.fetch(external, SECRET + 9, seconds=0.2) is None, 2, "closed")
    world.sink()


def test_spoofed_sources_are_dropped_unless_allowed(world: World, blue: Blue) -> None:
    guest = world.guest(world.blue, 0, 16)
    eventually(lambda: guest.pings("10.0.0.12"), 5, "own address")
    guest.ip("address add 10.0.0.66/24 dev eth0", "address add 10.0.0.67/24 dev eth0")
    assert not guest.pings("10.0.0.12", "-I", "10.0.0.66")
    near = world.ports[blue.near].addresses[1]
    eventually(lambda: guest.pings(near), 5, "own IPv6 address")
    stolen = near.rpartition(":")[0] + ":bad"
    guest.ip(f"address add {stolen}/64 dev eth0 nodad")
    assert not guest.pings(near, "-I", stolen)
    guest.ip("link set eth0 address fa:16:3e:66:66:66")
    assert not guest.pings("10.0.0.12")
    guest.ip(f"link set eth0 address {guest.mac}")
    world.change(guest, allowed_pairs=((guest.mac, "10.0.0.66"),))
    eventually(lambda: guest.pings("10.0.0.12", "-I", "10.0.0.66"), 2, "allowed pair")
    assert not guest.pings("10.0.0.12", "-I", "10.0.0.67")
    world.change(guest, allowed_pairs=(), groups=(), security=False)
    eventually(lambda: guest.pings("10.0.0.12", "-I", "10.0.0.67"), 2, "without port security")


def test_projects_with_the_same_addresses_do_not_meet(world: World, blue: Blue, red: Guest) -> None:
    assert not red.pings("10.0.0.12")
    assert not red.pings("10.0.0.13")
    assert red.fetch("10.0.0.11", WEB) is None, "its own address, where nobody serves"
    eventually(lambda: red.pings("10.0.0.1"), 5, "its own router")
    world.outside.serve(SECRET + 12)
    eventually(lambda: red.fetch(OUTSIDE_V4, SECRET + 12) == b"198.18.50.20", 10, "its own way out")


def test_names_are_answered_inside_their_network_only(world: World, blue: Blue, red: Guest) -> None:
    v4, v6 = (
        socket.inet_pton(family, address)
        for family, address in zip((socket.AF_INET, socket.AF_INET6), world.ports[blue.one].addresses, strict=True)
    )
    for name in ("one", "one.inside.example"):
        eventually(lambda name=name: resolve(blue.far, name, "10.0.0.1") == v4, 5, f"A of {name}")
    assert resolve(blue.far, "one.inside.example", "10.0.0.1", kind=28) == v6
    assert resolve(red, "one.inside.example", "10.0.0.1") != v4


def test_a_network_or_port_that_is_not_up_forwards_nothing(world: World, blue: Blue) -> None:
    eventually(lambda: blue.one.pings("10.0.0.13"), 5, "before")
    world.switch_blue(up=False)
    eventually(lambda: not blue.one.pings("10.0.0.13"), 2, "silence")
    assert not blue.one.pings(world.ports[blue.far].addresses[1])
    assert not ask_dhcp(blue.one, seconds=0.5)
    world.switch_blue(up=True)
    eventually(lambda: blue.one.pings("10.0.0.13"), 2, "after")
    world.change(blue.far, up=False)
    eventually(lambda: not blue.one.pings("10.0.0.13"), 2, "silence of one port")
    world.change(blue.far, up=True)
    eventually(lambda: blue.one.pings("10.0.0.13"), 2, "the port again")


def test_an_unplugged_port_is_down(world: World) -> None:
    guest = world.guest(world.blue, 0, 17)
    eventually(lambda: world.fabric.port(guest.port).up, 5, "up")
    guest.close()
    eventually(lambda: not world.fabric.port(guest.port).up, 5, "down")
    world.fabric.remove(Kind.PORT, guest.port)
    eventually(lambda: world.fabric.port(guest.port) is None, 5, "gone")


def test_everything_still_matches(world: World, blue: Blue) -> None:
    specs = (world.blue.network, world.blue.router, world.blue.group, *world.ports.values())
    held = set(world.fabric.names(Kind.PORT))
    assert all(world.fabric.matches(spec) for spec in specs if not isinstance(spec, Port) or spec.id in held)
