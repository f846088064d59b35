"""The JSON schemas that `/v2/schemas` publishes."""

from __future__ import annotations

from typing import Any

from croft.services.images.model import CONTAINER_FORMATS, DISK_FORMATS, Status

_UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"


def _field(kind: str | list[str], says: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "description": says} | more


def _read(kind: str | list[str], says: str, **more: Any) -> dict[str, Any]:
    return _field(kind, says, readOnly=True, **more)


_TEXT, _NUMBER = ["null", "string"], ["null", "integer"]
_IMAGE_PROPERTIES = {
    "id": _field("string", "An identifier for the image", pattern=_UUID),
    "name": _field(_TEXT, "What people call the image", maxLength=255),
    "status": _read("string", "State of the image", enum=[status.value for status in Status]),
    "visibility": _field("string", "Who may see it", enum=["community", "public", "private", "shared"]),
    "protected": _field("boolean", "If true, the image cannot be deleted"),
    "os_hidden": _field("boolean", "If true, the image is left out of lists unless asked for"),
    "checksum": _read(_TEXT, "MD5 of the data", maxLength=32),
    "os_hash_algo": _read(_TEXT, "Algorithm of os_hash_value", maxLength=64),
    "os_hash_value": _read(_TEXT, "Digest of the data", maxLength=128),
    "owner": _field(_TEXT, "Project that owns the image", maxLength=255),
    "size": _read(_NUMBER, "Size of the data in bytes"),
    "virtual_size": _read(_NUMBER, "Size of the disk in bytes"),
    "container_format": _field(_TEXT, "Format of the container", enum=[None, *CONTAINER_FORMATS]),
    "disk_format": _field(_TEXT, "Format of the disk", enum=[None, *DISK_FORMATS]),
    "created_at": _read("string", "When the image was made"),
    "updated_at": _read("string", "When its record last changed"),
    "tags": _field("array", "Words attached to it", items={"type": "string", "maxLength": 255}),
    "direct_url": _read("string", "Never given"),
    "min_ram": _field("integer", "RAM in MiB a server needs"),
    "min_disk": _field("integer", "Disk in GiB a server needs"),
    "self": _read("string", "Path of the image"),
    "file": _read("string", "Path of its data"),
    "schema": _read("string", "Path of this schema"),
}
_MEMBER_PROPERTIES = {
    "member_id": _field("string", "The project the image is shared with"),
    "image_id": _field("string", "The image", pattern=_UUID),
    "created_at": _field("string", "When it was shared"),
    "updated_at": _field("string", "When the member last answered"),
    "status": _field("string", "The member's answer", enum=["pending", "accepted", "rejected"]),
    "schema": _read("string", "Path of this schema"),
}


def _collection(name: str, item: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: {"type": "array", "items": item},
        "first": {"type": "string"},
        "next": {"type": "string"},
        "schema": {"type": "string"},
    }
    links = [{"rel": "first", "href": "{first}"}, {"rel": "next", "href": "{next}"}]
    return {"name": name, "properties": properties, "links": [*links, {"rel": "describedby", "href": "{schema}"}]}


IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": _IMAGE_PROPERTIES,
    "additionalProperties": {"type": "string"},
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}
MEMBER: dict[str, Any] = {"name": "member", "properties": _MEMBER_PROPERTIES}
SCHEMAS = {
    "image": IMAGE,
    "images": _collection("images", IMAGE),
    "member": MEMBER,
    "members": _collection("members", MEMBER),
}
