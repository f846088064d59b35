"""Nova's routes. The version documents are open to anyone; everything else asks for a token."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from croft.core.http import Microversions, Request, Response, Route, Version, reply
from croft.drivers.hypervisor import Hypervisor
from croft.services.compute.api import actions, flavors, operators, servers

MICROVERSIONS = Microversions("compute", Version(2, 1), Version(2, 85), legacy="X-OpenStack-Nova-API-Version")


def _version(request: Request) -> dict[str, Any]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": str(MICROVERSIONS.most),
        "min_version": str(MICROVERSIONS.least),
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{request.base}/v2.1/"}],
    }


def _old_version(request: Request) -> dict[str, Any]:
    return {
        "id": "v2.0",
        "status": "SUPPORTED",
        "version": "",
        "min_version": "",
        "updated": "2011-01-21T11:33:21Z",
        "links": [{"rel": "self", "href": f"{request.base}/v2/"}],
    }


def list_versions(request: Request) -> Response:
    return reply({"versions": [_old_version(request), _version(request)]})


def show_old_version(request: Request) -> Response:
    return _whole(_old_version(request), "2")


def show_version(request: Request) -> Response:
    return _whole(_version(request), "2.1")


def _whole(shown: dict[str, Any], name: str) -> Response:
    about = {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/api-ref/compute/"}
    media = {"base": "application/json", "type": f"application/vnd.openstack.compute+json;version={name}"}
    return reply({"version": shown | {"links": [*shown["links"], about], "media-types": [media]}})


def _as_of_old(route: Route) -> Route:
    """The same below `/v2`, where microversions are unheard of: everything is as in 2.1."""

    def handler(request: Request) -> Response:
        request.version = MICROVERSIONS.least
        return route.handler(request)

    return replace(route, path=route.path.replace("/v2.1", "/v2", 1), handler=handler, since=None, until=None)


def routes(hypervisor: Hypervisor) -> list[Route]:
    current = [*servers.ROUTES, *actions.routes(hypervisor), *flavors.ROUTES, *operators.ROUTES]
    return [
        Route("GET", "/", list_versions, None),
        Route("GET", "/v2.1", show_version, None),
        Route("GET", "/v2", show_old_version, None),
        *current,
        *(_as_of_old(route) for route in current if (route.since or MICROVERSIONS.least) <= MICROVERSIONS.least),
    ]
