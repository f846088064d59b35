"""How lists are asked for and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from croft.core.clock import parse_iso
from croft.core.errors import Invalid
from croft.core.http import Request, Response, reply
from croft.core.page import Page
from croft.services.identity.actions.knocks import Visit
from croft.services.identity.model.filters import COMPARED, PARTLY
from croft.services.identity.wire.shapes import flag

T = TypeVar("T")
Render = Callable[[T, str], Mapping[str, Any]]
_FLAGS = {"enabled", "is_domain"}


def root(req: Request) -> str:
    return f"{req.base}/v3"


def visit(req: Request) -> Visit:
    """Who knocks, for what is open to everybody."""
    return Visit(req.client, req.request_id, req.headers.get("openstack-auth-receipt", ""), req.origin)


def equal(req: Request, **columns: str) -> dict[str, Any]:
    """Column → wanted value, of the query parameters given (`equal(req, domain="domain_id")`). What a text must
    only have as a part stands under the column with the comparison behind it: `name__icontains`."""
    found: dict[str, Any] = {}
    for column, name in columns.items():
        if name in req.query:
            value = req.first(name)
            found[column] = flag(value or "true", True) if column in _FLAGS else value
    for asked, values in req.query.items():
        name, _, word = asked.partition("__")
        for column in [each for each, known in columns.items() if known == name and word in PARTLY]:
            if column not in _FLAGS and values[0]:
                found[f"{column}__{word}"] = values[0]
    return found


def compared(req: Request, column: str, name: str) -> dict[str, Any]:
    """The same for a time: `password_expires_at=lt:2030-01-01T00:00:00Z`."""
    if name not in req.query:
        return {}
    word, _, text = req.first(name).partition(":")
    try:
        when = parse_iso(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{name} is asked for like lt:2030-01-31T12:00:00Z.") from error
    if word not in COMPARED:
        raise Invalid(f"{name} is compared by {', '.join(COMPARED)}.")
    return {f"{column}__{word}": when}


def changed(req: Request, shape: type[T]) -> T:
    """The body of an update, which must ask for something."""
    wish = req.decode(shape)
    if not all(msgspec.json.decode(req.content).values()):
        raise Invalid("The request names nothing to change.")
    return wish


_WHOLE = {"limit", "marker", "sort_key", "sort_dir"}


def sorts(req: Request) -> bool:
    """Whether another order than by id is asked for, so that the list must come whole."""
    return "sort_key" in req.query or "sort_dir" in req.query


def _ordered(req: Request, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    key, way = req.first("sort_key", "id"), req.first("sort_dir", "asc")
    if way not in {"asc", "desc"} or not all(key in row for row in rows):
        raise Invalid("Sort by sort_key, something that all rows of the list have, with sort_dir asc or desc.")
    return sorted(rows, key=lambda row: (str(row[key]), str(row["id"])), reverse=way == "desc")


def _after(req: Request, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those behind the marker."""
    marker = req.first("marker")
    if not marker:
        return list(rows)
    if not sorts(req):
        return [row for row in rows if str(row["id"]) > marker]
    at = next((place for place, row in enumerate(rows, 1) if row["id"] == marker), None)
    if at is None:
        raise Invalid("The marker is the id of no row of this list any more; begin anew.")
    return list(rows[at:])


def listed(req: Request, key: str, rows: Sequence[T], render: Render[T], page: Page | None = None) -> Response:
    """A page; the store hands over one row more than it holds when there are further ones. Lists that come whole are
    cut here, when a page of them was asked for."""
    base = root(req)
    shown = [render(row, base) for row in rows]
    if page is None and not _WHOLE.isdisjoint(req.query) and all("id" in row for row in shown):
        page = req.page()
        shown = _after(req, _ordered(req, shown))
    more = page is not None and len(shown) > page.limit
    if page is not None and more:
        shown = shown[: page.limit]
    here = f"{req.base}{req.path}"
    links: dict[str, str | None] = {"next": None, "previous": None}
    links["self"] = f"{here}?{req.query_string}" if req.query_string else here
    if more:
        query = {name: values[0] for name, values in req.query.items()} | {"marker": str(shown[-1]["id"])}
        links["next"] = f"{here}?{urlencode(query)}"
    return reply({key: shown, "links": links} | ({"truncated": True} if more else {}))
