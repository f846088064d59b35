"""`/v3/role_assignments`."""

from __future__ import annotations

from typing import Any

from croft.core.errors import Invalid
from croft.core.http import Request, Response, Route, reply
from croft.services.identity.actions.assignments import Found, Names, Question, list_assignments
from croft.services.identity.api.listing import root
from croft.services.identity.wire import assignments as wire


def _asked(req: Request, name: str) -> bool:
    """A query flag: `?effective`, `?effective=true`; `0` and `false` deny it."""
    return name in req.query and req.first(name).lower() not in {"0", "false"}


def list_(req: Request) -> Response:
    found, names = list_assignments(req.ctx, _question(req), names=_asked(req, "include_names"))
    base = root(req)
    here = f"{base}/role_assignments" + (f"?{req.query_string}" if req.query_string else "")
    shown = [_shown(each, names, base) for each in found]
    return reply({"role_assignments": shown, "links": {"next": None, "previous": None, "self": here}})


def _question(req: Request) -> Question:
    inherited = req.first("scope.OS-INHERIT:inherited_to") or None
    question = Question(
        user=req.first("user.id") or None,
        group=req.first("group.id") or None,
        role=req.first("role.id") or None,
        project=req.first("scope.project.id") or None,
        domain=req.first("scope.domain.id") or None,
        system="scope.system" in req.query,
        inherited=True if inherited == "projects" else None,
        effective=_asked(req, "effective"),
        subtree=_asked(req, "include_subtree"),
    )
    if sum(map(bool, (question.project, question.domain, question.system))) > 1:
        raise Invalid("Ask for one scope: a project, a domain or the system.")
    if question.user and question.group:
        raise Invalid("Ask for a user or for a group, not both.")
    if question.subtree and not question.project:
        raise Invalid("include_subtree needs scope.project.id.")
    return question


def _shown(each: Found, names: Names | None, base: str) -> dict[str, Any]:
    inherited = each.source.inherited
    links = {"assignment": wire.url(each.source, base)}
    if each.source.actor_type == "group" and each.actor_type == "user":
        links["membership"] = wire.membership_url(each.source, each.actor, base)
    if each.prior_role is not None:
        links["prior_role"] = f"{base}/roles/{each.prior_role}/implies/{each.role}"
    return {
        "role": wire.reference(each.role, names.roles if names else None),
        each.actor_type: wire.reference(each.actor, names.actors if names else None),
        "scope": wire.scope(each.target_type, each.target, inherited, names.targets if names else None),
        "links": links,
    }


ROUTES = [Route("GET", "/v3/role_assignments", list_, "identity.role_assignment.list")]
