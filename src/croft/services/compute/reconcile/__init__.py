"""Compute's reconcilers, and the watcher that makes them look sooner."""

from __future__ import annotations

import logging

from croft.core import work
from croft.core.db import Database
from croft.core.errors import Unavailable
from croft.drivers.hypervisor import Hypervisor
from croft.services.compute import store
from croft.services.compute.model.server import KIND
from croft.services.compute.reconcile.host import HostReconciler
from croft.services.compute.reconcile.server import ServerReconciler

__all__ = ["HostReconciler", "ServerReconciler", "watch"]
log = logging.getLogger("croft.compute")


def watch(db: Database, hypervisor: Hypervisor) -> None:
    """Has a server looked at soon after its guest started, stopped or crashed. Resync finds what is missed here."""

    def changed(host: str, guest: str) -> None:
        try:
            with db.write() as tx:
                if store.servers.any_server(tx, guest) is not None:
                    work.wake(tx, KIND, guest)
        except Unavailable as error:
            log.warning("guest=%s changed on host=%s, but the database is away: %s", guest, host, error)

    hypervisor.watch(changed)
