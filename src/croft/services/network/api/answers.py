"""How every resource is answered: one, several at once, or a page of a list."""

from __future__ import annotations

from typing import Any

from croft.core.http import Request, Response, reply
from croft.services.network.model.query import Query
from croft.services.network.wire.query import chosen, links

Body = dict[str, Any]


def one(req: Request, name: str, body: Body, status: int = 200) -> Response:
    return reply({name: chosen(req, [body])[0]}, status)


def made(name: str, plural: str, bodies: list[Body], *, bulk: bool) -> Response:
    """201: in the form in which it was asked."""
    return reply({plural: bodies} if bulk else {name: bodies[0]}, 201)


def page(req: Request, plural: str, bodies: list[Body], query: Query, *, more: bool) -> Response:
    content: Body = {plural: chosen(req, bodies)}
    if more or query.marker:
        found = links(req, req.path, query, [body["id"] for body in bodies], more)
        if found:
            content[f"{plural}_links"] = found
    return reply(content)
