"""Drops the lines of the audit that are older than they are kept for, some thousand at a time. Leaves a line itself."""

from __future__ import annotations

from croft.core import audit
from croft.core.clock import iso
from croft.core.db import Database
from croft.core.policy import Actor
from croft.core.work import Done, Explanation, Gone, Result
from croft.services.operations.model import HOUR, RETENTION

THE_ONE = "audit"
DAY = 24 * HOUR
CROFT = Actor("croft", "Croft itself")


class RetentionReconciler:
    """One row. `days` of 0 keep everything for ever."""

    kind, resync, deadline = RETENTION, HOUR, DAY

    def __init__(self, db: Database, days: int) -> None:
        self.db, self.days = db, days

    def reconcile(self, id: str) -> Result:
        if id != THE_ONE or not self.days:
            return Gone()
        with self.db.read() as tx:
            first, before = audit.oldest(tx), tx.now - self.days * DAY
        if first is None or first >= before:
            return Done()
        with self.db.write() as tx:
            gone = audit.drop(tx, before)
            words = {"project": "", "request": "-", "action": "operations.audit.expire", "target": id}
            told = f"{gone} lines from before {iso(before)}"
            audit.write(tx, audit.values_of(CROFT, audit.NOWHERE, **words, name=told))
        return Done(again=1)

    def explain(self, id: str) -> Explanation | None:
        if id != THE_ONE or not self.days:
            return None
        with self.db.read() as tx:
            first = audit.oldest(tx)
        return Explanation({"days": self.days}, {"oldest": None if first is None else iso(first)})
