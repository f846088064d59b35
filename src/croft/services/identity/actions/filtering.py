"""Endpoint filtering: a project that was given endpoints, one by one or in groups, sees only those in its catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid, NotFound
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions.catalog import Catalog
from croft.services.identity.actions.projects import missing, need_project
from croft.services.identity.model import CatalogEndpoint, Project
from croft.services.identity.model.extras import COLUMN_OF, EndpointGroup, reached
from croft.services.identity.store import epoch, extras, projects
from croft.services.identity.wire import extras as shapes
from croft.services.identity.wire.shapes import given


def need_group(tx: Tx, id: str) -> EndpointGroup:
    found = extras.show_group(tx, id)
    if found is None:
        raise missing("endpoint group", id)
    return found


def _check(filters: Mapping[str, Any] | None) -> None:
    if filters is None or not set(filters) <= set(COLUMN_OF):
        raise Invalid("Endpoints are filtered by service_id, region_id and interface only.")


def list_groups(ctx: Ctx, wanted: Mapping[str, Any], page: Page) -> list[EndpointGroup]:
    with ctx.read("identity.endpoint_group.list") as tx:
        return extras.groups(tx, wanted, page)


def show_group(ctx: Ctx, id: str) -> EndpointGroup:
    with ctx.read("identity.endpoint_group.show") as tx:
        return need_group(tx, id)


def create_group(ctx: Ctx, wish: shapes.NewGroup) -> EndpointGroup:
    with ctx.write("identity.endpoint_group.create") as tx:
        if not wish.filters:
            raise Invalid("An endpoint group needs filters: service_id, region_id or interface.")
        _check(wish.filters)
        row = EndpointGroup(new_hex_id(), wish.name, wish.description, wish.filters)
        extras.insert_group(tx, row)
        tx.audit(row.id, row.name)
        return row


def update_group(ctx: Ctx, id: str, wish: shapes.GroupChange) -> EndpointGroup:
    """Filters may be emptied here, as in Keystone: such a group holds every endpoint."""
    with ctx.write("identity.endpoint_group.update") as tx:
        before = need_group(tx, id)
        values = given(name=wish.name, description=wish.description, filters=wish.filters)
        if not values:
            raise Invalid("The request names nothing to change.")
        if "filters" in values:
            _check(values["filters"])
        extras.update_group(tx, id, values)
        _written(tx, id, before.name)
        return need_group(tx, id)


def delete_group(ctx: Ctx, id: str) -> None:
    with ctx.write("identity.endpoint_group.delete") as tx:
        before = need_group(tx, id)
        extras.delete_group(tx, id)
        _written(tx, id, before.name)


def projects_of_group(ctx: Ctx, id: str) -> list[Project]:
    with ctx.read("identity.endpoint_group_project.list") as tx:
        need_group(tx, id)
        return projects.some(tx, extras.projects_of_group(tx, id))


def groups_of_project(ctx: Ctx, project: str) -> list[EndpointGroup]:
    with ctx.read("identity.project_endpoint_group.list") as tx:
        need_project(tx, project)
        return extras.groups_of(tx, project)


def check_group(ctx: Ctx, id: str, project: str) -> None:
    with ctx.read("identity.endpoint_group_project.check") as tx:
        _both(tx, id, project)
        if project not in extras.projects_of_group(tx, id):
            raise _apart("endpoint group", id, project)


def add_group(ctx: Ctx, id: str, project: str) -> None:
    with ctx.write("identity.endpoint_group_project.add") as tx:
        name = _both(tx, id, project)
        if project in extras.projects_of_group(tx, id):
            raise Conflict("The project has this endpoint group already.")
        extras.add_group(tx, id, project)
        _written(tx, project, name)


def remove_group(ctx: Ctx, id: str, project: str) -> None:
    with ctx.write("identity.endpoint_group_project.remove") as tx:
        name = _both(tx, id, project)
        if not extras.remove_group(tx, id, project):
            raise _apart("endpoint group", id, project)
        _written(tx, project, name)


def _both(tx: Tx, id: str, project: str) -> str:
    need_project(tx, project)
    return need_group(tx, id).name


def _apart(what: str, id: str, project: str) -> NotFound:
    return NotFound(f"The project {project[:64]} was not given {what} {id[:64]}.")


def _written(tx: WriteTx, id: str, name: str) -> None:
    tx.audit(id, name)
    epoch.bump(tx, epoch.CATALOG)


@dataclass(frozen=True)
class Filtering:
    """What needs to know every endpoint, Croft's own included."""

    catalog: Catalog

    def endpoints_of_group(self, ctx: Ctx, id: str) -> list[CatalogEndpoint]:
        with ctx.read("identity.endpoint_group_endpoint.list") as tx:
            group = need_group(tx, id)
            return [each for each in self.catalog.all_endpoints(tx) if group.holds(each)]

    def endpoints_of_project(self, ctx: Ctx, project: str) -> list[CatalogEndpoint]:
        """Those given to it; none were when it sees them all."""
        with ctx.read("identity.project_endpoint.list") as tx:
            need_project(tx, project)
            single, groups = extras.endpoints_of(tx, project), extras.groups_of(tx, project)
            return reached(self.catalog.all_endpoints(tx), single, groups)

    def projects_of_endpoint(self, ctx: Ctx, endpoint: str) -> list[Project]:
        with ctx.read("identity.endpoint_project.list") as tx:
            self.catalog.need_endpoint(tx, endpoint)
            return projects.some(tx, extras.projects_of_endpoint(tx, endpoint))

    def check(self, ctx: Ctx, project: str, endpoint: str) -> None:
        with ctx.read("identity.project_endpoint.check") as tx:
            self._both(tx, project, endpoint)
            if endpoint not in extras.endpoints_of(tx, project):
                raise _apart("endpoint", endpoint, project)

    def _both(self, tx: Tx, project: str, endpoint: str) -> str:
        need_project(tx, project)
        return self.catalog.need_endpoint(tx, endpoint).url

    def add(self, ctx: Ctx, project: str, endpoint: str) -> None:
        with ctx.write("identity.project_endpoint.add") as tx:
            url = self._both(tx, project, endpoint)
            if endpoint in extras.endpoints_of(tx, project):
                raise Conflict("The project has this endpoint already.")
            extras.add_endpoint(tx, project, endpoint)
            _written(tx, project, url)

    def remove(self, ctx: Ctx, project: str, endpoint: str) -> None:
        with ctx.write("identity.project_endpoint.remove") as tx:
            url = self._both(tx, project, endpoint)
            if not extras.remove_endpoint(tx, project, endpoint):
                raise _apart("endpoint", endpoint, project)
            _written(tx, project, url)
