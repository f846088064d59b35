"""Keeps what is known of a host up to date. Its work note says whether it is up, so quiet looks write nothing."""

from __future__ import annotations

from croft.core import work
from croft.core.db import Database
from croft.core.errors import EngineError
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.drivers.hypervisor import Capacity, Hypervisor
from croft.services.compute import store
from croft.services.compute.model.host import RESYNC
from croft.services.compute.store.hosts import KIND


class HostReconciler:
    kind, resync, deadline = KIND, RESYNC, 120

    def __init__(self, db: Database, hypervisor: Hypervisor) -> None:
        self.db, self.hypervisor = db, hypervisor

    def reconcile(self, id: str) -> Result:
        with self.db.read() as tx:
            host = store.hosts.any_host(tx, id)
        if host is None:
            return Gone()
        try:
            facts = _facts(self.hypervisor.capacity(host.name))
        except EngineError as error:
            # soon again, whatever it is: until then the host counts as down and takes no server
            return Wait(str(error), RESYNC)
        changed = {name: value for name, value in facts.items() if getattr(host, name) != value}
        if changed:
            with self.db.write() as tx:
                store.hosts.change(tx, id, changed)
                for server in store.servers.any_homeless(tx):
                    work.wake(tx, "compute.server", server)
        return Done()

    def explain(self, id: str) -> Explanation | None:
        with self.db.read() as tx:
            host = store.hosts.any_host(tx, id)
        if host is None:
            return None
        known = {name: getattr(host, name) for name in ("vcpus", "memory_mib", "disk_gib", "kind", "version", "model")}
        return Explanation({"host": host.name, "known": known}, _facts(self.hypervisor.capacity(host.name)))


def _facts(seen: Capacity) -> dict[str, str | int]:
    return {
        "vcpus": seen.vcpus,
        "memory_mib": seen.memory_mib,
        "disk_gib": seen.disk_gib,
        "kind": seen.kind,
        "version": seen.version,
        "model": seen.model[:255],
    }
