"""People, places and roles as Keystone shows them. `base` is the root of the API (`https://host/identity/v3`)."""

from __future__ import annotations

from typing import Any

from croft.core.clock import iso_bare
from croft.services.identity.model import Group, Project, Role, User

Json = dict[str, Any]


def links(base: str, *path: str) -> Json:
    return {"self": "/".join((base, *path))}


def project(row: Project, base: str) -> Json:
    return {
        **row.extra,
        "id": row.id,
        "name": row.name,
        "slug": row.slug,
        "domain_id": row.domain or None,
        "parent_id": row.parent or None,
        "description": row.description,
        "enabled": row.enabled,
        "is_domain": row.is_domain,
        "tags": row.tags,
        "options": row.options,
        "links": {"self": f"{base}/projects/{row.id}"},
    }


def domain(row: Project, base: str) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "enabled": row.enabled,
        "tags": row.tags,
        "options": row.options,
        "links": {"self": f"{base}/domains/{row.id}"},
    }


def user(row: User, base: str) -> Json:
    shown = {
        **row.extra,
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain,
        "enabled": row.enabled,
        "options": row.options,
        "password_expires_at": None if row.password_expires is None else iso_bare(row.password_expires),
        "links": {"self": f"{base}/users/{row.id}"},
    }
    if row.description is not None:
        shown["description"] = row.description
    if row.default_project is not None:
        shown["default_project_id"] = row.default_project
    return shown


def user_brief(row: User, base: str) -> Json:
    """What a project's manager may see of people: enough to give them a role."""
    named = {"id": row.id, "name": row.name, "domain_id": row.domain, "enabled": row.enabled}
    return named | {"links": {"self": f"{base}/users/{row.id}"}}


def group(row: Group, base: str) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain,
        "description": row.description,
        "links": {"self": f"{base}/groups/{row.id}"},
    }


def role(row: Role, base: str) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain or None,
        "description": row.description,
        "options": row.options,
        "links": {"self": f"{base}/roles/{row.id}"},
    }


def role_brief(row: Role, base: str) -> Json:
    return {"id": row.id, "name": row.name, "links": {"self": f"{base}/roles/{row.id}"}}
