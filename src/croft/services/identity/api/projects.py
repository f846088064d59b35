"""`/v3/projects` with tags, and `/v3/domains`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from croft.core.errors import Invalid
from croft.core.http import Request, Response, Route, empty, reply
from croft.core.page import Page
from croft.services.identity.actions import domains, family, projects
from croft.services.identity.actions.births import Births
from croft.services.identity.actions.limits import Limits
from croft.services.identity.api.listing import changed, equal, listed, root
from croft.services.identity.model import Project
from croft.services.identity.model.limits import Limit
from croft.services.identity.wire import resources, shapes
from croft.services.identity.wire.limits import limit

_TAG_FILTERS = ("tags", "tags-any", "not-tags", "not-tags-any")


def list_projects(req: Request) -> Response:
    wanted = {"is_domain": False} | equal(
        req,
        domain="domain_id",
        name="name",
        enabled="enabled",
        parent="parent_id",
        is_domain="is_domain",
        slug="slug",
    )
    if not any(name in req.query for name in _TAG_FILTERS):
        page = req.page()
        return listed(req, "projects", projects.list_projects(req.ctx, wanted, page), resources.project, page)
    rows = projects.list_projects(req.ctx, wanted, Page(100_000))
    return listed(req, "projects", [row for row in rows if _tagged(req, row)], resources.project)


def _tagged(req: Request, row: Project) -> bool:
    held = set(row.tags)
    asked = {name: set(req.first(name).split(",")) for name in _TAG_FILTERS if name in req.query}
    return (
        asked.get("tags", set()) <= held
        and (not asked.get("tags-any") or bool(asked["tags-any"] & held))
        and (not asked.get("not-tags") or not asked["not-tags"] <= held)
        and not (asked.get("not-tags-any", set()) & held)
    )


def create_project(births: Births, req: Request) -> Response:
    wish = req.decode(shapes.CreateProject).project
    extra = shapes.beyond(req.content, "project", shapes.NewProject)
    return reply({"project": resources.project(projects.create_project(req.ctx, births, wish, extra), root(req))}, 201)


def show_project(limits: Limits, req: Request) -> Response:
    row = projects.show_project(req.ctx, req.params["id"])
    return reply({"project": resources.project(row, root(req)) | _lines(req, row, limits)})


_LINES = ("parents_as_list", "parents_as_ids", "subtree_as_list", "subtree_as_ids")


def _asked(req: Request, name: str) -> bool:
    return req.first(name, "0").lower() not in {"0", "false"}


def _lines(req: Request, row: Project, limits: Limits) -> dict[str, Any]:
    """What is above and below it, as far as the query asks."""
    wanted = {name for name in _LINES if _asked(req, name)}
    for kind in ("parents", "subtree"):
        if {f"{kind}_as_list", f"{kind}_as_ids"} <= wanted:
            raise Invalid(f"Ask for {kind}_as_list or for {kind}_as_ids, not for both.")
    if not wanted:
        return {}
    above, below = family.lines(req.ctx, row)
    held = limits.of_projects(req.ctx, [each.id for each in (*above, *below)]) if _asked(req, "include_limits") else {}
    base = root(req)

    def whole(rows: list[Project]) -> list[dict[str, Any]]:
        return [{"project": resources.project(each, base) | _limits(held, each.id, base)} for each in rows]

    shown = {
        "parents_as_list": whole(above),
        "parents_as_ids": family.chain(above),
        "subtree_as_list": whole(below),
        "subtree_as_ids": family.tree(row.id, below),
    }
    return {name.partition("_")[0]: shown[name] for name in wanted}


def _limits(held: Mapping[str, list[Limit]], project: str, base: str) -> dict[str, Any]:
    return {"limits": [limit(each, base) for each in held[project]]} if project in held else {}


def update_project(births: Births, req: Request) -> Response:
    wish = req.decode(shapes.UpdateProject).project
    extra = shapes.beyond(req.content, "project", shapes.ProjectChange)
    row = projects.update_project(req.ctx, births, req.params["id"], wish, extra)
    return reply({"project": resources.project(row, root(req))})


def delete_project(req: Request) -> Response:
    domains.delete_project(req.ctx, req.params["id"])
    return empty()


def list_tags(req: Request) -> Response:
    return reply({"tags": projects.show_project(req.ctx, req.params["id"], "identity.project_tag.list").tags})


def check_tag(req: Request) -> Response:
    row = projects.show_project(req.ctx, req.params["id"], "identity.project_tag.list")
    if req.params["tag"] not in row.tags:
        raise projects.missing("project tag", req.params["tag"])
    return empty()


def set_tags(req: Request) -> Response:
    return reply({"tags": projects.set_tags(req.ctx, req.params["id"], req.decode(shapes.UpdateTags).tags)})


def clear_tags(req: Request) -> Response:
    projects.set_tags(req.ctx, req.params["id"], [])
    return empty()


def add_tag(req: Request) -> Response:
    projects.add_tag(req.ctx, req.params["id"], req.params["tag"])
    place = f"{root(req)}/projects/{req.params['id']}/tags/{req.params['tag']}"
    return empty(201, {"location": place} if place.isascii() and place.isprintable() else None)


def remove_tag(req: Request) -> Response:
    projects.remove_tag(req.ctx, req.params["id"], req.params["tag"])
    return empty()


def list_domains(req: Request) -> Response:
    page = req.page()
    rows = domains.list_domains(req.ctx, equal(req, name="name", enabled="enabled"), page)
    return listed(req, "domains", rows, resources.domain, page)


def create_domain(req: Request) -> Response:
    row = domains.create_domain(req.ctx, req.decode(shapes.CreateDomain).domain)
    return reply({"domain": resources.domain(row, root(req))}, 201)


def show_domain(req: Request) -> Response:
    return reply({"domain": resources.domain(domains.show_domain(req.ctx, req.params["id"]), root(req))})


def update_domain(req: Request) -> Response:
    row = domains.update_domain(req.ctx, req.params["id"], changed(req, shapes.UpdateDomain).domain)
    return reply({"domain": resources.domain(row, root(req))})


def delete_domain(req: Request) -> Response:
    domains.delete_domain(req.ctx, req.params["id"])
    return empty()


def routes(births: Births, limits: Limits) -> list[Route]:
    return [
        Route("GET", "/v3/projects/{id}", partial(show_project, limits), "identity.project.show"),
        Route("POST", "/v3/projects", partial(create_project, births), "identity.project.create"),
        Route("PATCH", "/v3/projects/{id}", partial(update_project, births), "identity.project.update"),
        *ROUTES,
    ]


ROUTES = [
    Route("GET", "/v3/projects", list_projects, "identity.project.list"),
    Route("DELETE", "/v3/projects/{id}", delete_project, "identity.project.delete"),
    Route("GET", "/v3/projects/{id}/tags", list_tags, "identity.project_tag.list"),
    Route("PUT", "/v3/projects/{id}/tags", set_tags, "identity.project_tag.update"),
    Route("DELETE", "/v3/projects/{id}/tags", clear_tags, "identity.project_tag.update"),
    Route("GET", "/v3/projects/{id}/tags/{tag}", check_tag, "identity.project_tag.list"),
    Route("PUT", "/v3/projects/{id}/tags/{tag}", add_tag, "identity.project_tag.update"),
    Route("DELETE", "/v3/projects/{id}/tags/{tag}", remove_tag, "identity.project_tag.update"),
    Route("GET", "/v3/domains", list_domains, "identity.domain.list"),
    Route("POST", "/v3/domains", create_domain, "identity.domain.create"),
    Route("GET", "/v3/domains/{id}", show_domain, "identity.domain.show"),
    Route("PATCH", "/v3/domains/{id}", update_domain, "identity.domain.update"),
    Route("DELETE", "/v3/domains/{id}", delete_domain, "identity.domain.delete"),
]
