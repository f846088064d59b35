"""A plug in the fabric, and the facts the fabric tells of it."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import to_builtins

from croft.core import work
from croft.core.db import Database, Tx
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.drivers.fabric import Fabric, Kind, PortState
from croft.services.network.model import specs
from croft.services.network.model.rows import DEADLINE, Fixed, Port
from croft.services.network.store import groups, networks, ports, rows, tables
from croft.services.network.store.waking import wake_server

UNPLUGGED_AGAIN = 60
"""Seconds until a port that has a host but is not up there is looked at again; the fabric's word may be lost."""
_DOWN = PortState(up=False, host="")


@dataclass(frozen=True)
class Seen:
    port: Port
    held: list[Fixed]
    groups: list[str]
    missing: str
    """What it must wait for, in words."""


class PortReconciler:
    kind, resync, deadline = "network.port", 900, DEADLINE

    def __init__(self, db: Database, fabric: Fabric) -> None:
        self.db, self.fabric = db, fabric

    def reconcile(self, id: str) -> Result:
        seen = self._read(id)
        if seen is None:
            return Gone()
        port = seen.port
        if port.deleted is not None:
            return self._remove(port)
        if port.internal:
            return self._leave(port)
        if seen.missing:
            return Wait(seen.missing, 60)
        spec = specs.port_spec(port, seen.held, seen.groups)
        if not self.fabric.matches(spec):
            self.fabric.ensure(spec)
        state = self.fabric.port(id) or _DOWN
        if (port.up, port.at) != (state.up, state.host) or port.seen < port.gen:
            self._write(port, state)
        return Done(UNPLUGGED_AGAIN) if port.host and not state.up else Done()

    def _read(self, id: str) -> Seen | None:
        with self.db.read() as tx:
            port = ports.any_port(tx, id)
            if port is None:
                return None
            members = ports.groups_of(tx, [id]).get(id, [])
            return Seen(port, ports.fixed_of(tx, [id]).get(id, []), members, _missing(tx, port, members))

    def _write(self, port: Port, state: PortState) -> None:
        with self.db.write() as tx:
            news = rows.any_seen(tx, tables.port, port.id, port.gen)
            if (port.up, port.at) != (state.up, state.host):
                rows.any_facts(tx, tables.port, port.id, {"up": state.up, "at": state.host})
                news = True
            if news:
                wake_server(tx, port.device, port.owner)

    def _leave(self, port: Port) -> Result:
        """It has become a part of a router, whose own reconciler realizes it."""
        self.fabric.remove(Kind.PORT, port.id)
        if port.seen < port.gen:
            with self.db.write() as tx:
                rows.any_seen(tx, tables.port, port.id, port.gen)
        return Done()

    def _remove(self, port: Port) -> Result:
        self.fabric.remove(Kind.PORT, port.id)
        with self.db.write() as tx:
            ports.free(tx, port.id)
            rows.any_drop(tx, tables.port, port.id)
            wake_server(tx, port.device, port.owner)
            network = networks.any_network(tx, port.network)
            if network is not None and network.deleted is not None:
                work.wake(tx, "network.network", port.network)
        return Gone()

    def explain(self, id: str) -> Explanation | None:
        seen = self._read(id)
        if seen is None:
            return None
        port = seen.port
        state = self.fabric.port(id)
        if port.internal:
            return Explanation({"part of": port.device}, {"port": to_builtins(state)})
        spec = specs.port_spec(port, seen.held, seen.groups)
        want = to_builtins(spec) | {"host": port.host, "deleted": port.deleted is not None}
        return Explanation(want, {"matches": self.fabric.matches(spec), "port": to_builtins(state)})


def _missing(tx: Tx, port: Port, members: list[str]) -> str:
    if port.seen >= port.gen:
        return ""
    if networks.any_unseen(tx, {port.network}):
        return f"Waiting for network {port.network}."
    unseen = groups.any_unseen(tx, members)
    return f"Waiting for security group {unseen[0]}." if unseen else ""
