"""Registered limits and limits that operators made for other services. Croft's own are the rows of `quota_limit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx, metadata
from croft.services.identity.model.limits import Limit, RegisteredLimit

registered = sa.Table(
    "identity_registered_limit",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("service", sa.String(64), nullable=False),
    sa.Column("region", sa.String(255), nullable=False),
    sa.Column("resource", sa.String(255), nullable=False),
    sa.Column("value", sa.Integer, nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.UniqueConstraint("service", "region", "resource"),
)
limit = sa.Table(
    "identity_limit",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("target", sa.String(64), nullable=False),
    sa.Column("is_domain", sa.Boolean, nullable=False),
    sa.Column("value", sa.Integer, nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("registered", sa.String(64), sa.ForeignKey("identity_registered_limit.id"), nullable=False),
    sa.UniqueConstraint("registered", "target"),
    sa.Index("ix_identity_limit_target", "target"),
)
_R, _L = registered, limit
_REGISTERED = (_R.c.id, _R.c.service, _R.c.region, _R.c.resource, _R.c.value, _R.c.description)
_LIMIT = (_L.c.id, _L.c.target, _L.c.is_domain, _L.c.value, _L.c.description, _L.c.registered)
_ALL_REGISTERED = sa.select(*_REGISTERED)
_ONE_REGISTERED = _ALL_REGISTERED.where(_R.c.id == sa.bindparam("id"))
_USED = sa.select(_L.c.id).where(_L.c.registered == sa.bindparam("id")).limit(1)
_LIMITS = sa.select(*_LIMIT, _R.c.service, _R.c.region, _R.c.resource).join_from(_L, _R)
_OF_TARGET = _LIMITS.where(_L.c.target == sa.bindparam("target"))
_ONE = _LIMITS.where(_L.c.id == sa.bindparam("id"))


def all_registered(tx: Tx) -> list[RegisteredLimit]:
    return tx.all(RegisteredLimit, _ALL_REGISTERED)


def show_registered(tx: Tx, id: str) -> RegisteredLimit | None:
    return tx.first(RegisteredLimit, _ONE_REGISTERED, {"id": id})


def insert_registered(tx: Tx, row: RegisteredLimit) -> None:
    tx.run(_R.insert(), {column.name: getattr(row, column.name) for column in _REGISTERED})


def update_registered(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_R.update().where(_R.c.id == id).values(**values))


def delete_registered(tx: Tx, id: str) -> None:
    tx.run(_R.delete().where(_R.c.id == id))


def is_used(tx: Tx, registered: str) -> bool:
    return tx.scalar(_USED, {"id": registered}) is not None


def limits(tx: Tx, target: str = "") -> list[Limit]:
    """Everybody's, or those of one project or domain."""
    return tx.all(Limit, _OF_TARGET if target else _LIMITS, {"target": target} if target else None)


def show(tx: Tx, id: str) -> Limit | None:
    return tx.first(Limit, _ONE, {"id": id})


def insert(tx: Tx, row: Limit) -> None:
    tx.run(_L.insert(), {column.name: getattr(row, column.name) for column in _LIMIT})


def update(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_L.update().where(_L.c.id == id).values(**values))


def delete(tx: Tx, id: str) -> None:
    tx.run(_L.delete().where(_L.c.id == id))


def forget(tx: Tx, target: str) -> None:
    """All that a project or domain has."""
    tx.run(_L.delete().where(_L.c.target == target))
