"""Requests and responses as services see them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec

from croft.core.audit import NOWHERE, Origin
from croft.core.ctx import Ctx, Trail
from croft.core.errors import Invalid
from croft.core.http.microversion import Version
from croft.core.page import Page, parse_page
from croft.core.shapes import decoder

T = TypeVar("T")
MOST_QUERIED = 500
"""Parameters of one query; each may become a condition, of which SQLite takes a thousand."""
_ZERO = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A zero character as JSON escapes it; PostgreSQL keeps none."""


@dataclass(slots=True)
class Response:
    """`body` is the whole content, or an iterator of chunks that is streamed and closed."""

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Ends a stream early, so that what feeds it lets go of its file."""
        end = getattr(self.body, "close", None)
        if end is not None:
            end()


def reply(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(status, msgspec.json.encode(content), {"content-type": "application/json", **(headers or {})})


def empty(status: int = 204, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, b"", dict(headers or {}))


@dataclass(slots=True)
class Request:
    """One request, matched to its route. `ctx` carries the actor; on open routes it is anonymous."""

    method: str
    path: str
    """Decoded, without the service's prefix and without query."""
    params: dict[str, str]
    """The `{names}` of the route's path, decoded."""
    query_string: str
    headers: Mapping[str, str]
    """Lower-case names; the last of repeated ones."""
    content: bytes
    """The whole body, at most the route's limit; empty for streaming routes."""
    base: str
    """`https://host:port/prefix` as the client wrote it, for links."""
    client: str
    request_id: str
    version: Version
    chunks: Iterator[bytes]
    """The body of a streaming route; empty elsewhere."""
    origin: Origin = NOWHERE
    trail: Trail = field(default_factory=Trail)
    _ctx: Ctx | None = None
    _query: dict[str, list[str]] | None = None

    @property
    def ctx(self) -> Ctx:
        if self._ctx is None:
            raise AssertionError(f"{self.path} is an open route and has no ctx")
        return self._ctx

    @property
    def query(self) -> dict[str, list[str]]:
        if self._query is None:
            if "%00" in self.query_string:
                raise Invalid("The query has a zero byte in it.")
            try:
                self._query = parse_qs(self.query_string, keep_blank_values=True, max_num_fields=MOST_QUERIED)
            except ValueError as error:
                raise Invalid(f"The query has more than {MOST_QUERIED} parameters.") from error
        return self._query

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def page(self) -> Page:
        found = self.query
        return parse_page(found.get("limit", [None])[0], found.get("marker", [None])[0])

    def decode(self, shape: type[T]) -> T:
        """The body as a struct; `Invalid` says where it differs from the shape (`Expected str … at $.server.name`)."""
        if _ZERO.search(self.content):
            raise Invalid("Invalid input for the request body: a text has a zero byte in it.")
        try:
            found: T = decoder(shape).decode(self.content)
        except msgspec.ValidationError as error:
            raise Invalid(f"Invalid input for the request body: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"Malformed request body: it is not JSON ({error}).") from error
        except RecursionError as error:
            raise Invalid("Malformed request body: it is nested too deeply.") from error
        return found
