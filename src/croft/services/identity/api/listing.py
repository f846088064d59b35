"""How lists are asked for and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from croft.core.errors import Invalid
from croft.core.http import Request, Response, reply
from croft.core.page import Page
from croft.services.identity.actions.knocks import Visit
from croft.services.identity.model.filters import PARTLY
from croft.services.identity.wire.shapes import flag

T = TypeVar("T")
Render = Callable[[T, str], Mapping[str, Any]]
_FLAGS = {"enabled", "is_domain"}


def root(req: Request) -> str:
    return f"{req.base}/v3"


def visit(req: Request) -> Visit:
    """Who knocks, for what is open to everybody."""
    return Visit(req.client, req.request_id, req.headers.get("openstack-auth-receipt", ""))


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


def changed(req: Request, shape: type[T]) -> T:
    """The body of an update, which must ask for something."""
    wish = req.decode(shape)
    if not all(msgspec.json.decode(req.content).values()):
        raise Invalid("The request names nothing to change.")
    return wish


def listed(req: Request, key: str, rows: Sequence[T], render: Render[T], page: Page | None = None) -> Response:
    """A page; the store hands over one row more than it holds when there are further ones."""
    base = root(req)
    more = page is not None and len(rows) > page.limit
    if page is not None and more:
        rows = rows[: page.limit]
    shown = [render(row, base) for row in rows]
    here = f"{req.base}{req.path}"
    links: dict[str, str | None] = {"next": None, "previous": None}
    links["self"] = f"{here}?{req.query_string}" if req.query_string else here
    if more:
        query = {name: values[0] for name, values in req.query.items()} | {"marker": str(shown[-1]["id"])}
        links["next"] = f"{here}?{urlencode(query)}"
    return reply({key: shown, "links": links} | ({"truncated": True} if more else {}))
