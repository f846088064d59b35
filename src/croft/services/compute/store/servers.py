"""Servers in SQL. A foreign id is a missing one; `any_*` is for reconcilers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from croft.core import work
from croft.core.db import Tx
from croft.core.errors import Invalid
from croft.core.ids import is_uuid
from croft.core.page import after
from croft.core.policy import Scope
from croft.services.compute.model import Load, Server
from croft.services.compute.model.server import KIND
from croft.services.compute.store.tables import server

c = server.c
_FROM = server.outerjoin(work.work, work.joined(KIND, c.id))
_BULKY = ("key_data", "user_data")
"""Up to 64 KiB each: only read where they are needed."""
_ONE = sa.select(*c, *work.NOTE).select_from(_FROM).where(c.id == sa.bindparam("id"))
_LIST = sa.select(
    *[sa.null().label(column.name) if column.name in _BULKY else column for column in c], *work.NOTE
).select_from(_FROM)
_LIST_WHOLE = sa.select(*c, *work.NOTE).select_from(_FROM)
_INSERT = sa.insert(server)
_USED = sa.select(
    sa.func.count(), sa.func.coalesce(sa.func.sum(c.vcpus), 0), sa.func.coalesce(sa.func.sum(c.memory_mib), 0)
).where(c.project == sa.bindparam("project"))
_LOADS = (
    sa.select(c.host, sa.func.count(), sa.func.sum(c.vcpus), sa.func.sum(c.memory_mib), sa.func.sum(c.disk_gib))
    .where(c.host != "")
    .group_by(c.host)
)
_RUNNING = sa.select(c.host, sa.func.count()).where(c.host != "", c.seen_power == "running").group_by(c.host)
_PLACE = sa.update(server).where(c.id == sa.bindparam("server"), c.host == "").values(host=sa.bindparam("chosen"))
_PLACED = sa.select(c.host, c.id).where(c.host != "")
_DROP = sa.delete(server).where(c.id == sa.bindparam("server"))

SORT_KEYS: dict[str, sa.ColumnElement[Any]] = {
    "access_ip_v4": c.access_ipv4,
    "access_ip_v6": c.access_ipv6,
    "auto_disk_config": c.disk_config,
    "availability_zone": c.zone,
    "config_drive": c.config_drive,
    "created_at": c.created,
    "display_description": sa.func.coalesce(c.description, ""),
    "display_name": c.name,
    "host": c.host,
    "hostname": c.hostname,
    "image_ref": c.image,
    "instance_type_id": c.flavor,
    "key_name": sa.func.coalesce(c.key_name, ""),
    "launch_index": c.launch_index,
    "launched_at": sa.func.coalesce(c.launched, 0),
    "locked": c.locked,
    "locked_by": c.locked,
    "node": c.host,
    "power_state": c.seen_power,
    "project_id": c.project,
    "terminated_at": sa.func.coalesce(c.deleted, 0),
    "updated_at": c.updated,
    "user_id": c.user,
    "uuid": c.id,
    "vm_state": c.seen_power,
    "task_state": sa.func.coalesce(c.deleted, 0),
}


@dataclass(frozen=True)
class Narrowing:
    """What SQL can decide of a list's filters; the rest is the actions' business."""

    project: str | None = None
    user: str = ""
    deleted: bool | None = None
    """Only servers being deleted, only others, or both."""
    images: Sequence[str] = ()
    flavors: Sequence[str] = ()
    hosts: Sequence[str] = ()
    ids: Sequence[str] = ()
    reservation: str = ""
    since: int | None = None
    before: int | None = None
    sort: Sequence[tuple[str, bool]] = field(default_factory=lambda: [("created_at", True)])
    whole: bool = False
    """With user data."""


def find(tx: Tx, scope: Scope, id: str) -> Server | None:
    found = any_server(tx, id) if is_uuid(id) else None
    return found if found is not None and scope.covers(found.project) else None


def any_server(tx: Tx, id: str) -> Server | None:
    return tx.first(Server, _ONE, {"id": id})


def page(tx: Tx, scope: Scope, narrowing: Narrowing, marker: Server | None, limit: int) -> list[Server]:
    """The next `limit` servers after the marker, in the wished order; ties by id, newest first."""
    project = narrowing.project if scope.project is None else scope.project
    sort = tuple(narrowing.sort)
    statement = _ordered(sort, narrowing.whole, narrowing.deleted, project is not None)
    conditions = list(_conditions(narrowing))
    if marker is not None:
        keys = _keys(sort)
        values = tx.rows(sa.select(*[column for column, _ in keys]).where(c.id == marker.id))
        if values:
            conditions.append(after(keys, list(values[0])))
    if conditions:
        statement = statement.where(*conditions)
    return tx.all(Server, statement, {"project": project, "most": limit})


@lru_cache(maxsize=128)
def _ordered(
    sort: tuple[tuple[str, bool], ...], whole: bool, deleted: bool | None, of_project: bool
) -> sa.Select[tuple[Any, ...]]:
    """What most lists are, made once for each form."""
    statement = _LIST_WHOLE if whole else _LIST
    if of_project:
        statement = statement.where(c.project == sa.bindparam("project"))
    if deleted is not None:
        statement = statement.where(c.deleted.is_not(None) if deleted else c.deleted.is_(None))
    order = [column.desc() if down else column.asc() for column, down in _keys(sort)]
    return statement.order_by(*order).limit(sa.bindparam("most"))


def _keys(sort: tuple[tuple[str, bool], ...]) -> list[tuple[sa.ColumnElement[Any], bool]]:
    return [*((SORT_KEYS[name], down) for name, down in sort), (c.id, sort[-1][1])]


def _conditions(narrowing: Narrowing) -> Iterable[sa.ColumnElement[bool]]:
    for column, values in (
        (c.image, narrowing.images),
        (c.flavor, narrowing.flavors),
        (c.host, narrowing.hosts),
        (c.id, narrowing.ids),
    ):
        if values:
            yield column.in_(values)
    if narrowing.user:
        yield c.user == narrowing.user
    if narrowing.reservation:
        yield c.reservation == narrowing.reservation
    if narrowing.since is not None:
        yield c.updated >= narrowing.since
    if narrowing.before is not None:
        yield c.updated <= narrowing.before


def sort_key(name: str) -> str:
    if name not in SORT_KEYS:
        raise Invalid(f"Sort key {name[:60]!r} is not one servers can be sorted by.")
    return name


def insert(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    tx.run(_INSERT, rows)


def used(tx: Tx, project: str) -> tuple[int, int, int]:
    """Servers, virtual CPUs and MiB of memory a project holds, those being deleted included."""
    found = tx.first(lambda *sums: tuple(map(int, sums)), _USED, {"project": project}) or (0, 0, 0)
    return found[0], found[1], found[2]


def loads(tx: Tx, *, running: bool = False) -> dict[str, Load]:
    """What each host's servers were promised; with `running`, how many of them run too."""
    live = dict(tx.all(_pair, _RUNNING)) if running else {}
    return {load.host: replace(load, running=live.get(load.host, 0)) for load in tx.all(_load, _LOADS)}


def _pair(host: str, count: int) -> tuple[str, int]:
    return host, count


def _load(host: str, *sums: int) -> Load:
    """PostgreSQL sums integers into larger types."""
    return Load(host, *map(int, sums))


def change(tx: Tx, found: Server, values: dict[str, Any], *, wish: bool = False) -> None:
    """Writes what a person changed; with `wish`, something the engine must learn of."""
    values = values | {"updated": tx.now} | ({"gen": c.gen + 1} if wish else {})
    tx.run(sa.update(server).where(c.id == found.id).values(**values))


def any_place(tx: Tx, id: str, host: str) -> bool:
    return tx.run(_PLACE, {"server": id, "chosen": host}) == 1


def any_facts(tx: Tx, found: Server, facts: dict[str, Any], *, settled: bool) -> None:
    """Writes what was observed; when all is settled, also that these wishes are carried out."""
    facts = facts | {"updated": tx.now} | ({"seen": found.gen} if settled else {})
    values = {f"new_{name}": value for name, value in facts.items()}
    tx.run(_observe(tuple(facts)), values | {"server": found.id, "read": found.gen})


@lru_cache(maxsize=128)
def _observe(names: tuple[str, ...]) -> sa.Update:
    values = {name: sa.bindparam(f"new_{name}", type_=c[name].type) for name in names}
    return sa.update(server).where(c.id == sa.bindparam("server"), c.seen <= sa.bindparam("read")).values(values)


def any_accept_off(tx: Tx, found: Server) -> bool:
    """The guest's own shutdown becomes the wish, unless people wished something else meanwhile."""
    values = {
        "power": "off",
        "gentle": None,
        "gen": found.gen + 1,
        "seen": found.gen,
        "seen_power": "off",
        "updated": tx.now,
    }
    return tx.run(sa.update(server).where(c.id == found.id, c.gen == found.gen).values(**values)) == 1


def any_homeless(tx: Tx) -> list[str]:
    """Servers that wait for a host."""
    return tx.all(str, sa.select(c.id).where(c.host == "", c.deleted.is_(None)))


def any_servers(tx: Tx) -> list[Server]:
    """All there are, without what is bulky."""
    return tx.all(Server, _LIST)


def any_guests(tx: Tx) -> set[str]:
    """`host/id` of every server that was given a host."""
    return set(tx.all(lambda host, id: f"{host}/{id}", _PLACED))


def any_drop(tx: Tx, id: str) -> None:
    tx.run(_DROP, {"server": id})


def of_project(tx: Tx, project: str) -> list[Server]:
    return tx.all(Server, _LIST.where(c.project == project))


def on_host(tx: Tx, hosts: Sequence[str]) -> list[tuple[str, str, str]]:
    """(host, id, name) of the servers on these hosts."""
    statement = sa.select(c.host, c.id, c.name).where(c.host.in_(hosts)).order_by(c.id)
    return tx.all(lambda host, id, name: (host, id, name), statement)


def uses_flavor(tx: Tx, flavor: str) -> bool:
    return tx.scalar(sa.select(c.id).where(c.flavor == flavor).limit(1)) is not None
