"""The end of a project: what it holds goes first, wherever it is, then the project; of a domain, after its projects.
And the people of directories, who are looked up again and again, so that whoever leaves there is out here soon."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from croft.core import work
from croft.core.db import Database
from croft.core.errors import Rejected
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.services.identity.model import Purge
from croft.services.identity.model.leaving import joined, sentence
from croft.services.identity.model.outside import Source, compare, person_id
from croft.services.identity.store import outside, projects

log = logging.getLogger("croft.identity")


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


class PersonSourceReconciler:
    """A domain whose people a directory lists: the rows follow it. What the directory does not say, while it is away,
    stays as it was."""

    kind, resync, deadline = "identity.person_source", 60, 600

    def __init__(self, db: Database, sources: Mapping[str, Source]) -> None:
        self.db = db
        self.sources = sources
        self._said: dict[str, list[str]] = {}

    def reconcile(self, id: str) -> Result:
        with self.db.read() as tx:
            domain = projects.show(tx, id)
        source = self.sources.get(domain.name) if domain else None
        if domain is None or source is None:
            return self._close(id)
        listing = source.people.everybody()
        ids = [person_id(id, person.key, source.readable_ids) for person in listing.people]
        with self.db.read() as tx:
            have, now = outside.any_have(tx, id, ids), tx.now
        if not listing.people and any(each.gone is None for each in have.people.values()):
            raise Rejected(f"The directory of {domain.name} lists nobody any more; see its base and filter.")
        plan = compare(id, source, have, listing, now)
        if plan.left_out != self._said.get(id, []):
            self._said[id] = plan.left_out
            for sentence in plan.left_out[:20]:
                log.warning("left out of domain %s: %s", domain.name, sentence)
        if not plan.empty:
            with self.db.write() as tx:
                outside.any_apply(tx, id, plan)
        return Done(source.refresh)

    def _close(self, id: str) -> Result:
        """No directory stands behind the domain any more: nobody would hear of a person who left."""
        with self.db.read() as tx:
            left = [each.id for each in outside.any_have(tx, id, []).people.values() if each.gone is None]
        if left:
            with self.db.write() as tx:
                outside.any_close(tx, left)
        return Gone()

    def explain(self, id: str) -> Explanation | None:
        with self.db.read() as tx:
            domain, have = projects.show(tx, id), outside.any_have(tx, id, [])
        source = self.sources.get(domain.name) if domain else None
        if source is None:
            return None
        listing = source.people.everybody()
        here = sum(each.gone is None for each in have.people.values())
        return Explanation(
            {"people": len(listing.people), "groups": len(listing.groups)}, {"people": here, "groups": len(have.groups)}
        )
