"""`/v3/roles`, what they imply, and grants of them on projects, domains and the system."""

from __future__ import annotations

from collections.abc import Callable

from croft.core.http import Request, Response, Route, empty, reply
from croft.services.identity.actions import grants, roles
from croft.services.identity.api.listing import changed, equal, listed, root
from croft.services.identity.model import Assignment, Role
from croft.services.identity.wire import resources, shapes


def list_roles(req: Request) -> Response:
    page = req.page()
    rows = roles.list_roles(req.ctx, equal(req, domain="domain_id", name="name"), page)
    return listed(req, "roles", rows, resources.role, page)


def create_role(req: Request) -> Response:
    row = roles.create_role(req.ctx, req.decode(shapes.CreateRole).role)
    return reply({"role": resources.role(row, root(req))}, 201)


def show_role(req: Request) -> Response:
    return reply({"role": resources.role(roles.show_role(req.ctx, req.params["id"]), root(req))})


def update_role(req: Request) -> Response:
    row = roles.update_role(req.ctx, req.params["id"], changed(req, shapes.UpdateRole).role)
    return reply({"role": resources.role(row, root(req))})


def delete_role(req: Request) -> Response:
    roles.delete_role(req.ctx, req.params["id"])
    return empty()


def list_implied(req: Request) -> Response:
    prior, others = roles.implied_by(req.ctx, req.params["id"])
    base = root(req)
    links = resources.links(base, "roles", prior.id, "implies")
    return reply({"role_inference": _inference(prior, others, base), "links": links})


def list_inferences(req: Request) -> Response:
    base = root(req)
    shown = [_inference(prior, others, base) for prior, others in roles.all_implications(req.ctx)]
    return reply({"role_inferences": shown, "links": resources.links(base, "role_inferences")})


def _inference(prior: Role, others: list[Role], base: str) -> dict[str, object]:
    briefs = [resources.role_brief(other, base) for other in others]
    return {"prior_role": resources.role_brief(prior, base), "implies": briefs}


def _one(req: Request, prior: Role, other: Role, status: int) -> Response:
    base = root(req)
    shown = {"prior_role": resources.role_brief(prior, base), "implies": resources.role_brief(other, base)}
    links = resources.links(base, "roles", prior.id, "implies", other.id)
    return reply({"role_inference": shown, "links": links}, status)


def show_implied(req: Request) -> Response:
    found = roles.check_implied(req.ctx, req.params["id"], req.params["implied"])
    return empty() if req.method == "HEAD" else _one(req, *found, 200)


def create_implied(req: Request) -> Response:
    return _one(req, *roles.imply(req.ctx, req.params["id"], req.params["implied"]), 201)


def delete_implied(req: Request) -> Response:
    roles.unimply(req.ctx, req.params["id"], req.params["implied"])
    return empty()


ROUTES = [
    Route("GET", "/v3/roles", list_roles, "identity.role.list"),
    Route("POST", "/v3/roles", create_role, "identity.role.create"),
    Route("GET", "/v3/roles/{id}", show_role, "identity.role.show"),
    Route("PATCH", "/v3/roles/{id}", update_role, "identity.role.update"),
    Route("DELETE", "/v3/roles/{id}", delete_role, "identity.role.delete"),
    Route("GET", "/v3/roles/{id}/implies", list_implied, "identity.implied_role.list"),
    Route("GET", "/v3/roles/{id}/implies/{implied}", show_implied, "identity.implied_role.list"),
    Route("PUT", "/v3/roles/{id}/implies/{implied}", create_implied, "identity.implied_role.create"),
    Route("DELETE", "/v3/roles/{id}/implies/{implied}", delete_implied, "identity.implied_role.delete"),
    Route("GET", "/v3/role_inferences", list_inferences, "identity.implied_role.list"),
]
_Of = Callable[[Request], Assignment]


def _assignment(actor: str, target: str, inherited: bool) -> _Of:
    """Reads an assignment off a path's parameters."""

    def of(req: Request) -> Assignment:
        place = "system" if target == "system" else req.params["target"]
        return Assignment(actor, req.params["actor"], target, place, req.params.get("role", ""), inherited)

    return of


def _grant_routes(path: str, actor: str, target: str, inherited: bool = False) -> list[Route]:
    """The five ways to ask for grants of one kind of actor on one kind of target."""
    of, tail = _assignment(actor, target, inherited), "/inherited_to_projects" if inherited else ""
    family = "identity.system_grant" if target == "system" else "identity.grant"
    one = f"{path}/{actor}s/{{actor}}/roles/{{role}}{tail}"

    def list_(req: Request) -> Response:
        return listed(req, "roles", grants.list_grants(req.ctx, of(req)), resources.role)

    def done(act: Callable[..., None]) -> Callable[[Request], Response]:
        def handle(req: Request) -> Response:
            act(req.ctx, of(req))
            return empty()

        return handle

    check = f"{family}.list" if target == "system" else f"{family}.check"
    return [
        Route("GET", f"{path}/{actor}s/{{actor}}/roles{tail}", list_, f"{family}.list"),
        Route("GET", one, done(grants.check_grant), check),
        Route("PUT", one, done(grants.create_grant), f"{family}.create"),
        Route("DELETE", one, done(grants.delete_grant), f"{family}.delete"),
    ]


GRANT_ROUTES = [
    *_grant_routes("/v3/projects/{target}", "user", "project"),
    *_grant_routes("/v3/projects/{target}", "group", "project"),
    *_grant_routes("/v3/domains/{target}", "user", "domain"),
    *_grant_routes("/v3/domains/{target}", "group", "domain"),
    *_grant_routes("/v3/system", "user", "system"),
    *_grant_routes("/v3/system", "group", "system"),
    *_grant_routes("/v3/OS-INHERIT/projects/{target}", "user", "project", inherited=True),
    *_grant_routes("/v3/OS-INHERIT/projects/{target}", "group", "project", inherited=True),
    *_grant_routes("/v3/OS-INHERIT/domains/{target}", "user", "domain", inherited=True),
    *_grant_routes("/v3/OS-INHERIT/domains/{target}", "group", "domain", inherited=True),
]
