"""What a new project gets, once. Nothing comes back that its owner deletes later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from croft.core.clock import iso
from croft.core.db import Database
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.services.identity.actions import project_exists
from croft.services.network.model.rows import DEADLINE
from croft.services.network.model.starters import Starter
from croft.services.network.store import starters


class StarterReconciler:
    """Its id is the project's; `give` does it and says what it waits for, if anything."""

    kind, resync, deadline = "network.starter", 3600, DEADLINE

    def __init__(self, db: Database, wish: Starter, give: Callable[[str], str]) -> None:
        self.db, self.wish, self.give = db, wish, give

    def reconcile(self, id: str) -> Result:
        with self.db.read() as tx:
            there, given = project_exists(tx, id), starters.any_given(tx, id)
        if not there:
            return Gone()
        why = "" if given is not None and given.seen >= given.gen else self.give(id)
        return Wait(why, 60) if why else Done()

    def explain(self, id: str) -> Explanation | None:
        with self.db.read() as tx:
            there, given = project_exists(tx, id), starters.any_given(tx, id)
        if not there:
            return None
        return Explanation(asdict(self.wish), {"given_at": iso(given.created) if given else None})
