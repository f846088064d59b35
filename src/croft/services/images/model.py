"""What an image is: its row, its derived status, and the rules for its attributes and its bytes.

An image's bytes never change once they are there, so it has no generations: there is nothing to bring in line but
presence. An upload in progress is a lease that runs out by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from croft.core.errors import Conflict, CroftError, Forbidden, Invalid, TooLarge, UnsupportedMedia
from croft.core.ids import is_uuid
from croft.drivers.imagestore import Stored

CONTAINER_FORMATS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
DISK_FORMATS = ("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso")
BOOTABLE = frozenset({"qcow2", "raw"})
"""Disk formats that a server's disk can be made from."""
LEASE = 120
"""Seconds an upload may be silent before its image is free for another."""
LAST_LEASE = 600
"""Seconds the store may take to make a finished stream durable."""
MOST_PROPERTIES = MOST_TAGS = MOST_MEMBERS = 128
MOST_TEXT = 65_535
MIB = 1 << 20
_UNSTRUCTURED = frozenset({"ami", "ari", "aki"})
_PLAIN_CONTAINERS = frozenset({"bare", "ami", "ari", "aki"})


class RangeNotSatisfiable(CroftError):
    status = 416
    title = "Requested Range Not Satisfiable"


class Status(StrEnum):
    """Glance's words. `killed`: the bytes were there and are lost."""

    QUEUED = "queued"
    SAVING = "saving"
    UPLOADING = "uploading"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    KILLED = "killed"


class Image(msgspec.Struct, frozen=True):
    """One row, read at `at`. `upload` names the upload that holds the lease `until`; `lost`: when bytes were missed."""

    id: str
    project: str
    name: str | None
    created: int
    updated: int
    deleted: int | None
    visibility: str
    hidden: bool
    protected: bool
    min_disk: int
    """GiB"""
    min_ram: int
    """MiB"""
    container_format: str | None
    disk_format: str | None
    tags: tuple[str, ...]
    properties: dict[str, str]
    size: int | None
    virtual_size: int | None
    checksum: str | None
    sha512: str | None
    staged: bool
    deactivated: bool
    upload: str
    until: int
    lost: int | None
    at: int

    @property
    def status(self) -> Status:
        if self.size is None:
            return Status.SAVING if self.until > self.at else Status.QUEUED
        if self.lost is not None:
            return Status.KILLED
        if self.staged:
            return Status.UPLOADING
        return Status.DEACTIVATED if self.deactivated else Status.ACTIVE


class Member(msgspec.Struct, frozen=True):
    image: str
    project: str
    status: str
    created: int
    updated: int


class Filters(msgspec.Struct, frozen=True):
    """What a list is narrowed to. `among` maps columns to allowed values, `times` holds (column, operator, seconds)."""

    among: dict[str, tuple[Any, ...]] = {}
    times: tuple[tuple[str, str, int], ...] = ()
    size_min: int | None = None
    size_max: int | None = None
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    visibility: str | None = None
    member_status: str = "accepted"
    hidden: bool = False
    order: tuple[tuple[str, bool], ...] = (("created", True), ("id", True))
    """(column, descending), the id last."""


class Change(msgspec.Struct, frozen=True):
    """One operation of a JSON patch. With `fresh`, adding what exists is refused (the older patch type)."""

    verb: Literal["add", "replace", "remove"]
    name: str
    value: Any = None
    fresh: bool = False


_Text = Annotated[str, msgspec.Meta(max_length=255)]
_Project = Annotated[str, msgspec.Meta(max_length=64)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+\Z")]
_Property = Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]
_ATTRIBUTES: dict[str, tuple[str, Any]] = {
    "id": ("id", str),
    "name": ("name", _Text | None),
    "owner": ("project", _Project | None),
    "visibility": ("visibility", Literal["public", "community", "shared", "private"]),
    "os_hidden": ("hidden", bool),
    "protected": ("protected", bool),
    "min_disk": ("min_disk", _Count),
    "min_ram": ("min_ram", _Count),
    "container_format": ("container_format", Literal[CONTAINER_FORMATS] | None),
    "disk_format": ("disk_format", Literal[DISK_FORMATS] | None),
    "tags": ("tags", list[Tag]),
}
_READ_ONLY = frozenset(
    [
        "created_at",
        "updated_at",
        "status",
        "checksum",
        "size",
        "virtual_size",
        "os_hash_algo",
        "os_hash_value",
        "stores",
    ]
)
_RESERVED = frozenset({"direct_url", "self", "file", "schema", "locations", "deleted", "deleted_at", "is_public"})
_AFTER_QUEUED = frozenset({"container_format", "disk_format"})


def created(body: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a new image as a request wishes them; refused as a whole when one wish is."""
    values: dict[str, Any] = {"properties": {}, "tags": ()}
    for name, value in body.items():
        _settable(name)
        _put(values, name, value)
    if "id" in values:
        values["id"] = values["id"].lower()
        if not is_uuid(values["id"]):
            raise Invalid(f"Invalid image id format: {body['id'][:64]}")
    _bounded(values)
    return values


def changed(image: Image, changes: Iterable[Change]) -> dict[str, Any]:
    """The columns that a patch leaves different."""
    values: dict[str, Any] = {"properties": dict(image.properties), "tags": image.tags}
    for change in changes:
        _settable(change.name, creating=False)
        attribute = change.name in _ATTRIBUTES
        there = attribute or change.name in values["properties"]
        if change.name in _AFTER_QUEUED and image.size is not None:
            raise Forbidden(f"Attribute '{change.name}' can be changed only while the image is queued.")
        if change.verb == "add" and change.fresh and there:
            raise Conflict(f"Property {change.name} already present.")
        if change.verb != "add" and not there:
            raise Conflict(f"Property {change.name} does not exist.")
        if change.verb != "remove":
            _put(values, change.name, change.value)
        elif attribute:
            raise Forbidden(f"Property {change.name} may not be removed.")
        else:
            del values["properties"][change.name]
    _bounded(values)
    return {name: value for name, value in values.items() if value != getattr(image, name)}


def _settable(name: str, *, creating: bool = True) -> None:
    if name in _READ_ONLY or (name == "id" and not creating):
        raise Forbidden(f"Attribute '{name}' is read-only.")
    if name in _RESERVED or name.startswith("os_glance_"):
        raise Forbidden(f"Attribute '{name}' is reserved.")


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    column, shape = _ATTRIBUTES.get(name, ("", _Property))
    try:
        value = msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise Invalid(f"Provided object does not match schema 'image': {name[:255]}: {error}") from error
    if not column:
        if not 0 < len(name) <= 255:
            raise Invalid("Provided object does not match schema 'image': a property's name has 1 to 255 characters.")
        values["properties"][name] = value
    elif name == "tags":
        values["tags"] = tuple(dict.fromkeys(value))
    else:
        values[column] = value or "" if name == "owner" else value


def _bounded(values: Mapping[str, Any]) -> None:
    for what, most in (("properties", MOST_PROPERTIES), ("tags", MOST_TAGS)):
        if len(values[what]) > most:
            raise TooLarge(f"The limit has been exceeded on the number of allowed image {what}: at most {most}.")


def check_formats(image: Image) -> None:
    """Both formats must be known before bytes are taken."""
    missing = [name for name in ("disk_format", "container_format") if getattr(image, name) is None]
    if missing:
        raise Invalid(f"Properties {', '.join(missing)} must be set prior to saving data.")


def check_bytes(image: Image, stored: Stored, said: int | None) -> None:
    """Refuses bytes that are dangerous, cut short, or not what the image says they are."""
    if said is not None and said != stored.size:
        raise Invalid(f"The upload was announced as {said} bytes, but {stored.size} came.")
    if stored.unsafe:
        raise Invalid(f"The image's content is refused: {stored.unsafe}")
    expected = "raw" if image.disk_format in _UNSTRUCTURED else image.disk_format
    if image.container_format in _PLAIN_CONTAINERS and stored.format != expected:
        raise UnsupportedMedia(
            f"The image is declared as {image.disk_format}, but its content is {stored.format}. "
            "Set disk_format to what the content is, or upload what was declared."
        )


def in_mib(size: int) -> int:
    """Rounded up, as quota counts it."""
    return -(-size // MIB)
