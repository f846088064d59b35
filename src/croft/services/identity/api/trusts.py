"""`/v3/OS-TRUST/trusts`."""

from __future__ import annotations

from croft.core.http import Request, Response, Route, empty, reply
from croft.services.identity.actions import trusts
from croft.services.identity.api.listing import equal, listed, root
from croft.services.identity.wire import delegation as wire
from croft.services.identity.wire import resources


def list_(req: Request) -> Response:
    page = req.page()
    rows = trusts.list_trusts(req.ctx, equal(req, trustor="trustor_user_id", trustee="trustee_user_id"), page)
    return listed(req, "trusts", rows, lambda row, base: wire.trust(row, [], base, with_roles=False), page)


def create(req: Request) -> Response:
    row, held = trusts.create_trust(req.ctx, req.decode(wire.CreateTrust).trust)
    return reply({"trust": wire.trust(row, held, root(req), with_roles=True)}, 201)


def show(req: Request) -> Response:
    row, held = trusts.show_trust(req.ctx, req.params["id"])
    return reply({"trust": wire.trust(row, held, root(req), with_roles=True)})


def delete(req: Request) -> Response:
    trusts.delete_trust(req.ctx, req.params["id"])
    return empty()


def list_roles(req: Request) -> Response:
    return listed(req, "roles", trusts.show_trust(req.ctx, req.params["id"])[1], resources.role_brief)


def show_role(req: Request) -> Response:
    row = trusts.show_trust_role(req.ctx, req.params["id"], req.params["role"])
    return reply({"role": resources.role_brief(row, root(req))})


ROUTES = [
    Route("GET", "/v3/OS-TRUST/trusts", list_, "identity.trust.list"),
    Route("POST", "/v3/OS-TRUST/trusts", create, "identity.trust.create"),
    Route("GET", "/v3/OS-TRUST/trusts/{id}", show, "identity.trust.show"),
    Route("DELETE", "/v3/OS-TRUST/trusts/{id}", delete, "identity.trust.delete"),
    Route("GET", "/v3/OS-TRUST/trusts/{id}/roles", list_roles, "identity.trust.show"),
    Route("GET", "/v3/OS-TRUST/trusts/{id}/roles/{role}", show_role, "identity.trust.show"),
]
