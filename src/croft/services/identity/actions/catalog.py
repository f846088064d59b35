"""Regions, services and endpoints. What this Croft registered is shown with the rest, but only Croft changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import UNSET

from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Forbidden, Invalid
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions.projects import missing
from croft.services.identity.model import CatalogEndpoint, CatalogService, Region, Settings
from croft.services.identity.model import catalog as model
from croft.services.identity.store import catalog, epoch, extras
from croft.services.identity.wire import entries as shapes
from croft.services.identity.wire.shapes import given

T = TypeVar("T")
OURS = "Croft itself keeps this entry of the catalog; it cannot be changed here."


class Catalog:
    """Needs the settings to know what this Croft registered."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def services(self, ctx: Ctx) -> list[CatalogService]:
        with ctx.read("identity.service.list") as tx:
            return [*model.builtin(self._settings)[0], *catalog.services(tx)]

    def service(self, ctx: Ctx, id: str) -> CatalogService:
        with ctx.read("identity.service.show") as tx:
            return self.need_service(tx, id)

    def create_service(self, ctx: Ctx, wish: shapes.NewService) -> CatalogService:
        with ctx.write("identity.service.create") as tx:
            row = CatalogService(
                new_hex_id(), wish.type, "" if wish.name is UNSET else wish.name, wish.description, wish.enabled
            )
            catalog.insert_service(tx, row)
            return _written(tx, row.id, row.name, row)

    def update_service(self, ctx: Ctx, id: str, wish: shapes.ServiceChange) -> CatalogService:
        with ctx.write("identity.service.update") as tx:
            before = self._own_service(tx, id)
            changes = given(type=wish.type, name=wish.name, description=wish.description, enabled=wish.enabled)
            catalog.update_service(tx, id, changes)
            return _written(tx, id, before.name, self.need_service(tx, id))

    def delete_service(self, ctx: Ctx, id: str) -> None:
        """With its endpoints. Registered limits keep its id, as in Keystone; they are their operators' to delete."""
        with ctx.write("identity.service.delete") as tx:
            before = self._own_service(tx, id)
            extras.forget_endpoints(tx, [row.id for row in catalog.endpoints(tx) if row.service == id])
            catalog.delete_service(tx, id)
            _written(tx, id, before.name, None)

    def need_service(self, tx: Tx, id: str) -> CatalogService:
        ours = {row.id: row for row in model.builtin(self._settings)[0]}
        found = ours.get(id) or catalog.service(tx, id)
        if found is None:
            raise missing("service", id)
        return found

    def _own_service(self, tx: Tx, id: str) -> CatalogService:
        if any(row.id == id for row in model.builtin(self._settings)[0]):
            raise Forbidden(OURS)
        return self.need_service(tx, id)

    def endpoints(self, ctx: Ctx) -> list[CatalogEndpoint]:
        with ctx.read("identity.endpoint.list") as tx:
            return self.all_endpoints(tx)

    def all_endpoints(self, tx: Tx) -> list[CatalogEndpoint]:
        return [*model.builtin(self._settings)[1], *catalog.endpoints(tx)]

    def endpoint(self, ctx: Ctx, id: str) -> CatalogEndpoint:
        with ctx.read("identity.endpoint.show") as tx:
            return self.need_endpoint(tx, id)

    def create_endpoint(self, ctx: Ctx, wish: shapes.NewEndpoint) -> CatalogEndpoint:
        with ctx.write("identity.endpoint.create") as tx:
            _check_url(wish.url)
            if catalog.service(tx, wish.service_id) is None:
                raise Invalid(f"There is no service {wish.service_id} to which endpoints can be added.")
            region = self._region_for(tx, wish.region_id, wish.region)
            row = CatalogEndpoint(
                new_hex_id(),
                wish.service_id,
                wish.interface,
                region,
                wish.url,
                wish.enabled,
                None if wish.name is UNSET else wish.name,
                wish.description,
            )
            catalog.insert_endpoint(tx, row)
            return _written(tx, row.id, row.url, row)

    def update_endpoint(self, ctx: Ctx, id: str, wish: shapes.EndpointChange) -> CatalogEndpoint:
        with ctx.write("identity.endpoint.update") as tx:
            before = self._own_endpoint(tx, id)
            if wish.url is not UNSET:
                _check_url(wish.url)
            if wish.service_id is not UNSET and catalog.service(tx, wish.service_id) is None:
                raise Invalid(f"There is no service {wish.service_id} to which endpoints can be added.")
            changes = given(
                service=wish.service_id,
                interface=wish.interface,
                url=wish.url,
                enabled=wish.enabled,
                name=wish.name,
                description=wish.description,
            )
            if wish.region_id is not UNSET or wish.region is not UNSET:
                changes["region"] = self._region_for(tx, wish.region_id, wish.region)
            catalog.update_endpoint(tx, id, changes)
            return _written(tx, id, before.url, self.need_endpoint(tx, id))

    def delete_endpoint(self, ctx: Ctx, id: str) -> None:
        with ctx.write("identity.endpoint.delete") as tx:
            before = self._own_endpoint(tx, id)
            extras.forget_endpoints(tx, [id])
            catalog.delete_endpoint(tx, id)
            _written(tx, id, before.url, None)

    def need_endpoint(self, tx: Tx, id: str) -> CatalogEndpoint:
        ours = {row.id: row for row in model.builtin(self._settings)[1]}
        found = ours.get(id) or catalog.endpoint(tx, id)
        if found is None:
            raise missing("endpoint", id)
        return found

    def _own_endpoint(self, tx: Tx, id: str) -> CatalogEndpoint:
        if any(row.id == id for row in model.builtin(self._settings)[1]):
            raise Forbidden(OURS)
        return self.need_endpoint(tx, id)

    def _region_for(self, tx: Tx, id: Any, name: Any) -> str | None:
        """A region given by id must exist; one given in the old way by name is made when missing, as in Keystone."""
        asked = name if id is UNSET or id is None else id
        if asked is UNSET or asked is None or asked == self._settings.region:
            return None if asked is UNSET else asked
        if catalog.region(tx, asked) is None:
            if asked is id:
                raise Invalid(f"There is no region {asked}.")
            catalog.insert_region(tx, Region(asked, None, ""))
        return str(asked)

    def regions(self, ctx: Ctx, equal: Mapping[str, Any]) -> list[Region]:
        with ctx.read("identity.region.list") as tx:
            added = catalog.regions(tx, equal, Page(10_000))
            ours = [] if equal else [self._our_region()]
            return [*ours, *(row for row in added if row.id != self._settings.region)]

    def _our_region(self) -> Region:
        return Region(self._settings.region, None, "")

    def region(self, ctx: Ctx, id: str) -> Region:
        with ctx.read("identity.region.show") as tx:
            return self.need_region(tx, id)

    def need_region(self, tx: Tx, id: str) -> Region:
        found = self._our_region() if id == self._settings.region else catalog.region(tx, id)
        if found is None:
            raise missing("region", id)
        return found

    def create_region(self, ctx: Ctx, wish: shapes.NewRegion) -> Region:
        with ctx.write("identity.region.create") as tx:
            row = Region(wish.id or new_hex_id(), wish.parent_region_id, wish.description or "")
            if row.id == self._settings.region or catalog.region(tx, row.id) is not None:
                raise Conflict(f"There is already a region {row.id}.")
            self._check_parent(tx, row.id, row.parent)
            catalog.insert_region(tx, row)
            return _written(tx, row.id, row.id, row)

    def _check_parent(self, tx: Tx, id: str, parent: str | None) -> None:
        if parent is None:
            return
        at: str | None = self.need_region(tx, parent).id
        while at is not None:
            if at == id:
                raise Invalid("A region cannot be below itself.")
            above = catalog.region(tx, at)
            at = above.parent if above else None

    def update_region(self, ctx: Ctx, id: str, wish: shapes.RegionChange) -> Region:
        with ctx.write("identity.region.update") as tx:
            self._own_region(tx, id)
            if wish.parent_region_id is not UNSET:
                self._check_parent(tx, id, wish.parent_region_id)
            description = wish.description if wish.description is UNSET else wish.description or ""
            catalog.update_region(tx, id, given(parent=wish.parent_region_id, description=description))
            return _written(tx, id, id, self.need_region(tx, id))

    def delete_region(self, ctx: Ctx, id: str) -> None:
        with ctx.write("identity.region.delete") as tx:
            self._own_region(tx, id)
            if catalog.region_in_use(tx, id):
                raise Forbidden(f"Endpoints or other regions are still in region {id[:64]}; delete them first.")
            catalog.delete_region(tx, id)
            _written(tx, id, id, None)

    def _own_region(self, tx: Tx, id: str) -> None:
        if id == self._settings.region:
            raise Forbidden(OURS)
        self.need_region(tx, id)


def _check_url(url: str) -> None:
    if not model.valid_url(url):
        raise Invalid("The URL may only hold the places $(project_id)s, $(tenant_id)s and $(user_id)s.")


def _written(tx: WriteTx, id: str, name: str, row: T) -> T:
    tx.audit(id, name)
    epoch.bump(tx, epoch.CATALOG)
    return row
