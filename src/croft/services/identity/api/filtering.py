"""`/v3/OS-EP-FILTER`: which endpoints a project's catalog holds."""

from __future__ import annotations

from dataclasses import dataclass

from croft.core.http import Request, Response, Route, empty, reply
from croft.services.identity.actions import filtering
from croft.services.identity.actions.filtering import Filtering
from croft.services.identity.api.listing import equal, listed, root
from croft.services.identity.wire import entries, resources
from croft.services.identity.wire import extras as wire

_GROUPS, _PROJECTS = "/v3/OS-EP-FILTER/endpoint_groups", "/v3/OS-EP-FILTER/projects/{project}"


@dataclass(frozen=True)
class FilteringApi:
    filtering: Filtering

    def group_endpoints(self, req: Request) -> Response:
        rows = self.filtering.endpoints_of_group(req.ctx, req.params["id"])
        return listed(req, "endpoints", rows, entries.endpoint)

    def project_endpoints(self, req: Request) -> Response:
        rows = self.filtering.endpoints_of_project(req.ctx, req.params["project"])
        return listed(req, "endpoints", rows, entries.endpoint)

    def endpoint_projects(self, req: Request) -> Response:
        rows = self.filtering.projects_of_endpoint(req.ctx, req.params["id"])
        return listed(req, "projects", rows, resources.project)

    def check(self, req: Request) -> Response:
        self.filtering.check(req.ctx, req.params["project"], req.params["endpoint"])
        return empty()

    def add(self, req: Request) -> Response:
        self.filtering.add(req.ctx, req.params["project"], req.params["endpoint"])
        return empty()

    def remove(self, req: Request) -> Response:
        self.filtering.remove(req.ctx, req.params["project"], req.params["endpoint"])
        return empty()

    def routes(self) -> list[Route]:
        group, endpoint = f"{_GROUPS}/{{id}}", f"{_PROJECTS}/endpoints/{{endpoint}}"
        member, found = f"{group}/projects/{{project}}", "/v3/OS-EP-FILTER/endpoints/{id}/projects"
        return [
            Route("GET", _GROUPS, list_groups, "identity.endpoint_group.list"),
            Route("POST", _GROUPS, create_group, "identity.endpoint_group.create"),
            Route("GET", group, show_group, "identity.endpoint_group.show"),
            Route("PATCH", group, update_group, "identity.endpoint_group.update"),
            Route("DELETE", group, delete_group, "identity.endpoint_group.delete"),
            Route("GET", f"{group}/endpoints", self.group_endpoints, "identity.endpoint_group_endpoint.list"),
            Route("GET", f"{group}/projects", group_projects, "identity.endpoint_group_project.list"),
            Route("GET", member, check_group, "identity.endpoint_group_project.check"),
            Route("PUT", member, add_group, "identity.endpoint_group_project.add"),
            Route("DELETE", member, remove_group, "identity.endpoint_group_project.remove"),
            Route("GET", f"{_PROJECTS}/endpoint_groups", project_groups, "identity.project_endpoint_group.list"),
            Route("GET", f"{_PROJECTS}/endpoints", self.project_endpoints, "identity.project_endpoint.list"),
            Route("GET", endpoint, self.check, "identity.project_endpoint.check"),
            Route("PUT", endpoint, self.add, "identity.project_endpoint.add"),
            Route("DELETE", endpoint, self.remove, "identity.project_endpoint.remove"),
            Route("GET", found, self.endpoint_projects, "identity.endpoint_project.list"),
        ]


def list_groups(req: Request) -> Response:
    page = req.page()
    return listed(
        req,
        "endpoint_groups",
        filtering.list_groups(req.ctx, equal(req, name="name"), page),
        wire.endpoint_group,
        page,
    )


def create_group(req: Request) -> Response:
    row = filtering.create_group(req.ctx, req.decode(wire.CreateGroup).endpoint_group)
    return reply({"endpoint_group": wire.endpoint_group(row, root(req))}, 201)


def show_group(req: Request) -> Response:
    row = filtering.show_group(req.ctx, req.params["id"])
    return reply({"endpoint_group": wire.endpoint_group(row, root(req))})


def update_group(req: Request) -> Response:
    row = filtering.update_group(req.ctx, req.params["id"], req.decode(wire.UpdateGroup).endpoint_group)
    return reply({"endpoint_group": wire.endpoint_group(row, root(req))})


def delete_group(req: Request) -> Response:
    filtering.delete_group(req.ctx, req.params["id"])
    return empty()


def group_projects(req: Request) -> Response:
    return listed(req, "projects", filtering.projects_of_group(req.ctx, req.params["id"]), resources.project)


def project_groups(req: Request) -> Response:
    rows = filtering.groups_of_project(req.ctx, req.params["project"])
    return listed(req, "endpoint_groups", rows, wire.endpoint_group)


def check_group(req: Request) -> Response:
    group, project = req.params["id"], req.params["project"]
    filtering.check_group(req.ctx, group, project)
    return reply({"project_endpoint_group": wire.group_in_project(group, project, root(req))})


def add_group(req: Request) -> Response:
    filtering.add_group(req.ctx, req.params["id"], req.params["project"])
    return empty()


def remove_group(req: Request) -> Response:
    filtering.remove_group(req.ctx, req.params["id"], req.params["project"])
    return empty()
