"""Routes of networks, subnets and subnet pools."""

from __future__ import annotations

from croft.core.http import Request, Response, Route, empty
from croft.services.network.actions import networks, pools, subnets
from croft.services.network.api import answers
from croft.services.network.wire import bodies, render
from croft.services.network.wire.query import parse_query
from croft.services.network.wire.shapes import (
    NetworkCreate,
    NetworkUpdate,
    PoolCreate,
    PoolUpdate,
    SubnetCreate,
    SubnetUpdate,
)


def create_networks(req: Request) -> Response:
    wishes, bulk = bodies.several(req, "network", "networks", NetworkCreate)
    admin = req.ctx.actor.is_admin
    made = [
        render.network(row, ids, row.created, admin=admin) for row, ids in networks.create_networks(req.ctx, wishes)
    ]
    return answers.made("network", "networks", made, bulk=bulk)


def list_networks(req: Request) -> Response:
    query, admin = parse_query(req), req.ctx.actor.is_admin
    found, more, now = networks.list_networks(req.ctx, query)
    shown = [render.network(row, ids, now, admin=admin) for row, ids in found]
    return answers.page(req, "networks", shown, query, more=more)


def show_network(req: Request) -> Response:
    (row, ids), now = networks.show_network(req.ctx, req.params["id"])
    return answers.one(req, "network", render.network(row, ids, now, admin=req.ctx.actor.is_admin))


def update_network(req: Request) -> Response:
    wish = bodies.one(req, "network", NetworkUpdate)
    (row, ids), now = networks.update_network(req.ctx, req.params["id"], wish)
    return answers.one(req, "network", render.network(row, ids, now, admin=req.ctx.actor.is_admin))


def delete_network(req: Request) -> Response:
    networks.delete_network(req.ctx, req.params["id"])
    return empty()


def create_subnets(req: Request) -> Response:
    wishes, bulk = bodies.several(req, "subnet", "subnets", SubnetCreate)
    made = [render.subnet(row) for row in subnets.create_subnets(req.ctx, wishes)]
    return answers.made("subnet", "subnets", made, bulk=bulk)


def list_subnets(req: Request) -> Response:
    query = parse_query(req)
    found, more = subnets.list_subnets(req.ctx, query)
    return answers.page(req, "subnets", [render.subnet(row) for row in found], query, more=more)


def show_subnet(req: Request) -> Response:
    return answers.one(req, "subnet", render.subnet(subnets.show_subnet(req.ctx, req.params["id"])))


def update_subnet(req: Request) -> Response:
    wish = bodies.one(req, "subnet", SubnetUpdate)
    return answers.one(req, "subnet", render.subnet(subnets.update_subnet(req.ctx, req.params["id"], wish)))


def delete_subnet(req: Request) -> Response:
    subnets.delete_subnet(req.ctx, req.params["id"])
    return empty()


def create_pools(req: Request) -> Response:
    wishes, bulk = bodies.several(req, "subnetpool", "subnetpools", PoolCreate)
    made = [render.pool(row) for row in pools.create_pools(req.ctx, wishes)]
    return answers.made("subnetpool", "subnetpools", made, bulk=bulk)


def list_pools(req: Request) -> Response:
    query = parse_query(req)
    found, more = pools.list_pools(req.ctx, query)
    return answers.page(req, "subnetpools", [render.pool(row) for row in found], query, more=more)


def show_pool(req: Request) -> Response:
    return answers.one(req, "subnetpool", render.pool(pools.show_pool(req.ctx, req.params["id"])))


def update_pool(req: Request) -> Response:
    wish = bodies.one(req, "subnetpool", PoolUpdate)
    return answers.one(req, "subnetpool", render.pool(pools.update_pool(req.ctx, req.params["id"], wish)))


def delete_pool(req: Request) -> Response:
    pools.delete_pool(req.ctx, req.params["id"])
    return empty()


ROUTES = (
    Route("POST", "/v2.0/networks", create_networks, "network.network.create"),
    Route("GET", "/v2.0/networks", list_networks, "network.network.list"),
    Route("GET", "/v2.0/networks/{id}", show_network, "network.network.show", quick=True),
    Route("PUT", "/v2.0/networks/{id}", update_network, "network.network.update"),
    Route("DELETE", "/v2.0/networks/{id}", delete_network, "network.network.delete"),
    Route("POST", "/v2.0/subnets", create_subnets, "network.subnet.create"),
    Route("GET", "/v2.0/subnets", list_subnets, "network.subnet.list"),
    Route("GET", "/v2.0/subnets/{id}", show_subnet, "network.subnet.show", quick=True),
    Route("PUT", "/v2.0/subnets/{id}", update_subnet, "network.subnet.update"),
    Route("DELETE", "/v2.0/subnets/{id}", delete_subnet, "network.subnet.delete"),
    Route("POST", "/v2.0/subnetpools", create_pools, "network.pool.create"),
    Route("GET", "/v2.0/subnetpools", list_pools, "network.pool.list"),
    Route("GET", "/v2.0/subnetpools/{id}", show_pool, "network.pool.show"),
    Route("PUT", "/v2.0/subnetpools/{id}", update_pool, "network.pool.update"),
    Route("DELETE", "/v2.0/subnetpools/{id}", delete_pool, "network.pool.delete"),
)
