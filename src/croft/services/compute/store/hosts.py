"""Hosts: what operators registered, and what their engines said they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from croft.core import work
from croft.core.db import Tx
from croft.core.ids import new_id
from croft.core.policy import Scope
from croft.services.compute.model import Host
from croft.services.compute.store.tables import host

KIND = "compute.host"
c = host.c
_ALL = sa.select(*c, *work.NOTE).select_from(host.outerjoin(work.work, work.joined(KIND, c.id))).order_by(c.number)
_ONE = _ALL.where(c.id == sa.bindparam("id"))
_NAMED = sa.select(c.id).where(c.name == sa.bindparam("name"))


def any_hosts(tx: Tx) -> list[Host]:
    return tx.all(Host, _ALL)


def any_host(tx: Tx, id: str) -> Host | None:
    return tx.first(Host, _ONE, {"id": id})


def any_registered(tx: Tx, name: str) -> bool:
    return tx.scalar(_NAMED, {"name": name}) is not None


def page(tx: Tx, scope: Scope) -> list[Host]:
    """All hosts; `scope` says that the caller was allowed to ask."""
    return any_hosts(tx)


def register(tx: Tx, names: Sequence[str]) -> list[str]:
    """Makes the rows be exactly these hosts; returns the ids of those added or removed."""
    known = {found.name: found for found in any_hosts(tx)}
    number = max((found.number for found in known.values()), default=0)
    touched = []
    for name in dict.fromkeys(names):
        if name not in known:
            number += 1
            touched.append(_insert(tx, name, number))
    for name in set(known) - set(names):
        tx.run(sa.delete(host).where(c.id == known[name].id))
        touched.append(known[name].id)
    return touched


def _insert(tx: Tx, name: str, number: int) -> str:
    facts: dict[str, Any] = {"vcpus": 0, "memory_mib": 0, "disk_gib": 0, "kind": "", "version": 0, "model": ""}
    id = new_id()
    row = {"id": id, "number": number, "name": name, "created": tx.now, "updated": tx.now, "disabled": False}
    tx.run(sa.insert(host), row | facts | {"disabled_reason": None, "forced_down": False})
    return id


def change(tx: Tx, id: str, values: dict[str, Any]) -> None:
    tx.run(sa.update(host).where(c.id == id).values(**values, updated=tx.now))
