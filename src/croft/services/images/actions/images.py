"""Images as records: create, find, change, end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from croft.core import work
from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.db import Database, Tx
from croft.core.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded, TooLarge
from croft.core.ids import new_id
from croft.core.page import Page
from croft.core.policy import Scope
from croft.services.images import model, store
from croft.services.images.model import BOOTABLE, Change, Filters, Image, Status

KIND = "images.image"
COUNT = "images.image_count_total"
SIZE = "images.image_size_total"
"""MiB"""


def list_images(ctx: Ctx, filters: Filters, window: Page) -> list[Image]:
    with ctx.read("images.image.list") as tx:
        return store.page(tx, tx.scope, filters, window)


def show_image(ctx: Ctx, image_id: str) -> Image:
    with ctx.read("images.image.show") as tx:
        return visible(tx, image_id)


def create_image(ctx: Ctx, body: Mapping[str, Any]) -> Image:
    """`body` is Glance's: attributes and, beside them, properties of people's own."""
    wishes = model.created(body)
    owner = wishes.get("project", ctx.actor.project)
    with ctx.write("images.image.create", owner) as tx:
        _check_wishes(tx, wishes)
        within_quota(tx, COUNT, store.count(tx, tx.scope, owner), 1)
        image_id = wishes.get("id") or new_id()
        if store.any_image(tx, image_id) is not None:
            raise Conflict(f"Image ID {image_id} already exists!")
        values = {"id": image_id, "project": owner, "created": tx.now, "updated": tx.now} | wishes
        store.insert(tx, tx.scope, values)
        tx.audit(image_id, wishes.get("name") or "")
        return visible(tx, image_id)


def update_image(ctx: Ctx, image_id: str, changes: Iterable[Change]) -> Image:
    with ctx.write("images.image.update") as tx:
        image = own(tx, image_id, "modify")
        values = model.changed(image, changes)
        _check_wishes(tx, values)
        if values:
            store.change(tx, tx.scope, image_id, values)
        tx.audit(image_id, image.name or "")
        return visible(tx, image_id)


def _check_wishes(tx: WriteTx, values: Mapping[str, Any]) -> None:
    if values.get("visibility") == "public":
        tx.ctx.policy.check(tx.actor, "images.image.publicize")
    if values.get("visibility") == "community":
        tx.ctx.policy.check(tx.actor, "images.image.communitize")
    if values.get("project", tx.actor.project) != tx.actor.project:
        tx.ctx.policy.check(tx.actor, "images.image.give")


def delete_image(ctx: Ctx, image_id: str) -> None:
    with ctx.write("images.image.delete") as tx:
        image = own(tx, image_id, "delete")
        if image.protected:
            raise Forbidden(f"Image {image_id} is protected and cannot be deleted.")
        store.any_end(tx, image_id)
        work.wake(tx, KIND, image_id)
        tx.audit(image_id, image.name or "")


def add_tag(ctx: Ctx, image_id: str, tag: str) -> None:
    _retag(ctx, image_id, tag, there=True)


def remove_tag(ctx: Ctx, image_id: str, tag: str) -> None:
    _retag(ctx, image_id, tag, there=False)


def _retag(ctx: Ctx, image_id: str, tag: str, *, there: bool) -> None:
    with ctx.write("images.image.update") as tx:
        image = own(tx, image_id, "modify")
        if not there and tag not in image.tags:
            raise NotFound("Image does not have the given tag.")
        tags = [each for each in image.tags if each != tag] + ([tag] if there else [])
        values = model.changed(image, [Change("replace", "tags", tags)]) if there != (tag in image.tags) else {}
        if values:
            store.change(tx, tx.scope, image_id, values)
        tx.audit(image_id, image.name or "")


def deactivate_image(ctx: Ctx, image_id: str) -> None:
    """Keeps people from downloading and booting it, until it is reactivated."""
    _switch(ctx, "images.image.deactivate", image_id, deactivated=True)


def reactivate_image(ctx: Ctx, image_id: str) -> None:
    _switch(ctx, "images.image.reactivate", image_id, deactivated=False)


def _switch(ctx: Ctx, action: str, image_id: str, *, deactivated: bool) -> None:
    with ctx.write(action) as tx:
        image = own(tx, image_id, "modify")
        if image.status not in (Status.ACTIVE, Status.DEACTIVATED):
            wanted = Status.DEACTIVATED if deactivated else Status.ACTIVE
            raise Forbidden(f"Image status transition from {image.status} to {wanted} is not allowed.")
        if image.deactivated != deactivated:
            store.change(tx, tx.scope, image_id, {"deactivated": deactivated})
        tx.audit(image_id, image.name or "")


def visible(tx: ReadTx, image_id: str) -> Image:
    image = store.find(tx, tx.scope, image_id)
    if image is None:
        raise NotFound(f"No image found with ID {image_id[:64]}")
    return image


def own(tx: ReadTx, image_id: str, verb: str) -> Image:
    """An image the actor may change: seen, but not one's own, is refused aloud."""
    image = visible(tx, image_id)
    if not tx.scope.covers(image.project):
        raise Forbidden(f"You are not permitted to {verb} this image.")
    return image


def within_quota(tx: WriteTx, name: str, used: int, asked: int) -> None:
    try:
        tx.ensure_quota(name, used, asked)
    except QuotaExceeded as error:
        raise TooLarge(error.message) from error


def usable(tx: Tx, scope: Scope, image_id: str) -> Image:
    """For compute: an image a server may be made from."""
    image = store.find(tx, scope, image_id)
    if image is None:
        raise NotFound(f"Image {image_id[:64]} could not be found.")
    if image.status != Status.ACTIVE:
        raise Invalid(f"Image {image_id} is not active: its status is {image.status}.")
    if image.disk_format not in BOOTABLE or image.container_format != "bare":
        raise Invalid(f"Image {image_id} cannot be booted: servers start from bare images in format qcow2 or raw.")
    return image


def any_image(tx: Tx, image_id: str) -> Image | None:
    """For compute's reconciler; also images being deleted."""
    return store.any_image(tx, image_id)


def purge(db: Database, project: str) -> dict[str, list[str]]:
    """Asks for the end of all images of a project, protected ones too, and says which are left."""
    with db.write() as tx:
        left = store.any_of_project(tx, project)
        for image_id in left:
            store.any_end(tx, image_id)
            work.wake(tx, KIND, image_id)
        store.any_forget_member(tx, project)
    return {"image": [name or image_id for image_id, name in left.items()]} if left else {}
