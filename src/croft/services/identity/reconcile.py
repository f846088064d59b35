"""The end of a project: what it holds goes first, wherever it is, then the project; of a domain, after its projects."""

from __future__ import annotations

from collections.abc import Sequence

from croft.core import work
from croft.core.db import Database
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.services.identity.model import Purge
from croft.services.identity.model.leaving import joined, sentence
from croft.services.identity.store import projects


class ProjectReconciler:
    kind, resync, deadline = "identity.project", 3600, 3600

    def __init__(self, db: Database, purges: Sequence[Purge]) -> None:
        self.db = db
        self.purges = purges

    def reconcile(self, id: str) -> Result:
        with self.db.read() as tx:
            ending = projects.any_ending(tx, id)
        if ending is None:
            return Gone()
        if ending.deleted is None:
            return Done()
        left = self._projects_in(id) if ending.is_domain else joined([purge(id) for purge in self.purges])
        if left:
            return Wait(sentence(left), 5)
        with self.db.write() as tx:
            projects.any_drop(tx, id)
            if ending.domain and projects.any_deleted(tx, ending.domain):
                work.wake(tx, self.kind, ending.domain)
        return Gone()

    def _projects_in(self, domain: str) -> dict[str, list[str]]:
        with self.db.read() as tx:
            found = projects.any_slugs_in(tx, domain)
        return {"project": found} if found else {}

    def explain(self, id: str) -> Explanation | None:
        """Held by no engine: only its end is anybody's work, and what it waits for is in the note."""
        with self.db.read() as tx:
            ending = projects.any_ending(tx, id)
        return None if ending is None else Explanation({"deleted": ending.deleted is not None}, {"exists": True})
