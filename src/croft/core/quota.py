"""Limits per project. There are no usage counters: `ctx.write` holds the project's lock, so an action counts rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from croft.core.db import Tx, metadata
from croft.core.errors import QuotaExceeded

limit = sa.Table(
    "quota_limit",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
    sa.CheckConstraint("value >= -1", name="value"),
)
UNLIMITED = -1
_SELECT = sa.select(limit.c.name, limit.c.value).where(limit.c.project == sa.bindparam("project"))
_EVERY = sa.select(limit.c.project, limit.c.name, limit.c.value)
_ONE = sa.select(limit.c.value).where(limit.c.project == sa.bindparam("project"), limit.c.name == sa.bindparam("name"))


class Quotas:
    """The names and defaults that the services declare (`compute.cores` → 20)."""

    def __init__(self, defaults: Mapping[str, int]) -> None:
        self.defaults = dict(defaults)

    def limits(self, tx: Tx, project: str, prefix: str = "") -> dict[str, int]:
        """Every limit in force whose name begins with `prefix`."""
        found = {name: value for name, value in self.defaults.items() if name.startswith(prefix)}
        found.update({row.name: row.value for row in tx.rows(_SELECT, {"project": project}) if row.name in found})
        return found

    def own(self, tx: Tx, project: str = "") -> list[tuple[str, str, int]]:
        """(project, name, value) of limits that are not the default, of one project or of all."""
        statement = _EVERY.where(limit.c.project == project) if project else _EVERY
        return [(row.project, row.name, row.value) for row in tx.rows(statement) if row.name in self.defaults]

    def ensure(self, tx: Tx, project: str, name: str, used: int, asked: int = 1) -> None:
        """`QuotaExceeded` when `used + asked` would pass the limit. Call under `ctx.write`, with a fresh count."""
        row = tx.scalar(_ONE, {"project": project, "name": name})
        value = self.defaults[name] if row is None else row
        if value != UNLIMITED and asked > 0 and used + asked > value:
            raise QuotaExceeded(name.rpartition(".")[2], value, used, asked)

    def set(self, tx: Tx, project: str, values: Mapping[str, int]) -> None:
        for name, value in values.items():
            if name not in self.defaults:
                raise KeyError(name)
            tx.run(limit.delete().where(limit.c.project == project, limit.c.name == name))
            tx.run(limit.insert(), {"project": project, "name": name, "value": value})

    def reset(self, tx: Tx, project: str, names: Iterable[str]) -> None:
        """Back to the defaults."""
        tx.run(limit.delete().where(limit.c.project == project, limit.c.name.in_(list(names))))


def forget(tx: Tx, project: str) -> None:
    """A project's own limits go with it."""
    tx.run(limit.delete().where(limit.c.project == project))
