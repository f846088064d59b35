"""One reconciler per kind, and the fabric's own word of what changed."""

from __future__ import annotations

import logging

from croft.core import work
from croft.core.db import Database
from croft.core.errors import Unavailable
from croft.core.work import Reconciler
from croft.drivers.fabric import Fabric, Kind
from croft.drivers.metadata import Metadata
from croft.drivers.uplink import Uplink
from croft.services.network.reconcile.floatings import FloatingReconciler
from croft.services.network.reconcile.groups import GroupReconciler
from croft.services.network.reconcile.networks import NetworkReconciler
from croft.services.network.reconcile.ports import PortReconciler
from croft.services.network.reconcile.routers import RouterReconciler

log = logging.getLogger("croft.network")


def reconcilers(db: Database, fabric: Fabric, uplink: Uplink, metadata: Metadata) -> tuple[Reconciler, ...]:
    return (
        NetworkReconciler(db, fabric, uplink, metadata),
        RouterReconciler(db, fabric, uplink),
        PortReconciler(db, fabric),
        GroupReconciler(db, fabric),
        FloatingReconciler(db, fabric),
    )


def watch(db: Database, fabric: Fabric) -> None:
    """Has a port looked at as soon as the fabric says that it went up, went down or moved."""

    def changed(kind: Kind, id: str) -> None:
        if kind is not Kind.PORT:
            return
        try:
            with db.write() as tx:
                work.wake(tx, "network.port", id)
        except Unavailable as error:
            log.warning("port %s changed, and is looked at when its time comes: %s", id, error)

    fabric.watch(changed)
