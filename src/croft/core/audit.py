"""The public record of what people did: written by `ctx.write` in the commit it describes."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from croft.core.db import Tx, metadata
from croft.core.ids import new_id
from croft.core.page import Page
from croft.core.policy import Actor, Scope

record = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("request", sa.String(64), nullable=False),
    sa.Column("user", sa.String(64), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("action", sa.String(80), nullable=False),
    sa.Column("target", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Index("ix_audit_target", "target"),
    sa.Index("ix_audit_project_id", "project", "id"),
)
_INSERT = sa.insert(record)


class Entry(msgspec.Struct, frozen=True):
    id: str
    at: int
    request: str
    user: str
    project: str
    action: str
    target: str
    name: str


def write(tx: Tx, actor: Actor, project: str, request: str, action: str, target: str, name: str) -> None:
    """Adds one line; `target` is an id, `name` what people call it."""
    values = {
        "id": new_id(),
        "at": tx.now,
        "request": request,
        "user": actor.user,
        "project": project,
        "action": action,
        "target": target[:255],
        "name": name[:255],
    }
    tx.run(_INSERT, values)


def entries(tx: Tx, scope: Scope, page: Page, *, target: str | None = None, prefix: str = "") -> list[Entry]:
    """Newest first; `prefix` narrows to actions that begin so (`compute.server.`)."""
    statement = sa.select(record).order_by(record.c.id.desc()).limit(page.limit)
    if scope.project is not None:
        statement = statement.where(record.c.project == scope.project)
    if target is not None:
        statement = statement.where(record.c.target == target)
    if prefix:
        statement = statement.where(record.c.action.startswith(prefix, autoescape=True))
    if page.marker:
        statement = statement.where(record.c.id < page.marker)
    return tx.all(Entry, statement)
