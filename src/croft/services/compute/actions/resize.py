"""Another flavor for a server: where it is, after a restart, until its owner confirms it or goes back."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.errors import Invalid
from croft.services.compute import store
from croft.services.compute.actions.servers import server_to_change
from croft.services.compute.model import IDLE, Flavor, Need, Server, allow, place, snapshot
from croft.services.compute.model.server import KIND

_RESIZABLE = frozenset({"active", "stopped"})
_RESIZED = frozenset({"resized"})


def resize_server(ctx: Ctx, id: str, flavor: str, changes: dict[str, Any]) -> None:
    """Disks grow and never shrink, also when the resize is reverted."""
    with ctx.write("compute.server.resize") as tx:
        found = server_to_change(tx, id)
        wanted = store.flavors.find(tx, tx.scope, flavor)
        if wanted is None:
            raise Invalid(f"Flavor {flavor[:64]} could not be found.")
        allow(found, tx.now, "resize", _RESIZABLE)
        _check_flavor(found, wanted)
        _ensure_quota(tx, found, wanted)
        _ensure_room(tx, found, wanted)
        former = {name: getattr(found, name) for name in snapshot(wanted)}
        _wish(tx, found, changes | snapshot(wanted) | {"resize": "asked", "former": former})


def confirm_resize(ctx: Ctx, id: str) -> None:
    with ctx.write("compute.server.confirm_resize") as tx:
        found = server_to_change(tx, id)
        allow(found, tx.now, "confirmResize", _RESIZED)
        store.servers.change(tx, found, {"resize": "", "former": None})
        tx.audit(id, found.name)


def revert_resize(ctx: Ctx, id: str) -> None:
    with ctx.write("compute.server.revert_resize") as tx:
        found = server_to_change(tx, id)
        allow(found, tx.now, "revertResize", _RESIZED)
        assert found.former is not None
        _wish(tx, found, found.former | {"resize": "reverting"})


def _wish(tx: WriteTx, found: Server, values: dict[str, Any]) -> None:
    """A running guest is asked to shut down and started with what it has now."""
    store.servers.change(tx, found, values | {"boot": found.boot + 1, "gentle": tx.now}, wish=True)
    work.wake(tx, KIND, found.id)
    tx.audit(found.id, found.name)


def _check_flavor(found: Server, wanted: Flavor) -> None:
    if wanted.id == found.flavor:
        raise Invalid("When resizing, instances must change flavor!")
    if wanted.disk_gib < found.disk_gib or (wanted.disk_gib and wanted.disk_gib << 30 < found.image_bytes):
        raise Invalid("The new flavor's disk is smaller than the server's, and disks cannot shrink.")
    if wanted.ephemeral_gib < found.ephemeral_gib:
        raise Invalid("The new flavor's ephemeral disk is smaller than the server's, and disks cannot shrink.")


def _ensure_quota(tx: WriteTx, found: Server, wanted: Flavor) -> None:
    _, cores, memory = store.servers.used(tx, found.project)
    tx.ensure_quota("compute.cores", cores, wanted.vcpus - found.vcpus)
    tx.ensure_quota("compute.ram", memory, wanted.memory_mib - found.memory_mib)


def _ensure_room(tx: WriteTx, found: Server, wanted: Flavor) -> None:
    """On its own host: servers do not move."""
    tx.lock("placement")
    load = store.servers.loads(tx).get(found.host, IDLE)
    others = replace(
        load,
        vcpus=load.vcpus - found.vcpus,
        memory_mib=load.memory_mib - found.memory_mib,
        disk_gib=load.disk_gib - found.disk_gib,
    )
    need = Need(wanted.vcpus, wanted.memory_mib, wanted.disk_gib, host=found.host)
    if place(need, store.hosts.any_hosts(tx), {found.host: others}, tx.now) is None:
        raise Invalid("No valid host was found. The server's host has no room for this flavor.")
