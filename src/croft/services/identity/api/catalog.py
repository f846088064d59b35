"""`/v3/regions`, `/v3/services`, `/v3/endpoints`."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from croft.core.http import Request, Response, Route, empty, reply
from croft.services.identity.actions.catalog import Catalog
from croft.services.identity.api.listing import changed, equal, listed, root
from croft.services.identity.model.filters import fits
from croft.services.identity.wire import entries


@dataclass(frozen=True)
class CatalogApi:
    catalog: Catalog

    def list_services(self, req: Request) -> Response:
        wanted = equal(req, type="type", name="name")
        rows = [row for row in self.catalog.services(req.ctx) if fits(row, wanted)]
        return listed(req, "services", rows, entries.service)

    def create_service(self, req: Request) -> Response:
        row = self.catalog.create_service(req.ctx, req.decode(entries.CreateService).service)
        return reply({"service": entries.service(row, root(req))}, 201)

    def show_service(self, req: Request) -> Response:
        return reply({"service": entries.service(self.catalog.service(req.ctx, req.params["id"]), root(req))})

    def update_service(self, req: Request) -> Response:
        row = self.catalog.update_service(req.ctx, req.params["id"], changed(req, entries.UpdateService).service)
        return reply({"service": entries.service(row, root(req))})

    def delete_service(self, req: Request) -> Response:
        self.catalog.delete_service(req.ctx, req.params["id"])
        return empty()

    def list_endpoints(self, req: Request) -> Response:
        wanted = equal(req, interface="interface", service="service_id", region="region_id")
        rows = [row for row in self.catalog.endpoints(req.ctx) if fits(row, wanted)]
        return listed(req, "endpoints", rows, entries.endpoint)

    def create_endpoint(self, req: Request) -> Response:
        row = self.catalog.create_endpoint(req.ctx, req.decode(entries.CreateEndpoint).endpoint)
        return reply({"endpoint": entries.endpoint(row, root(req))}, 201)

    def show_endpoint(self, req: Request) -> Response:
        return reply({"endpoint": entries.endpoint(self.catalog.endpoint(req.ctx, req.params["id"]), root(req))})

    def update_endpoint(self, req: Request) -> Response:
        row = self.catalog.update_endpoint(req.ctx, req.params["id"], changed(req, entries.UpdateEndpoint).endpoint)
        return reply({"endpoint": entries.endpoint(row, root(req))})

    def delete_endpoint(self, req: Request) -> Response:
        self.catalog.delete_endpoint(req.ctx, req.params["id"])
        return empty()

    def list_regions(self, req: Request) -> Response:
        rows = self.catalog.regions(req.ctx, equal(req, parent="parent_region_id"))
        return listed(req, "regions", rows, entries.region)

    def create_region(self, req: Request) -> Response:
        row = self.catalog.create_region(req.ctx, req.decode(entries.CreateRegion).region)
        return reply({"region": entries.region(row, root(req))}, 201)

    def create_named_region(self, req: Request) -> Response:
        wish = req.decode(entries.CreateRegion).region if req.content else entries.NewRegion()
        row = self.catalog.create_region(req.ctx, msgspec.structs.replace(wish, id=req.params["id"]))
        return reply({"region": entries.region(row, root(req))}, 201)

    def show_region(self, req: Request) -> Response:
        return reply({"region": entries.region(self.catalog.region(req.ctx, req.params["id"]), root(req))})

    def update_region(self, req: Request) -> Response:
        row = self.catalog.update_region(req.ctx, req.params["id"], changed(req, entries.UpdateRegion).region)
        return reply({"region": entries.region(row, root(req))})

    def delete_region(self, req: Request) -> Response:
        self.catalog.delete_region(req.ctx, req.params["id"])
        return empty()

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/v3/services", self.list_services, "identity.service.list"),
            Route("POST", "/v3/services", self.create_service, "identity.service.create"),
            Route("GET", "/v3/services/{id}", self.show_service, "identity.service.show"),
            Route("PATCH", "/v3/services/{id}", self.update_service, "identity.service.update"),
            Route("DELETE", "/v3/services/{id}", self.delete_service, "identity.service.delete"),
            Route("GET", "/v3/endpoints", self.list_endpoints, "identity.endpoint.list"),
            Route("POST", "/v3/endpoints", self.create_endpoint, "identity.endpoint.create"),
            Route("GET", "/v3/endpoints/{id}", self.show_endpoint, "identity.endpoint.show"),
            Route("PATCH", "/v3/endpoints/{id}", self.update_endpoint, "identity.endpoint.update"),
            Route("DELETE", "/v3/endpoints/{id}", self.delete_endpoint, "identity.endpoint.delete"),
            Route("GET", "/v3/regions", self.list_regions, "identity.region.list"),
            Route("POST", "/v3/regions", self.create_region, "identity.region.create"),
            Route("GET", "/v3/regions/{id}", self.show_region, "identity.region.show"),
            Route("PUT", "/v3/regions/{id}", self.create_named_region, "identity.region.create"),
            Route("PATCH", "/v3/regions/{id}", self.update_region, "identity.region.update"),
            Route("DELETE", "/v3/regions/{id}", self.delete_region, "identity.region.delete"),
        ]
