"""`/v3/OS-FEDERATION`: identity providers, protocols, mappings, service providers."""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET

from croft.core.errors import Invalid
from croft.core.http import Request, Response, Route, empty, reply
from croft.services.identity.actions import federation
from croft.services.identity.api.listing import changed, equal, listed, root
from croft.services.identity.model.federation import IdentityProvider, Mapping, Protocol, ServiceProvider
from croft.services.identity.wire import federation as wire
from croft.services.identity.wire.shapes import given

_ID = re.compile(r"[\w.~-]{1,64}")


def _id(req: Request) -> str:
    """The name a new thing is to have: part of its URL, so nothing that needs quoting there."""
    if not _ID.fullmatch(req.params["id"]):
        raise Invalid("An id here is 1 to 64 letters, digits, dots, dashes and underscores.")
    return req.params["id"]


def list_providers(req: Request) -> Response:
    rows = federation.list_(req.ctx, IdentityProvider, equal(req, id="id", enabled="enabled"))
    return listed(req, "identity_providers", rows, wire.provider)


def create_provider(req: Request) -> Response:
    row = federation.create_provider(req.ctx, req.decode(wire.CreateProvider).identity_provider.row(_id(req)))
    return reply({"identity_provider": wire.provider(row, root(req))}, 201)


def show_provider(req: Request) -> Response:
    row = federation.show(req.ctx, IdentityProvider, req.params["id"])
    return reply({"identity_provider": wire.provider(row, root(req))})


def update_provider(req: Request) -> Response:
    changes = changed(req, wire.UpdateProvider).identity_provider.changes()
    row = federation.update(req.ctx, IdentityProvider, req.params["id"], changes)
    return reply({"identity_provider": wire.provider(row, root(req))})


def delete_provider(req: Request) -> Response:
    federation.delete(req.ctx, IdentityProvider, req.params["id"])
    return empty()


def list_protocols(req: Request) -> Response:
    rows = federation.list_protocols(req.ctx, req.params["provider"])
    return listed(req, "protocols", rows, wire.listed_protocol)


def create_protocol(req: Request) -> Response:
    wish = req.decode(wire.WriteProtocol).protocol
    remote = None if wish.remote_id_attribute is UNSET else wish.remote_id_attribute
    row = federation.create_protocol(req.ctx, Protocol(_id(req), req.params["provider"], wish.mapping_id, remote))
    return reply({"protocol": wire.protocol(row, root(req))}, 201)


def show_protocol(req: Request) -> Response:
    row = federation.show_protocol(req.ctx, req.params["provider"], req.params["id"])
    return reply({"protocol": wire.protocol(row, root(req))})


def update_protocol(req: Request) -> Response:
    changes = changed(req, wire.WriteProtocol).protocol.changes()
    row = federation.update_protocol(req.ctx, req.params["provider"], req.params["id"], changes)
    return reply({"protocol": wire.protocol(row, root(req))})


def delete_protocol(req: Request) -> Response:
    federation.delete_protocol(req.ctx, req.params["provider"], req.params["id"])
    return empty()


def list_mappings(req: Request) -> Response:
    return listed(req, "mappings", federation.list_(req.ctx, Mapping, {}), wire.mapping)


def create_mapping(req: Request) -> Response:
    wish = req.decode(wire.CreateMapping).mapping
    row = Mapping(_id(req), msgspec.to_builtins(wish.rules), wish.schema_version or "1.0")
    federation.create(req.ctx, row)
    return reply({"mapping": wire.mapping(row, root(req))}, 201)


def show_mapping(req: Request) -> Response:
    return reply({"mapping": wire.mapping(federation.show(req.ctx, Mapping, req.params["id"]), root(req))})


def update_mapping(req: Request) -> Response:
    wish = changed(req, wire.UpdateMapping).mapping
    changes = msgspec.to_builtins(given(rules=wish.rules, schema_version=wish.schema_version))
    row = federation.update(req.ctx, Mapping, req.params["id"], changes)
    return reply({"mapping": wire.mapping(row, root(req))})


def delete_mapping(req: Request) -> Response:
    federation.delete(req.ctx, Mapping, req.params["id"])
    return empty()


def list_service_providers(req: Request) -> Response:
    rows = federation.list_(req.ctx, ServiceProvider, equal(req, id="id", enabled="enabled"))
    return listed(req, "service_providers", rows, wire.service_provider)


def create_service_provider(req: Request) -> Response:
    wish = req.decode(wire.CreateServiceProvider).service_provider
    if wish.auth_url is UNSET or wish.sp_url is UNSET:
        raise Invalid("A service provider needs auth_url and sp_url.")
    row = wish.row(_id(req))
    federation.create(req.ctx, row)
    return reply({"service_provider": wire.service_provider(row, root(req))}, 201)


def show_service_provider(req: Request) -> Response:
    row = federation.show(req.ctx, ServiceProvider, req.params["id"])
    return reply({"service_provider": wire.service_provider(row, root(req))})


def update_service_provider(req: Request) -> Response:
    changes = changed(req, wire.UpdateServiceProvider).service_provider.changes()
    row = federation.update(req.ctx, ServiceProvider, req.params["id"], changes)
    return reply({"service_provider": wire.service_provider(row, root(req))})


def delete_service_provider(req: Request) -> Response:
    federation.delete(req.ctx, ServiceProvider, req.params["id"])
    return empty()


_AT = "/v3/OS-FEDERATION"
_PROVIDER, _PROTOCOL = f"{_AT}/identity_providers/{{id}}", f"{_AT}/identity_providers/{{provider}}/protocols/{{id}}"
ROUTES = [
    Route("GET", f"{_AT}/identity_providers", list_providers, "identity.identity_provider.list"),
    Route("PUT", _PROVIDER, create_provider, "identity.identity_provider.create"),
    Route("GET", _PROVIDER, show_provider, "identity.identity_provider.show"),
    Route("PATCH", _PROVIDER, update_provider, "identity.identity_provider.update"),
    Route("DELETE", _PROVIDER, delete_provider, "identity.identity_provider.delete"),
    Route("GET", f"{_AT}/identity_providers/{{provider}}/protocols", list_protocols, "identity.protocol.list"),
    Route("PUT", _PROTOCOL, create_protocol, "identity.protocol.create"),
    Route("GET", _PROTOCOL, show_protocol, "identity.protocol.show"),
    Route("PATCH", _PROTOCOL, update_protocol, "identity.protocol.update"),
    Route("DELETE", _PROTOCOL, delete_protocol, "identity.protocol.delete"),
    Route("GET", f"{_AT}/mappings", list_mappings, "identity.mapping.list"),
    Route("PUT", f"{_AT}/mappings/{{id}}", create_mapping, "identity.mapping.create"),
    Route("GET", f"{_AT}/mappings/{{id}}", show_mapping, "identity.mapping.show"),
    Route("PATCH", f"{_AT}/mappings/{{id}}", update_mapping, "identity.mapping.update"),
    Route("DELETE", f"{_AT}/mappings/{{id}}", delete_mapping, "identity.mapping.delete"),
    Route("GET", f"{_AT}/service_providers", list_service_providers, "identity.service_provider.list"),
    Route("PUT", f"{_AT}/service_providers/{{id}}", create_service_provider, "identity.service_provider.create"),
    Route("GET", f"{_AT}/service_providers/{{id}}", show_service_provider, "identity.service_provider.show"),
    Route("PATCH", f"{_AT}/service_providers/{{id}}", update_service_provider, "identity.service_provider.update"),
    Route("DELETE", f"{_AT}/service_providers/{{id}}", delete_service_provider, "identity.service_provider.delete"),
]
