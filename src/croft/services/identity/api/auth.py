"""`/v3/auth`: logging in, and what a token is good for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from croft.core.errors import Invalid
from croft.core.http import Request, Response, Route, empty, reply
from croft.services.identity import wire
from croft.services.identity.actions import projects, tokens
from croft.services.identity.actions.factors import MoreNeeded
from croft.services.identity.actions.login import Door
from croft.services.identity.actions.tokens import Tokens
from croft.services.identity.api.listing import listed, root, visit
from croft.services.identity.wire import resources


def _json(body: bytes, status: int, token: str) -> Response:
    headers = {"content-type": "application/json", "x-subject-token": token, "vary": "X-Auth-Token"}
    return Response(status, body, headers)


def _subject(req: Request) -> str:
    token = req.headers.get("x-subject-token", "")
    if not token:
        raise Invalid("Name the token in the header X-Subject-Token.")
    return token


@dataclass(frozen=True)
class AuthApi:
    tokens: Tokens
    door: Door

    def create(self, req: Request) -> Response:
        wish = req.decode(wire.AuthRequest)
        req.trail.action = "identity.token.create"
        req.trail.meant = partial(self.door.meant, wish.auth.identity)
        try:
            text, body = self.door.log_in(wish.auth, visit(req), with_catalog="nocatalog" not in req.query)
        except MoreNeeded as more:
            return Response(401, more.body, {"content-type": "application/json"} | more.headers)
        req.trail.actor = self.tokens.authenticate(text)
        return _json(body, 201, text)

    def show(self, req: Request) -> Response:
        text = _subject(req)
        body = tokens.show_token(req.ctx, self.tokens, text, with_catalog="nocatalog" not in req.query)
        return _json(body, 200, text)

    def delete(self, req: Request) -> Response:
        tokens.delete_token(req.ctx, self.tokens, _subject(req))
        return empty()

    def catalog(self, req: Request) -> Response:
        shown = tokens.show_catalog(req.ctx, self.tokens)
        return reply({"catalog": shown, "links": resources.links(root(req), "auth", "catalog")})

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/v3/auth/tokens", self.create, None, slow=True),
            Route("GET", "/v3/auth/tokens", self.show, "identity.token.show", quick=True),
            Route("DELETE", "/v3/auth/tokens", self.delete, "identity.token.delete"),
            Route("GET", "/v3/auth/catalog", self.catalog, "identity.catalog.show"),
            Route("GET", "/v3/auth/projects", list_projects, "identity.scope.list"),
            Route("GET", "/v3/auth/domains", list_domains, "identity.scope.list"),
            Route("GET", "/v3/OS-FEDERATION/projects", list_projects, "identity.scope.list"),
            Route("GET", "/v3/OS-FEDERATION/domains", list_domains, "identity.scope.list"),
            Route("GET", "/v3/auth/system", show_system, "identity.scope.list"),
        ]


def list_projects(req: Request) -> Response:
    rows = projects.projects_of(req.ctx, req.ctx.actor.user, "identity.scope.list")
    return listed(req, "projects", [row for row in rows if row.enabled], resources.project)


def list_domains(req: Request) -> Response:
    rows = projects.domains_of(req.ctx)
    return listed(req, "domains", [row for row in rows if row.enabled], resources.domain)


def show_system(req: Request) -> Response:
    system = [{"all": True}] if projects.holds_system(req.ctx) else []
    return reply({"system": system, "links": resources.links(root(req), "auth", "system")})
