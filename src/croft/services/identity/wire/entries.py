"""The catalog's regions, services and endpoints: bodies in, JSON out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from croft.services.identity.model import CatalogEndpoint, CatalogService, Region
from croft.services.identity.wire.shapes import Text, Text255

Interface = Literal["public", "internal", "admin"]
Url = Annotated[str, Meta(max_length=225, pattern=r"^[a-zA-Z0-9+.-]+:.+")]
RegionId = Annotated[str, Meta(min_length=1, max_length=255)]
MaybeEmptyId = Annotated[str, Meta(max_length=255)]
Type = Annotated[str, Meta(min_length=1, max_length=255)]
Json = dict[str, Any]


class NewService(Struct):
    type: Type
    name: Type | UnsetType = UNSET
    description: Text | None = None
    enabled: bool = True


class CreateService(Struct):
    service: NewService


class ServiceChange(Struct):
    type: Type | UnsetType = UNSET
    name: Type | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


class UpdateService(Struct):
    service: ServiceChange


class NewEndpoint(Struct):
    interface: Interface
    service_id: str
    url: Url
    enabled: bool = True
    region_id: RegionId | UnsetType | None = UNSET
    region: RegionId | UnsetType | None = UNSET
    name: Text255 | UnsetType = UNSET
    description: Text | None = None


class CreateEndpoint(Struct, forbid_unknown_fields=True):
    endpoint: NewEndpoint


class EndpointChange(Struct):
    interface: Interface | UnsetType = UNSET
    service_id: str | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    region_id: RegionId | UnsetType | None = UNSET
    region: RegionId | UnsetType | None = UNSET
    name: Text255 | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


class UpdateEndpoint(Struct, forbid_unknown_fields=True):
    endpoint: EndpointChange


class NewRegion(Struct):
    id: MaybeEmptyId | None = None
    parent_region_id: RegionId | None = None
    description: Text255 | None = None


class CreateRegion(Struct):
    region: NewRegion


class RegionChange(Struct):
    parent_region_id: RegionId | UnsetType | None = UNSET
    description: Text255 | UnsetType | None = UNSET


class UpdateRegion(Struct, forbid_unknown_fields=True):
    region: RegionChange


def service(row: CatalogService, base: str) -> Json:
    shown: Json = {"id": row.id, "type": row.type, "name": row.name, "enabled": row.enabled}
    if row.description is not None:
        shown["description"] = row.description
    return shown | {"links": {"self": f"{base}/services/{row.id}"}}


def endpoint(row: CatalogEndpoint, base: str) -> Json:
    shown: Json = {
        "id": row.id,
        "service_id": row.service,
        "interface": row.interface,
        "region": row.region,
        "region_id": row.region,
        "url": row.url,
        "enabled": row.enabled,
        "links": {"self": f"{base}/endpoints/{row.id}"},
    }
    named = {"name": row.name, "description": row.description}
    return shown | {key: value for key, value in named.items() if value is not None}


def region(row: Region, base: str) -> Json:
    return {
        "id": row.id,
        "parent_region_id": row.parent,
        "description": row.description,
        "links": {"self": f"{base}/regions/{row.id}"},
    }
