"""What time does to a project, in Croft's own name and in the audit: notices, the archive at its expiry, its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Database
from croft.core.policy import Actor, Policy
from croft.core.quota import Quotas
from croft.services.identity.actions import tenancy as identity
from croft.services.identity.model import Project
from croft.services.tenancy.actions.lives import archive
from croft.services.tenancy.model import KIND, Life, Step, day
from croft.services.tenancy.policy import RULES
from croft.services.tenancy.store import lives

_POLICY = Policy(RULES)


class Calendar:
    def __init__(self, db: Database) -> None:
        self.db = db

    @contextmanager
    def _write(self, project: Project, what: str) -> Iterator[WriteTx]:
        actor = Actor("croft", "croft", project.id, roles=frozenset({"admin"}))
        with Ctx(self.db, _POLICY, Quotas({}), actor, KIND).write("tenancy.life.expire", project.id) as tx:
            tx.audit(project.id, f"{project.name}: {what}")
            yield tx

    def expire(self, project: Project, life: Life) -> Life:
        """In one commit: closed, noted, told. Skipped when somebody gave it more time meanwhile."""
        assert life.expires is not None
        with self._write(project, "archived") as tx:
            now = lives.any_life(tx, project.id)
            if now is None or now.gen != life.gen:
                return life
            archive(tx, project, f"it expired on {day(life.expires)}.")
            return lives.any_life(tx, project.id) or life

    def act(self, project: Project, due: Step) -> None:
        """Tells its managers, or has it deleted where the operator said so."""
        with self._write(project, due.notice[0] if due.notice is not None else "deleted") as tx:
            if due.notice is not None:
                lives.any_notify(tx, project.id, *due.notice)
            if due.delete:
                identity.delete_project(tx, project.id)

    def close(self, project: Project) -> None:
        """An archived project that was enabled by other means."""
        with self._write(project, "closed again") as tx:
            identity.close_project(tx, project.id)
