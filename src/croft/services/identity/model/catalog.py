"""The catalog: what this Croft registered by itself, together with what operators added."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from croft.services.identity.model.rows import CatalogEndpoint, CatalogService
from croft.services.identity.model.settings import Settings

INTERFACES = ("public", "internal", "admin")
_PLACE = re.compile(r"[%$]\((\w+)\)s")


def builtin(settings: Settings) -> tuple[list[CatalogService], list[CatalogEndpoint]]:
    """The services of this Croft, with ids that follow from their types."""
    services, endpoints = [], []
    for kind, name, path in settings.endpoints():
        service = CatalogService(croft_id("service", kind), kind, name, None, True)
        services.append(service)
        url = settings.public_url.rstrip("/") + path
        endpoints += [
            CatalogEndpoint(croft_id("endpoint", kind, each), service.id, each, settings.region, url, True)
            for each in INTERFACES
        ]
    return services, endpoints


def croft_id(*words: str) -> str:
    """The id of something this Croft made up by itself: the same in every process and after every start."""
    return hashlib.sha256(":".join(("croft", *words)).encode()).hexdigest()[:32]


def fill(url: str, values: Mapping[str, str]) -> str | None:
    """An endpoint's URL for one token; None when it speaks of a project and the token has none."""
    missing = False

    def place(found: re.Match[str]) -> str:
        nonlocal missing
        value = values.get(found[1], "")
        missing = missing or not value
        return value

    filled = _PLACE.sub(place, url)
    return None if missing else filled


def valid_url(url: str) -> bool:
    """Whether every `$(name)s` in it can be filled in."""
    known = {"project_id", "tenant_id", "user_id"}
    rest = _PLACE.sub("", url)
    return all(name in known for name in _PLACE.findall(url)) and "$(" not in rest and "%(" not in rest


def entries(
    services: Iterable[CatalogService], endpoints: Sequence[CatalogEndpoint], user: str, project: str
) -> list[dict[str, object]]:
    """As a token carries it."""
    values = {"project_id": project, "tenant_id": project, "user_id": user}
    by_service: dict[str, list[dict[str, object]]] = {}
    for each in endpoints:
        url = fill(each.url, values) if each.enabled else None
        if url is not None:
            shown: dict[str, object] = {
                "id": each.id,
                "interface": each.interface,
                "region": each.region,
                "region_id": each.region,
            }
            by_service.setdefault(each.service, []).append(shown | {"url": url})
    return [
        {"id": service.id, "type": service.type, "name": service.name, "endpoints": by_service.get(service.id, [])}
        for service in services
        if service.enabled
    ]
