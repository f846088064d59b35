"""Bodies of people, places and roles as clients send them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from croft.core.errors import Invalid

Name64 = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\S")]
Name255 = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
Text255 = Annotated[str, Meta(max_length=255)]
Text = Annotated[str, Meta(max_length=65_535)]
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9-]+$")]
AnyId = Annotated[str, Meta(max_length=64)]
Tag = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^,/]*$")]
Tags = Annotated[list[Tag], Meta(max_length=80)]
Password = Annotated[str, Meta(max_length=4096)]
Flag = bool | str
_TRUE = frozenset({"true", "1", "y", "on", "yes"})
_FALSE = frozenset({"false", "", "0", "n", "off", "no"})


def flag(value: Flag | UnsetType, otherwise: bool) -> bool:
    """Keystone takes `"True"`, `"on"`, `"0"` and the like for a boolean."""
    if value is UNSET:
        return otherwise
    if isinstance(value, bool):
        return value
    assert isinstance(value, str)
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise Invalid(f"'{value[:20]}' is neither true nor false.")


def given(**values: Any) -> dict[str, Any]:
    """Only what was sent."""
    return {name: value for name, value in values.items() if value is not UNSET}


def beyond(content: bytes, key: str, shape: type[Struct]) -> dict[str, Any]:
    """What was sent beyond the shape. Keystone keeps such words with users and projects, and so do we."""
    known = {field.encode_name for field in msgspec.structs.fields(shape)} | {"id", "links", "extra"}
    sent = msgspec.json.decode(content)[key]
    return {name: value for name, value in sent.items() if name not in known}


class ResourceOptions(Struct, forbid_unknown_fields=True):
    immutable: bool | UnsetType | None = UNSET


_Method = Annotated[str, Meta(min_length=1, max_length=64)]
_MethodRule = Annotated[list[_Method], Meta(min_length=1, max_length=16)]


class UserOptions(Struct, forbid_unknown_fields=True):
    ignore_change_password_upon_first_use: bool | UnsetType | None = UNSET
    ignore_password_expiry: bool | UnsetType | None = UNSET
    ignore_lockout_failure_attempts: bool | UnsetType | None = UNSET
    lock_password: bool | UnsetType | None = UNSET
    ignore_user_inactivity: bool | UnsetType | None = UNSET
    multi_factor_auth_rules: Annotated[list[_MethodRule], Meta(max_length=32)] | UnsetType | None = UNSET
    multi_factor_auth_enabled: bool | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        asked = self.multi_factor_auth_rules
        if not isinstance(asked, list):
            return
        if any(rule in asked[:at] or len({*rule}) < len(rule) for at, rule in enumerate(asked)):
            raise ValueError("multi_factor_auth_rules names a rule, or a method in a rule, twice")


def options(sent: Struct | UnsetType, before: dict[str, Any]) -> dict[str, Any]:
    """Options after a change: null takes one away."""
    if sent is UNSET:
        return before
    after = before | msgspec.to_builtins(sent)
    return {name: value for name, value in after.items() if value is not None}


class NewProject(Struct):
    name: Name64
    domain_id: Id | None = None
    parent_id: Id | None = None
    description: Text | UnsetType | None = UNSET
    enabled: Flag | UnsetType = UNSET
    is_domain: Flag | UnsetType = UNSET
    tags: Tags = msgspec.field(default_factory=list)
    options: ResourceOptions | UnsetType = UNSET
    slug: UnsetType = UNSET
    """Not for anybody to choose: any value is refused."""


class CreateProject(Struct, forbid_unknown_fields=True):
    project: NewProject


class ProjectChange(Struct):
    name: Name64 | UnsetType = UNSET
    domain_id: Id | UnsetType | None = UNSET
    parent_id: Id | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    enabled: Flag | UnsetType = UNSET
    is_domain: Flag | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    options: ResourceOptions | UnsetType = UNSET
    slug: str | UnsetType | None = UNSET


class UpdateProject(Struct, forbid_unknown_fields=True):
    project: ProjectChange


class UpdateTags(Struct, forbid_unknown_fields=True):
    tags: Tags


class NewDomain(Struct):
    name: Name64
    explicit_domain_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")] | UnsetType = UNSET
    description: Text255 | UnsetType | None = UNSET
    enabled: Flag | UnsetType = UNSET
    tags: Tags = msgspec.field(default_factory=list)
    options: ResourceOptions | UnsetType = UNSET


class CreateDomain(Struct, forbid_unknown_fields=True):
    domain: NewDomain


class DomainChange(Struct):
    name: Name64 | UnsetType = UNSET
    description: Text255 | UnsetType | None = UNSET
    enabled: Flag | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    options: ResourceOptions | UnsetType = UNSET


class UpdateDomain(Struct, forbid_unknown_fields=True):
    domain: DomainChange


class NewUser(Struct):
    name: Name255
    domain_id: Id | UnsetType = UNSET
    default_project_id: AnyId | None = None
    description: Text | None = None
    enabled: Flag | UnsetType = UNSET
    password: Password | None = None
    options: UserOptions | UnsetType = UNSET
    federated: Annotated[list[Any], Meta(max_length=0)] | UnsetType = UNSET


class CreateUser(Struct, forbid_unknown_fields=True):
    user: NewUser


class UserChange(Struct):
    name: Name255 | UnsetType = UNSET
    domain_id: Id | UnsetType = UNSET
    default_project_id: AnyId | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    enabled: Flag | UnsetType = UNSET
    password: Password | UnsetType | None = UNSET
    options: UserOptions | UnsetType = UNSET
    federated: Annotated[list[Any], Meta(max_length=0)] | UnsetType = UNSET
    password_expires_at: UnsetType | None = UNSET


class UpdateUser(Struct, forbid_unknown_fields=True):
    user: UserChange


class OwnPassword(Struct):
    password: Password
    original_password: Password


class UpdatePassword(Struct):
    user: OwnPassword


class NewGroup(Struct):
    name: Name255
    domain_id: Id | UnsetType = UNSET
    description: Text | None = ""


class CreateGroup(Struct, forbid_unknown_fields=True):
    group: NewGroup


class GroupChange(Struct):
    name: Name255 | UnsetType = UNSET
    domain_id: Id | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


class UpdateGroup(Struct, forbid_unknown_fields=True):
    group: GroupChange


class NewRole(Struct):
    name: Name255
    domain_id: Id | None = None
    description: Text | None = None
    options: ResourceOptions | UnsetType = UNSET


class CreateRole(Struct, forbid_unknown_fields=True):
    role: NewRole


class RoleChange(Struct):
    name: Name255 | UnsetType = UNSET
    domain_id: Id | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    options: ResourceOptions | UnsetType = UNSET


class UpdateRole(Struct, forbid_unknown_fields=True):
    role: RoleChange
