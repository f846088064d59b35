"""Networks, as Neutron v2.0 has them."""

from __future__ import annotations

from functools import partial

from croft.core.db import Database
from croft.core.http import Service
from croft.core.http.dialects import network as dialect
from croft.drivers.fabric import Fabric
from croft.drivers.metadata import Metadata
from croft.drivers.uplink import Uplink
from croft.services.network.actions.purge import purge
from croft.services.network.actions.starters import give
from croft.services.network.api import ROUTES
from croft.services.network.model.starters import Starter
from croft.services.network.policy import QUOTAS, RULES
from croft.services.network.reconcile import reconcilers, watch
from croft.services.network.reconcile.starters import StarterReconciler
from croft.services.network.store.holdings import HOLDINGS

__all__ = ["Starter", "service"]


def service(
    db: Database, fabric: Fabric, uplink: Uplink, metadata: Metadata, starter: Starter | None = None
) -> Service:
    watch(db, fabric)
    wish = starter or Starter()
    begins = StarterReconciler(db, wish, partial(give, db, wish))
    kinds = (*reconcilers(db, fabric, uplink, metadata), begins)
    ends = partial(purge, db)
    where = ("network", "network", "/network", "/network")
    return Service(
        *where, dialect, RULES, ROUTES, kinds, QUOTAS, purge=ends, holdings=HOLDINGS, starters=(begins.kind,)
    )
