"""What the API's older corners keep: endpoint groups, policies, OAuth consumers, domains' configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from croft.services.identity.model.rows import CatalogEndpoint

COLUMN_OF = {"service_id": "service", "region_id": "region", "interface": "interface"}
"""What an endpoint group may ask for → the endpoint's column."""


class EndpointGroup(msgspec.Struct, frozen=True):
    id: str
    name: str
    description: str | None
    filters: dict[str, Any]

    def holds(self, endpoint: CatalogEndpoint) -> bool:
        return all(getattr(endpoint, COLUMN_OF[name]) == value for name, value in self.filters.items())


def reached(
    endpoints: Sequence[CatalogEndpoint], single: Iterable[str], groups: Sequence[EndpointGroup]
) -> list[CatalogEndpoint]:
    """Those that were given to a project, one by one or in groups."""
    ids = set(single)
    return [each for each in endpoints if each.id in ids or any(group.holds(each) for group in groups)]


class StoredPolicy(msgspec.Struct, frozen=True):
    """Some service's rules as text; Croft enforces none of them."""

    id: str
    type: str
    blob: str
    extra: dict[str, Any]


class Consumer(msgspec.Struct, frozen=True):
    id: str
    description: str | None
    extra: dict[str, Any]


Config = Mapping[str, Mapping[str, Any]]
_LDAP_NAMES = "url user suffix query_scope page_size alias_dereferencing debug_level chase_referrals use_tls use_pool"
_LDAP_PARTS = {
    "user": "tree_dn filter objectclass id_attribute name_attribute mail_attribute description_attribute "
    "pass_attribute enabled_attribute enabled_invert enabled_mask enabled_default attribute_ignore "
    "default_project_id_attribute enabled_emulation enabled_emulation_dn enabled_emulation_use_group_config "
    "additional_attribute_mapping",
    "group": "tree_dn filter objectclass id_attribute name_attribute members_are_ids member_attribute desc_attribute "
    "attribute_ignore additional_attribute_mapping",
    "tls": "cacertfile cacertdir req_cert",
    "pool": "size retry_max retry_delay connection_timeout connection_lifetime",
}
CONFIGURABLE = {
    "identity": frozenset({"driver", "list_limit"}),
    "ldap": frozenset(_LDAP_NAMES.split())
    | {f"{part}_{name}" for part, names in _LDAP_PARTS.items() for name in names.split()},
}
"""Groups and options that a domain's configuration may hold. `ldap.password` is none: no secret is kept for nothing."""
