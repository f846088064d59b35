"""The two short transactions around a long upload, and what must hold before bytes are handed out.

An upload holds its image by a lease, so that one that died frees it by itself. What a refused one wrote, the
reconciler removes.
"""

from __future__ import annotations

from dataclasses import dataclass

from croft.core import work
from croft.core.ctx import Ctx
from croft.core.errors import Conflict, Forbidden, NotFound
from croft.core.ids import new_id
from croft.core.quota import UNLIMITED
from croft.drivers.imagestore import Stored
from croft.services.images import model, store
from croft.services.images.actions.images import KIND, SIZE, own, visible, within_quota
from croft.services.images.model import LEASE, MIB, Image, Status


@dataclass(frozen=True)
class Upload:
    """A running upload: `room` is how many bytes the project's quota has left, None for no limit."""

    image: str
    project: str
    token: str
    room: int | None
    said: int | None


def begin_upload(ctx: Ctx, image_id: str, said: int | None = None) -> Upload:
    """Takes the image for this upload; `said` is the size the client announced."""
    with ctx.write("images.image.upload") as tx:
        image = own(tx, image_id, "upload data to")
        model.check_formats(image)
        token = new_id()
        if not store.any_hold(tx, image_id, token, LEASE):
            raise Conflict(f"Image status transition from {image.status} to saving is not allowed.")
        used = store.bytes_mib(tx, tx.scope, image.project)
        limit = ctx.quotas.limits(tx, image.project, SIZE)[SIZE]
        room = None if limit == UNLIMITED else max(0, limit - used) * MIB
        work.wake(tx, KIND, image_id)
        tx.audit(image_id, image.name or "")
    return Upload(image_id, image.project, token, room, said)


def stretch_upload(ctx: Ctx, upload: Upload, seconds: int = LEASE) -> None:
    """Holds on to the image; NotFound when it was deleted meanwhile, or the upload given up for dead."""
    with ctx.db.write() as tx:
        if not store.any_stretch(tx, upload.image, upload.token, seconds):
            raise NotFound(f"Image {upload.image} was deleted, or its upload stalled; nothing of it is kept.")


def give_up_upload(ctx: Ctx, upload: Upload) -> None:
    with ctx.db.write() as tx:
        store.any_let_go(tx, upload.image, upload.token)
        work.wake(tx, KIND, upload.image)


def end_upload(ctx: Ctx, upload: Upload, stored: Stored, *, staged: bool = False) -> None:
    """Accepts the bytes: the image is active, or (`staged`) waits for its import."""
    with ctx.write("images.image.keep", upload.project) as tx:
        image = store.any_image(tx, upload.image)
        if image is None or image.deleted is not None or image.upload != upload.token:
            raise NotFound(f"Image {upload.image} was deleted, or its upload stalled; nothing of it is kept.")
        model.check_bytes(image, stored, upload.said)
        within_quota(tx, SIZE, store.bytes_mib(tx, tx.scope, image.project), model.in_mib(stored.size))
        values = {
            "size": stored.size,
            "virtual_size": stored.virtual_size,
            "checksum": stored.md5,
            "sha512": stored.sha512,
            "staged": staged,
            "upload": "",
            "until": 0,
        }
        store.change(tx, tx.scope, image.id, values)
        work.wake(tx, KIND, image.id)
        tx.audit(image.id, image.name or "")


def import_image(ctx: Ctx, image_id: str) -> None:
    """Makes a staged image active."""
    with ctx.write("images.image.import") as tx:
        image = own(tx, image_id, "import")
        if image.status != Status.UPLOADING:
            raise Conflict(
                f"Image status transition from {image.status} to importing is not allowed: stage data first."
            )
        store.change(tx, tx.scope, image_id, {"staged": False})
        tx.audit(image_id, image.name or "")


def download(ctx: Ctx, image_id: str) -> Image | None:
    """The image whose bytes may be read; None when there are none yet."""
    with ctx.read("images.image.download") as tx:
        image = visible(tx, image_id)
    if image.status == Status.DEACTIVATED and not ctx.actor.is_admin:
        raise Forbidden("The requested image has been deactivated. Image data download is forbidden.")
    if image.status == Status.KILLED:
        raise NotFound(f"The data of image {image_id} is lost.")
    return image if image.status in (Status.ACTIVE, Status.DEACTIVATED) else None
