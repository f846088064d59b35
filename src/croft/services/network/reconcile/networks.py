"""A network with its subnets: the fabric's switch, the operator's gateway of an external one, the metadata endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import to_builtins

from croft.core.db import Database
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.drivers.fabric import Fabric, Kind
from croft.drivers.metadata import Endpoint, Metadata
from croft.drivers.uplink import Uplink
from croft.services.network.model import specs
from croft.services.network.model.rows import DEADLINE, Fixed, Network, Port, Subnet
from croft.services.network.store import networks, ports, routers, rows, tables
from croft.services.network.store.waking import wake_all


@dataclass(frozen=True)
class Seen:
    """A network's rows as of one look."""

    network: Network
    subnets: list[Subnet]
    metadata: Port | None
    held: list[Fixed]


class NetworkReconciler:
    kind, resync, deadline = "network.network", 900, DEADLINE

    def __init__(self, db: Database, fabric: Fabric, uplink: Uplink, metadata: Metadata) -> None:
        self.db, self.fabric, self.uplink, self.metadata = db, fabric, uplink, metadata

    def reconcile(self, id: str) -> Result:
        seen = self._read(id)
        if seen is None:
            return Gone()
        if seen.network.deleted is not None:
            return self._remove(seen.network)
        wrote = self._ensure_switch(seen)
        wrote = self._ensure_gateway(seen) or wrote
        self._ensure_endpoint(seen)
        if wrote or seen.network.seen < seen.network.gen:
            self._write(seen.network)
        return Done()

    def _write(self, network: Network) -> None:
        """What is plugged in may have waited for this, or have to take up new DHCP options, addresses or routes."""
        with self.db.write() as tx:
            rows.any_seen(tx, tables.network, network.id, network.gen)
            wake_all(tx, "network.port", ports.any_plugs_in(tx, network.id))
            legs = {*ports.any_routers_in(tx, network.id), *routers.any_routers_through(tx, network.id)}
            wake_all(tx, "network.router", list(legs))

    def _read(self, id: str) -> Seen | None:
        with self.db.read() as tx:
            network = networks.any_network(tx, id)
            if network is None:
                return None
            port = ports.metadata_port(tx, id)
            held = ports.fixed_of(tx, [port.id]).get(port.id, []) if port else []
            return Seen(network, networks.subnets_of(tx, id), port, held)

    def _ensure_switch(self, seen: Seen) -> bool:
        spec = specs.network_spec(seen.network, seen.subnets, seen.metadata, seen.held)
        if self.fabric.matches(spec):
            return False
        self.fabric.ensure(spec)
        return True

    def _ensure_gateway(self, seen: Seen) -> bool:
        want = specs.uplink_gateway(seen.network, seen.subnets)
        have = self.uplink.observe(seen.network.id)
        if want == have:
            return False
        if want is None:
            self.uplink.remove(seen.network.id)
        else:
            self.uplink.ensure(want)
        return True

    def _ensure_endpoint(self, seen: Seen) -> None:
        want = _endpoint(seen)
        have = self.metadata.observe(seen.network.id)
        if want is None and have is not None:
            self.metadata.remove(seen.network.id)
        elif want is not None and want != have:
            self.metadata.ensure(want)

    def _remove(self, network: Network) -> Result:
        self.metadata.remove(network.id)
        with self.db.read() as tx:
            busy = bool(ports.any_ids_in(tx, network.id) or routers.any_floatings_in(tx, network.id))
        if busy:
            return Wait("Waiting for the network's ports and floating IPs to go.", 30)
        self.uplink.remove(network.id)
        self.fabric.remove(Kind.NETWORK, network.id)
        with self.db.write() as tx:
            rows.any_drop(tx, tables.network, network.id)
        return Gone()

    def explain(self, id: str) -> Explanation | None:
        seen = self._read(id)
        if seen is None:
            return None
        switch = specs.network_spec(seen.network, seen.subnets, seen.metadata, seen.held)
        gateway = specs.uplink_gateway(seen.network, seen.subnets)
        want = {"switch": switch, "gateway": gateway, "metadata": _endpoint(seen)}
        have = {
            "matches": self.fabric.matches(switch),
            "gateway": self.uplink.observe(id),
            "metadata": self.metadata.observe(id),
        }
        return Explanation(to_builtins(want) | {"deleted": seen.network.deleted is not None}, to_builtins(have))


def _endpoint(seen: Seen) -> Endpoint | None:
    subnets = {each.id: each for each in seen.subnets}
    return specs.endpoint(seen.network, seen.metadata, seen.held, subnets)
