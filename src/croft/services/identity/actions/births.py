"""How a project comes to be: its name is free, it gets a slug, and those who give new projects things are woken."""

from __future__ import annotations

from msgspec.structs import replace

from croft.core import work
from croft.core.clock import iso
from croft.core.db import Tx
from croft.core.errors import Conflict
from croft.services.identity.model import Project, Settings
from croft.services.identity.model.slugs import stem, wishes
from croft.services.identity.store import names, projects

DAY = 86_400


class Births:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def most_below(self) -> int:
        """How many projects an owner may have below the own one."""
        return self._settings.sub_projects

    def register(self, tx: Tx, row: Project) -> Project:
        """Writes a new project. Domains have no slug, and start with nothing."""
        if row.is_domain:
            projects.insert(tx, row)
            return row
        self.refuse_resting(tx, row)
        born = replace(row, slug=self._slug(tx, row.name))
        projects.insert(tx, born)
        for kind in self._settings.starters:
            work.wake(tx, kind, born.id)
        return born

    def refuse_resting(self, tx: Tx, row: Project) -> None:
        """While names rest, only the project that gave one up may have it back."""
        days = self._settings.name_quarantine_days
        found = names.freed(tx, row.domain, row.name) if days else None
        if found is not None and found.project != row.id and found.at > tx.now - days * DAY:
            until = iso(found.at + days * DAY)
            raise Conflict(f"The name {row.name} was given up a while ago and is not given again before {until}.")

    def _slug(self, tx: Tx, name: str) -> str:
        names.lock(tx)
        since = tx.now - self._settings.name_quarantine_days * DAY
        for candidates in wishes(stem(name)):
            taken = names.taken(tx, candidates, since)
            for each in candidates:
                if each not in taken:
                    return each
        raise AssertionError("there is always a next candidate")
