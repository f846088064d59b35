"""Unified limits: bodies in, JSON out."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from croft.services.identity.model.limits import Limit, RegisteredLimit
from croft.services.identity.wire.shapes import Name255, Text

AnyId = Annotated[str, Meta(min_length=1, max_length=255)]
Value = Annotated[int, Meta(ge=-1, le=2**31 - 1)]
Json = dict[str, Any]
MOST = 1000


class NewRegistered(Struct, forbid_unknown_fields=True):
    service_id: AnyId
    resource_name: Name255
    default_limit: Value
    region_id: AnyId | None = None
    description: Text | None = None


class CreateRegistered(Struct, forbid_unknown_fields=True):
    registered_limits: Annotated[list[NewRegistered], Meta(min_length=1, max_length=MOST)]


class RegisteredChange(Struct, forbid_unknown_fields=True):
    service_id: AnyId | UnsetType = UNSET
    resource_name: Name255 | UnsetType = UNSET
    default_limit: Value | UnsetType = UNSET
    region_id: AnyId | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET


class UpdateRegistered(Struct, forbid_unknown_fields=True):
    registered_limit: RegisteredChange


class NewLimit(Struct, forbid_unknown_fields=True):
    service_id: AnyId
    resource_name: Name255
    resource_limit: Value
    region_id: AnyId | None = None
    project_id: AnyId | UnsetType | None = UNSET
    domain_id: AnyId | UnsetType | None = UNSET
    description: Text | None = None


class CreateLimits(Struct, forbid_unknown_fields=True):
    limits: Annotated[list[NewLimit], Meta(min_length=1, max_length=MOST)]


class LimitChange(Struct, forbid_unknown_fields=True):
    resource_limit: Value | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


class UpdateLimit(Struct, forbid_unknown_fields=True):
    limit: LimitChange


def registered(row: RegisteredLimit, base: str) -> Json:
    return {
        "id": row.id,
        "service_id": row.service,
        "region_id": row.region or None,
        "resource_name": row.resource,
        "default_limit": row.value,
        "description": row.description,
        "links": {"self": f"{base}/registered_limits/{row.id}"},
    }


def limit(row: Limit, base: str) -> Json:
    return {
        "id": row.id,
        "project_id": None if row.is_domain else row.target,
        "domain_id": row.target if row.is_domain else None,
        "service_id": row.service,
        "region_id": row.region or None,
        "resource_name": row.resource,
        "resource_limit": row.value,
        "description": row.description,
        "links": {"self": f"{base}/limits/{row.id}"},
    }
