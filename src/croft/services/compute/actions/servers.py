"""Looking at servers, and changing what needs no engine: names, metadata, tags, locks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from croft.core import work
from croft.core.clock import iso_bare
from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.errors import Conflict, Invalid, NotFound
from croft.core.page import Page
from croft.services.compute import store
from croft.services.compute.model import (
    ZONE,
    Server,
    check_description,
    check_items,
    check_name,
    check_tags,
    states,
)
from croft.services.compute.model.patterns import Pattern, pattern
from croft.services.compute.model.server import KIND
from croft.services.compute.store.views import Filters, Seen, own_ports
from croft.services.network import actions as network

CHUNK = 1000


Test = Callable[[Seen], bool]
READABLE: dict[str, Callable[[Server], str]] = {
    "hostname": lambda server: server.hostname,
    "description": lambda server: server.description or "",
    "display_description": lambda server: server.description or "",
    "key_name": lambda server: server.key_name or "",
    "availability_zone": lambda server: ZONE if server.host else server.zone,
    "access_ip_v4": lambda server: server.access_ipv4,
    "access_ip_v6": lambda server: server.access_ipv6,
    "auto_disk_config": lambda server: server.disk_config,
    "config_drive": lambda server: str(server.config_drive),
    "created_at": lambda server: iso_bare(server.created),
    "launched_at": lambda server: iso_bare(server.launched) if server.launched is not None else "",
    "terminated_at": lambda server: iso_bare(server.deleted) if server.deleted is not None else "",
    "launch_index": lambda server: str(server.launch_index),
    "locked_by": lambda server: server.locked,
    "locked": lambda server: str(bool(server.locked)),
    "node": lambda server: server.host,
    "progress": lambda server: "0",
    "root_device_name": lambda server: "/dev/vda",
}
"""What else a list can be filtered by, as text for patterns."""


def server_of(tx: ReadTx, id: str) -> Server:
    found = store.servers.find(tx, tx.scope, id)
    if found is None:
        raise NotFound(f"Instance {id[:64]} could not be found.")
    return found


def server_to_change(tx: WriteTx, id: str) -> Server:
    """One that is not locked against the caller."""
    found = server_of(tx, id)
    if found.locked and not tx.actor.is_admin:
        raise Conflict(f"Instance {id} is locked")
    return found


def show_server(ctx: Ctx, id: str, action: str = "compute.server.show") -> Seen:
    with ctx.read(action) as tx:
        return look(tx, [server_of(tx, id)])[0]


def look(tx: ReadTx, servers: Sequence[Server]) -> list[Seen]:
    ports = network.ports_of(tx, [server.id for server in servers]) if servers else {}
    servers = [_closed(server) if tx.scope.closed_to(server.project) else server for server in servers]
    up = {host.name for host in store.hosts.any_hosts(tx) if host.up(tx.now)}
    return [
        Seen(server, states(server, tx.now), own_ports(server, ports), server.host in up, tx.now) for server in servers
    ]


def _closed(server: Server) -> Server:
    """As it may be shown outside its project."""
    return msgspec.structs.replace(server, metadata={}, user_data=None, key_data=None, locked_reason=None)


def list_servers(ctx: Ctx, filters: Filters, page: Page, *, everyone: bool = False) -> list[Seen]:
    """One page; those who may see all projects do only with `everyone`."""
    with ctx.read("compute.server.list_all" if everyone else "compute.server.list") as tx:
        scope = tx.scope.wide if everyone else tx.scope
        narrowing = filters.narrowing
        if scope.project is None and not everyone:
            narrowing = replace(narrowing, project=scope.own)
        marker = store.servers.find(tx, scope, page.marker) if page.marker else None
        if page.marker and marker is None:
            raise Invalid(f"marker [{page.marker[:64]}] not found")
        tests = _tests(filters)
        found: list[Seen] = []
        while len(found) < page.limit:
            most = CHUNK if tests else page.limit
            servers = store.servers.page(tx, scope, narrowing, marker, most)
            shown = look(tx, servers)
            found += [seen for seen in shown if all(test(seen) for test in tests)] if tests else shown
            if len(servers) < most:
                break
            marker = servers[-1]
        return found[: page.limit]


def _tests(filters: Filters) -> list[Test]:
    tests: list[Test] = []
    if filters.name:
        wanted = pattern(filters.name)
        tests.append(lambda seen: wanted.search(seen.server.name) is not None)
    for attribute, text in filters.matching:
        tests.append(_matching(attribute, pattern(text)))
    if filters.statuses:
        tests.append(lambda seen: seen.states.status in filters.statuses)
    if filters.vm_states:
        tests.append(lambda seen: seen.states.vm_state in filters.vm_states)
    if filters.task_states:
        tests.append(lambda seen: (seen.states.task_state or "None") in filters.task_states)
    if filters.power_states:
        tests.append(lambda seen: str(seen.states.power_state) in filters.power_states)
    for text, version in ((filters.ip, 4), (filters.ip6, 6)):
        if text:
            tests.append(_address(pattern(text), version))
    return tests + _tag_tests(filters)


def _matching(name: str, wanted: Pattern) -> Test:
    read = READABLE[name]
    return lambda seen: wanted.search(read(seen.server)) is not None


def _address(wanted: Pattern, version: int) -> Test:
    def test(seen: Seen) -> bool:
        addresses = [ip for port in seen.ports for ip, _, kind in port.fixed if kind == version]
        floating = [ip for port in seen.ports for _, ip in port.floating] if version == 4 else []
        return any(wanted.search(address) for address in addresses + floating)

    return test


def _tag_tests(filters: Filters) -> list[Test]:
    tests: list[Test] = []
    if filters.tags:
        tests.append(lambda seen: set(filters.tags) <= set(seen.server.tags))
    if filters.tags_any:
        tests.append(lambda seen: bool(set(filters.tags_any) & set(seen.server.tags)))
    if filters.not_tags:
        tests.append(lambda seen: not set(filters.not_tags) <= set(seen.server.tags))
    if filters.not_tags_any:
        tests.append(lambda seen: not set(filters.not_tags_any) & set(seen.server.tags))
    return tests


def update_server(ctx: Ctx, id: str, changes: dict[str, Any]) -> Seen:
    """`changes` may hold name, description, access addresses and disk_config."""
    if "name" in changes:
        check_name(changes["name"])
    if changes.get("description") is not None:
        check_description(changes["description"])
    with ctx.write("compute.server.update") as tx:
        found = server_of(tx, id)
        renamed = changes.get("name", found.name) != found.name
        if changes:
            store.servers.change(tx, found, changes, wish=renamed)
        if renamed:
            work.wake(tx, KIND, id)
        tx.audit(id, changes.get("name", found.name))
        return look(tx, [server_of(tx, id)])[0]


def set_lock(ctx: Ctx, id: str, reason: str | None = None) -> None:
    with ctx.write("compute.server.lock") as tx:
        found = server_of(tx, id)
        owner = tx.actor.project == found.project and not tx.actor.is_admin
        store.servers.change(tx, found, {"locked": "owner" if owner else "admin", "locked_reason": reason})
        tx.audit(id, found.name)


def clear_lock(ctx: Ctx, id: str) -> None:
    """What an operator locked, only an operator unlocks."""
    with ctx.write("compute.server.unlock") as tx:
        found = server_of(tx, id)
        if found.locked == "admin":
            ctx.policy.check(ctx.actor, "compute.server.unlock_any")
        store.servers.change(tx, found, {"locked": "", "locked_reason": None})
        tx.audit(id, found.name)


def show_metadata(ctx: Ctx, id: str) -> dict[str, str]:
    with ctx.read("compute.server.show_metadata") as tx:
        return server_of(tx, id).metadata


def set_metadata(ctx: Ctx, id: str, items: dict[str, str], *, whole: bool) -> dict[str, str]:
    """Replaces all of it, or adds to it."""
    check_items(items)
    with ctx.write("compute.server.change_metadata") as tx:
        found = server_to_change(tx, id)
        wanted = items if whole else found.metadata | items
        tx.ensure_quota("compute.metadata_items", 0, len(wanted))
        store.servers.change(tx, found, {"metadata": wanted})
        tx.audit(id, found.name)
        return wanted


def delete_metadata(ctx: Ctx, id: str, key: str) -> None:
    with ctx.write("compute.server.change_metadata") as tx:
        found = server_to_change(tx, id)
        if key not in found.metadata:
            raise NotFound("Metadata item was not found")
        left = {name: value for name, value in found.metadata.items() if name != key}
        store.servers.change(tx, found, {"metadata": left})
        tx.audit(id, found.name)


def show_tags(ctx: Ctx, id: str) -> list[str]:
    with ctx.read("compute.server.show_tags") as tx:
        return server_of(tx, id).tags


def set_tags(ctx: Ctx, id: str, tags: Sequence[str]) -> list[str]:
    wanted = check_tags(list(tags))
    with ctx.write("compute.server.change_tags") as tx:
        found = server_of(tx, id)
        store.servers.change(tx, found, {"tags": wanted})
        tx.audit(id, found.name)
    return wanted


def add_tag(ctx: Ctx, id: str, tag: str) -> bool:
    """True when it is new."""
    with ctx.write("compute.server.change_tags") as tx:
        found = server_of(tx, id)
        new = tag not in found.tags
        if new:
            store.servers.change(tx, found, {"tags": check_tags([*found.tags, tag])})
        tx.audit(id, found.name)
    return new


def remove_tag(ctx: Ctx, id: str, tag: str) -> None:
    with ctx.write("compute.server.change_tags") as tx:
        found = server_of(tx, id)
        if tag not in found.tags:
            raise NotFound(f"Instance {id} has no tag '{tag[:60]}'")
        store.servers.change(tx, found, {"tags": [each for each in found.tags if each != tag]})
        tx.audit(id, found.name)
