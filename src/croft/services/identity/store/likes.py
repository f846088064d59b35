"""Which names of one kind in one domain read the same."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.identity.model.likeness import likeness
from croft.services.identity.store import tables


class Alike(msgspec.Struct, frozen=True):
    id: str
    name: str


def _statement(table: sa.Table) -> sa.Select[tuple[str, str]]:
    same = table.c.domain == sa.bindparam("domain"), table.c.likeness == sa.bindparam("likeness")
    return sa.select(table.c.id, table.c.name).where(*same)


_ALIKE = {
    "project": _statement(tables.project).where(tables.project.c.deleted.is_(None)),
    "user": _statement(tables.user),
    "group": _statement(tables.group),
}


def find(tx: Tx, kind: str, domain: str, name: str) -> list[Alike]:
    """Others wait with names of this kind in this domain until the commit."""
    tx.lock(f"identity:names:{kind}:{domain}")
    return tx.all(Alike, _ALIKE[kind], {"domain": domain, "likeness": likeness(name)})
