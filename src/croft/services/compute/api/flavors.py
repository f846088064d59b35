"""Routes of flavors and key pairs."""

from __future__ import annotations

from typing import Any

from croft.core.errors import Invalid
from croft.core.http import Request, Response, Route, empty, reply
from croft.core.page import Page
from croft.services.compute.actions import flavors, keypairs
from croft.services.compute.api.servers import next_link
from croft.services.compute.wire import filters
from croft.services.compute.wire import flavors as wire
from croft.services.compute.wire.parse import at, number, one, query_truth, single_action

F = "/v2.1/flavors"
K = "/v2.1/os-keypairs"
SPECS = F + "/{id}/os-extra_specs"


def list_brief(request: Request) -> Response:
    return _page(request, wire.flavor_brief)


def list_detail(request: Request) -> Response:
    return _page(request, wire.flavor_detail)


def _page(request: Request, render: Any) -> Response:
    filters.only(request, ("is_public", "limit", "marker", "minDisk", "minRam", "sort_dir", "sort_key"))
    page, query = request.page(), request.query
    least = number(one(query, "minRam", "0"), "minRam"), number(one(query, "minDisk", "0"), "minDisk")
    direction = one(query, "sort_dir", "asc")
    if direction not in {"asc", "desc"}:
        raise Invalid("Unknown sort direction, must be one of: asc, desc")
    sort = one(query, "sort_key", "flavorid"), direction == "desc"
    found = flavors.list_flavors(request.ctx, page, _public(request), least, sort)
    shown: dict[str, Any] = {"flavors": [render(flavor, request.base, request.version) for flavor in found]}
    if found and len(found) == page.limit:
        shown["flavors_links"] = next_link(request, found[-1].id)
    return reply(shown)


def _public(request: Request) -> bool | None:
    """`None` in the query means both kinds, which only operators may ask for; people get the public ones and theirs."""
    text = one(request.query, "is_public", "true" if request.ctx.actor.is_admin else "")
    return None if text.strip().lower() in {"none", ""} else query_truth(text, "is_public")


def create_flavor(request: Request) -> Response:
    made = flavors.create_flavor(request.ctx, wire.flavor_wish(request.decode(wire.CreateFlavor), request.version))
    return reply({"flavor": wire.flavor_detail(made, request.base, request.version)})


def show_flavor(request: Request) -> Response:
    found = flavors.show_flavor(request.ctx, request.params["id"])
    return reply({"flavor": wire.flavor_detail(found, request.base, request.version)})


def update_flavor(request: Request) -> Response:
    description = request.decode(wire.UpdateFlavor).flavor.description
    found = flavors.describe_flavor(request.ctx, request.params["id"], description)
    return reply({"flavor": wire.flavor_detail(found, request.base, request.version)})


def delete_flavor(request: Request) -> Response:
    flavors.delete_flavor(request.ctx, request.params["id"])
    return empty(202)


def list_specs(request: Request) -> Response:
    found = flavors.show_flavor(request.ctx, request.params["id"], "compute.flavor.show_specs")
    return reply({"extra_specs": found.extra_specs})


def set_specs(request: Request) -> Response:
    specs = wire.specs(request.decode(wire.ExtraSpecs))
    flavors.set_specs(request.ctx, request.params["id"], specs)
    return reply({"extra_specs": specs})


def show_spec(request: Request) -> Response:
    key = request.params["key"]
    return reply({key: flavors.show_spec(request.ctx, request.params["id"], key)})


def set_spec(request: Request) -> Response:
    body, key = request.decode(dict[str, str | int | float]), request.params["key"]
    if list(body) != [key]:
        raise Invalid("Request body and URI mismatch")
    flavors.set_specs(request.ctx, request.params["id"], {key: str(body[key])})
    return reply(body)


def delete_spec(request: Request) -> Response:
    flavors.delete_spec(request.ctx, request.params["id"], request.params["key"])
    return empty(200)


def list_access(request: Request) -> Response:
    id = request.params["id"]
    return reply(wire.access(id, flavors.list_access(request.ctx, id)))


def act(request: Request) -> Response:
    name, id = single_action(request)[0], request.params["id"]
    if name == "addTenantAccess":
        return reply(wire.access(id, flavors.add_access(request.ctx, id, request.decode(wire.AddAccess).access.tenant)))
    if name == "removeTenantAccess":
        tenant = request.decode(wire.RemoveAccess).access.tenant
        return reply(wire.access(id, flavors.remove_access(request.ctx, id, tenant)))
    raise Invalid(f"There is no such action: {name[:60]}")


def _user(request: Request) -> str:
    return one(request.query, "user_id") if request.version >= at(10) else ""


def list_keypairs(request: Request) -> Response:
    filters.only(request, ("limit", "marker", "user_id"))
    page = request.page() if request.version >= at(35) else Page()
    found = keypairs.list_keypairs(request.ctx, _user(request), page)
    shown: dict[str, Any] = {"keypairs": [{"keypair": wire.keypair(each, request.version)} for each in found]}
    if request.version >= at(35) and found and len(found) == page.limit:
        shown["keypairs_links"] = next_link(request, found[-1].name)
    return reply(shown)


def create_keypair(request: Request) -> Response:
    name, kind, public_key, user = wire.keypair_wish(request.decode(wire.CreateKeyPair), request.version)
    made, private = keypairs.create_keypair(request.ctx, name, kind, public_key, user)
    status = 201 if request.version >= at(2) else 200
    return reply({"keypair": wire.keypair_made(made, private, request.version)}, status)


def show_keypair(request: Request) -> Response:
    filters.only(request, ("user_id",))
    found = keypairs.show_keypair(request.ctx, request.params["name"], _user(request))
    return reply({"keypair": wire.keypair_detail(found, request.version)})


def delete_keypair(request: Request) -> Response:
    filters.only(request, ("user_id",))
    keypairs.delete_keypair(request.ctx, request.params["name"], _user(request))
    return empty(204 if request.version >= at(2) else 202)


ROUTES = [
    Route("GET", F, list_brief, "compute.flavor.list"),
    Route("POST", F, create_flavor, "compute.flavor.create"),
    Route("GET", F + "/detail", list_detail, "compute.flavor.list"),
    Route("GET", F + "/{id}", show_flavor, "compute.flavor.show", quick=True),
    Route("PUT", F + "/{id}", update_flavor, "compute.flavor.update", since=at(55)),
    Route("DELETE", F + "/{id}", delete_flavor, "compute.flavor.delete"),
    Route("POST", F + "/{id}/action", act, "compute.flavor.change_access"),
    Route("GET", F + "/{id}/os-flavor-access", list_access, "compute.flavor.list_access"),
    Route("GET", SPECS, list_specs, "compute.flavor.show_specs"),
    Route("POST", SPECS, set_specs, "compute.flavor.change_specs"),
    Route("GET", SPECS + "/{key}", show_spec, "compute.flavor.show_specs"),
    Route("PUT", SPECS + "/{key}", set_spec, "compute.flavor.change_specs"),
    Route("DELETE", SPECS + "/{key}", delete_spec, "compute.flavor.change_specs"),
    Route("GET", K, list_keypairs, "compute.keypair.list"),
    Route("POST", K, create_keypair, "compute.keypair.create"),
    Route("GET", K + "/{name}", show_keypair, "compute.keypair.show"),
    Route("DELETE", K + "/{name}", delete_keypair, "compute.keypair.delete"),
]
