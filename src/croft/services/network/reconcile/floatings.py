"""A floating IP: translated on a router while it is associated, only held while it is not."""

from __future__ import annotations

from msgspec import to_builtins

from croft.core import work
from croft.core.db import Database
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.drivers.fabric import Fabric, Kind
from croft.services.network.model import specs
from croft.services.network.model.rows import DEADLINE, Floating
from croft.services.network.store import networks, ports, routers, rows, tables


class FloatingReconciler:
    kind, resync, deadline = "network.floating", 900, DEADLINE

    def __init__(self, db: Database, fabric: Fabric) -> None:
        self.db, self.fabric = db, fabric

    def reconcile(self, id: str) -> Result:
        with self.db.read() as tx:
            floating = routers.any_floating(tx, id)
            port = ports.any_port(tx, floating.port) if floating and floating.port else None
            router = routers.any_router(tx, floating.router) if floating and floating.router else None
        if floating is None:
            return Gone()
        if floating.deleted is not None:
            return self._remove(floating)
        spec = specs.floating_spec(floating, port)
        if spec is None:
            self.fabric.remove(Kind.FLOATING, id)
        else:
            if router is None or router.seen == 0:
                return Wait(f"Waiting for router {floating.router}.", 60)
            if not self.fabric.matches(spec):
                self.fabric.ensure(spec)
        if floating.seen < floating.gen:
            with self.db.write() as tx:
                rows.any_seen(tx, tables.floating_ip, id, floating.gen)
        return Done()

    def explain(self, id: str) -> Explanation | None:
        with self.db.read() as tx:
            floating = routers.any_floating(tx, id)
            port = ports.any_port(tx, floating.port) if floating and floating.port else None
        if floating is None:
            return None
        spec = specs.floating_spec(floating, port) if floating.deleted is None else None
        held = id in self.fabric.names(Kind.FLOATING)
        have = {"translated": held, "matches": self.fabric.matches(spec) if spec else not held}
        return Explanation(to_builtins(spec), have)

    def _remove(self, floating: Floating) -> Result:
        self.fabric.remove(Kind.FLOATING, floating.id)
        with self.db.write() as tx:
            ports.free(tx, floating.id)
            rows.any_drop(tx, tables.floating_ip, floating.id)
            network = networks.any_network(tx, floating.network)
            if network is not None and network.deleted is not None:
                work.wake(tx, "network.network", floating.network)
        return Gone()
