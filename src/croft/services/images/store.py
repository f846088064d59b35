"""The tables of images and their members, and every statement on them."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from croft.core.db import Json, Tx, metadata
from croft.core.errors import Invalid
from croft.core.page import Page, after
from croft.core.policy import Scope
from croft.services.images.model import MIB, Filters, Image, Member, Status

_MARK = "\n"


class Tags(TypeDecorator[tuple[str, ...]]):
    """Tags in one text, each between line feeds, so that SQL finds one and a list of images needs one statement."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        return _MARK + "".join(tag + _MARK for tag in value) if value else ""

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> tuple[str, ...]:
        return tuple(value[1:-1].split(_MARK)) if value else ()


image = sa.Table(
    "images_image",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("name", sa.String(255), nullable=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("deleted", sa.BigInteger, nullable=True),
    sa.Column("visibility", sa.String(16), nullable=False, server_default="shared"),
    sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("protected", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("min_disk", sa.Integer, nullable=False, server_default="0"),
    sa.Column("min_ram", sa.Integer, nullable=False, server_default="0"),
    sa.Column("container_format", sa.String(16), nullable=True),
    sa.Column("disk_format", sa.String(16), nullable=True),
    sa.Column("tags", Tags, nullable=False),
    sa.Column("properties", Json, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=True),
    sa.Column("virtual_size", sa.BigInteger, nullable=True),
    sa.Column("checksum", sa.String(32), nullable=True),
    sa.Column("sha512", sa.String(128), nullable=True),
    sa.Column("staged", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("deactivated", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("upload", sa.String(36), nullable=False, server_default=""),
    sa.Column("until", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("lost", sa.BigInteger, nullable=True),
    sa.CheckConstraint("visibility IN ('public', 'community', 'shared', 'private')", name="visibility"),
    sa.CheckConstraint("min_disk >= 0 AND min_ram >= 0", name="minimum"),
    sa.CheckConstraint("size >= 0", name="size"),
    sa.Index("ix_images_image_project", "project"),
    sa.Index("ix_images_image_visibility", "visibility"),
)
member = sa.Table(
    "images_member",
    metadata,
    sa.Column(
        "image", sa.String(36), sa.ForeignKey("images_image.id", ondelete="CASCADE"), primary_key=True, nullable=False
    ),
    sa.Column("project", sa.String(255), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.CheckConstraint("status IN ('pending', 'accepted', 'rejected')", name="status"),
    sa.Index("ix_images_member_project", "project"),
)

_NOW = sa.bindparam("now", type_=sa.BigInteger)
_ME = sa.bindparam("me", type_=sa.String)
_ID = sa.bindparam("image_id", type_=sa.String)
_READ = sa.select(*image.c, _NOW)
_MINE = sa.and_(member.c.image == image.c.id, member.c.project == _ME)
_STATUS = sa.case(
    (sa.and_(image.c.size.is_(None), image.c.until > _NOW), Status.SAVING.value),
    (image.c.size.is_(None), Status.QUEUED.value),
    (image.c.lost.is_not(None), Status.KILLED.value),
    (image.c.staged.is_(sa.true()), Status.UPLOADING.value),
    (image.c.deactivated.is_(sa.true()), Status.DEACTIVATED.value),
    else_=Status.ACTIVE.value,
)
"""`Image.status` in SQL, to filter and to sort by it."""
_SORTABLE: dict[str, sa.ColumnElement[Any]] = {
    "name": sa.func.coalesce(image.c.name, ""),
    "status": _STATUS,
    "container_format": sa.func.coalesce(image.c.container_format, ""),
    "disk_format": sa.func.coalesce(image.c.disk_format, ""),
    "size": sa.func.coalesce(image.c.size, -1),
    "id": image.c.id,
    "created": image.c.created,
    "updated": image.c.updated,
}


def _own_or_public(member_status: str) -> sa.ColumnElement[bool]:
    shared = [image.c.visibility == "shared", member.c.project.is_not(None)]
    if member_status != "all":
        shared.append(member.c.status == member_status)
    return sa.or_(image.c.project == _ME, image.c.visibility == "public", sa.and_(*shared))


_ONE = _READ.where(image.c.id == _ID, image.c.deleted.is_(None))
_VISIBLE = _READ.outerjoin(member, _MINE).where(
    image.c.id == _ID,
    image.c.deleted.is_(None),
    sa.or_(
        image.c.project == _ME,
        image.c.visibility == "public",
        image.c.visibility == "community",
        sa.and_(image.c.visibility == "shared", member.c.project.is_not(None)),
    ),
)
_PLAIN = (
    _READ.outerjoin(member, _MINE)
    .where(image.c.deleted.is_(None), image.c.hidden.is_(sa.false()), _own_or_public("accepted"))
    .order_by(image.c.created.desc(), image.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_DEFAULTS = Filters()


def find(tx: Tx, scope: Scope, image_id: str) -> Image | None:
    """One that may be seen: own, public, community, or shared with the project in whatever state."""
    values = {"image_id": image_id, "now": tx.now, "me": scope.own}
    return tx.first(Image, _ONE if scope.project is None else _VISIBLE, values)


def page(tx: Tx, scope: Scope, filters: Filters, window: Page) -> list[Image]:
    """One page of a list; `Invalid` when the marker is not there."""
    values = {"now": tx.now, "me": scope.own}
    if filters == _DEFAULTS and not window.marker and scope.project is not None:
        return tx.all(Image, _PLAIN, values | {"most": window.limit})
    keys = [(_SORTABLE[name], descending) for name, descending in filters.order]
    statement = _READ.outerjoin(member, _MINE).where(image.c.deleted.is_(None), *_conditions(scope, filters))
    if window.marker:
        if find(tx, scope, window.marker) is None:
            raise Invalid(f"Marker image {window.marker[:64]} could not be found.")
        last = tx.rows(sa.select(*(key for key, _ in keys)).where(image.c.id == window.marker), values)[0]
        statement = statement.where(after(keys, list(last)))
    ordered = statement.order_by(*(key.desc() if descending else key.asc() for key, descending in keys))
    return tx.all(Image, ordered.limit(window.limit), values)


def _conditions(scope: Scope, filters: Filters) -> list[sa.ColumnElement[bool]]:
    found = [image.c.hidden.is_(sa.true() if filters.hidden else sa.false()), _seen(scope, filters)]
    for name, allowed in filters.among.items():
        found.append((_STATUS if name == "status" else image.c[name]).in_(allowed))
    for name, how, seconds in filters.times:
        found.append(getattr(operator, how)(image.c[name], seconds))
    if filters.size_min is not None:
        found.append(image.c.size >= filters.size_min)
    if filters.size_max is not None:
        found.append(image.c.size <= filters.size_max)
    tags = sa.type_coerce(image.c.tags, sa.Text)
    found += [_contains(tags, f"{_MARK}{tag}{_MARK}") for tag in filters.tags]
    properties = sa.type_coerce(image.c.properties, sa.Text)
    for name, value in filters.properties.items():
        # In compact JSON a quote inside a string is escaped, so `,"name":"value"` only ever is that pair.
        pair = msgspec.json.encode({name: value})[1:-1].decode()
        found.append(sa.or_(_contains(properties, "{" + pair), _contains(properties, "," + pair)))
    return found


def _contains(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Case-sensitive on both databases, which LIKE is not."""
    return sa.func.replace(column, text, "") != column


def _seen(scope: Scope, filters: Filters) -> sa.ColumnElement[bool]:
    """Others' community images are listed only when asked for."""
    asked = filters.visibility
    mine = _own_or_public(filters.member_status) if scope.project is not None else sa.true()
    if asked is None:
        return sa.and_(mine, sa.or_(image.c.visibility != "community", image.c.project == _ME))
    if asked == "all":
        return sa.or_(mine, image.c.visibility == "community")
    if asked == "community":
        return image.c.visibility == "community"
    return sa.and_(mine, image.c.visibility == asked)


def insert(tx: Tx, scope: Scope, values: Mapping[str, Any]) -> None:
    tx.run(_INSERT, values)


def change(tx: Tx, scope: Scope, image_id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of an image the scope covers."""
    statement = sa.update(image).where(image.c.id == image_id)
    if scope.project is not None:
        statement = statement.where(image.c.project == scope.project)
    tx.run(statement, dict(values) | {"updated": tx.now})


def count(tx: Tx, scope: Scope, project: str) -> int:
    return int(tx.scalar(_COUNT, {"me": project}))


def bytes_mib(tx: Tx, scope: Scope, project: str) -> int:
    """Space a project's images take, in MiB rounded up one by one; those being removed count until they are gone."""
    return int(tx.scalar(_BYTES, {"me": project}))


_INSERT = sa.insert(image)
_COUNT = sa.select(sa.func.count()).select_from(image).where(image.c.project == _ME)
_BYTES = sa.select(sa.func.coalesce(sa.func.sum((image.c.size + (MIB - 1)) // MIB), 0)).where(image.c.project == _ME)


def members(tx: Tx, scope: Scope, image_id: str) -> list[Member]:
    """All of an image's members for its owner, only itself for a member."""
    statement = sa.select(member).where(member.c.image == image_id).order_by(member.c.created, member.c.project)
    if scope.project is not None:
        owned = sa.exists().where(image.c.id == image_id, image.c.project == scope.project)
        statement = statement.where(sa.or_(owned, member.c.project == scope.project))
    return tx.all(Member, statement)


def add_member(tx: Tx, scope: Scope, values: Mapping[str, Any]) -> None:
    tx.run(sa.insert(member), values)


def answer_member(tx: Tx, scope: Scope, image_id: str, project: str, status: str) -> None:
    statement = sa.update(member).where(member.c.image == image_id, member.c.project == project)
    tx.run(statement, {"status": status, "updated": tx.now})


def drop_member(tx: Tx, scope: Scope, image_id: str, project: str) -> int:
    return tx.run(sa.delete(member).where(member.c.image == image_id, member.c.project == project))


_ANY = _READ.where(image.c.id == _ID)
_IDS = sa.select(image.c.id)
_HOLD = (
    sa.update(image)
    .where(image.c.id == _ID, image.c.deleted.is_(None), image.c.size.is_(None), image.c.until <= _NOW)
    .values(upload=sa.bindparam("token"), until=sa.bindparam("end"))
)
_STRETCH = (
    sa.update(image)
    .where(image.c.id == _ID, image.c.deleted.is_(None), image.c.upload == sa.bindparam("token"))
    .values(until=sa.bindparam("end"))
)
_LET_GO = sa.update(image).where(image.c.id == _ID, image.c.upload == sa.bindparam("token")).values(upload="", until=0)


def any_image(tx: Tx, image_id: str) -> Image | None:
    return tx.first(Image, _ANY, {"image_id": image_id, "now": tx.now})


def any_ids(tx: Tx) -> set[str]:
    """Of all images, those on their way out included."""
    return {row.id for row in tx.rows(_IDS)}


def any_hold(tx: Tx, image_id: str, token: str, seconds: int) -> bool:
    """Takes the lease on an image without bytes; False when another has it."""
    values = {"image_id": image_id, "now": tx.now, "token": token, "end": tx.now + seconds}
    return tx.run(_HOLD, values) == 1


def any_stretch(tx: Tx, image_id: str, token: str, seconds: int) -> bool:
    return tx.run(_STRETCH, {"image_id": image_id, "token": token, "end": tx.now + seconds}) == 1


def any_let_go(tx: Tx, image_id: str, token: str) -> None:
    tx.run(_LET_GO, {"image_id": image_id, "token": token})


def any_lost(tx: Tx, image_id: str, lost: int | None) -> None:
    tx.run(sa.update(image).where(image.c.id == image_id).values(lost=lost))


def any_drop(tx: Tx, image_id: str) -> None:
    tx.run(sa.delete(image).where(image.c.id == image_id))


def any_of_project(tx: Tx, project: str) -> dict[str, str | None]:
    """Id → name."""
    return {row.id: row.name for row in tx.rows(sa.select(image.c.id, image.c.name).where(image.c.project == project))}


def any_end(tx: Tx, image_id: str) -> None:
    tx.run(sa.update(image).where(image.c.id == image_id, image.c.deleted.is_(None)).values(deleted=tx.now))


def any_forget_member(tx: Tx, project: str) -> None:
    tx.run(sa.delete(member).where(member.c.project == project))
