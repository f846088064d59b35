"""What operators and owners look at: why a resource is as it is, what is troubled, who did what. Croft's own API."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from croft.core.db import Database
from croft.core.http import Service, dialects
from croft.core.work import Reconciler
from croft.services.operations import api
from croft.services.operations.policy import RULES
from croft.services.operations.reconcile import Held, OrphanReconciler, RetentionReconciler

__all__ = ["Held", "RetentionReconciler", "service"]


def service(
    db: Database, reconcilers: Callable[[], Mapping[str, Reconciler]], engines: Mapping[str, Held], audit_days: int = 0
) -> Service:
    return Service(
        name="operations",
        type="operations",
        prefix="/operations",
        endpoint="/operations/v1",
        dialect=dialects.identity,
        rules=RULES,
        routes=api.routes(reconcilers),
        reconcilers=(OrphanReconciler(db, engines), RetentionReconciler(db, audit_days)),
    )
