"""Endpoint groups, policies, consumers and domains' configuration: bodies in, JSON out."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from croft.services.identity.model.extras import Consumer, EndpointGroup, StoredPolicy
from croft.services.identity.wire.shapes import Name255, Text

Json = dict[str, Any]
Filters = dict[str, str | bool | None]
Type = Annotated[str, Meta(max_length=255)]
Blob = Annotated[str, Meta(max_length=65_535)]
Value = str | int | float | bool | None
Options = dict[str, Value]


class NewGroup(Struct, forbid_unknown_fields=True):
    name: Name255
    filters: Filters
    description: Text | None = None


class CreateGroup(Struct, forbid_unknown_fields=True):
    endpoint_group: NewGroup


class GroupChange(Struct, forbid_unknown_fields=True):
    name: Name255 | UnsetType = UNSET
    filters: Filters | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


class UpdateGroup(Struct, forbid_unknown_fields=True):
    endpoint_group: GroupChange


class NewPolicy(Struct):
    blob: Blob
    type: Type


class CreatePolicy(Struct):
    policy: NewPolicy


class PolicyChange(Struct):
    blob: Blob | UnsetType = UNSET
    type: Type | UnsetType = UNSET


class UpdatePolicy(Struct):
    policy: PolicyChange


class NewConsumer(Struct):
    description: Text | None = None


class CreateConsumer(Struct):
    consumer: NewConsumer


class ConsumerChange(Struct):
    description: Text | UnsetType | None = UNSET
    secret: Any = UNSET


class UpdateConsumer(Struct):
    consumer: ConsumerChange


class PutConfig(Struct):
    config: dict[str, Options]


class UpdateOption(Struct):
    config: Options


def endpoint_group(row: EndpointGroup, base: str) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "filters": row.filters,
        "links": {"self": f"{base}/OS-EP-FILTER/endpoint_groups/{row.id}"},
    }


def group_in_project(group: str, project: str, base: str) -> Json:
    here = f"{base}/OS-EP-FILTER/endpoint_groups/{group}/projects/{project}"
    return {"endpoint_group_id": group, "project_id": project, "links": {"self": here}}


def policy(row: StoredPolicy, base: str) -> Json:
    shown = {"id": row.id, "type": row.type, "blob": row.blob, "links": {"self": f"{base}/policies/{row.id}"}}
    return {**row.extra, **shown}


def consumer(row: Consumer, base: str) -> Json:
    place = {"self": f"{base}/OS-OAUTH1/consumers/{row.id}"}
    return {**row.extra, "id": row.id, "description": row.description, "links": place}
