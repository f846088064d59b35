"""Names and slugs of projects: which are taken, and which were freed when."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.identity.model import Project
from croft.services.identity.store.tables import freed_name, project

KEPT = 400 * 86_400
"""Seconds a freed name is remembered, longer than any quarantine."""
_F = freed_name
_TAKEN = sa.select(project.c.slug).where(project.c.slug.in_(sa.bindparam("slugs", expanding=True)))
_RESTING = sa.select(_F.c.slug).where(_F.c.slug.in_(sa.bindparam("slugs", expanding=True)), _F.c.at > sa.bindparam("t"))
_FREED = sa.select(_F.c.project, _F.c.at).where(_F.c.domain == sa.bindparam("d"), _F.c.name == sa.bindparam("n"))
_FORGET = sa.delete(_F).where(
    sa.or_(sa.and_(_F.c.domain == sa.bindparam("d"), _F.c.name == sa.bindparam("n")), _F.c.at < sa.bindparam("t"))
)
_INSERT = sa.insert(_F)


class Freed(msgspec.Struct, frozen=True):
    project: str
    at: int


def lock(tx: Tx) -> None:
    """Held while a slug is chosen, until the commit that takes it."""
    tx.lock("identity:slug")


def taken(tx: Tx, slugs: Sequence[str], since: int) -> set[str]:
    """Those that a project bears, one on its way out included, or one bore that ended after `since`."""
    found = tx.rows(_TAKEN, {"slugs": list(slugs)}), tx.rows(_RESTING, {"slugs": list(slugs), "t": since})
    return {row.slug for rows in found for row in rows}


def freed(tx: Tx, domain: str, name: str) -> Freed | None:
    return tx.first(Freed, _FREED, {"d": domain, "n": name})


def free(tx: Tx, row: Project, *, slug: bool) -> None:
    """Notes that a project gave its name up, and with its end its slug too."""
    tx.run(_FORGET, {"d": row.domain, "n": row.name, "t": tx.now - KEPT})
    values = {"domain": row.domain, "name": row.name, "project": row.id, "at": tx.now}
    tx.run(_INSERT, values | {"slug": row.slug if slug else None})
