"""Flavors and who may use the private ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.errors import Invalid
from croft.core.page import Page, after
from croft.core.policy import Scope
from croft.services.compute.model import Flavor
from croft.services.compute.store.tables import flavor, flavor_access

c, a = flavor.c, flavor_access.c
SORT_KEYS: dict[str, sa.ColumnElement[Any]] = {
    "created_at": c.created,
    "ephemeral_gb": c.ephemeral_gib,
    "flavorid": c.id,
    "id": c.id,
    "is_public": c.is_public,
    "memory_mb": c.memory_mib,
    "name": c.name,
    "root_gb": c.disk_gib,
    "swap": c.swap_mib,
    "vcpus": c.vcpus,
}
_ONE = sa.select(*c).where(c.id == sa.bindparam("id"))
_ALLOWED = sa.select(a.flavor).where(a.flavor == sa.bindparam("id"), a.project == sa.bindparam("project"))


def any_flavor(tx: Tx, id: str) -> Flavor | None:
    return tx.first(Flavor, _ONE, {"id": id}) if "\0" not in id else None


def find(tx: Tx, scope: Scope, id: str) -> Flavor | None:
    """Public flavors, and private ones opened to the scope's project; operators see all."""
    found = any_flavor(tx, id)
    if found is None or found.is_public or scope.project is None:
        return found
    return found if tx.scalar(_ALLOWED, {"id": id, "project": scope.project}) else None


def page(
    tx: Tx, scope: Scope, page: Page, public: bool | None, least: tuple[int, int], sort: tuple[str, bool]
) -> list[Flavor]:
    """`public` None means both kinds, `least` is (memory MiB, disk GiB)."""
    key, down = SORT_KEYS[sort[0]], sort[1]
    statement = _page_statement(scope.project is None, public, sort)
    if page.marker:
        statement = statement.where(_after_marker(tx, scope, page.marker, key, down))
    values = {"memory": least[0], "disk": least[1], "project": scope.project, "most": page.limit}
    return tx.all(Flavor, statement, values)


@lru_cache(128)
def _page_statement(everybodys: bool, public: bool | None, sort: tuple[str, bool]) -> sa.Select[Any]:
    """One of few, since putting a statement together costs more than running it."""
    key, down = SORT_KEYS[sort[0]], sort[1]
    statement = sa.select(*c).where(c.memory_mib >= sa.bindparam("memory"), c.disk_gib >= sa.bindparam("disk"))
    if not everybodys:
        opened = sa.select(a.flavor).where(a.project == sa.bindparam("project"))
        statement = statement.where(sa.or_(c.is_public, c.id.in_(opened)))
    if public is not None:
        statement = statement.where(c.is_public == public)
    order = [key.desc(), c.id.desc()] if down else [key, c.id]
    return statement.order_by(*order).limit(sa.bindparam("most"))


def _after_marker(tx: Tx, scope: Scope, marker: str, key: sa.ColumnElement[Any], down: bool) -> sa.ColumnElement[bool]:
    row = tx.rows(sa.select(key, c.id).where(c.id == marker)) if find(tx, scope, marker) is not None else []
    if not row:
        raise Invalid(f"marker [{marker[:60]}] not found")
    return after([(key, down), (c.id, down)], list(row[0]))


def insert(tx: Tx, found: Flavor) -> None:
    tx.run(sa.insert(flavor), {name: getattr(found, name) for name in found.__struct_fields__})


def taken(tx: Tx, id: str, name: str) -> Sequence[tuple[str, str]]:
    statement = sa.select(c.id, c.name).where(sa.or_(c.id == id, c.name == name))
    return tx.all(lambda id, name: (id, name), statement)


def any_exists(tx: Tx) -> bool:
    return tx.scalar(sa.select(c.id).limit(1)) is not None


def set_extra_specs(tx: Tx, id: str, specs: dict[str, str]) -> None:
    tx.run(sa.update(flavor).where(c.id == id).values(extra_specs=specs))


def set_description(tx: Tx, id: str, description: str | None) -> None:
    tx.run(sa.update(flavor).where(c.id == id).values(description=description))


def drop(tx: Tx, id: str) -> None:
    tx.run(sa.delete(flavor_access).where(a.flavor == id))
    tx.run(sa.delete(flavor).where(c.id == id))


def projects(tx: Tx, id: str) -> list[str]:
    return tx.all(str, sa.select(a.project).where(a.flavor == id).order_by(a.project))


def open_to(tx: Tx, id: str, project: str) -> None:
    tx.run(sa.insert(flavor_access), {"flavor": id, "project": project})


def close_to(tx: Tx, id: str, project: str) -> bool:
    return tx.run(sa.delete(flavor_access).where(a.flavor == id, a.project == project)) > 0


def any_opened_to(tx: Tx, project: str) -> bool:
    return tx.scalar(sa.select(a.flavor).where(a.project == project).limit(1)) is not None


def close_everything_to(tx: Tx, project: str) -> None:
    tx.run(sa.delete(flavor_access).where(a.project == project))
