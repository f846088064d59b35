"""Routes of routers and floating IPs."""

from __future__ import annotations

from croft.core.http import Request, Response, Route, empty, reply
from croft.services.network.actions import floatings, interfaces, routers
from croft.services.network.api import answers
from croft.services.network.wire import bodies, render
from croft.services.network.wire.query import parse_query
from croft.services.network.wire.shapes import (
    FloatingCreate,
    FloatingUpdate,
    GatewayInfo,
    InterfaceWish,
    RouterCreate,
    RouterUpdate,
    Routes,
)


def _gateway(value: object) -> GatewayInfo | None:
    """Null and {} both mean none."""
    return bodies.parse(value, "external_gateway_info", GatewayInfo) if isinstance(value, dict) and value else None


def create_routers(req: Request) -> Response:
    wishes, bulk = bodies.several(req, "router", "routers", RouterCreate)
    asked = [(wish, _gateway(wish.external_gateway_info)) for wish in wishes]
    found, now = routers.create_routers(req.ctx, asked)
    return answers.made("router", "routers", [render.router(row, outside, now) for row, outside in found], bulk=bulk)


def list_routers(req: Request) -> Response:
    query = parse_query(req)
    found, more, now = routers.list_routers(req.ctx, query)
    shown = [render.router(row, outside, now) for row, outside in found]
    return answers.page(req, "routers", shown, query, more=more)


def show_router(req: Request) -> Response:
    (row, outside), now = routers.show_router(req.ctx, req.params["id"])
    return answers.one(req, "router", render.router(row, outside, now))


def update_router(req: Request) -> Response:
    wish = bodies.one(req, "router", RouterUpdate)
    info = _gateway(wish.external_gateway_info)
    (row, outside), now = routers.update_router(req.ctx, req.params["id"], wish, info)
    return answers.one(req, "router", render.router(row, outside, now))


def delete_router(req: Request) -> Response:
    routers.delete_router(req.ctx, req.params["id"])
    return empty()


def _interface(found: interfaces.Interface) -> Response:
    body = {
        "id": found.router.id,
        "tenant_id": found.router.project,
        "project_id": found.router.project,
        "port_id": found.port.id,
        "network_id": found.port.network,
        "subnet_id": found.subnets[0],
        "subnet_ids": found.subnets,
    }
    return reply(body)


def _wish(req: Request) -> InterfaceWish:
    return bodies.parse(req.decode(dict), "body", InterfaceWish, "PUT")


def add_interface(req: Request) -> Response:
    return _interface(interfaces.add_interface(req.ctx, req.params["id"], _wish(req)))


def remove_interface(req: Request) -> Response:
    return _interface(interfaces.remove_interface(req.ctx, req.params["id"], _wish(req)))


def _change_routes(req: Request, *, add: bool) -> Response:
    wish = bodies.one(req, "router", Routes)
    asked = [(each.destination, each.nexthop) for each in wish.routes]
    (row, outside), now = routers.change_routes(req.ctx, req.params["id"], asked, add=add)
    return answers.one(req, "router", render.router(row, outside, now))


def add_routes(req: Request) -> Response:
    return _change_routes(req, add=True)


def remove_routes(req: Request) -> Response:
    return _change_routes(req, add=False)


def _floating(shown: floatings.Shown, now: int) -> render.Body:
    return render.floating(*shown, now)


def create_floatings(req: Request) -> Response:
    wishes, bulk = bodies.several(req, "floatingip", "floatingips", FloatingCreate)
    found, now = floatings.create_floatings(req.ctx, wishes)
    return answers.made("floatingip", "floatingips", [render.floating(*each, now) for each in found], bulk=bulk)


def list_floatings(req: Request) -> Response:
    query = parse_query(req)
    found, more, now = floatings.list_floatings(req.ctx, query)
    return answers.page(req, "floatingips", [render.floating(*each, now) for each in found], query, more=more)


def show_floating(req: Request) -> Response:
    return answers.one(req, "floatingip", _floating(*floatings.show_floating(req.ctx, req.params["id"])))


def update_floating(req: Request) -> Response:
    wish = bodies.one(req, "floatingip", FloatingUpdate)
    shown = floatings.update_floating(req.ctx, req.params["id"], wish)
    return answers.one(req, "floatingip", _floating(*shown))


def delete_floating(req: Request) -> Response:
    floatings.delete_floating(req.ctx, req.params["id"])
    return empty()


ROUTES = (
    Route("POST", "/v2.0/routers", create_routers, "network.router.create"),
    Route("GET", "/v2.0/routers", list_routers, "network.router.list"),
    Route("GET", "/v2.0/routers/{id}", show_router, "network.router.show"),
    Route("PUT", "/v2.0/routers/{id}", update_router, "network.router.update"),
    Route("DELETE", "/v2.0/routers/{id}", delete_router, "network.router.delete"),
    Route("PUT", "/v2.0/routers/{id}/add_router_interface", add_interface, "network.router.attach"),
    Route("PUT", "/v2.0/routers/{id}/remove_router_interface", remove_interface, "network.router.detach"),
    Route("PUT", "/v2.0/routers/{id}/add_extraroutes", add_routes, "network.router.route"),
    Route("PUT", "/v2.0/routers/{id}/remove_extraroutes", remove_routes, "network.router.route"),
    Route("POST", "/v2.0/floatingips", create_floatings, "network.floating.create"),
    Route("GET", "/v2.0/floatingips", list_floatings, "network.floating.list"),
    Route("GET", "/v2.0/floatingips/{id}", show_floating, "network.floating.show"),
    Route("PUT", "/v2.0/floatingips/{id}", update_floating, "network.floating.update"),
    Route("DELETE", "/v2.0/floatingips/{id}", delete_floating, "network.floating.delete"),
)
