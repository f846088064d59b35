"""Version documents: open to everybody."""

from __future__ import annotations

from typing import Any

from croft.core.http import Request, Response, Route, reply

_MEDIA = {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}


def _version(req: Request) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{req.base}/v3/"}],
        "media-types": [_MEDIA],
    }


def list_versions(req: Request) -> Response:
    return reply({"versions": {"values": [_version(req)]}}, 300, {"location": f"{req.base}/v3/"})


def show_version(req: Request) -> Response:
    return reply({"version": _version(req)})


ROUTES = [Route("GET", "/", list_versions, None, quick=True), Route("GET", "/v3", show_version, None, quick=True)]
