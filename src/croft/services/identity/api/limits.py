"""`/v3/registered_limits` and `/v3/limits`."""

from __future__ import annotations

from dataclasses import dataclass

from croft.core.http import Request, Response, Route, empty, reply
from croft.services.identity.actions.limits import Limits, show_model
from croft.services.identity.api.listing import equal, listed, root
from croft.services.identity.wire import limits as wire


@dataclass(frozen=True)
class LimitsApi:
    limits: Limits

    def list_registered(self, req: Request) -> Response:
        page = req.page()
        wanted = equal(req, service="service_id", region="region_id", resource="resource_name")
        return listed(
            req, "registered_limits", self.limits.list_registered(req.ctx, wanted, page), wire.registered, page
        )

    def create_registered(self, req: Request) -> Response:
        rows = self.limits.create_registered(req.ctx, req.decode(wire.CreateRegistered).registered_limits)
        return reply({"registered_limits": [wire.registered(row, root(req)) for row in rows]}, 201)

    def show_registered(self, req: Request) -> Response:
        row = self.limits.show_registered(req.ctx, req.params["id"])
        return reply({"registered_limit": wire.registered(row, root(req))})

    def update_registered(self, req: Request) -> Response:
        wish = req.decode(wire.UpdateRegistered).registered_limit
        row = self.limits.update_registered(req.ctx, req.params["id"], wish)
        return reply({"registered_limit": wire.registered(row, root(req))})

    def delete_registered(self, req: Request) -> Response:
        self.limits.delete_registered(req.ctx, req.params["id"])
        return empty()

    def list_(self, req: Request) -> Response:
        page = req.page()
        columns = {"service": "service_id", "region": "region_id", "resource": "resource_name"}
        wanted = equal(req, **columns, project="project_id", domain="domain_id")
        return listed(req, "limits", self.limits.list_(req.ctx, wanted, page), wire.limit, page)

    def create(self, req: Request) -> Response:
        rows = self.limits.create(req.ctx, req.decode(wire.CreateLimits).limits)
        return reply({"limits": [wire.limit(row, root(req)) for row in rows]}, 201)

    def show(self, req: Request) -> Response:
        return reply({"limit": wire.limit(self.limits.show(req.ctx, req.params["id"]), root(req))})

    def update(self, req: Request) -> Response:
        row = self.limits.update(req.ctx, req.params["id"], req.decode(wire.UpdateLimit).limit)
        return reply({"limit": wire.limit(row, root(req))})

    def delete(self, req: Request) -> Response:
        self.limits.delete(req.ctx, req.params["id"])
        return empty()

    def routes(self) -> list[Route]:
        one, many = "/v3/registered_limits/{id}", "/v3/registered_limits"
        return [
            Route("GET", many, self.list_registered, "identity.registered_limit.list"),
            Route("POST", many, self.create_registered, "identity.registered_limit.create"),
            Route("GET", one, self.show_registered, "identity.registered_limit.show"),
            Route("PATCH", one, self.update_registered, "identity.registered_limit.update"),
            Route("DELETE", one, self.delete_registered, "identity.registered_limit.delete"),
            Route("GET", "/v3/limits/model", show_limit_model, "identity.limit_model.show"),
            Route("GET", "/v3/limits", self.list_, "identity.limit.list"),
            Route("POST", "/v3/limits", self.create, "identity.limit.create"),
            Route("GET", "/v3/limits/{id}", self.show, "identity.limit.show"),
            Route("PATCH", "/v3/limits/{id}", self.update, "identity.limit.update"),
            Route("DELETE", "/v3/limits/{id}", self.delete, "identity.limit.delete"),
        ]


def show_limit_model(req: Request) -> Response:
    return reply({"model": show_model(req.ctx)})
