"""What every fabric owes its callers, over the fake and over OVN's databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from croft.core.errors import Rejected
from croft.drivers.fabric import (
    ExternalPort,
    Fabric,
    Floating,
    Group,
    Kind,
    MetadataPort,
    Network,
    Port,
    PortState,
    Router,
    RouterPort,
    Rule,
    Spec,
    Subnet,
)
from croft.drivers.fabric.fake import FakeFabric
from croft.drivers.fabric.ovn import OvnFabric
from tests.contracts.ovsdb import OvsdbServer


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = OvsdbServer(tmp_path_factory.mktemp("ovsdb"))
    yield server.remote
    server.stop()


@pytest.fixture(params=["fake", pytest.param("ovn", marks=pytest.mark.engines)])
def fabric(request: pytest.FixtureRequest) -> Iterator[Fabric]:
    if request.param == "fake":
        fabric: Fabric = FakeFabric()
    else:
        remote = request.getfixturevalue("databases")
        fabric = OvnFabric(remote, remote, f"test-{new_id()}")
    yield fabric
    for kind in Kind:
        for name in fabric.names(kind):
            fabric.remove(kind, name)
    fabric.close()


def new_id() -> str:
    return str(uuid.uuid4())


V4 = Subnet(
    id=new_id(),
    cidr="10.0.0.0/24",
    gateway="10.0.0.1",
    dhcp=True,
    dns=("9.9.9.9", "149.112.112.112"),
    routes=(("10.9.0.0/16", "10.0.0.9"),),
)
V6 = Subnet(id=new_id(), cidr="2001:db8:1::/64", gateway="2001:db8:1::1", dhcp=True, mode="dhcpv6-stateful")
RULES = (
    Rule("egress", "IPv4"),
    Rule("egress", "IPv6"),
    Rule("ingress", "IPv4", "tcp", 22, 22, remote_prefix="198.18.0.0/15"),
    Rule("ingress", "IPv4", "icmp", 8, 0),
    Rule("ingress", "IPv6", "50"),
)


def make_network(**changes: object) -> Network:
    metadata = MetadataPort(id=new_id(), mac="fa:16:3e:00:00:02", addresses=("10.0.0.2",))
    network = Network(id=new_id(), gen=1, name="blue", mtu=1442, subnets=(V4, V6), metadata=metadata)
    return replace(network, **changes)


def make_port(network: Network, **changes: object) -> Port:
    port = Port(
        id=new_id(),
        gen=1,
        network=network.id,
        mac="fa:16:3e:00:01:01",
        addresses=("10.0.0.11", "2001:db8:1::11"),
        subnets=(V4.id, V6.id),
        hostname="web",
    )
    return replace(port, **changes)


def make_router(inside: Network, outside: Network, **changes: object) -> Router:
    router = Router(
        id=new_id(),
        gen=1,
        name="way out",
        ports=(
            RouterPort(
                id=new_id(),
                network=inside.id,
                mac="fa:16:3e:00:00:01",
                addresses=("10.0.0.1/24", "2001:db8:1::1/64"),
                ra_mode="dhcpv6_stateful",
            ),
        ),
        external=ExternalPort(
            id=new_id(),
            network=outside.id,
            mac="fa:16:3e:00:ff:01",
            addresses=("198.18.50.10/24", "2001:db8:ffff::10/64"),
            next_hops=("198.18.50.1", "2001:db8:ffff::1"),
            snat=("10.0.0.0/24",),
            hosts=("h1", "h2"),
        ),
        routes=(("10.77.0.0/16", "10.0.0.77"),),
    )
    return replace(router, **changes)


@pytest.fixture
def cloud(fabric: Fabric) -> dict[Kind, Spec]:
    """One object of each kind, all in place."""
    inside, outside = make_network(), make_network(name="outside", subnets=(), metadata=None, physnet="physnet1")
    group = Group(id=new_id(), gen=1, rules=RULES)
    port = make_port(inside, groups=(group.id,))
    router = make_router(inside, outside)
    floating = Floating(id=new_id(), gen=1, router=router.id, external="198.18.50.50", fixed="10.0.0.11")
    for spec in (inside, outside, group, port, router, floating):
        fabric.ensure(spec)
    return {spec.kind: spec for spec in (inside, group, port, router, floating)}


every_kind = pytest.mark.parametrize("kind", list(Kind))


@every_kind
def test_what_was_ensured_matches_and_is_named(fabric: Fabric, cloud: dict[Kind, Spec], kind: Kind) -> None:
    assert fabric.matches(cloud[kind])
    assert cloud[kind].id in fabric.names(kind)


@every_kind
def test_a_newer_generation_must_be_ensured(fabric: Fabric, cloud: dict[Kind, Spec], kind: Kind) -> None:
    newer = replace(cloud[kind], gen=2)
    assert not fabric.matches(newer)
    fabric.ensure(newer)
    assert fabric.matches(newer)


@every_kind
def test_an_older_generation_is_ignored(fabric: Fabric, cloud: dict[Kind, Spec], kind: Kind) -> None:
    newer = replace(cloud[kind], gen=5)
    fabric.ensure(newer)
    fabric.ensure(replace(cloud[kind], gen=4))
    assert fabric.matches(newer)
    assert not fabric.matches(replace(cloud[kind], gen=4))


@every_kind
def test_the_removed_is_gone_and_can_be_removed_again(fabric: Fabric, cloud: dict[Kind, Spec], kind: Kind) -> None:
    fabric.remove(kind, cloud[kind].id)
    assert not fabric.matches(cloud[kind])
    assert cloud[kind].id not in fabric.names(kind)
    fabric.remove(kind, cloud[kind].id)


@every_kind
def test_the_removed_comes_back_as_it_was(fabric: Fabric, cloud: dict[Kind, Spec], kind: Kind) -> None:
    fabric.remove(kind, cloud[kind].id)
    fabric.ensure(cloud[kind])
    assert fabric.matches(cloud[kind])


@pytest.mark.parametrize("lost", [Kind.NETWORK, Kind.ROUTER, Kind.GROUP])
def test_what_a_parent_took_with_it_is_noticed_and_healed(fabric: Fabric, cloud: dict[Kind, Spec], lost: Kind) -> None:
    children = {Kind.NETWORK: Kind.PORT, Kind.ROUTER: Kind.FLOATING, Kind.GROUP: Kind.PORT}
    child = cloud[children[lost]]
    fabric.remove(lost, cloud[lost].id)
    assert not fabric.matches(child)
    fabric.ensure(cloud[lost])
    fabric.ensure(child)
    assert fabric.matches(child)


def test_a_router_notices_that_its_network_was_replaced(fabric: Fabric, cloud: dict[Kind, Spec]) -> None:
    fabric.remove(Kind.NETWORK, cloud[Kind.NETWORK].id)
    assert not fabric.matches(cloud[Kind.ROUTER])
    fabric.ensure(cloud[Kind.NETWORK])
    assert not fabric.matches(cloud[Kind.ROUTER])
    fabric.ensure(cloud[Kind.ROUTER])
    assert fabric.matches(cloud[Kind.ROUTER])


def test_children_without_parents_are_rejected(fabric: Fabric) -> None:
    nowhere = make_network()
    with pytest.raises(Rejected, match=nowhere.id):
        fabric.ensure(make_port(nowhere))
    with pytest.raises(Rejected, match=nowhere.id):
        fabric.ensure(make_router(nowhere, nowhere))
    with pytest.raises(Rejected):
        fabric.ensure(Floating(id=new_id(), gen=1, router=new_id(), external="198.18.50.9", fixed="10.0.0.9"))
    assert not [name for kind in Kind for name in fabric.names(kind)]


def test_a_port_in_a_group_that_does_not_exist_is_rejected(fabric: Fabric) -> None:
    network, group = make_network(), new_id()
    fabric.ensure(network)
    with pytest.raises(Rejected, match=group):
        fabric.ensure(make_port(network, groups=(group,)))


def test_ports_take_up_dhcp_options_that_came_later(fabric: Fabric) -> None:
    quiet = make_network(subnets=(replace(V4, dhcp=False), V6))
    port = make_port(quiet)
    fabric.ensure(quiet)
    fabric.ensure(port)
    assert fabric.matches(port)
    fabric.ensure(replace(quiet, gen=2, subnets=(V4, V6)))
    assert not fabric.matches(port)
    fabric.ensure(port)
    assert fabric.matches(port)
    fabric.ensure(replace(quiet, gen=3))
    assert fabric.matches(port), "options that vanish leave the port by themselves"


CHANGES = [
    (Kind.NETWORK, {"up": False}),
    (Kind.NETWORK, {"mtu": 1400}),
    (Kind.NETWORK, {"subnets": (V4,)}),
    (Kind.NETWORK, {"subnets": (replace(V4, routes=()), V6)}),
    (Kind.NETWORK, {"metadata": None}),
    (Kind.NETWORK, {"dns_domain": "blue.example."}),
    (Kind.PORT, {"groups": ()}),
    (Kind.PORT, {"groups": (), "security": False}),
    (Kind.PORT, {"allowed_pairs": (("fa:16:3e:00:01:01", "10.0.0.100"),)}),
    (Kind.PORT, {"addresses": ("10.0.0.12",), "subnets": (V4.id,)}),
    (Kind.PORT, {"hostname": ""}),
    (Kind.PORT, {"up": False}),
    (Kind.GROUP, {"rules": RULES[:2]}),
    (Kind.GROUP, {"rules": ()}),
    (Kind.ROUTER, {"external": None}),
    (Kind.ROUTER, {"ports": ()}),
    (Kind.ROUTER, {"routes": ()}),
    (Kind.ROUTER, {"up": False}),
    (Kind.FLOATING, {"fixed": "10.0.0.13"}),
    (Kind.FLOATING, {"port": new_id(), "mac": "fa:16:3e:00:f0:01"}),
]


@pytest.mark.parametrize(("kind", "changes"), CHANGES)
def test_a_change_is_seen_taken_and_can_be_taken_back(
    fabric: Fabric, cloud: dict[Kind, Spec], kind: Kind, changes: dict[str, object]
) -> None:
    before, after = cloud[kind], replace(cloud[kind], **changes)
    assert not fabric.matches(after)
    fabric.ensure(after)
    assert fabric.matches(after)
    assert not fabric.matches(before)
    fabric.ensure(before)
    assert fabric.matches(before)


def test_a_port_moves_between_networks_and_a_floating_address_between_routers(
    fabric: Fabric, cloud: dict[Kind, Spec]
) -> None:
    other = make_network()
    router = make_router(other, other, external=None)
    moved = replace(cloud[Kind.PORT], network=other.id)
    floating = replace(cloud[Kind.FLOATING], router=router.id)
    for spec in (other, router, moved, floating):
        fabric.ensure(spec)
    assert fabric.matches(moved)
    assert fabric.matches(floating)
    fabric.remove(Kind.NETWORK, cloud[Kind.NETWORK].id)
    fabric.remove(Kind.ROUTER, cloud[Kind.ROUTER].id)
    assert fabric.matches(moved)
    assert fabric.matches(floating)


def test_a_port_nobody_plugged_is_down_and_an_unknown_one_is_none(fabric: Fabric, cloud: dict[Kind, Spec]) -> None:
    assert fabric.port(new_id()) is None
    assert fabric.port(cloud[Kind.PORT].id) == PortState(up=False, host="")
    fabric.remove(Kind.PORT, cloud[Kind.PORT].id)
    assert fabric.port(cloud[Kind.PORT].id) is None


def test_groups_may_refer_to_each_other_before_both_exist(fabric: Fabric) -> None:
    one, two = new_id(), new_id()
    first = Group(one, 1, (Rule("ingress", "IPv4", remote_group=two), Rule("ingress", "IPv4", remote_group=one)))
    second = Group(two, 1, (Rule("ingress", "IPv6", remote_group=one),))
    fabric.ensure(first)
    fabric.ensure(second)
    assert fabric.matches(first)
    assert fabric.matches(second)
