"""A project's life: notices before its expiry, the archive at it, and the stop of what runs in an archived project."""

from __future__ import annotations

from typing import Protocol

from croft.core.clock import iso
from croft.core.db import Database
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.services.identity.actions import tenancy as identity
from croft.services.identity.model import Project
from croft.services.identity.model.leaving import joined, sentence
from croft.services.tenancy.model import KIND, Life, Settings, Step, step, want
from croft.services.tenancy.store import lives

RESYNC = 3600


class Calendar(Protocol):
    """What is written when time has come; each in a commit of its own."""

    def expire(self, project: Project, life: Life) -> Life: ...

    def act(self, project: Project, due: Step) -> None: ...

    def close(self, project: Project) -> None: ...


class LifeReconciler:
    """Its id is the project's."""

    kind, resync, deadline = KIND, RESYNC, 3600

    def __init__(self, db: Database, settings: Settings, calendar: Calendar) -> None:
        self.db, self.settings, self.calendar = db, settings, calendar

    def reconcile(self, id: str) -> Result:
        with self.db.read() as tx:
            life, project = lives.any_life(tx, id), identity.find_project(tx, id)
            if life is None or project is None:
                return Gone()
            due = step(life, project.name, lives.any_given(tx, id), tx.now, self.settings)
        if due.expire:
            life = self.calendar.expire(project, life)
        elif due.notice is not None or due.delete:
            self.calendar.act(project, due)
        if life.archived is not None and project.enabled and not due.expire:
            self.calendar.close(project)
        return self._settle(life, due)

    def _settle(self, life: Life, due: Step) -> Result:
        """Stops what runs, once for each time the project is archived."""
        if life.seen < life.gen:
            if life.archived is not None:
                left = joined([halt(life.project) for halt in self.settings.halts])
                if left:
                    return Wait(sentence(left, "stopped"), 5)
            with self.db.write() as tx:
                lives.any_seen(tx, life.project, life.gen)
        return Done(min(due.again, RESYNC) if due.again is not None else None)

    def explain(self, id: str) -> Explanation | None:
        with self.db.read() as tx:
            life, project = lives.any_life(tx, id), identity.find_project(tx, id)
            given = sorted(lives.any_given(tx, id))
        if life is None or project is None:
            return None
        return Explanation(want(life), {"enabled": project.enabled, "notices": [[kind, iso(at)] for kind, at in given]})
