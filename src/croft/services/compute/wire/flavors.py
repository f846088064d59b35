"""Flavors and key pairs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

from croft.core.clock import iso_bare
from croft.core.errors import Invalid
from croft.core.http import Version
from croft.services.compute.model import Flavor, KeyPair
from croft.services.compute.wire.parse import at, given, number, since, truth

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Description = Annotated[str, Meta(max_length=65535)]
Size = int | str
Truth = bool | str


class NewFlavor(Struct, forbid_unknown_fields=True):
    name: Name
    ram: Size
    vcpus: Size
    disk: Size
    id: str | int | float | UnsetType | None = UNSET
    ephemeral: Size | UnsetType = field(name="OS-FLV-EXT-DATA:ephemeral", default=UNSET)
    swap: Size | UnsetType = UNSET
    rxtx_factor: float | str | UnsetType = UNSET
    is_public: Truth | UnsetType = field(name="os-flavor-access:is_public", default=UNSET)
    description: Description | UnsetType | None = UNSET


class FlavorChange(Struct, forbid_unknown_fields=True):
    description: Description | None


class UpdateFlavor(Struct, forbid_unknown_fields=True):
    flavor: FlavorChange


class CreateFlavor(Struct, forbid_unknown_fields=True):
    flavor: NewFlavor


class ExtraSpecs(Struct, forbid_unknown_fields=True):
    extra_specs: dict[str, str | int | float]


class Tenant(Struct, forbid_unknown_fields=True):
    tenant: Name


class AddAccess(Struct, forbid_unknown_fields=True):
    access: Tenant = field(name="addTenantAccess")


class RemoveAccess(Struct, forbid_unknown_fields=True):
    access: Tenant = field(name="removeTenantAccess")


class NewKeyPair(Struct, forbid_unknown_fields=True):
    name: Name
    public_key: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    user_id: str | UnsetType = UNSET


class CreateKeyPair(Struct, forbid_unknown_fields=True):
    keypair: NewKeyPair


_ID = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789. _-")


def flavor_wish(body: CreateFlavor, version: Version) -> Flavor:
    asked = body.flavor
    since(version, asked, {"description": 55}, "flavor")
    return Flavor(
        id=_flavor_id(asked.id),
        name=asked.name,
        vcpus=number(asked.vcpus, "vcpus", 1),
        memory_mib=number(asked.ram, "ram", 1),
        disk_gib=number(asked.disk, "disk"),
        ephemeral_gib=number(asked.ephemeral, "OS-FLV-EXT-DATA:ephemeral"),
        swap_mib=number(asked.swap, "swap"),
        rxtx_factor=_factor(1.0 if isinstance(asked.rxtx_factor, UnsetType) else asked.rxtx_factor),
        is_public=truth(asked.is_public, "os-flavor-access:is_public", default=True),
        description=given(asked.description, None),
    )


def _flavor_id(id: str | int | float | UnsetType | None) -> str:
    if id is None or id is UNSET or id == "auto":
        return ""
    text = str(id)
    if not text or len(text) > 255 or text != text.strip() or set(text) - _ID:
        raise Invalid(
            "Invalid input for field/attribute id. An ID has 1 to 255 letters, digits, spaces, '.', '_' and '-', and "
            "no space at either end."
        )
    return text


def _factor(value: float | str) -> str:
    try:
        number = float(value)
    except ValueError:
        raise Invalid("Invalid input for field/attribute rxtx_factor. It is not a number.") from None
    if not 0 < number <= 3.40282e38:
        raise Invalid("Invalid input for field/attribute rxtx_factor. It must be above 0.")
    return str(number)


def specs(body: ExtraSpecs) -> dict[str, str]:
    return {key: str(value) for key, value in body.extra_specs.items()}


def flavor_links(base: str, id: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{base}/v2.1/flavors/{id}"},
        {"rel": "bookmark", "href": f"{base}/flavors/{id}"},
    ]


def flavor_brief(flavor: Flavor, base: str, version: Version) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": flavor.id, "name": flavor.name, "links": flavor_links(base, flavor.id)}
    return shown | ({"description": flavor.description} if version >= at(55) else {})


def flavor_detail(flavor: Flavor, base: str, version: Version) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": flavor.id,
        "name": flavor.name,
        "ram": flavor.memory_mib,
        "disk": flavor.disk_gib,
        "swap": flavor.swap_mib or (0 if version >= at(75) else ""),
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gib,
        "OS-FLV-DISABLED:disabled": False,
        "vcpus": flavor.vcpus,
        "os-flavor-access:is_public": flavor.is_public,
        "rxtx_factor": float(flavor.rxtx_factor),
        "links": flavor_links(base, flavor.id),
    }
    if version >= at(55):
        shown["description"] = flavor.description
    if version >= at(61):
        shown["extra_specs"] = flavor.extra_specs
    return shown


def keypair_wish(body: CreateKeyPair, version: Version) -> tuple[str, str, str | None, str]:
    """(name, type, public key, user)"""
    asked = body.keypair
    since(version, asked, {"type": 2, "user_id": 10}, "keypair")
    kind = given(asked.type, "ssh")
    if kind not in {"ssh", "x509"}:
        raise Invalid("Invalid input for field/attribute type. It must be 'ssh' or 'x509'.")
    public_key = asked.public_key if isinstance(asked.public_key, str) else None
    return asked.name, kind, public_key, given(asked.user_id, "")


def keypair(found: KeyPair, version: Version) -> dict[str, Any]:
    """One of a list."""
    shown = {"name": found.name, "public_key": found.public_key, "fingerprint": found.fingerprint}
    return shown | ({"type": found.type} if version >= at(2) else {})


def keypair_made(found: KeyPair, private: str, version: Version) -> dict[str, Any]:
    shown = keypair(found, version) | {"user_id": found.user}
    return shown | ({"private_key": private} if private else {})


def keypair_detail(found: KeyPair, version: Version) -> dict[str, Any]:
    return keypair(found, version) | {
        "user_id": found.user,
        "id": found.number,
        "created_at": iso_bare(found.created),
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }


def access(flavor: str, projects: list[str]) -> Mapping[str, Any]:
    return {"flavor_access": [{"flavor_id": flavor, "tenant_id": project} for project in projects]}
