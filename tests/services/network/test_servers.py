"""What compute does with networks in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest

from croft.core.errors import Conflict, CroftError, Forbidden, Invalid, NotFound, QuotaExceeded
from croft.core.ids import new_id
from croft.core.policy import Scope
from croft.drivers.fabric import Floating, Kind, Port
from croft.services.network import actions
from croft.services.network.actions import NicWish, ServerPort
from tests.services.network.cloud import ADMIN, MISSING, Cloud, addresses

MINE = Scope("alpha", "alpha")


def plug(
    cloud: Cloud,
    wishes: Sequence[NicWish] | Literal["auto", "none"],
    *,
    server: str = "",
    groups: Sequence[str] = (),
    hostname: str = "web",
    role: str = "member",
) -> str:
    """The server's id; what compute's create does, but for the server."""
    id = server or new_id()
    with cloud.ctx(role).write("network.port.create") as tx:
        made = actions.plug(tx, id, wishes, groups, hostname)
        tx.audit(id, "server")
    assert all(port.device == id for port in made)
    return id


def nics(cloud: Cloud, server: str) -> list[ServerPort]:
    with cloud.db.read() as tx:
        return actions.ports_of(tx, [server, MISSING]).get(server, [])


def unplug(cloud: Cloud, server: str) -> None:
    with cloud.db.write() as tx:
        actions.unplug(tx, server)


def refused(cloud: Cloud, wishes: Any, error: type[CroftError], words: str, **more: Any) -> None:
    before = len(cloud.list("ports"))
    with pytest.raises(error, match=words):
        plug(cloud, wishes, **more)
    assert len(cloud.list("ports")) == before


def test_auto_takes_the_only_network(cloud: Cloud) -> None:
    network, _ = cloud.network(name="blue")
    server = plug(cloud, "auto")
    [nic] = nics(cloud, server)
    assert (nic.network, nic.network_name, nic.mtu) == (network, "blue", 1442)
    assert [(address, version) for address, _, version in nic.fixed] == [("10.1.0.3", 4)]
    assert [name for _, name in nic.groups] == ["default"]
    assert (nic.ready, nic.up, nic.deleted, nic.made) == (False, False, False, True)
    cloud.settle()
    assert nics(cloud, server)[0].ready
    assert set(cloud.servers.woken) == {server}
    spec = cloud.held(Kind.PORT, nic.id)
    assert isinstance(spec, Port)
    assert spec.hostname == "web"
    port = cloud.show("ports", nic.id)
    assert (port["device_id"], port["device_owner"]) == (server, "compute:nova")


def test_auto_makes_the_first_network_with_the_server(cloud: Cloud) -> None:
    server = plug(cloud, "auto")
    [nic] = nics(cloud, server)
    assert [version for _, _, version in nic.fixed] == [4, 6]
    assert plug(cloud, "auto") != server
    assert len(cloud.list("networks", "router:external=false")) == 1


def test_auto_does_not_guess(cloud: Cloud) -> None:
    cloud.network()
    cloud.network()
    refused(cloud, "auto", Conflict, "Multiple possible networks found")


def test_none_is_nothing(cloud: Cloud) -> None:
    assert nics(cloud, plug(cloud, "none")) == []


def test_wishes_are_met_in_their_order(cloud: Cloud) -> None:
    one, _ = cloud.network("10.1.0.0/24")
    two, _ = cloud.network("10.2.0.0/24")
    port = cloud.make("ports", network_id=one, name="ready")
    web = cloud.make("security-groups", name="web")["id"]
    wishes = [
        NicWish(network=two, fixed_ip="10.2.0.50", tag="data"),
        NicWish(port=port["id"], tag="front"),
        NicWish(network=one),
    ]
    server = plug(cloud, wishes, groups=["web", web])
    found = {nic.tag: nic for nic in nics(cloud, server)}
    assert found["data"].fixed[0][0] == "10.2.0.50"
    assert found["data"].groups == [(web, "web")]
    assert (found["front"].id, found["front"].made) == (port["id"], False)
    assert found["front"].groups != found["data"].groups, "an adopted port keeps its own groups"
    assert found[""].network == one


def test_what_cannot_be_plugged_is_refused_in_words(cloud: Cloud) -> None:
    network, _ = cloud.network()
    used = cloud.make("ports", network_id=network, device_id="x")["id"]
    bare = cloud.make("ports", network_id=network, fixed_ips=[])["id"]
    empty = cloud.make("networks")["id"]
    foreign, _ = cloud.network(token="member:beta")
    taken = addresses(cloud.make("ports", network_id=network))[0]
    for _ in range(2):
        cloud.make("security-groups", name="twin")
    refused(cloud, [NicWish(network=MISSING)], NotFound, "could not be found")
    refused(cloud, [NicWish(network=foreign)], NotFound, "could not be found")
    refused(cloud, [NicWish(network=cloud.public)], Forbidden, "external network")
    refused(cloud, [NicWish(network=empty)], Invalid, "no subnet")
    refused(cloud, [NicWish(network=network, fixed_ip="10.9.0.1")], Invalid, "not a valid IP")
    refused(cloud, [NicWish(network=network, fixed_ip=taken)], Conflict, "already allocated")
    refused(cloud, [NicWish(port=MISSING)], NotFound, "could not be found")
    refused(cloud, [NicWish(port=used)], Conflict, "still in use")
    refused(cloud, [NicWish(port=bare)], Invalid, "requires a FixedIP")
    refused(cloud, [NicWish(network=network)], Invalid, "not found for project", groups=["nope"])
    refused(cloud, [NicWish(network=network)], Invalid, "not found for project", groups=[MISSING])
    refused(cloud, [NicWish(network=network)], Conflict, "Multiple security groups", groups=["twin"])
    cloud.ask("PUT", "/quotas/alpha", {"quota": {"port": 4}}, token=ADMIN)
    refused(cloud, [NicWish(network=network)], QuotaExceeded, "Quota exceeded for port")


def test_a_port_of_another_project_serves_no_server_of_ours(cloud: Cloud) -> None:
    foreign, _ = cloud.network(token="member:beta")
    port = cloud.make("ports", network_id=foreign, token="member:beta")["id"]
    refused(cloud, [NicWish(port=port)], NotFound, "could not be found")
    refused(cloud, [NicWish(port=port)], Invalid, "another project", role="admin")


def test_operators_may_plug_into_the_outside(cloud: Cloud) -> None:
    server = plug(cloud, [NicWish(network=cloud.public)], role="admin")
    assert nics(cloud, server)[0].fixed[0][0].startswith("198.18.7.")


def test_a_network_without_port_security_has_no_groups(cloud: Cloud) -> None:
    network, _ = cloud.network(port_security_enabled=False)
    assert nics(cloud, plug(cloud, [NicWish(network=network)]))[0].groups == []


@pytest.mark.parametrize(("hostname", "label"), [("Web.Example.org", "web"), ("ü", ""), ("a" * 70, "a" * 63)])
def test_hostnames_become_labels_the_dns_can_hold(cloud: Cloud, hostname: str, label: str) -> None:
    cloud.network()
    nic = nics(cloud, plug(cloud, "auto", hostname=hostname))[0]
    assert cloud.show("ports", nic.id)["dns_name"] == label


def test_unplugging_ends_what_was_made_and_frees_what_was_lent(cloud: Cloud) -> None:
    network, _ = cloud.network()
    lent = cloud.make("ports", network_id=network, dns_name="kept")["id"]
    server = plug(cloud, [NicWish(network=network), NicWish(port=lent)])
    with cloud.db.write() as tx:
        actions.bind(tx, server, "h1")
        actions.bind(tx, server, "h1")
    cloud.settle()
    made = next(nic.id for nic in nics(cloud, server) if nic.made)
    assert cloud.show("ports", lent, token=ADMIN)["binding:host_id"] == "h1"
    unplug(cloud, server)
    unplug(cloud, server)
    assert [nic.deleted for nic in nics(cloud, server)] == [True]
    cloud.settle()
    assert nics(cloud, server) == []
    assert cloud.held(Kind.PORT, made) is None
    port = cloud.show("ports", lent, token=ADMIN)
    assert (port["device_id"], port["device_owner"], port["binding:host_id"], port["dns_name"]) == ("", "", "", "kept")


def test_a_bound_port_that_is_not_up_is_looked_at_again(cloud: Cloud) -> None:
    cloud.network()
    server = plug(cloud, "auto")
    with cloud.db.write() as tx:
        actions.bind(tx, server, "host1")
    cloud.settle()
    nic = nics(cloud, server)[0]
    cloud.fabric._watchers.clear()
    cloud.fabric.plug(nic.id, "host1")
    cloud.settle(61)
    assert nics(cloud, server)[0].up, "although the fabric's word was lost"


def test_a_servers_floating_ip_is_translated_on_its_own_host(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    cloud.router(subnet)
    lent = cloud.make("ports", network_id=network)["id"]
    made = cloud.make("floatingips", floating_network_id=cloud.public, port_id=lent)
    cloud.settle()
    central = cloud.held(Kind.FLOATING, made["id"])
    server = plug(cloud, [NicWish(port=lent)])
    cloud.settle()
    spread = cloud.held(Kind.FLOATING, made["id"])
    assert isinstance(central, Floating)
    assert isinstance(spread, Floating)
    assert (central.port, central.mac) == ("", "")
    assert spread.port == lent
    assert spread.mac.startswith("fa:16:3e:")
    assert nics(cloud, server)[0].floating == [(made["fixed_ip_address"], made["floating_ip_address"])]
    unplug(cloud, server)
    cloud.settle()
    assert cloud.held(Kind.FLOATING, made["id"]) == central


def test_the_fabrics_word_wakes_the_server(cloud: Cloud) -> None:
    cloud.network()
    server = plug(cloud, "auto")
    cloud.settle()
    cloud.servers.woken.clear()
    cloud.fabric.plug(nics(cloud, server)[0].id, "host1")
    cloud.settle()
    assert cloud.servers.woken == [server]
    assert nics(cloud, server)[0].up


def test_who_asks_for_metadata_is_known_by_address(cloud: Cloud) -> None:
    network, _ = cloud.network()
    server = plug(cloud, "auto")
    with cloud.db.read() as tx:
        assert actions.any_server_at(tx, network, "10.1.0.3") == server
        assert actions.any_server_at(tx, network, "10.1.0.2") is None
        assert actions.any_server_at(tx, network, "10.1.0.77") is None
    unplug(cloud, server)
    with cloud.db.read() as tx:
        assert actions.any_server_at(tx, network, "10.1.0.3") is None


def test_groups_join_and_leave_a_server(cloud: Cloud) -> None:
    cloud.network()
    web = cloud.make("security-groups", name="web")["id"]
    server = plug(cloud, "auto")
    for _ in range(2):
        with cloud.db.write() as tx:
            actions.add_group(tx, MINE, server, "web")
    cloud.settle()
    assert {name for _, name in nics(cloud, server)[0].groups} == {"default", "web"}
    spec = cloud.held(Kind.PORT, nics(cloud, server)[0].id)
    assert isinstance(spec, Port)
    assert web in spec.groups
    with cloud.db.write() as tx:
        actions.remove_group(tx, MINE, server, "default")
    assert nics(cloud, server)[0].groups == [(web, "web")]
    with cloud.db.write() as tx:
        with pytest.raises(NotFound, match="not associated"):
            actions.remove_group(tx, MINE, server, "default")
        with pytest.raises(Invalid, match="not found"):
            actions.add_group(tx, MINE, server, "nope")
        with pytest.raises(Conflict, match="no port"):
            actions.add_group(tx, Scope("beta", "beta"), server, "default")
        with pytest.raises(NotFound, match="not associated"):
            actions.remove_group(tx, Scope("beta", "beta"), server, "default")


def test_a_port_taken_away_or_deleted_by_hand_wakes_the_server(cloud: Cloud) -> None:
    network, _ = cloud.network()
    lent = cloud.make("ports", network_id=network)["id"]
    server = plug(cloud, [NicWish(network=network), NicWish(port=lent)])
    cloud.settle()
    cloud.servers.woken.clear()
    cloud.put("ports", lent, device_id="")
    cloud.settle()
    cloud.end("ports", next(nic.id for nic in nics(cloud, server) if nic.made))
    cloud.settle()
    assert set(cloud.servers.woken) == {server}
    with cloud.db.read() as tx:
        assert actions.ports_of(tx, []) == {}
