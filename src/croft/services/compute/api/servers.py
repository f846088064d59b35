"""Routes of servers and of what hangs on one: actions, metadata, tags, addresses, interfaces."""

from __future__ import annotations

import secrets
from typing import Any

from croft.core.errors import Invalid, NotFound
from croft.core.http import Request, Response, Route, empty, reply
from croft.services.compute.actions import create, interfaces, power, servers
from croft.services.compute.model import check_tag
from croft.services.compute.wire import filters, servers_in, servers_out
from croft.services.compute.wire.parse import at, given, one
from croft.services.compute.wire.servers_out import Reader

S = "/v2.1/servers"
ONE = S + "/{id}"


def reader(request: Request) -> Reader:
    return Reader(request.version, request.base, operator=request.ctx.allows("compute.server.show_host"))


def list_brief(request: Request) -> Response:
    read = reader(request)
    return _page(request, lambda seen: read.brief(seen.server), whole=False)


def list_detail(request: Request) -> Response:
    read = reader(request)
    return _page(request, read.detail, whole=read.operator and request.version >= at(3))


def _page(request: Request, render: Any, *, whole: bool) -> Response:
    page = request.page()
    everyone, wanted = filters.everyone(request), filters.filters(request, whole=whole)
    if one(request.query, "limit").lstrip("0") == "" != one(request.query, "limit"):
        return reply({"servers": []})
    found = servers.list_servers(request.ctx, wanted, page, everyone=everyone)
    shown: dict[str, Any] = {"servers": [render(seen) for seen in found]}
    if found and len(found) == page.limit:
        shown["servers_links"] = next_link(request, found[-1].server.id)
    return reply(shown)


def next_link(request: Request, marker: str) -> list[dict[str, str]]:
    """The same question, from the marker on."""
    from urllib.parse import urlencode

    kept = [(name, value) for name, values in request.query.items() if name != "marker" for value in values]
    return [{"rel": "next", "href": f"{request.base}{request.path}?{urlencode([*kept, ('marker', marker)])}"}]


def create_server(request: Request) -> Response:
    body = request.decode(servers_in.CreateServer)
    made = create.create_servers(request.ctx, servers_in.wish(body, request.version))
    if servers_in.wants_reservation(body):
        return reply({"reservation_id": made.reservation}, 202)
    read = reader(request)
    shown = {
        "id": made.ids[0],
        "links": read.links(made.ids[0]),
        "security_groups": [{"name": name} for name in made.groups],
        "OS-DCF:diskConfig": given(body.server.disk_config, "MANUAL"),
        # Nova answers so whether or not the guest takes a password; none of ours does, and none is kept.
        "adminPass": given(body.server.admin_pass, secrets.token_urlsafe(9)),
    }
    return reply({"server": shown}, 202, {"location": read.href(made.ids[0])})


def show_server(request: Request) -> Response:
    return reply({"server": reader(request).show(servers.show_server(request.ctx, request.params["id"]))})


def update_server(request: Request) -> Response:
    changes = servers_in.changes(request.decode(servers_in.UpdateServer), request.version)
    return reply({"server": reader(request).core(servers.update_server(request.ctx, request.params["id"], changes))})


def delete_server(request: Request) -> Response:
    power.delete_server(request.ctx, request.params["id"])
    return empty(204)


def rebuild_server(request: Request) -> Response:
    body = request.decode(servers_in.RebuildServer)
    image, changes = servers_in.rebuild_changes(body, request.version)
    seen = power.rebuild_server(request.ctx, request.params["id"], image, changes)
    password = given(body.rebuild.admin_pass, secrets.token_urlsafe(9))
    read = reader(request)
    return reply({"server": read.rebuilt(seen, password)}, 202, {"location": read.href(seen.server.id)})


def list_addresses(request: Request) -> Response:
    return reply({"addresses": _addresses(request)})


def show_addresses(request: Request) -> Response:
    found, network = _addresses(request), request.params["network"]
    if network not in found:
        raise NotFound("Network not found")
    return reply({network: found[network]})


def _addresses(request: Request) -> dict[str, Any]:
    seen = servers.show_server(request.ctx, request.params["id"])
    return servers_out.addresses(seen.ports, extended=False)


def show_metadata(request: Request) -> Response:
    return reply({"metadata": servers.show_metadata(request.ctx, request.params["id"])})


def add_metadata(request: Request) -> Response:
    return _set_metadata(request, whole=False)


def replace_metadata(request: Request) -> Response:
    return _set_metadata(request, whole=True)


def _set_metadata(request: Request, *, whole: bool) -> Response:
    items = request.decode(servers_in.Metadata).metadata
    return reply({"metadata": servers.set_metadata(request.ctx, request.params["id"], items, whole=whole)})


def show_item(request: Request) -> Response:
    key = request.params["key"]
    items = servers.show_metadata(request.ctx, request.params["id"])
    if key not in items:
        raise NotFound("Metadata item was not found")
    return reply({"meta": {key: items[key]}})


def set_item(request: Request) -> Response:
    item, key = request.decode(servers_in.MetadataItem).meta, request.params["key"]
    if len(item) != 1 or key not in item:
        raise Invalid("Request body and URI mismatch")
    servers.set_metadata(request.ctx, request.params["id"], item, whole=False)
    return reply({"meta": item})


def delete_item(request: Request) -> Response:
    servers.delete_metadata(request.ctx, request.params["id"], request.params["key"])
    return empty(204)


def show_tags(request: Request) -> Response:
    return reply({"tags": servers.show_tags(request.ctx, request.params["id"])})


def replace_tags(request: Request) -> Response:
    tags = request.decode(servers_in.Tags).tags
    return reply({"tags": servers.set_tags(request.ctx, request.params["id"], tags)})


def delete_tags(request: Request) -> Response:
    servers.set_tags(request.ctx, request.params["id"], [])
    return empty(204)


def show_tag(request: Request) -> Response:
    tag = request.params["tag"]
    if tag not in servers.show_tags(request.ctx, request.params["id"]):
        raise NotFound(f"Server has no tag '{tag[:60]}'")
    return empty(204)


def add_tag(request: Request) -> Response:
    if request.content:
        raise Invalid("Invalid input for the request body: no body is taken here.")
    new = servers.add_tag(request.ctx, request.params["id"], check_tag(request.params["tag"]))
    return empty(201, {"location": f"{request.base}{request.path}"}) if new else empty(204)


def delete_tag(request: Request) -> Response:
    servers.remove_tag(request.ctx, request.params["id"], request.params["tag"])
    return empty(204)


def list_interfaces(request: Request) -> Response:
    seen = servers.show_server(request.ctx, request.params["id"], "compute.server.list_interfaces")
    return reply({"interfaceAttachments": [servers_out.interface(port, request.version) for port in seen.ports]})


def show_interface(request: Request) -> Response:
    seen = servers.show_server(request.ctx, request.params["id"], "compute.server.list_interfaces")
    for port in seen.ports:
        if port.id == request.params["port"]:
            return reply({"interfaceAttachment": servers_out.interface(port, request.version)})
    raise NotFound(f"Interface {request.params['port'][:64]} is not attached to this server.")


def attach_interface(request: Request) -> Response:
    wish = servers_in.interface(request.decode(servers_in.AttachInterface), request.version)
    port = interfaces.attach(request.ctx, request.params["id"], wish)
    return reply({"interfaceAttachment": servers_out.interface(port, request.version)})


def detach_interface(request: Request) -> Response:
    interfaces.detach(request.ctx, request.params["id"], request.params["port"])
    return empty(202)


def list_groups(request: Request) -> Response:
    return reply({"security_groups": interfaces.list_groups(request.ctx, request.params["id"])})


def show_topology(request: Request) -> Response:
    """Guests are not bound to NUMA nodes here, which Nova shows as no nodes at all."""
    servers.show_server(request.ctx, request.params["id"])
    return reply({"nodes": [], "pagesize_kb": None})


def show_password(request: Request) -> Response:
    """What a guest might have told, encrypted to its owner's key: ours tell nothing."""
    servers.show_server(request.ctx, request.params["id"], "compute.server.show_password")
    return reply({"password": ""})


def forget_password(request: Request) -> Response:
    servers.show_server(request.ctx, request.params["id"], "compute.server.forget_password")
    return empty(204)


def list_volumes(request: Request) -> Response:
    filters.only(request, ("limit", "offset"))
    servers.show_server(request.ctx, request.params["id"], "compute.server.list_volumes")
    return reply({"volumeAttachments": []})


def show_volume(request: Request) -> Response:
    servers.show_server(request.ctx, request.params["id"], "compute.server.list_volumes")
    raise NotFound(f"Volume {request.params['volume'][:64]} is not attached to this server.")


ROUTES = [
    Route("GET", S, list_brief, "compute.server.list"),
    Route("GET", S + "/detail", list_detail, "compute.server.list"),
    Route("POST", S, create_server, "compute.server.create"),
    Route("GET", ONE, show_server, "compute.server.show", quick=True),
    Route("PUT", ONE, update_server, "compute.server.update"),
    Route("DELETE", ONE, delete_server, "compute.server.delete"),
    Route("GET", ONE + "/ips", list_addresses, "compute.server.show"),
    Route("GET", ONE + "/ips/{network}", show_addresses, "compute.server.show"),
    Route("GET", ONE + "/metadata", show_metadata, "compute.server.show_metadata"),
    Route("POST", ONE + "/metadata", add_metadata, "compute.server.change_metadata"),
    Route("PUT", ONE + "/metadata", replace_metadata, "compute.server.change_metadata"),
    Route("GET", ONE + "/metadata/{key}", show_item, "compute.server.show_metadata"),
    Route("PUT", ONE + "/metadata/{key}", set_item, "compute.server.change_metadata"),
    Route("DELETE", ONE + "/metadata/{key}", delete_item, "compute.server.change_metadata"),
    Route("GET", ONE + "/tags", show_tags, "compute.server.show_tags", since=at(26)),
    Route("PUT", ONE + "/tags", replace_tags, "compute.server.change_tags", since=at(26)),
    Route("DELETE", ONE + "/tags", delete_tags, "compute.server.change_tags", since=at(26)),
    Route("GET", ONE + "/tags/{tag}", show_tag, "compute.server.show_tags", since=at(26)),
    Route("PUT", ONE + "/tags/{tag}", add_tag, "compute.server.change_tags", since=at(26)),
    Route("DELETE", ONE + "/tags/{tag}", delete_tag, "compute.server.change_tags", since=at(26)),
    Route("GET", ONE + "/os-interface", list_interfaces, "compute.server.list_interfaces"),
    Route("POST", ONE + "/os-interface", attach_interface, "compute.server.attach_interface"),
    Route("GET", ONE + "/os-interface/{port}", show_interface, "compute.server.list_interfaces"),
    Route("DELETE", ONE + "/os-interface/{port}", detach_interface, "compute.server.detach_interface"),
    Route("GET", ONE + "/topology", show_topology, "compute.server.show", since=at(78)),
    Route("GET", ONE + "/os-security-groups", list_groups, "compute.server.list_groups"),
    Route("GET", ONE + "/os-server-password", show_password, "compute.server.show_password"),
    Route("DELETE", ONE + "/os-server-password", forget_password, "compute.server.forget_password"),
    Route("GET", ONE + "/os-volume_attachments", list_volumes, "compute.server.list_volumes"),
    Route("GET", ONE + "/os-volume_attachments/{volume}", show_volume, "compute.server.list_volumes"),
]
