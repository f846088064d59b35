"""The end of a project: what it holds goes first, wherever it is, then the project."""

from __future__ import annotations

from collections.abc import Sequence

from croft.core.db import Database
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.services.identity.model import Purge
from croft.services.identity.store import projects


class ProjectReconciler:
    kind, resync, deadline = "identity.project", 3600, 3600

    def __init__(self, db: Database, purges: Sequence[Purge]) -> None:
        self.db = db
        self.purges = purges

    def reconcile(self, id: str) -> Result:
        with self.db.read() as tx:
            deleted = projects.any_deleted(tx, id)
        if deleted is None:
            return Gone()
        if not deleted:
            return Done()
        left = [purge for purge in self.purges if not purge(id)]
        if left:
            return Wait("What the project holds is being deleted.", 5)
        with self.db.write() as tx:
            projects.any_drop(tx, id)
        return Gone()

    def explain(self, id: str) -> Explanation | None:
        """Held by no engine: only its end is anybody's work, and what it waits for is in the note."""
        with self.db.read() as tx:
            deleted = projects.any_deleted(tx, id)
        return None if deleted is None else Explanation({"deleted": bool(deleted)}, {"exists": True})
