"""Images (Glance v2): what servers are made from."""

from __future__ import annotations

from croft.core.db import Database
from croft.core.http import Service, dialects
from croft.drivers.imagestore import ImageStore
from croft.services.images import actions, store
from croft.services.images.api import routes
from croft.services.images.policy import RULES
from croft.services.images.reconcile import ImageReconciler

LARGEST = 100 << 30
"""Bytes one image may have, unless the operator says otherwise."""
QUOTAS = {"images.image_count_total": 1000, "images.image_size_total": 1 << 20}
"""Images, and MiB of all of them."""


def service(db: Database, imagestore: ImageStore, largest: int = LARGEST) -> Service:
    return Service(
        name="images",
        type="image",
        prefix="/image",
        endpoint="/image",
        dialect=dialects.image,
        rules=RULES,
        routes=routes(imagestore, largest),
        reconcilers=(ImageReconciler(db, imagestore),),
        quotas=QUOTAS,
        purge=lambda project: actions.purge(db, project),
        holdings={"imagestore": store.any_ids},
    )
