"""Sharing: an owner names projects, each of which accepts or rejects for itself."""

from __future__ import annotations

from croft.core.ctx import Ctx, ReadTx
from croft.core.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from croft.services.images import store
from croft.services.images.actions.images import own, visible
from croft.services.images.model import MOST_MEMBERS, Image, Member

_ANSWERS = ("pending", "accepted", "rejected")


def list_members(ctx: Ctx, image_id: str) -> list[Member]:
    with ctx.read("images.member.list") as tx:
        _shared(visible(tx, image_id))
        return store.members(tx, tx.scope, image_id)


def show_member(ctx: Ctx, image_id: str, project: str) -> Member:
    with ctx.read("images.member.show") as tx:
        visible(tx, image_id)
        return _member(tx, image_id, project)


def create_member(ctx: Ctx, image_id: str, project: str) -> Member:
    with ctx.write("images.member.create") as tx:
        image = own(tx, image_id, "share")
        _shared(image)
        there = store.members(tx, tx.scope, image_id)
        if any(each.project == project for each in there):
            raise Conflict(f"Image member {project} already exists for image {image_id}.")
        if len(there) >= MOST_MEMBERS:
            raise TooLarge(
                f"The limit has been exceeded on the number of allowed image members: at most {MOST_MEMBERS}."
            )
        member = Member(image_id, project, "pending", tx.now, tx.now)
        store.add_member(tx, tx.scope, {name: getattr(member, name) for name in member.__struct_fields__})
        tx.audit(image_id, image.name or "")
        return member


def update_member(ctx: Ctx, image_id: str, project: str, status: str) -> Member:
    """Accepting is the member's own affair, not the owner's."""
    if status not in _ANSWERS:
        raise Invalid(f"Expected a status from {', '.join(_ANSWERS)}, not '{status[:40]}'.")
    with ctx.write("images.member.update") as tx:
        image = visible(tx, image_id)
        _member(tx, image_id, project)
        if not tx.scope.covers(project):
            raise Forbidden("You are not permitted to modify the status of this image member.")
        store.answer_member(tx, tx.scope, image_id, project, status)
        tx.audit(image_id, image.name or "")
        return _member(tx, image_id, project)


def delete_member(ctx: Ctx, image_id: str, project: str) -> None:
    with ctx.write("images.member.delete") as tx:
        image = own(tx, image_id, "share")
        _shared(image)
        if not store.drop_member(tx, tx.scope, image_id, project):
            raise NotFound(f"{project[:64]} is not a member of image {image_id}.")
        tx.audit(image_id, image.name or "")


def _shared(image: Image) -> None:
    if image.visibility != "shared":
        raise Forbidden("Only shared images have members.")


def _member(tx: ReadTx, image_id: str, project: str) -> Member:
    for each in store.members(tx, tx.scope, image_id):
        if each.project == project:
            return each
    raise NotFound(f"{project[:64]} is not a member of image {image_id}.")
