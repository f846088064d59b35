"""Glance's documents: images, members, versions, JSON patches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec

from croft.core.clock import iso
from croft.core.errors import Invalid, UnsupportedMedia
from croft.core.http import Request
from croft.services.images.model import Change, Image, Member

_PATCH = "application/openstack-images-v2.1-json-patch"
_PATCH_2_0 = "application/openstack-images-v2.0-json-patch"
_NEWEST = 7
"""Minor version up to which all of Glance's API is here: uploads, patches, sharing, import, secure hashes, hiding."""


class Operation(msgspec.Struct, forbid_unknown_fields=True):
    op: Literal["add", "replace", "remove"]
    path: str
    value: Any = None


class MemberWish(msgspec.Struct, forbid_unknown_fields=True):
    member: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class MemberAnswer(msgspec.Struct, forbid_unknown_fields=True):
    status: str


class ImportMethod(msgspec.Struct):
    name: str


class ImportWish(msgspec.Struct):
    method: ImportMethod


def image(found: Image) -> dict[str, Any]:
    path = f"/v2/images/{found.id}"
    return {
        **found.properties,
        "id": found.id,
        "name": found.name,
        "status": found.status,
        "visibility": found.visibility,
        "protected": found.protected,
        "os_hidden": found.hidden,
        "owner": found.project or None,
        "container_format": found.container_format,
        "disk_format": found.disk_format,
        "min_disk": found.min_disk,
        "min_ram": found.min_ram,
        "size": found.size,
        "virtual_size": found.virtual_size,
        "checksum": found.checksum,
        "os_hash_algo": "sha512" if found.sha512 else None,
        "os_hash_value": found.sha512,
        "created_at": iso(found.created),
        "updated_at": iso(found.updated),
        "tags": found.tags,
        "self": path,
        "file": path + "/file",
        "schema": "/v2/schemas/image",
    }


def images(found: Iterable[Image], links: dict[str, str]) -> dict[str, Any]:
    return {"images": [image(each) for each in found], "schema": "/v2/schemas/images"} | links


def member(found: Member) -> dict[str, Any]:
    return {
        "image_id": found.image,
        "member_id": found.project,
        "status": found.status,
        "created_at": iso(found.created),
        "updated_at": iso(found.updated),
        "schema": "/v2/schemas/member",
    }


def members(found: Iterable[Member]) -> dict[str, Any]:
    return {"members": [member(each) for each in found], "schema": "/v2/schemas/members"}


def versions(base: str) -> dict[str, Any]:
    links = [{"rel": "self", "href": f"{base}/v2/"}]
    return {
        "versions": [
            {"id": f"v2.{minor}", "status": "CURRENT" if minor == _NEWEST else "SUPPORTED", "links": links}
            for minor in range(_NEWEST, -1, -1)
        ]
    }


def import_methods() -> dict[str, Any]:
    methods = {"description": "Import methods available.", "type": "array", "value": ["glance-direct"]}
    return {"import-methods": methods}


def patch(req: Request) -> list[Change]:
    """Both of Glance's patch types; each names the operation in its own way."""
    kind = req.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _PATCH:
        return [Change(each.op, _name(each.path), each.value) for each in req.decode(list[Operation])]
    if kind == _PATCH_2_0:
        return [_older(each) for each in req.decode(list[dict[str, Any]])]
    raise UnsupportedMedia(f"A patch of an image is sent as {_PATCH} (or the older {_PATCH_2_0}).")


def _older(operation: dict[str, Any]) -> Change:
    verbs: Sequence[Literal["add", "replace", "remove"]] = ("add", "replace", "remove")
    found = [verb for verb in verbs if verb in operation]
    if len(found) != 1 or not isinstance(operation[found[0]], str):
        raise Invalid("Each operation of a patch has exactly one of 'add', 'replace' and 'remove', with a path.")
    return Change(found[0], _name(operation[found[0]]), operation.get("value"), fresh=True)


def _name(pointer: str) -> str:
    """The one attribute a JSON pointer names; images have nothing deeper that may be patched."""
    if not pointer.startswith("/") or len(pointer) < 2:
        raise Invalid(f'Pointer `{pointer[:255]}` does not start with "/" and a name.')
    if "/" in pointer[1:] and not pointer.startswith("/locations/"):
        raise Invalid(f"Pointer `{pointer[:255]}` goes deeper than an image's attributes.")
    name = pointer[1:].partition("/")[0] if pointer.startswith("/locations/") else pointer[1:]
    if "~" in name.replace("~0", "").replace("~1", ""):
        raise Invalid(f'Pointer `{pointer[:255]}` contains "~" not part of a recognized escape sequence.')
    return name.replace("~1", "/").replace("~0", "~")
