"""Nova's routes. The version documents are open to anyone; everything else asks for a token."""

from __future__ import annotations

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


def list_versions(request: Request) -> Response:
    return reply({"versions": [_version(request)]})


def show_version(request: Request) -> Response:
    shown = _version(request)
    shown["links"].append(
        {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/api-ref/compute/"}
    )
    shown["media-types"] = [{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]
    return reply({"version": shown})


def routes(hypervisor: Hypervisor) -> list[Route]:
    return [
        Route("GET", "/", list_versions, None),
        Route("GET", "/v2.1", show_version, None),
        *servers.ROUTES,
        *actions.routes(hypervisor),
        *flavors.ROUTES,
        *operators.ROUTES,
    ]
