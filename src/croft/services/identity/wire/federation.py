"""OS-FEDERATION's bodies in and out, as its API reference and Keystone's schemas have them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from croft.services.identity.model.federation import IdentityProvider, Mapping, Protocol, ServiceProvider
from croft.services.identity.wire.shapes import Flag, Id, Text, flag, given

Json = dict[str, Any]
RemoteIds = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=100)]
Minutes = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Url = Annotated[str, Meta(max_length=225, pattern=r"^[a-zA-Z0-9+.-]+:.+")]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Prefix = Annotated[str, Meta(max_length=256)]
RELAY_STATE = "ss:mem:"
"""What Keystone puts when nothing is said."""


class ProviderChange(Struct, forbid_unknown_fields=True):
    enabled: Flag | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    authorization_ttl: Minutes | UnsetType | None = UNSET
    remote_ids: RemoteIds | UnsetType | None = UNSET

    def changes(self) -> Json:
        sent = given(description=self.description, authorization_ttl=self.authorization_ttl)
        if self.enabled is not UNSET:
            sent["enabled"] = flag(self.enabled or False, False)
        if self.remote_ids is not UNSET:
            sent["remote_ids"] = list(dict.fromkeys(self.remote_ids or ()))
        return sent


class NewProvider(ProviderChange):
    domain_id: Id | None = None

    def row(self, id: str) -> IdentityProvider:
        nothing: Json = {"description": None, "enabled": False, "remote_ids": [], "authorization_ttl": None}
        return IdentityProvider(id, self.domain_id or "", **{**nothing, **self.changes()})


class CreateProvider(Struct, forbid_unknown_fields=True):
    identity_provider: NewProvider


class UpdateProvider(Struct, forbid_unknown_fields=True):
    identity_provider: ProviderChange


class ProtocolChange(Struct, forbid_unknown_fields=True):
    mapping_id: Name
    remote_id_attribute: Name | UnsetType | None = UNSET

    def changes(self) -> Json:
        return given(mapping=self.mapping_id, remote_id_attribute=self.remote_id_attribute)


class WriteProtocol(Struct, forbid_unknown_fields=True):
    protocol: ProtocolChange


class _Named(Struct, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    id: str | UnsetType = UNSET
    domain: Json | UnsetType = UNSET


class LocalUser(_Named):
    email: str | UnsetType = UNSET
    type: Literal["ephemeral", "local"] | UnsetType = UNSET


class LocalProject(Struct, forbid_unknown_fields=True):
    name: str
    roles: list[_Named]
    domain: Json | UnsetType = UNSET


class Local(Struct, forbid_unknown_fields=True):
    user: LocalUser | UnsetType = UNSET
    group: _Named | UnsetType = UNSET
    groups: str | UnsetType = UNSET
    group_ids: str | UnsetType = UNSET
    domain: Json | UnsetType = UNSET
    projects: list[LocalProject] | UnsetType = UNSET


class Remote(Struct, forbid_unknown_fields=True):
    type: Annotated[str, Meta(min_length=1, max_length=255)]
    any_one_of: list[str] | UnsetType = UNSET
    not_any_of: list[str] | UnsetType = UNSET
    whitelist: list[str] | UnsetType = UNSET
    blacklist: list[str] | UnsetType = UNSET
    regex: bool | UnsetType = UNSET


class MappingRule(Struct, forbid_unknown_fields=True):
    local: Annotated[list[Local], Meta(min_length=1)]
    remote: Annotated[list[Remote], Meta(min_length=1)]


Rules = Annotated[list[MappingRule], Meta(min_length=1, max_length=200)]
SchemaVersion = Annotated[str, Meta(pattern=r"^[12]\.0$")]


class NewMapping(Struct, forbid_unknown_fields=True):
    rules: Rules
    schema_version: SchemaVersion | None = None
    id: str = ""
    """Sent by the SDK again; the one in the path counts."""


class CreateMapping(Struct, forbid_unknown_fields=True):
    mapping: NewMapping


class MappingChange(Struct, forbid_unknown_fields=True):
    rules: Rules | UnsetType = UNSET
    schema_version: SchemaVersion | UnsetType = UNSET


class UpdateMapping(Struct, forbid_unknown_fields=True):
    mapping: MappingChange


class ServiceProviderChange(Struct, forbid_unknown_fields=True):
    auth_url: Url | UnsetType = UNSET
    sp_url: Url | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    enabled: Flag | UnsetType | None = UNSET
    relay_state_prefix: Prefix | UnsetType | None = UNSET

    def changes(self) -> Json:
        sent = given(auth_url=self.auth_url, sp_url=self.sp_url, description=self.description)
        if self.enabled is not UNSET:
            sent["enabled"] = flag(self.enabled or False, False)
        if self.relay_state_prefix is not UNSET:
            sent["relay_state_prefix"] = self.relay_state_prefix or RELAY_STATE
        return sent


class NewServiceProvider(ServiceProviderChange):
    def row(self, id: str) -> ServiceProvider:
        nothing: Json = {"description": None, "enabled": False, "relay_state_prefix": RELAY_STATE}
        return ServiceProvider(id, **{**nothing, **self.changes()})


class CreateServiceProvider(Struct, forbid_unknown_fields=True):
    service_provider: NewServiceProvider


class UpdateServiceProvider(Struct, forbid_unknown_fields=True):
    service_provider: ServiceProviderChange


def provider(row: IdentityProvider, base: str) -> Json:
    here = f"{base}/OS-FEDERATION/identity_providers/{row.id}"
    return {
        "id": row.id,
        "domain_id": row.domain,
        "description": row.description,
        "enabled": row.enabled,
        "remote_ids": row.remote_ids,
        "authorization_ttl": row.authorization_ttl,
        "links": {"self": here, "protocols": f"{here}/protocols"},
    }


def protocol(row: Protocol, base: str) -> Json:
    above = f"{base}/OS-FEDERATION/identity_providers/{row.provider}"
    shown = {"id": row.id, "mapping_id": row.mapping}
    if row.remote_id_attribute is not None:
        shown["remote_id_attribute"] = row.remote_id_attribute
    return shown | {"links": {"self": f"{above}/protocols/{row.id}", "identity_provider": above}}


def listed_protocol(row: Protocol, base: str) -> Json:
    return protocol(row, base) | {"idp_id": row.provider, "remote_id_attribute": row.remote_id_attribute}


def mapping(row: Mapping, base: str) -> Json:
    links = {"self": f"{base}/OS-FEDERATION/mappings/{row.id}"}
    return {"id": row.id, "rules": row.rules, "schema_version": row.schema_version, "links": links}


def service_provider(row: ServiceProvider, base: str) -> Json:
    return {
        "id": row.id,
        "auth_url": row.auth_url,
        "sp_url": row.sp_url,
        "description": row.description,
        "enabled": row.enabled,
        "relay_state_prefix": row.relay_state_prefix,
        "links": {"self": f"{base}/OS-FEDERATION/service_providers/{row.id}"},
    }
