"""Role assignments as Keystone lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from croft.services.identity.model import Assignment

Json = dict[str, Any]
Named = Mapping[str, tuple[str, str, str]]


def reference(id: str, names: Named | None) -> Json:
    """`{"id": …}`, with names where they were asked for."""
    if names is None or id not in names:
        return {"id": id}
    name, domain, domain_name = names[id]
    shown: Json = {"id": id, "name": name}
    return shown | {"domain": {"id": domain, "name": domain_name}} if domain else shown


def scope(target_type: str, target: str, inherited: bool, names: Named | None) -> Json:
    if target_type == "system":
        shown: Json = {"system": {"all": True}}
    elif target_type == "domain":
        plain = reference(target, names)
        shown = {"domain": {key: plain[key] for key in ("id", "name") if key in plain}}
    else:
        shown = {"project": reference(target, names)}
    return shown | {"OS-INHERIT:inherited_to": "projects"} if inherited else shown


def url(row: Assignment, base: str) -> str:
    """Where the assignment itself is."""
    place = "system" if row.target_type == "system" else f"{row.target_type}s/{row.target}"
    path = f"{place}/{row.actor_type}s/{row.actor}/roles/{row.role}"
    return f"{base}/OS-INHERIT/{path}/inherited_to_projects" if row.inherited else f"{base}/{path}"


def membership_url(row: Assignment, user: str, base: str) -> str:
    return f"{base}/groups/{row.actor}/users/{user}"
