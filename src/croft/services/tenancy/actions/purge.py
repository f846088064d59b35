"""What is left here of a project that ends: nothing, at once."""

from __future__ import annotations

from croft.core import work
from croft.core.db import Database
from croft.services.tenancy.model import KIND
from croft.services.tenancy.store import lives, requests


def purge(db: Database, project: str) -> dict[str, list[str]]:
    """Its requests stay as a record; those that are open are no longer."""
    with db.write() as tx:
        requests.any_void(tx, project)
        if lives.any_drop(tx, project):
            work.wake(tx, KIND, project)
    return {}
