"""The query of a list request: filters, `fields`, sorting, and the links to the neighbouring pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from croft.core.errors import Invalid
from croft.core.http import Request
from croft.services.network.model.query import EVERYTHING, Query

_NOT_FILTERS = frozenset({"fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir"})


def parse_query(req: Request) -> Query:
    """`Invalid` for what makes no sense; unknown attributes are the listing's to refuse."""
    if not req.query_string:
        return EVERYTHING
    asked = req.query
    filters = {name: values for name, values in asked.items() if name not in _NOT_FILTERS}
    if "tenant_id" in filters and "project_id" in filters:
        raise Invalid("Both tenant_id and project_id passed as filters.", kind="TenantIdProjectIdFilterConflict")
    keys, directions = asked.get("sort_key", []), asked.get("sort_dir", [])
    if len(keys) != len(directions) and directions:
        raise Invalid("The number of sort_keys and sort_dirs must be same")
    if any(each not in {"asc", "desc"} for each in directions):
        raise Invalid("sort_dir must be asc or desc.")
    sorts = zip(keys, directions or ["asc"] * len(keys), strict=True)
    limit = asked.get("limit", [""])[0]
    if limit.startswith("-"):
        raise Invalid(f"Invalid input for limit. Reason: '{limit[:20]}' should be non-negative.")
    page = req.page()
    return Query(
        filters=filters,
        sorts=tuple((key, direction == "desc") for key, direction in sorts if key != "id" or direction == "desc"),
        limit=page.limit,
        marker=page.marker,
        reverse=req.first("page_reverse").lower() in {"true", "1"},
    )


def chosen(req: Request, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Only the `fields` asked for, when any are."""
    fields = {name for name in req.query.get("fields", []) if name} if req.query_string else set()
    if not fields:
        return bodies
    return [{name: value for name, value in body.items() if name in fields} for body in bodies]


def links(req: Request, path: str, query: Query, ids: list[str], more: bool) -> list[dict[str, str]]:
    """`next` and `previous`, as far as there are such pages."""
    found = []
    has_next, has_previous = (more, bool(query.marker)) if not query.reverse else (bool(query.marker), more)
    if ids and has_next:
        found.append({"rel": "next", "href": _href(req, path, ids[-1], reverse=False)})
    if ids and has_previous:
        found.append({"rel": "previous", "href": _href(req, path, ids[0], reverse=True)})
    return found


def _href(req: Request, path: str, marker: str, *, reverse: bool) -> str:
    kept = [
        (name, value)
        for name, values in req.query.items()
        if name not in {"marker", "page_reverse"}
        for value in values
    ]
    kept.append(("marker", marker))
    if reverse:
        kept.append(("page_reverse", "True"))
    return f"{req.base}{path}?{urlencode(kept)}"
