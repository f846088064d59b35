"""Compute (Nova v2.1): servers, what they are made of, and where they run."""

from __future__ import annotations

from functools import partial

from croft.core.db import Database
from croft.core.http import Service, dialects
from croft.drivers.block import Block
from croft.drivers.hypervisor import Hypervisor
from croft.drivers.imagestore import ImageStore
from croft.services.compute import api
from croft.services.compute.actions import halt, purge
from croft.services.compute.policy import QUOTAS, RULES
from croft.services.compute.reconcile import HostReconciler, ServerReconciler, watch
from croft.services.compute.reconcile.holdings import HOLDINGS


def service(db: Database, hypervisor: Hypervisor, block: Block, imagestore: ImageStore) -> Service:
    watch(db, hypervisor)
    return Service(
        name="compute",
        type="compute",
        prefix="/compute",
        endpoint="/compute/v2.1",
        dialect=dialects.compute,
        rules=RULES,
        routes=api.routes(hypervisor),
        reconcilers=(ServerReconciler(db, hypervisor, block, imagestore), HostReconciler(db, hypervisor)),
        quotas=QUOTAS,
        microversions=api.MICROVERSIONS,
        request_id_header="x-compute-request-id",
        purge=partial(purge, db),
        halt=partial(halt, db),
        holdings=HOLDINGS,
    )
