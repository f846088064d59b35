"""The reconcilers of operations: what nobody accounts for, and what of the audit is old enough to go."""

from croft.services.operations.reconcile.orphans import Held, OrphanReconciler
from croft.services.operations.reconcile.retention import RetentionReconciler

__all__ = ["Held", "OrphanReconciler", "RetentionReconciler"]
