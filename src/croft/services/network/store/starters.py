"""Which projects were given what new ones get."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.network.store.tables import starter

_PROJECT: sa.BindParameter[str] = sa.bindparam("of_project")
_ONE = sa.select(starter.c.gen, starter.c.seen, starter.c.created).where(starter.c.project == _PROJECT)
_INSERT = sa.insert(starter)
_DROP = sa.delete(starter).where(starter.c.project == _PROJECT)


class Given(msgspec.Struct, frozen=True):
    gen: int
    seen: int
    created: int


def any_given(tx: Tx, project: str) -> Given | None:
    return tx.first(Given, _ONE, {"of_project": project})


def any_insert(tx: Tx, project: str) -> None:
    tx.run(_INSERT, {"project": project, "gen": 1, "seen": 1, "created": tx.now})


def any_drop(tx: Tx, project: str) -> bool:
    return tx.run(_DROP, {"of_project": project}) > 0
