"""Unified limits, by the flat model. Croft's own quotas are among them, registered by the program itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from croft.services.identity.model.catalog import croft_id
from croft.services.identity.model.settings import Settings

MODEL = {
    "name": "flat",
    "description": "Each project has its own limits; no project's limit counts against that of one above it.",
}


class RegisteredLimit(msgspec.Struct, frozen=True):
    id: str
    service: str
    region: str
    """Empty: of no region."""
    resource: str
    value: int
    """What counts where a project has no limit of its own."""
    description: str | None
    quota: str = ""
    """The quota of Croft's own that this is (`compute.cores`); empty for those that operators registered."""


class Limit(msgspec.Struct, frozen=True):
    id: str
    target: str
    is_domain: bool
    value: int
    description: str | None
    registered: str
    service: str
    region: str
    resource: str
    quota: str = ""


def of_quotas(settings: Settings, defaults: Mapping[str, int]) -> list[RegisteredLimit]:
    """Every quota of a service in the catalog, as the limit that this Croft registered for it."""
    types = {name: kind for kind, name, _ in settings.endpoints()} | {kind: kind for kind, _, _ in settings.endpoints()}
    found = []
    for quota, value in defaults.items():
        owner, _, resource = quota.partition(".")
        if owner in types:
            service = croft_id("service", types[owner])
            found.append(RegisteredLimit(croft_id("quota", quota), service, "", resource, value, None, quota))
    return found


def of_values(values: Iterable[tuple[str, str, int]], registered: Iterable[RegisteredLimit]) -> list[Limit]:
    """(project, quota, value) rows as limits."""
    known = {each.quota: each for each in registered}
    return [
        Limit(croft_id("limit", project, quota), project, False, value, None, of.id, of.service, "", of.resource, quota)
        for project, quota, value in values
        if (of := known.get(quota)) is not None
    ]
