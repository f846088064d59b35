"""Literal routes and the tree that finds them: static segments win over `{parameters}`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from croft.core.errors import MethodNotAllowed, NotFound
from croft.core.http.message import Request, Response
from croft.core.http.microversion import Version

BODY_LIMIT = 114_688
"""Bytes of a request body, as in every OpenStack service (oslo.middleware's default)."""


@dataclass(frozen=True)
class Route:
    """One line of an API. `action` is the policy action its handler performs; None marks a route open to anyone.

    `several` names further actions a handler may choose by the request's content (Nova's `/action`)."""

    method: str
    path: str
    handler: Callable[[Request], Response]
    action: str | None
    several: tuple[str, ...] = ()
    stream: bool = False
    """The handler reads `request.chunks` itself; no limit, constant memory."""
    slow: bool = False
    """The handler computes for long (password hashes): few run at once, and they keep nobody else waiting."""
    quick: bool = False
    """The handler reads a few rows at most and changes nothing, so the event loop may run it itself (ADR 2)."""
    since: Version | None = None
    until: Version | None = None
    limit: int = BODY_LIMIT


@dataclass
class _Node:
    static: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    routes: dict[str, list[Route]] = field(default_factory=dict)


class Router:
    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in _segments(route.path):
                if segment.startswith("{"):
                    node.parameter = node.parameter or _Node()
                    node = node.parameter
                else:
                    node = node.static.setdefault(segment, _Node())
            node.routes.setdefault(route.method, []).append(route)

    def find(self, method: str, raw_path: str, version: Version) -> tuple[Route, dict[str, str]]:
        """The route and its parameters; `NotFound` or `MethodNotAllowed` (kind: the allowed methods)."""
        segments = _segments(raw_path)
        node = _walk(self._root, segments, 0)
        if node is None or not node.routes or _names_nothing(node, raw_path):
            raise NotFound("The resource could not be found.")
        candidates = node.routes.get(method) or (node.routes.get("GET") if method == "HEAD" else None)
        if candidates is None:
            raise MethodNotAllowed("The method is not allowed for this resource.", kind=", ".join(sorted(node.routes)))
        for route in candidates:
            if (route.since is None or version >= route.since) and (route.until is None or version <= route.until):
                names = _segments(route.path)
                values = zip(names, segments, strict=True)
                found = {name[1:-1]: unquote(value) for name, value in values if name.startswith("{")}
                if any("\0" in value for value in found.values()):
                    break
                return route, found
        raise NotFound("The resource could not be found in this version of the API.")


def _names_nothing(node: _Node, raw_path: str) -> bool:
    """`/images/` asks for the image with no name; a slash after anything else means nothing."""
    return raw_path.endswith("/") and node.parameter is not None and bool(node.parameter.routes)


def _walk(node: _Node, segments: list[str], at: int) -> _Node | None:
    if at == len(segments):
        return node
    found = node.static.get(segments[at])
    if found is not None:
        deeper = _walk(found, segments, at + 1)
        if deeper is not None and deeper.routes:
            return deeper
    return _walk(node.parameter, segments, at + 1) if node.parameter is not None else None


def _segments(path: str) -> list[str]:
    trimmed = path.strip("/")
    return trimmed.split("/") if trimmed else []
