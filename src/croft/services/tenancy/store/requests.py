"""Requests and comments. A request is its user's; who may see everybody's passes no user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.ids import new_id
from croft.core.page import Page
from croft.services.tenancy.model import EXTENSION, QUOTA, Comment, Request
from croft.services.tenancy.store.tables import comment, request

_R, _C = request.c, comment.c
_ONE = sa.select(request).where(_R.id == sa.bindparam("id"))
_OPEN = sa.select(sa.func.count()).where(_R.user == sa.bindparam("of_user"), _R.decision == "")
_INSERT = sa.insert(request)
_DECIDE = sa.update(request).where(_R.id == sa.bindparam("at"))
_COMMENTS = sa.select(comment).where(_C.request == sa.bindparam("of")).order_by(_C.id)
_COUNT = sa.select(sa.func.count()).where(_C.request == sa.bindparam("of"))
_COMMENT = sa.insert(comment)
_VOID = sa.update(request).where(
    _R.project == sa.bindparam("of_project"), _R.decision == "", _R.kind.in_((QUOTA, EXTENSION))
)


def lock(tx: Tx, what: str) -> None:
    """Held while a user's requests are counted, or one is decided about."""
    tx.lock(f"tenancy:{what}")


def find(tx: Tx, user: str | None, id: str) -> Request | None:
    statement = _ONE if user is None else _ONE.where(_R.user == user)
    return tx.first(Request, statement, {"id": id})


def page(tx: Tx, user: str | None, equal: Mapping[str, Any], page: Page) -> list[Request]:
    """Newest first, one more than the page holds."""
    statement = sa.select(request).order_by(_R.id.desc()).limit(page.limit + 1)
    for name, value in {**equal, **({} if user is None else {"user": user})}.items():
        statement = statement.where(request.c[name] == value)
    if page.marker:
        statement = statement.where(_R.id < page.marker)
    return tx.all(Request, statement)


def open_of(tx: Tx, user: str) -> int:
    return int(tx.scalar(_OPEN, {"of_user": user}))


def insert(tx: Tx, row: Request) -> None:
    tx.run(_INSERT, {name: getattr(row, name) for name in row.__struct_fields__})


def decide(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    tx.run(_DECIDE.values(**values, decided=tx.now), {"at": id})


def comments(tx: Tx, request: str) -> list[Comment]:
    return tx.all(Comment, _COMMENTS, {"of": request})


def count_comments(tx: Tx, request: str) -> int:
    return int(tx.scalar(_COUNT, {"of": request}))


def add_comment(tx: Tx, request: str, user: str, user_name: str, text: str) -> None:
    values = {"id": new_id(), "request": request, "user": user, "user_name": user_name}
    tx.run(_COMMENT, values | {"text": text, "created": tx.now})


def any_void(tx: Tx, project: str) -> None:
    """Ends the open requests about a project that ends."""
    tx.run(
        _VOID.values(decision="withdrawn", decided=tx.now, reason="The project is deleted."), {"of_project": project}
    )
