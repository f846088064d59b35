"""Creating servers: everything that must hold is checked in the one transaction that writes them and their ports."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.errors import Invalid, NotFound, QuotaExceeded
from croft.core.ids import new_id
from croft.services.compute import store
from croft.services.compute.model import ZONE, Flavor, check_description, check_items, check_name, check_tags, snapshot
from croft.services.compute.model import hostname as derive
from croft.services.compute.model.server import KIND
from croft.services.compute.store.views import NewServer
from croft.services.images import actions as images
from croft.services.images.model import Image
from croft.services.network import actions as network

GIB = 1 << 30
FORMATS = frozenset({"qcow2", "raw"})
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Made:
    ids: tuple[str, ...]
    reservation: str
    groups: tuple[str, ...]


def create_servers(ctx: Ctx, wish: NewServer) -> Made:
    """All of them or none. Between `least` and `most`, as many as the quota has room for."""
    zone, host = _where(ctx, wish)
    with ctx.write("compute.server.create") as tx:
        _check_words(tx, wish)
        if wish.host and not store.hosts.any_registered(tx, wish.host):
            raise Invalid(f"Compute host {wish.host} could not be found.")
        flavor = _flavor(tx, wish.flavor)
        image = image_for(tx, wish.image, flavor)
        count = _room(tx, wish, flavor)
        reservation = "r-" + "".join(secrets.choice(_LETTERS) for _ in range(8))
        shared = _shared(tx, wish, flavor, image) | {"zone": zone, "wished_host": host, "reservation": reservation}
        names = [wish.name] if wish.most == 1 else [f"{wish.name}-{number}" for number in range(1, count + 1)]
        rows = [shared | _own(wish, name, index) for index, name in enumerate(names)]
        store.servers.insert(tx, rows)
        for row in rows:
            _plug(tx, wish, row)
            work.wake(tx, KIND, row["id"])
            tx.audit(row["id"], row["name"])
    return Made(tuple(row["id"] for row in rows), reservation, tuple(wish.groups) or ("default",))


def _where(ctx: Ctx, wish: NewServer) -> tuple[str, str]:
    """The zone, and the host in `zone:host` or by name, which only operators may say."""
    zone, _, rest = wish.zone.partition(":")
    host = wish.host or rest.partition(":")[0]
    if host or ":" in wish.zone:
        ctx.policy.check(ctx.actor, "compute.server.choose_host")
    if zone not in {"", ZONE}:
        raise Invalid("The requested availability zone is not available")
    return zone, host


def _check_words(tx: WriteTx, wish: NewServer) -> None:
    check_name(wish.name)
    if wish.description is not None:
        check_description(wish.description)
    check_items(wish.metadata)
    check_tags(list(wish.tags))
    if wish.metadata:
        tx.ensure_quota("compute.metadata_items", 0, len(wish.metadata))
    nics = [] if isinstance(wish.networks, str) else wish.networks
    if wish.most > 1 and any(nic.port or nic.fixed_ip for nic in nics):
        raise Invalid("Unable to launch multiple instances with a single configured port ID or fixed IP.")


def _flavor(tx: WriteTx, id: str) -> Flavor:
    found = store.flavors.find(tx, tx.scope, id)
    if found is None:
        raise Invalid(f"Flavor {id[:64]} could not be found.")
    return found


def image_for(tx: WriteTx, id: str, flavor: Flavor) -> Image:
    """An active image that this flavor is large enough for."""
    try:
        image = images.usable(tx, tx.scope, id)
    except NotFound as error:
        raise Invalid(error.message) from error
    if image.disk_format not in FORMATS:
        raise Invalid(
            f"Image {id} is unacceptable: disk format {image.disk_format} cannot be booted, qcow2 and raw can."
        )
    if image.min_ram > flavor.memory_mib:
        raise Invalid("Flavor's memory is too small for requested image.")
    if flavor.disk_gib and max(_bytes(image), image.min_disk * GIB) > flavor.disk_gib * GIB:
        raise Invalid(
            f"Flavor's disk is too small for requested image. Flavor disk is {flavor.disk_gib} GiB, "
            f"image is {-(-_bytes(image) // GIB)} GiB, its minimum {image.min_disk} GiB."
        )
    return image


def _bytes(image: Image) -> int:
    return image.virtual_size or image.size or 0


def image_columns(image: Image) -> dict[str, Any]:
    return {"image": image.id, "image_format": image.disk_format, "image_bytes": _bytes(image)}


def key_columns(tx: WriteTx, user: str, name: str | None) -> dict[str, Any]:
    """What a server keeps of a key pair, whatever becomes of the pair."""
    key = store.keypairs.find(tx, user, name) if name else None
    if name and key is None:
        raise Invalid(f"Invalid key_name provided: there is no key pair {name!r}.")
    return {
        "key_name": key.name if key else None,
        "key_type": key.type if key else "",
        "key_data": key.public_key if key else None,
    }


def _room(tx: WriteTx, wish: NewServer, flavor: Flavor) -> int:
    """How many of the wished servers the quota allows; `QuotaExceeded` when not even the least."""
    used = store.servers.used(tx, tx.project)
    for count in range(wish.most, wish.least - 1, -1):
        try:
            for name, have, each in zip(
                ("instances", "cores", "ram"), used, (1, flavor.vcpus, flavor.memory_mib), strict=True
            ):
                tx.ensure_quota(f"compute.{name}", have, count * each)
        except QuotaExceeded:
            if count == wish.least:
                raise
        else:
            return count
    raise AssertionError("least is never above most")


def _shared(tx: WriteTx, wish: NewServer, flavor: Flavor, image: Image) -> dict[str, Any]:
    return {
        "project": tx.project,
        "user": tx.actor.user,
        "description": wish.description,
        "created": tx.now,
        "updated": tx.now,
        "gen": 1,
        "seen": 0,
        "deleted": None,
        **image_columns(image),
        **snapshot(flavor),
        **key_columns(tx, tx.actor.user, wish.key_name),
        "user_data": wish.user_data,
        "config_drive": wish.config_drive,
        "access_ipv4": wish.access_ipv4,
        "access_ipv6": wish.access_ipv6,
        "disk_config": wish.disk_config,
        "metadata": wish.metadata,
        "tags": check_tags(list(wish.tags)),
        "root_tag": wish.root_tag,
        "locked": "",
        "locked_reason": None,
        "power": "running",
        "boot": 1,
        "gentle": None,
        "disk": 1,
        "resize": "",
        "former": None,
        **{"host": "", "seen_power": "", "booted": 0, "seen_disk": 0, "launched": None, "started": 0, "crashes": 0},
    }


def _own(wish: NewServer, name: str, index: int) -> dict[str, Any]:
    id = new_id()
    return {"id": id, "name": name[:255], "hostname": derive(name, id), "launch_index": index}


def _plug(tx: WriteTx, wish: NewServer, row: dict[str, Any]) -> None:
    try:
        network.plug(tx, row["id"], wish.networks, list(wish.groups), row["hostname"])
    except NotFound as error:
        raise Invalid(error.message) from error
