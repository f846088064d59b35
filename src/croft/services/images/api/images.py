"""Handlers for images as records."""

from __future__ import annotations

from typing import Any

from croft.core.errors import Invalid, NotFound
from croft.core.http import Request, Response, empty, reply
from croft.services.images import actions, wire
from croft.services.images.wire import filters
from croft.services.images.wire.schemas import SCHEMAS


def index(req: Request) -> Response:
    window = req.page()
    found = actions.list_images(req.ctx, filters.filters(req.query), window)
    return reply(wire.images(found, filters.links(req, window, found)))


def create(req: Request) -> Response:
    made = actions.create_image(req.ctx, req.decode(dict[str, Any]))
    headers = {"location": f"{req.base}/v2/images/{made.id}", "openstack-image-import-methods": "glance-direct"}
    return reply(wire.image(made), 201, headers)


def show(req: Request) -> Response:
    return reply(wire.image(actions.show_image(req.ctx, req.params["image"])))


def update(req: Request) -> Response:
    return reply(wire.image(actions.update_image(req.ctx, req.params["image"], wire.patch(req))))


def delete(req: Request) -> Response:
    actions.delete_image(req.ctx, req.params["image"])
    return empty()


def deactivate(req: Request) -> Response:
    actions.deactivate_image(req.ctx, req.params["image"])
    return empty()


def reactivate(req: Request) -> Response:
    actions.reactivate_image(req.ctx, req.params["image"])
    return empty()


def add_tag(req: Request) -> Response:
    actions.add_tag(req.ctx, req.params["image"], req.params["tag"])
    return empty()


def remove_tag(req: Request) -> Response:
    actions.remove_tag(req.ctx, req.params["image"], req.params["tag"])
    return empty()


def import_staged(req: Request) -> Response:
    method = req.decode(wire.ImportWish).method.name
    if method != "glance-direct":
        raise Invalid(f"Import method {method[:40]} is not available here; glance-direct is.")
    actions.import_image(req.ctx, req.params["image"])
    return empty(202)


def import_methods(req: Request) -> Response:
    return reply(wire.import_methods())


def schema(req: Request) -> Response:
    if req.params["name"] not in SCHEMAS:
        raise NotFound("The resource could not be found.")
    return reply(SCHEMAS[req.params["name"]])
