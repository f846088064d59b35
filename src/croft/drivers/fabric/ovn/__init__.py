"""The fabric on OVN: plans become northbound rows, the southbound tells what became of them.

Rows carry our tags (`croft:cloud`, `croft:kind`, `croft:id`) and UUIDs derived from ids; what differs from the plan is
written in one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from uuid import UUID

from croft.drivers.fabric import Floating, Group, Kind, Network, Port, PortState, Router, Spec
from croft.drivers.fabric.ovn.database import Database, View
from croft.drivers.fabric.ovn.filtering import plan_group
from croft.drivers.fabric.ovn.routing import plan_floating, plan_router
from croft.drivers.fabric.ovn.rows import Names, Plan, Surroundings
from croft.drivers.fabric.ovn.southbound import Liveness, Southbound, number
from croft.drivers.fabric.ovn.switching import options_uuid, plan_network, plan_port
from croft.drivers.fabric.ovn.sync import Place, differences, discard, guard, require_homes
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
    `cloud` tells our rows from those of other clouds in the same databases."""

    def __init__(self, northbound: str, southbound: str, cloud: str, timeout: float = 10.0) -> None:
        self._names = Names(cloud)
        self._owned: defaultdict[tuple[str, str], set[Place]] = defaultdict(set)
        self._groups: set[UUID] = set()
        self._liveness = Liveness()
        self._north = Database(northbound, "OVN_Northbound", TABLES, self._changed, timeout)
        self._south = Southbound(southbound, timeout)

    def matches(self, spec: Spec) -> bool:
        gateways = self._gateways(spec)
        with self._north.read() as view:
            return not self._differences(view, self._plan(view, spec, gateways))

    def ensure(self, spec: Spec) -> None:
        gateways = self._gateways(spec)
        with self._north.write() as view:
            plan = self._plan(view, spec, gateways)
            if self._stored_gen(view, plan) > spec.gen:
                return
            require_homes(view, plan)
            if operations := self._differences(view, plan):
                view.commit(guard(view, plan.root) + operations)

    def remove(self, kind: Kind, id: str) -> None:
        with self._north.write() as view:
            if operations := discard(view, self._places(view, kind, id)):
                view.commit(operations)

    def names(self, kind: Kind) -> list[str]:
        with self._north.read() as view:
            return [id for owner, id in self._owned if owner == kind and self._root(view, kind, id) is not None]

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

    def _changed(self, table: str, uuid: UUID, before: Row | None, after: Row | None) -> None:
        if before is not None and (owner := self._owner_of(before)):
            self._owned[owner].discard((table, uuid))
            if not self._owned[owner]:
                del self._owned[owner]
            self._groups.discard(uuid)
        if after is not None and (owner := self._owner_of(after)):
            self._owned[owner].add((table, uuid))
            if table == "Port_Group":
                self._groups.add(uuid)

    def _owner_of(self, row: Row) -> tuple[str, str] | None:
        marks = _tags(row)
        ours = marks.get("croft:cloud") == self._names.cloud
        return (marks.get("croft:kind", ""), marks.get("croft:id", "")) if ours else None

    def _places(self, view: View, kind: str, id: str) -> set[Place]:
        """The object's rows by tag, and its root even without."""
        places = set(self._owned.get((kind, id), ()))
        root = (ROOTS[Kind(kind)], self._names.uuid(kind, id))
        return places | ({root} if view.row(*root) is not None else set())

    def _root(self, view: View, kind: Kind, id: str) -> Row | None:
        return view.row(ROOTS[kind], self._names.uuid(kind, id))

    def _stored_gen(self, view: View, plan: Plan) -> int:
        row = view.row(plan.root.table, plan.root.uuid)
        gen = _tags(row).get("croft:gen", "")
        return int(gen) if gen.isdecimal() else -1

    def _gateways(self, spec: Spec) -> tuple[str, ...]:
        chosen = isinstance(spec, Router) and spec.external is not None and not spec.external.hosts
        return self._south.gateways() if chosen else ()

    def _differences(self, view: View, plan: Plan) -> list[dict[str, object]]:
        return differences(view, plan, self._owned.get((plan.kind, plan.id), ()), self._groups)

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
        options = frozenset(uuid for uuid in wanted if view.row("DHCP_Options", uuid) is not None)
        network = self._root(view, Kind.NETWORK, port.network)
        return Surroundings(options=options, domain=_tags(network).get("croft:domain", ""))

    def _stored(self, view: View, router: Router) -> tuple[str, ...]:
        """While no host is known (they register when they start), those of before stay."""
        owned = self._owned.get((Kind.ROUTER, router.id), ())
        rows = [row for place in owned if place[0] == "Gateway_Chassis" and (row := view.row(*place)) is not None]
        rows.sort(key=lambda row: -number(row["priority"]))
        return tuple(str(name) for row in rows for name in row["chassis_name"])


def _tags(row: Row | None) -> Mapping[str, str]:
    tags = row.get("external_ids") if row is not None else None
    return tags if isinstance(tags, Mapping) else {}
