"""Application credentials, access rules, EC2-like credentials and trusts: bodies in, JSON out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from croft.core.clock import iso_bare, iso_micro
from croft.services.identity.model import AccessRule, ApplicationCredential, Credential, Role, Trust
from croft.services.identity.wire.resources import role_brief
from croft.services.identity.wire.shapes import Id, Name255, Password, Text

Method = Literal["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]
Json = dict[str, Any]


class RoleRef(Struct, forbid_unknown_fields=True):
    id: Id | None = None
    name: Name255 | None = None


class AccessRuleRef(Struct):
    id: Id | None = None
    service: Id | None = None
    method: Method | None = None
    path: Annotated[str, Meta(max_length=225, pattern=r"^/")] | None = None


class NewApplicationCredential(Struct, forbid_unknown_fields=True):
    name: Name255
    id: str | None = None
    description: Text | None = None
    secret: Password | None = None
    expires_at: str | None = None
    project_id: str | None = None
    roles: Annotated[list[RoleRef], Meta(max_length=100)] = msgspec.field(default_factory=list)
    """None picked: all that are held."""
    unrestricted: bool | None = None
    access_rules: Annotated[list[AccessRuleRef], Meta(max_length=100)] = msgspec.field(default_factory=list)
    """None given: every request is allowed, as in Keystone; its client sends an empty list."""
    system: None = None


class CreateApplicationCredential(Struct, forbid_unknown_fields=True):
    application_credential: NewApplicationCredential


class NewCredential(Struct):
    type: Annotated[str, Meta(min_length=1, max_length=255)]
    blob: Annotated[str, Meta(max_length=65_535)]
    user_id: str
    project_id: str | None = None


class CreateCredential(Struct):
    credential: NewCredential


class CredentialChange(Struct, forbid_unknown_fields=True):
    blob: Annotated[str, Meta(max_length=65_535)]
    type: str | UnsetType = UNSET
    user_id: str | UnsetType = UNSET
    project_id: str | UnsetType | None = UNSET


class UpdateCredential(Struct):
    credential: CredentialChange


class NewEc2(Struct):
    tenant_id: str


class NewTrust(Struct, forbid_unknown_fields=True):
    trustor_user_id: str
    trustee_user_id: str
    impersonation: bool
    project_id: str
    roles: Annotated[list[RoleRef], Meta(min_length=1, max_length=100)]
    expires_at: str | None = None
    remaining_uses: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    allow_redelegation: bool | None = None
    redelegation_count: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None


class CreateTrust(Struct, forbid_unknown_fields=True):
    trust: NewTrust


def application_credential(
    row: ApplicationCredential, held: Sequence[Role], rules: Sequence[AccessRule] | None, base: str
) -> Json:
    shown = {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "user_id": row.user,
        "project_id": row.project,
        "system": None,
        "roles": [
            {"id": role.id, "name": role.name, "domain_id": None, "description": role.description} for role in held
        ],
        "unrestricted": row.unrestricted,
        "expires_at": _moment(row.expires_micro),
        "links": {"self": f"{base}/users/{row.user}/application_credentials/{row.id}"},
    }
    if rules is not None:
        shown["access_rules"] = [_rule(rule) for rule in rules]
    return shown


def _moment(micro: int | None) -> str | None:
    """As it was asked for, to the microsecond."""
    if micro is None:
        return None
    seconds, rest = divmod(micro, 1_000_000)
    return f"{iso_bare(seconds)[:-6]}{rest:06}"


def _rule(row: AccessRule) -> Json:
    return {"id": row.id, "service": row.service, "method": row.method, "path": row.path}


def access_rule(row: AccessRule, base: str) -> Json:
    return _rule(row) | {"links": {"self": f"{base}/users/{row.user}/access_rules/{row.id}"}}


def credential(row: Credential, base: str) -> Json:
    return {
        "id": row.id,
        "user_id": row.user,
        "project_id": row.project,
        "type": row.type,
        "blob": row.blob,
        "links": {"self": f"{base}/credentials/{row.id}"},
    }


def trust(row: Trust, held: Sequence[Role], base: str, *, with_roles: bool) -> Json:
    shown = {
        "id": row.id,
        "trustor_user_id": row.trustor,
        "trustee_user_id": row.trustee,
        "project_id": row.project,
        "impersonation": row.impersonation,
        "expires_at": None if row.expires is None else iso_micro(row.expires),
        "remaining_uses": row.remaining_uses,
        "redelegation_count": row.redelegations,
        "deleted_at": None,
        "links": {"self": f"{base}/OS-TRUST/trusts/{row.id}"},
    }
    if row.parent is not None:
        shown["redelegated_trust_id"] = row.parent
    if with_roles:
        shown["roles"] = [role_brief(role, base) for role in held]
        here = f"{base}/OS-TRUST/trusts/{row.id}/roles"
        shown["roles_links"] = {"next": None, "previous": None, "self": here}
    return shown


class Ec2(Struct, frozen=True):
    """An EC2-like key pair, as its credential's blob holds it."""

    user: str
    project: str
    access: str
    secret: str


def ec2(row: Ec2, base: str) -> Json:
    return {
        "user_id": row.user,
        "tenant_id": row.project,
        "access": row.access,
        "secret": row.secret,
        "trust_id": None,
        "links": {"self": f"{base}/users/{row.user}/credentials/OS-EC2/{row.access}"},
    }
