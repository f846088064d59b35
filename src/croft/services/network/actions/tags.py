"""Tags of every resource that may have some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Invalid, NotFound
from croft.core.policy import Scope
from croft.services.network.actions import access
from croft.services.network.store import groups, networks, ports, routers, rows, tables

Find = Callable[[Tx, Scope, str], Any]
_RESOURCES: dict[str, tuple[tables.Table, Find]] = {
    "networks": (tables.network, networks.network),
    "subnets": (tables.subnet, networks.subnet),
    "subnetpools": (tables.subnet_pool, networks.pool),
    "ports": (tables.port, ports.port),
    "routers": (tables.router, routers.router),
    "floatingips": (tables.floating_ip, routers.floating),
    "security_groups": (tables.security_group, groups.group),
    "security-groups": (tables.security_group, groups.group),
}
PLURALS = tuple(_RESOURCES)
MAX_TAGS = 50


def show_tags(ctx: Ctx, plural: str, id: str) -> list[str]:
    with ctx.read("network.tag.show") as tx:
        return list(_RESOURCES[plural][1](tx, tx.scope, id).tags)


def ensure_tag(ctx: Ctx, plural: str, id: str, tag: str) -> None:
    if tag not in show_tags(ctx, plural, id):
        raise NotFound(f"Tag {tag[:64]} could not be found.", kind="TagNotFound")


def set_tags(ctx: Ctx, plural: str, id: str, tags: list[str]) -> list[str]:
    return _change(ctx, plural, id, lambda _: set(tags))


def add_tags(ctx: Ctx, plural: str, id: str, tags: list[str]) -> list[str]:
    return _change(ctx, plural, id, lambda have: have | set(tags))


def remove_tag(ctx: Ctx, plural: str, id: str, tag: str) -> list[str]:
    def without(have: set[str]) -> set[str]:
        if tag not in have:
            raise NotFound(f"Tag {tag[:64]} could not be found.", kind="TagNotFound")
        return have - {tag}

    return _change(ctx, plural, id, without)


def _change(ctx: Ctx, plural: str, id: str, change: Callable[[set[str]], set[str]]) -> list[str]:
    table, find = _RESOURCES[plural]
    with ctx.write("network.tag.update") as tx:
        row = _own(tx, find, id)
        tags = sorted(change(set(row.tags)))
        if len(tags) > MAX_TAGS:
            raise Invalid(f"A resource has at most {MAX_TAGS} tags.")
        if any(not 1 <= len(tag) <= 255 for tag in tags):
            raise Invalid("A tag has 1 to 255 characters.")
        rows.change(tx, table, id, {"tags": tags}, intent=False)
        tx.audit(id, row.name)
        return tags


def _own(tx: WriteTx, find: Find, id: str) -> Any:
    access.ensure_own(tx, find(tx, tx.scope, id).project, "resource")
    tx.lock(f"tags:{id}")
    return find(tx, tx.scope, id)
