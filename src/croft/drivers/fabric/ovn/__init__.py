"""The fabric on OVN: plans become northbound rows, the southbound tells what became of them.

Rows carry our tags (`croft:cloud`, `croft:kind`, `croft:id`, `croft:row`); what differs from the plan is written in one
transaction.
"""

from __future__ import annotations

from collections.abc import Callable

from croft.drivers.fabric import Floating, Group, Kind, Network, Port, PortState, Router, Spec
from croft.drivers.fabric.ovn.book import Book, Place, tags
from croft.drivers.fabric.ovn.database import Database, View
from croft.drivers.fabric.ovn.filtering import plan_group
from croft.drivers.fabric.ovn.routing import plan_floating, plan_router
from croft.drivers.fabric.ovn.rows import Names, Plan, Surroundings
from croft.drivers.fabric.ovn.southbound import Liveness, Southbound, number
from croft.drivers.fabric.ovn.switching import options_uuid, plan_network, plan_port
from croft.drivers.fabric.ovn.sync import Comparison, discard
from croft.drivers.fabric.ovn.wire import Row

TABLES = {
    "ACL": ("direction", "priority", "match", "action", "log", "external_ids"),
    "DHCP_Options": ("cidr", "options", "external_ids"),
    "DNS": ("records", "external_ids"),
    "Gateway_Chassis": ("name", "chassis_name", "priority", "external_ids"),
    "Logical_Router": ("name", "enabled", "ports", "static_routes", "nat", "options", "external_ids"),
    "Logical_Router_Port": (
        "name",
        "mac",
        "networks",
        "ipv6_ra_configs",
        "gateway_chassis",
        "options",
        "external_ids",
    ),
    "Logical_Router_Static_Route": ("ip_prefix", "nexthop", "output_port", "external_ids"),
    "Logical_Switch": ("name", "ports", "acls", "dns_records", "other_config", "external_ids"),
    "Logical_Switch_Port": (
        "name",
        "type",
        "options",
        "addresses",
        "port_security",
        "enabled",
        "tag",
        "dhcpv4_options",
        "dhcpv6_options",
        "external_ids",
    ),
    "NAT": ("type", "external_ip", "logical_ip", "logical_port", "external_mac", "options", "external_ids"),
    "NB_Global": ("nb_cfg",),
    "Port_Group": ("name", "ports", "acls", "external_ids"),
}

ROOTS = {
    Kind.NETWORK: "Logical_Switch",
    Kind.ROUTER: "Logical_Router",
    Kind.PORT: "Logical_Switch_Port",
    Kind.GROUP: "Port_Group",
    Kind.FLOATING: "NAT",
}


class OvnFabric:
    """`northbound` and `southbound` are OVSDB remotes (`unix:/run/ovn/ovnnb_db.sock`, `tcp:…`, several with commas);
    `cloud` tells our rows from those of other clouds in the same databases; a host may be `grace` seconds behind."""

    def __init__(
        self, northbound: str, southbound: str, cloud: str, timeout: float = 10.0, grace: float = 10.0
    ) -> None:
        self._names = Names(cloud)
        self._book = Book(cloud)
        self._liveness = Liveness(grace)
        self._north = Database(northbound, "OVN_Northbound", TABLES, self._book.changed, timeout)
        self._south = Southbound(southbound, timeout)

    def matches(self, spec: Spec) -> bool:
        gateways = self._gateways(spec)
        with self._north.read() as view:
            return not Comparison(view, self._book, self._plan(view, spec, gateways)).operations()

    def ensure(self, spec: Spec) -> None:
        gateways = self._gateways(spec)
        with self._north.write() as view:
            plan = self._plan(view, spec, gateways)
            if self._stored_gen(view, spec) > spec.gen:
                return
            comparison = Comparison(view, self._book, plan)
            comparison.require_homes()
            if operations := comparison.operations():
                view.commit(comparison.guard() + operations)

    def remove(self, kind: Kind, id: str) -> None:
        with self._north.write() as view:
            if operations := discard(view, self._places(view, kind, id)):
                view.commit(operations)

    def names(self, kind: Kind) -> list[str]:
        with self._north.read() as view:
            return [id for owner, id in self._book.owned if owner == kind and self._root(view, kind, id) is not None]

    def port(self, id: str) -> PortState | None:
        with self._north.read() as view:
            if self._root(view, Kind.PORT, id) is None:
                return None
        return self._south.port(id) or PortState(up=False, host="")

    def hosts(self) -> dict[str, bool]:
        progress = self._south.progress()
        with self._north.write() as view:
            numbers = [number(row["nb_cfg"]) for row in view.rows("NB_Global").values()]
            verdicts = self._liveness.judge(max(numbers, default=0), progress)
            if self._liveness.wants_pulse():
                view.commit([{"op": "mutate", "table": "NB_Global", "where": [], "mutations": [["nb_cfg", "+=", 1]]}])
        return verdicts

    def watch(self, changed: Callable[[Kind, str], None]) -> None:
        self._south.watch(lambda port: changed(Kind.PORT, port))

    def close(self) -> None:
        self._south.close()
        self._north.close()

    def _places(self, view: View, kind: Kind, id: str) -> set[Place]:
        """The object's rows by their tags, and its root."""
        uuid = self._book.places.get(self._names.uuid(kind, id))
        root = {(ROOTS[kind], uuid)} if uuid else set()
        return {place for place in self._book.owned.get((kind, id), set()) | root if view.row(*place) is not None}

    def _root(self, view: View, kind: Kind, id: str) -> Row | None:
        uuid = self._book.places.get(self._names.uuid(kind, id))
        return view.row(ROOTS[kind], uuid) if uuid else None

    def _stored_gen(self, view: View, spec: Spec) -> int:
        gen = tags(self._root(view, spec.kind, spec.id)).get("croft:gen", "")
        return int(gen) if gen.isdecimal() else -1

    def _gateways(self, spec: Spec) -> tuple[str, ...]:
        chosen = isinstance(spec, Router) and spec.external is not None and not spec.external.hosts
        return self._south.gateways() if chosen else ()

    def _plan(self, view: View, spec: Spec, gateways: tuple[str, ...]) -> Plan:
        match spec:
            case Network():
                return plan_network(self._names, spec)
            case Router():
                return plan_router(self._names, spec, Surroundings(gateways=gateways or self._stored(view, spec)))
            case Port():
                return plan_port(self._names, spec, self._around(view, spec))
            case Group():
                return plan_group(self._names, spec)
            case Floating():
                return plan_floating(self._names, spec)

    def _around(self, view: View, port: Port) -> Surroundings:
        wanted = (options_uuid(self._names, subnet) for subnet in port.subnets)
        options = frozenset(handle for handle in wanted if handle in self._book.places)
        network = self._root(view, Kind.NETWORK, port.network)
        return Surroundings(options=options, domain=tags(network).get("croft:domain", ""))

    def _stored(self, view: View, router: Router) -> tuple[str, ...]:
        """While no host is known (they register when they start), those of before stay."""
        owned = self._book.owned.get((Kind.ROUTER, router.id), ())
        rows = [row for place in owned if place[0] == "Gateway_Chassis" and (row := view.row(*place)) is not None]
        rows.sort(key=lambda row: -number(row["priority"]))
        return tuple(str(name) for row in rows for name in row["chassis_name"])
