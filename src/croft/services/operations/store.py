"""The table of objects that no row accounts for."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from croft.core.db import Tx, metadata
from croft.core.policy import Scope
from croft.services.operations.model import Orphan

orphan = sa.Table(
    "operations_orphan",
    metadata,
    sa.Column("engine", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("reported", sa.BigInteger, nullable=True),
)
c = orphan.c
_ENGINE: sa.BindParameter[str] = sa.bindparam("of_engine")
_NAME: sa.BindParameter[str] = sa.bindparam("of_name")
_THIS = sa.and_(c.engine == _ENGINE, c.name == _NAME)
_REPORTED = sa.select(orphan).where(c.reported.is_not(None)).order_by(c.engine, c.name).limit(sa.bindparam("most"))
_OF = sa.select(orphan).where(c.engine == _ENGINE)
_INSERT = sa.insert(orphan).values(
    engine=_ENGINE, name=_NAME, first=sa.bindparam("now", type_=sa.BigInteger), reported=None
)
_REPORT = sa.update(orphan).where(_THIS).values(reported=sa.bindparam("now", type_=sa.BigInteger))
_DROP = sa.delete(orphan).where(_THIS)
_FORGET = sa.delete(orphan).where(c.engine == _ENGINE)


def reported(tx: Tx, scope: Scope, most: int = 1000) -> list[Orphan]:
    """Orphans have no owner; `scope` says that the caller was allowed to ask."""
    return tx.all(Orphan, _REPORTED, {"most": most})


def any_of(tx: Tx, engine: str) -> list[Orphan]:
    return tx.all(Orphan, _OF, {"of_engine": engine})


def any_suspect(tx: Tx, engine: str, names: Iterable[str]) -> None:
    _each(tx, _INSERT, engine, names)


def any_report(tx: Tx, engine: str, names: Iterable[str]) -> None:
    _each(tx, _REPORT, engine, names)


def any_clear(tx: Tx, engine: str, names: Iterable[str]) -> None:
    _each(tx, _DROP, engine, names)


def any_forget(tx: Tx, engine: str) -> None:
    """Of an engine that is no longer part of the cloud."""
    tx.run(_FORGET, {"of_engine": engine})


def _each(tx: Tx, statement: sa.Executable, engine: str, names: Iterable[str]) -> None:
    values = [{"of_engine": engine, "of_name": name, "now": tx.now} for name in names]
    if values:
        tx.run(statement, values)
