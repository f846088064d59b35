"""Routes of versions, extensions, quotas, tags, the ready-made topology and address availability."""

from __future__ import annotations

import msgspec

from croft.core.errors import Invalid, NotFound
from croft.core.http import Request, Response, Route, empty, reply
from croft.services.network.actions import availability, quotas, tags, topology
from croft.services.network.api import answers
from croft.services.network.model.query import Query
from croft.services.network.wire import bodies, extensions, render, versions
from croft.services.network.wire.query import chosen, parse_query
from croft.services.network.wire.shapes import TagList


def show_versions(req: Request) -> Response:
    return reply(versions.versions(req.base))


def show_resources(req: Request) -> Response:
    return reply(versions.resources(req.base))


def list_extensions(req: Request) -> Response:
    req.ctx.policy.check(req.ctx.actor, "network.extension.list")
    return reply({"extensions": chosen(req, extensions.listed())})


def show_extension(req: Request) -> Response:
    req.ctx.policy.check(req.ctx.actor, "network.extension.list")
    found = extensions.found(req.params["alias"])
    if found is None:
        raise NotFound(f"Extension with alias {req.params['alias'][:64]} does not exist")
    return reply({"extension": found})


def list_none(req: Request) -> Response:
    """Agents, zones, providers: what they are for in other clouds, the fabric does itself, and for every host alike."""
    req.ctx.policy.check(req.ctx.actor, "network.agent.list")
    return reply({req.path.rpartition("/")[2].replace("-", "_"): []})


def list_quotas(req: Request) -> Response:
    return reply({"quotas": quotas.list_quotas(req.ctx)})


def show_tenant(req: Request) -> Response:
    actor = req.ctx.actor
    req.ctx.policy.check(actor, "network.quota.show")
    return reply({"tenant": {"tenant_id": actor.project, "project_id": actor.project}})


def show_quota(req: Request) -> Response:
    return reply({"quota": quotas.show_quota(req.ctx, req.params["project"])})


def show_default_quota(req: Request) -> Response:
    return reply({"quota": quotas.default_quota(req.ctx, req.params["project"])})


def show_quota_details(req: Request) -> Response:
    return reply({"quota": quotas.quota_details(req.ctx, req.params["project"])})


class _Quota(msgspec.Struct):
    quota: dict[str, object]


def update_quota(req: Request) -> Response:
    return reply({"quota": quotas.update_quota(req.ctx, req.params["project"], req.decode(_Quota).quota)})


def reset_quota(req: Request) -> Response:
    quotas.reset_quota(req.ctx, req.params["project"])
    return empty()


def _plural(req: Request) -> str:
    plural = req.params["plural"]
    if plural not in tags.PLURALS:
        raise NotFound("The resource could not be found.")
    return plural


def show_tags(req: Request) -> Response:
    return reply({"tags": tags.show_tags(req.ctx, _plural(req), req.params["id"])})


def set_tags(req: Request) -> Response:
    wish = bodies.parse(req.decode(dict), "tags", TagList, "PUT")
    return reply({"tags": tags.set_tags(req.ctx, _plural(req), req.params["id"], wish.tags)})


def add_tags(req: Request) -> Response:
    wish = bodies.parse(req.decode(dict), "tags", TagList)
    return reply({"tags": tags.add_tags(req.ctx, _plural(req), req.params["id"], wish.tags)}, 201)


def clear_tags(req: Request) -> Response:
    tags.set_tags(req.ctx, _plural(req), req.params["id"], [])
    return empty()


def show_tag(req: Request) -> Response:
    tags.ensure_tag(req.ctx, _plural(req), req.params["id"], req.params["tag"])
    return empty()


def add_tag(req: Request) -> Response:
    tags.add_tags(req.ctx, _plural(req), req.params["id"], [req.params["tag"]])
    return empty(201)


def remove_tag(req: Request) -> Response:
    tags.remove_tag(req.ctx, _plural(req), req.params["id"], req.params["tag"])
    return empty()


def show_topology(req: Request) -> Response:
    project = req.params["project"]
    id = topology.show_topology(req.ctx, project, dry_run="dry-run" in req.query.get("fields", []))
    owner = req.ctx.actor.project if project in {"null", "None"} else project
    return reply({"auto_allocated_topology": {"id": id, "tenant_id": owner, "project_id": owner}})


def delete_topology(req: Request) -> Response:
    topology.delete_topology(req.ctx, req.params["project"])
    return empty()


def list_availability(req: Request) -> Response:
    asked = parse_query(req)
    names = {"network_id": "id", "network_name": "name"}
    versions_asked = asked.filters.get("ip_version", [""])
    if versions_asked[0] not in {"", "4", "6"}:
        raise Invalid("ip_version is 4 or 6.")
    filters = {names.get(name, name): values for name, values in asked.filters.items() if name != "ip_version"}
    query = Query(filters, asked.sorts, asked.limit, asked.marker, asked.reverse)
    version = int(versions_asked[0]) if versions_asked[0] else None
    found, _ = availability.list_availability(req.ctx, query, version)
    return reply({"network_ip_availabilities": chosen(req, [render.availability(*each) for each in found])})


def show_availability(req: Request) -> Response:
    found = availability.show_availability(req.ctx, req.params["id"])
    return answers.one(req, "network_ip_availability", render.availability(*found))


ROUTES = (
    Route("GET", "/", show_versions, None),
    Route("GET", "/v2.0", show_resources, None),
    Route("GET", "/v2.0/extensions", list_extensions, "network.extension.list"),
    Route("GET", "/v2.0/extensions/{alias}", show_extension, "network.extension.list"),
    Route("GET", "/v2.0/agents", list_none, "network.agent.list"),
    Route("GET", "/v2.0/availability_zones", list_none, "network.agent.list"),
    Route("GET", "/v2.0/service-providers", list_none, "network.agent.list"),
    Route("GET", "/v2.0/quotas", list_quotas, "network.quota.update"),
    Route("GET", "/v2.0/quotas/tenant", show_tenant, "network.quota.show"),
    Route("GET", "/v2.0/quotas/project", show_tenant, "network.quota.show"),
    Route("GET", "/v2.0/quotas/{project}", show_quota, "network.quota.show"),
    Route("GET", "/v2.0/quotas/{project}/default", show_default_quota, "network.quota.show"),
    Route("GET", "/v2.0/quotas/{project}/details", show_quota_details, "network.quota.show"),
    Route("PUT", "/v2.0/quotas/{project}", update_quota, "network.quota.update"),
    Route("DELETE", "/v2.0/quotas/{project}", reset_quota, "network.quota.update"),
    Route("GET", "/v2.0/{plural}/{id}/tags", show_tags, "network.tag.show"),
    Route("PUT", "/v2.0/{plural}/{id}/tags", set_tags, "network.tag.update"),
    Route("POST", "/v2.0/{plural}/{id}/tags", add_tags, "network.tag.update"),
    Route("DELETE", "/v2.0/{plural}/{id}/tags", clear_tags, "network.tag.update"),
    Route("GET", "/v2.0/{plural}/{id}/tags/{tag}", show_tag, "network.tag.show"),
    Route("PUT", "/v2.0/{plural}/{id}/tags/{tag}", add_tag, "network.tag.update"),
    Route("DELETE", "/v2.0/{plural}/{id}/tags/{tag}", remove_tag, "network.tag.update"),
    Route("GET", "/v2.0/auto-allocated-topology/{project}", show_topology, "network.topology.show"),
    Route("DELETE", "/v2.0/auto-allocated-topology/{project}", delete_topology, "network.topology.delete"),
    Route("GET", "/v2.0/network-ip-availabilities", list_availability, "network.availability.show"),
    Route("GET", "/v2.0/network-ip-availabilities/{id}", show_availability, "network.availability.show"),
)
