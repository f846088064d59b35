"""How long projects last, and the notices about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.ids import new_id
from croft.core.page import Page
from croft.services.tenancy.model import Life, Notice
from croft.services.tenancy.store.tables import life, notice

_PROJECT: sa.BindParameter[str] = sa.bindparam("of_project")
_ONE = sa.select(life).where(life.c.project == _PROJECT)
_INSERT = sa.insert(life)
_UPDATE = sa.update(life).where(life.c.project == _PROJECT)
_SEEN = sa.update(life).where(life.c.project == _PROJECT, life.c.seen < sa.bindparam("reached"))
_DROP = sa.delete(life).where(life.c.project == _PROJECT)
_GIVEN = sa.select(notice.c.kind, notice.c.due).where(notice.c.project == _PROJECT)
_FORGET = sa.delete(notice).where(notice.c.project == _PROJECT)
_NOTE = sa.insert(notice)


def any_life(tx: Tx, project: str) -> Life | None:
    return tx.first(Life, _ONE, {"of_project": project})


def page(tx: Tx, project: str | None, equal: Mapping[str, Any], page: Page) -> list[Life]:
    """By project; `archived` and `expired_before` narrow. One more than the page holds."""
    statement = sa.select(life).order_by(life.c.project).limit(page.limit + 1)
    if project is not None:
        statement = statement.where(life.c.project == project)
    if "archived" in equal:
        statement = statement.where(life.c.archived.is_not(None) if equal["archived"] else life.c.archived.is_(None))
    if "expired_before" in equal:
        statement = statement.where(life.c.expires <= equal["expired_before"], life.c.expires <= life.c.archived)
    if page.marker:
        statement = statement.where(life.c.project > page.marker)
    return tx.all(Life, statement)


def change(tx: Tx, project: str, values: Mapping[str, Any]) -> None:
    """A new intent; the row is made at the first."""
    if tx.run(_UPDATE.values(gen=life.c.gen + 1, **values), {"of_project": project}) == 0:
        fresh = {"project": project, "gen": 1, "seen": 0, "expires": None, "archived": None, "why": ""}
        tx.run(_INSERT, fresh | dict(values))


def any_seen(tx: Tx, project: str, gen: int) -> None:
    tx.run(_SEEN.values(seen=gen), {"of_project": project, "reached": gen})


def any_drop(tx: Tx, project: str) -> bool:
    """With its notices."""
    tx.run(_FORGET, {"of_project": project})
    return tx.run(_DROP, {"of_project": project}) > 0


def any_given(tx: Tx, project: str) -> frozenset[tuple[str, int]]:
    return frozenset((row.kind, row.due) for row in tx.rows(_GIVEN, {"of_project": project}))


def any_notify(tx: Tx, project: str, kind: str, due: int, text: str) -> None:
    values = {"id": new_id(), "project": project, "kind": kind, "due": due, "text": text, "created": tx.now}
    tx.run(_NOTE, values)


def notices(tx: Tx, project: str | None, page: Page) -> list[Notice]:
    """Newest first, one more than the page holds."""
    statement = sa.select(notice).order_by(notice.c.id.desc()).limit(page.limit + 1)
    if project is not None:
        statement = statement.where(notice.c.project == project)
    if page.marker:
        statement = statement.where(notice.c.id < page.marker)
    return tx.all(Notice, statement)
