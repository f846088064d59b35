"""What people do to a server that its hypervisor must carry out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from croft.core import audit, work
from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Database
from croft.core.errors import Conflict, NotFound
from croft.core.ids import is_uuid
from croft.core.page import Page
from croft.core.policy import ALL
from croft.drivers.hypervisor import Hypervisor
from croft.services.compute import store
from croft.services.compute.actions.create import image_columns, image_for, key_columns
from croft.services.compute.actions.servers import look, server_of, server_to_change
from croft.services.compute.model import Flavor, Server, allow, check_description, check_items, check_name
from croft.services.compute.model.server import KIND
from croft.services.compute.store.views import Seen
from croft.services.network import actions as network

_STOPPED = frozenset({"stopped"})
_ACTIVE = frozenset({"active"})
_STOPPABLE = frozenset({"active", "error"})
_HARD = frozenset({"active", "stopped", "error"})
_REBUILDABLE = frozenset({"active", "stopped", "error"})


def _wish(tx: WriteTx, server: Server, values: dict[str, Any]) -> None:
    store.servers.change(tx, server, values, wish=True)
    work.wake(tx, KIND, server.id)
    tx.audit(server.id, server.name)


def delete_server(ctx: Ctx, id: str) -> None:
    """Accepted in every state, and again."""
    with ctx.write("compute.server.delete") as tx:
        found = server_to_change(tx, id)
        if found.deleted is None:
            store.servers.change(tx, found, {"deleted": tx.now}, wish=True)
        work.wake(tx, KIND, id)
        tx.audit(id, found.name)


def start_server(ctx: Ctx, id: str) -> None:
    with ctx.write("compute.server.start") as tx:
        found = server_to_change(tx, id)
        allow(found, tx.now, "start", _STOPPED)
        _wish(tx, found, {"power": "running", "boot": found.boot + 1, "gentle": None, "crashes": 0})


def stop_server(ctx: Ctx, id: str) -> None:
    """The guest is asked by ACPI and given a minute."""
    with ctx.write("compute.server.stop") as tx:
        found = server_to_change(tx, id)
        allow(found, tx.now, "stop", _STOPPABLE)
        _wish(tx, found, {"power": "off", "gentle": tx.now})


def reboot_server(ctx: Ctx, id: str, *, hard: bool) -> None:
    with ctx.write("compute.server.reboot") as tx:
        found = server_to_change(tx, id)
        allow(found, tx.now, "reboot", _HARD if hard else _ACTIVE, while_busy=hard)
        _wish(tx, found, {"power": "running", "boot": found.boot + 1, "gentle": None if hard else tx.now, "crashes": 0})


def rebuild_server(ctx: Ctx, id: str, image: str, changes: dict[str, Any]) -> Seen:
    """A fresh root disk from an image; addresses, id and everything else stay. A stopped server stays stopped."""
    if "name" in changes:
        check_name(changes["name"])
    if changes.get("description") is not None:
        check_description(changes["description"])
    with ctx.write("compute.server.rebuild") as tx:
        found = server_to_change(tx, id)
        if "metadata" in changes:
            tx.ensure_quota("compute.metadata_items", 0, len(check_items(changes["metadata"])))
        flavor = Flavor(found.flavor, found.flavor_name, found.vcpus, found.memory_mib, found.disk_gib)
        columns = image_columns(image_for(tx, image, flavor))
        if "key_name" in changes:
            columns |= key_columns(tx, found.user, changes["key_name"])
        allow(found, tx.now, "rebuild", _REBUILDABLE)
        wishes = {"disk": found.disk + 1, "boot": found.boot + 1, "gentle": None, "crashes": 0}
        _wish(tx, found, changes | columns | wishes)
        return look(tx, [server_of(tx, id)])[0]


def refuse(ctx: Ctx, id: str, why: str) -> None:
    """For Nova's actions that Croft does not have: the server's own 404 comes first."""
    with ctx.read("compute.server.refuse") as tx:
        server_of(tx, id)
    raise Conflict(why)


def add_group(ctx: Ctx, id: str, group: str) -> None:
    with ctx.write("compute.server.add_group") as tx:
        found = server_to_change(tx, id)
        network.add_group(tx, tx.scope, id, group)
        tx.audit(id, found.name)


def remove_group(ctx: Ctx, id: str, group: str) -> None:
    with ctx.write("compute.server.remove_group") as tx:
        found = server_to_change(tx, id)
        network.remove_group(tx, tx.scope, id, group)
        tx.audit(id, found.name)


def read_console(ctx: Ctx, hypervisor: Hypervisor, id: str, lines: int | None) -> str:
    """The one read of an engine in a request: the log is nowhere else."""
    with ctx.read("compute.server.console") as tx:
        found = server_of(tx, id)
    if not found.host or found.launched is None:
        raise Conflict(f"Instance {id} is not ready")
    text = hypervisor.console(found.host, id, lines)
    # Nova counts what stands between line ends, also the nothing after the last one
    return text if lines is None else "\n".join(text.split("\n")[-lines:]) if lines else ""


@dataclass(frozen=True)
class Done:
    """What was done to a server, newest first; `project` and `host` are empty for one that is gone."""

    entries: list[audit.Entry]
    project: str = ""
    host: str = ""


def list_server_actions(ctx: Ctx, id: str, *, even_gone: bool) -> Done:
    """What was done to a server that is gone stays known to its project."""
    with ctx.read("compute.server.list_actions") as tx:
        found = store.servers.find(tx, tx.scope, id)
        if found is not None:
            entries = audit.entries(tx, ALL, Page(), _done_to(id))
            return Done(entries, found.project, found.host)
        known = even_gone and is_uuid(id)
        entries = audit.entries(tx, tx.scope, Page(), _done_to(id)) if known else []
    if not entries:
        raise NotFound(f"Instance {id[:64]} could not be found.")
    return Done(entries)


def _done_to(id: str) -> audit.Narrow:
    return audit.Narrow(target=id, prefix="compute.server.", outcome=audit.DONE)


def purge(db: Database, project: str) -> dict[str, list[str]]:
    """Asks for the end of all servers of a project, and says which are left. Key pairs belong to users and stay."""
    with db.read() as tx:
        if not store.servers.of_project(tx, project) and not store.flavors.any_opened_to(tx, project):
            return {}
    with db.write() as tx:
        left = store.servers.of_project(tx, project)
        for server in left:
            if server.deleted is None:
                store.servers.change(tx, server, {"deleted": tx.now}, wish=True)
                work.wake(tx, KIND, server.id)
        store.flavors.close_everything_to(tx, project)
    return {"server": [server.name for server in left]} if left else {}


def halt(db: Database, project: str) -> dict[str, list[str]]:
    """Has every server of a project shut down, as its owner would, and says which still run."""
    with db.read() as tx:
        live = [each for each in store.servers.of_project(tx, project) if each.deleted is None]
    if any(each.power != "off" for each in live):
        with db.write() as tx:
            tx.lock(f"project:{project}")
            live = [each for each in store.servers.of_project(tx, project) if each.deleted is None]
            for each in live:
                if each.power != "off":
                    store.servers.change(tx, each, {"power": "off", "gentle": tx.now}, wish=True)
                    work.wake(tx, KIND, each.id)
    running = [each.name for each in live if each.seen_power == "running"]
    return {"server": running} if running else {}
