"""Glance v2's routes."""

from __future__ import annotations

from croft.core.http import Request, Response, Route, reply
from croft.drivers.imagestore import ImageStore
from croft.services.images import wire
from croft.services.images.api import images, members
from croft.services.images.api.data import Data


def routes(imagestore: ImageStore, largest: int) -> list[Route]:
    data = Data(imagestore, largest)
    one, of_one = "/v2/images/{image}", "/v2/images/{image}/members/{member}"
    return [
        Route("GET", "/", _choices, None),
        Route("GET", "/versions", _versions, None),
        Route("GET", "/v2", _versions, None),
        Route("GET", "/v2/images", images.index, "images.image.list"),
        Route("POST", "/v2/images", images.create, "images.image.create", limit=1 << 20),
        Route("GET", one, images.show, "images.image.show"),
        Route("PATCH", one, images.update, "images.image.update", limit=1 << 20),
        Route("DELETE", one, images.delete, "images.image.delete"),
        Route("PUT", one + "/file", data.upload, "images.image.upload", stream=True),
        Route("GET", one + "/file", data.download, "images.image.download"),
        Route("PUT", one + "/stage", data.stage, "images.image.upload", stream=True),
        Route("POST", one + "/import", images.import_staged, "images.image.import"),
        Route("POST", one + "/actions/deactivate", images.deactivate, "images.image.deactivate"),
        Route("POST", one + "/actions/reactivate", images.reactivate, "images.image.reactivate"),
        Route("PUT", one + "/tags/{tag}", images.add_tag, "images.image.update"),
        Route("DELETE", one + "/tags/{tag}", images.remove_tag, "images.image.update"),
        Route("GET", one + "/members", members.index, "images.member.list"),
        Route("POST", one + "/members", members.create, "images.member.create"),
        Route("GET", of_one, members.show, "images.member.show"),
        Route("PUT", of_one, members.update, "images.member.update"),
        Route("DELETE", of_one, members.delete, "images.member.delete"),
        Route("GET", "/v2/schemas/{name}", images.schema, "images.schema.show"),
        Route("GET", "/v2/info/import", images.import_methods, "images.schema.show"),
    ]


def _choices(req: Request) -> Response:
    return reply(wire.versions(req.base), 300)


def _versions(req: Request) -> Response:
    return reply(wire.versions(req.base))
