"""What only a real database can do to the OVN driver: lose and alter rows, restart, hang, be shared."""

from __future__ import annotations

import os
import signal
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from croft.core.errors import EngineError, Rejected, Unavailable
from croft.drivers.fabric import Floating, Group, Kind, Network, Port, Rule, Spec
from croft.drivers.fabric.ovn import TABLES, OvnFabric
from croft.drivers.fabric.ovn.database import Database, Operation
from croft.drivers.fabric.ovn.rows import columns
from croft.drivers.fabric.ovn.wire import Row, encode
from tests.contracts.guests import eventually
from tests.contracts.ovsdb import OvsdbServer
from tests.contracts.test_fabric import RULES, make_network, make_port, make_router

pytestmark = pytest.mark.engines

Portrait = dict[tuple[str, str], Row]


def new_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OvsdbServer]:
    server = OvsdbServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def fabric(server: OvsdbServer) -> Iterator[OvnFabric]:
    fabric = OvnFabric(server.remote, server.remote, "mine", timeout=2)
    yield fabric
    fabric.close()


@pytest.fixture
def intruder(server: OvsdbServer) -> Iterator[Database]:
    """Somebody with a hand in the database."""
    database = Database(server.remote, "OVN_Northbound", TABLES, lambda *_: None, 5)
    yield database
    database.close()


def snapshot(intruder: Database) -> dict[str, dict[UUID, Row]]:
    """Everything, as new as an answer to a question asked now."""
    with intruder.write() as view:
        view.commit([{"op": "comment", "comment": "up to here"}])
        return {table: dict(view.rows(table)) for table in TABLES}


def meddle(intruder: Database, *operations: Operation) -> None:
    with intruder.write() as view:
        view.commit(operations)


def every_spec() -> list[Spec]:
    """One of each kind, using every feature, parents first."""
    inside = make_network(dns_domain="blue.example.")
    outside = make_network(name="außen", subnets=(), metadata=None, physnet="physnet1", vlan=7, up=False)
    group = Group(new_id(), 1, (*RULES, Rule("ingress", "IPv6", remote_group=new_id())))
    port = make_port(inside, groups=(group.id,), allowed_pairs=(("fa:16:3e:00:01:02", "10.0.0.128/25"),))
    router = make_router(inside, outside)
    floating = Floating(new_id(), 1, router.id, "198.18.50.50", "10.0.0.11", port.id, "fa:16:3e:00:f0:01")
    return [inside, outside, group, port, router, floating]


OTHER = columns(
    match="ip4",
    priority=7,
    action="reject",
    direction="to-lport",
    log=True,
    options={"odd": "one"},
    cidr="10.99.0.0/24",
    records={},
    chassis_name="nobody",
    static_routes=(),
    ports=(),
    acls=(),
    nat=(),
    dns_records=(),
    gateway_chassis=(),
    enabled=None,
    mac="fa:16:3e:99:99:99",
    networks="10.99.0.1/24",
    ipv6_ra_configs={"odd": "one"},
    nexthop="10.99.0.2",
    ip_prefix="10.98.0.0/16",
    output_port="nowhere",
    other_config={"odd": "one"},
    addresses=("unknown", "dynamic"),
    port_security=(),
    tag=9,
    dhcpv4_options=(),
    dhcpv6_options=(),
    external_ip="198.18.50.99",
    logical_ip="10.99.0.3",
    logical_port="nobody",
    external_mac="fa:16:3e:99:99:98",
    name="odd",
    external_ids={},
)
"""A wrong value for each column; `type` is left out: some of its values are not allowed with others."""


def test_whatever_is_altered_or_lost_is_noticed_and_healed(fabric: OvnFabric, intruder: Database) -> None:
    specs = every_spec()
    for spec in specs:
        fabric.ensure(spec)
    whole = portrait(intruder)
    damages = 0
    for (table, handle), row in whole.items():
        for column in row:
            if column in OTHER and row[column] != OTHER[column]:
                damages += 1
                change = {column: encode(OTHER[column])}
                meddle(intruder, where("update", table, whereabouts(intruder, handle)) | {"row": change})
                check_healed(fabric, intruder, specs, whole, f"{table} {row.get('name')} {column}")
        if table in {"DHCP_Options", "DNS", "Logical_Router", "Logical_Switch", "Port_Group"}:
            damages += 1
            meddle(intruder, where("delete", table, whereabouts(intruder, handle)))
            check_healed(fabric, intruder, specs, whole, f"{table} {row.get('name')} deleted")
    assert damages > 150


def portrait(intruder: Database) -> Portrait:
    """Everything that is there, with handles instead of the UUIDs that change when a row is made again."""
    rows = [
        (table, id, row)
        for table, rows in snapshot(intruder).items()
        if table != "NB_Global"
        for id, row in rows.items()
    ]
    handles = {id: row["external_ids"].get("croft:row", "none") for _, id, row in rows}
    return {
        (table, handles[id]): {
            name: column if isinstance(column, dict) else frozenset(handles.get(atom, atom) for atom in column)
            for name, column in row.items()
        }
        for table, id, row in rows
    }


def whereabouts(intruder: Database, handle: str) -> UUID:
    rows = (item for rows in snapshot(intruder).values() for item in rows.items())
    return next(id for id, row in rows if row.get("external_ids", {}).get("croft:row") == handle)


def where(verb: str, table: str, row: UUID) -> Operation:
    return {"op": verb, "table": table, "where": [["_uuid", "==", ["uuid", str(row)]]]}


def check_healed(fabric: OvnFabric, intruder: Database, specs: list[Spec], whole: Portrait, what: str) -> None:
    eventually(lambda: not all(fabric.matches(spec) for spec in specs), 2, f"notices: {what}")
    for spec in specs:
        fabric.ensure(spec)
    assert all(fabric.matches(spec) for spec in specs), what
    assert portrait(intruder) == whole, f"as before: {what}"


def test_what_was_added_to_an_object_is_taken_out(fabric: OvnFabric, intruder: Database) -> None:
    specs = every_spec()
    for spec in specs:
        fabric.ensure(spec)
    whole = portrait(intruder)
    groups = snapshot(intruder)["Port_Group"].items()
    group = next(id for id, row in groups if "group" in row["external_ids"].values())
    acl = {"direction": "to-lport", "priority": 2000, "match": "ip", "action": "allow"}
    meddle(
        intruder,
        {"op": "insert", "table": "ACL", "uuid-name": "hole", "row": acl},
        where("mutate", "Port_Group", group) | {"mutations": [["acls", "insert", ["named-uuid", "hole"]]]},
    )
    check_healed(fabric, intruder, specs, whole, "a foreign filter")
    leftover = {"cidr": "10.3.0.0/24", "external_ids": ["map", list(fabric_tags("network", specs[0].id))]}
    meddle(intruder, {"op": "insert", "table": "DHCP_Options", "row": leftover})
    check_healed(fabric, intruder, specs, whole, "options of a subnet that is no more")


def fabric_tags(kind: str, id: str) -> list[list[str]]:
    return [["croft:cloud", "mine"], ["croft:kind", kind], ["croft:id", id]]


def test_what_moves_leaves_where_it_was(fabric: OvnFabric, intruder: Database) -> None:
    specs = every_spec()
    other = make_network()
    router = make_router(other, other, external=None)
    moved = replace(specs[3], network=other.id)
    for spec in (*specs, other, router, moved, replace(specs[5], router=router.id)):
        fabric.ensure(spec)
    there = snapshot(intruder)
    for holders, column, table in (
        ("Logical_Switch", "ports", "Logical_Switch_Port"),
        ("Logical_Switch", "dns_records", "DNS"),
        ("Logical_Router", "nat", "NAT"),
    ):
        held = [member for row in there[holders].values() for member in row[column]]
        assert sorted(held) == sorted(there[table]), f"each {table} in one {holders}"


def test_removing_everything_leaves_only_the_default_filter(fabric: OvnFabric, intruder: Database) -> None:
    specs = every_spec()
    for spec in specs:
        fabric.ensure(spec)
    for spec in reversed(specs):
        fabric.remove(spec.kind, spec.id)
    tables = {table: rows for table, rows in snapshot(intruder).items() if table != "NB_Global"}
    assert {row["external_ids"]["croft:kind"] for rows in tables.values() for row in rows.values()} == {"drop"}


def test_clouds_share_a_database_without_meeting(fabric: OvnFabric, server: OvsdbServer) -> None:
    other = OvnFabric(server.remote, server.remote, "other")
    mine, theirs = make_network(), make_network()
    fabric.ensure(mine)
    other.ensure(theirs)
    assert fabric.names(Kind.NETWORK) == [mine.id]
    assert not fabric.matches(theirs)
    fabric.remove(Kind.NETWORK, theirs.id)
    assert other.matches(theirs)
    other.close()


def test_many_threads_write_at_once(fabric: OvnFabric) -> None:
    network, group = make_network(), Group(new_id(), 1, RULES)
    ports = [
        make_port(network, groups=(group.id,), mac=f"fa:16:3e:00:02:{number:02x}", addresses=(), subnets=())
        for number in range(80)
    ]
    fabric.ensure(network)
    fabric.ensure(group)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fabric.ensure, ports))
        assert all(pool.map(fabric.matches, ports))
    assert sorted(fabric.names(Kind.PORT)) == sorted(port.id for port in ports)


def test_a_restart_of_the_database_is_survived(fabric: OvnFabric, server: OvsdbServer) -> None:
    network = make_network()
    fabric.ensure(network)
    server.stop()
    eventually(lambda: fails(fabric, network), 5, "says it is unavailable")
    server.start()
    eventually(lambda: not fails(fabric, network), 5, "answers again")
    assert fabric.matches(network)
    fabric.ensure(replace(network, gen=2))
    assert fabric.names(Kind.NETWORK) == [network.id]


def fails(fabric: OvnFabric, network: Network) -> bool:
    try:
        fabric.matches(network)
    except Unavailable:
        return True
    return False


def test_what_was_lost_while_away_is_noticed(fabric: OvnFabric, server: OvsdbServer, tmp_path: Path) -> None:
    empty = (tmp_path / "nb.db").read_bytes()
    network = make_network()
    fabric.ensure(network)
    server.stop()
    eventually(lambda: fails(fabric, network), 5, "says it is unavailable")
    (tmp_path / "nb.db").write_bytes(empty)
    server.start()
    eventually(lambda: not fails(fabric, network), 5, "answers again")
    assert not fabric.matches(network)
    assert fabric.names(Kind.NETWORK) == []
    fabric.ensure(network)
    assert fabric.matches(network)


def test_a_database_that_hangs_is_unavailable_in_time(fabric: OvnFabric, server: OvsdbServer) -> None:
    network = make_network()
    fabric.ensure(network)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            fabric.ensure(replace(network, gen=2))
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    eventually(lambda: ensured(fabric, replace(network, gen=3)), 5, "works again")


def ensured(fabric: OvnFabric, spec: Spec) -> bool:
    try:
        fabric.ensure(spec)
    except Unavailable:
        return False
    return fabric.matches(spec)


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    fabric = OvnFabric(f"unix:{tmp_path}/nb.sock", f"unix:{tmp_path}/sb.sock", "mine", timeout=2)
    with pytest.raises(Unavailable):
        fabric.names(Kind.PORT)
    with pytest.raises(Unavailable):
        fabric.hosts()
    fabric.close()
    with pytest.raises(EngineError):
        fabric.names(Kind.PORT)


def test_the_engines_own_refusal_is_shown(fabric: OvnFabric, server: OvsdbServer) -> None:
    other = OvnFabric(server.remote, server.remote, "other")
    network = make_network()
    port = make_port(network)
    for one in (fabric, other):
        one.ensure(network if one is fabric else replace(network, metadata=None))
    fabric.ensure(port)
    with pytest.raises(Rejected, match=port.id):
        other.ensure(port)
    other.close()


def test_closing_ends_every_thread(server: OvsdbServer) -> None:
    before = threading.active_count()
    fabric = OvnFabric(server.remote, server.remote, "mine")
    fabric.watch(lambda *_: None)
    fabric.names(Kind.PORT)
    fabric.close()
    assert threading.active_count() == before


def test_gateways_are_the_hosts_that_reach_outside_and_stay_while_none_is_known(
    fabric: OvnFabric, server: OvsdbServer, intruder: Database
) -> None:
    inside, outside = make_network(), make_network(physnet="physnet1", metadata=None, subnets=())
    router = make_router(inside, outside)
    router = replace(router, external=replace(router.external, hosts=()))
    south = Database(server.remote, "OVN_Southbound", {"Chassis": ("name",)}, lambda *_: None, 5)
    mapped = ["map", [["ovn-bridge-mappings", "physnet1:br-ex"]]]
    chassis = [
        {"op": "insert", "table": "Chassis", "row": {"name": name, "other_config": config, "encaps": encap(name)}}
        for name, config in (("h2", mapped), ("h1", mapped), ("h3", ["map", []]))
    ]
    encaps = [
        {"op": "insert", "table": "Encap", "uuid-name": f"encap_{name}", "row": {"type": "geneve", "ip": ip}}
        for name, ip in (("h1", "172.31.0.1"), ("h2", "172.31.0.2"), ("h3", "172.31.0.3"))
    ]
    meddle(south, *encaps, *chassis)
    for spec in (inside, outside):
        fabric.ensure(spec)
    eventually(lambda: gateways(fabric, intruder, router) == {"h1": 100, "h2": 99}, 2, "both in name order")
    meddle(south, {"op": "delete", "table": "Chassis", "where": []})
    eventually(lambda: fabric._south.gateways() == (), 2, "no chassis")
    assert fabric.matches(router)
    assert gateways(fabric, intruder, router) == {"h1": 100, "h2": 99}
    south.close()


def encap(name: str) -> list[str]:
    return ["named-uuid", f"encap_{name}"]


def gateways(fabric: OvnFabric, intruder: Database, router: Spec) -> dict[str, int]:
    fabric.ensure(router)
    rows = snapshot(intruder)["Gateway_Chassis"].values()
    return {next(iter(row["chassis_name"])): next(iter(row["priority"])) for row in rows}


def test_ports_of_a_network_share_the_default_filter(fabric: OvnFabric, intruder: Database) -> None:
    network = make_network()
    filtered = [make_port(network, mac=f"fa:16:3e:00:03:0{n}", addresses=(), subnets=()) for n in range(2)]
    free = Port(new_id(), 1, network.id, "fa:16:3e:00:03:09", security=False)
    fabric.ensure(network)
    for port in (*filtered, free):
        fabric.ensure(port)
    (group,) = snapshot(intruder)["Port_Group"].values()
    names = {id: next(iter(row["name"])) for id, row in snapshot(intruder)["Logical_Switch_Port"].items()}
    assert {names[id] for id in group["ports"]} == {port.id for port in filtered}
