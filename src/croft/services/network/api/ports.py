"""Routes of ports, security groups and their rules."""

from __future__ import annotations

from croft.core.http import Request, Response, Route, empty
from croft.services.network.actions import groups, ports
from croft.services.network.api import answers
from croft.services.network.wire import bodies, render
from croft.services.network.wire.query import parse_query
from croft.services.network.wire.shapes import GroupCreate, GroupUpdate, PortCreate, PortUpdate, RuleCreate


def _port(req: Request, shown: ports.Shown, now: int) -> render.Body:
    row, fixed, members, domain = shown
    return render.port(row, fixed, members, now, domain=domain, admin=req.ctx.actor.is_admin)


def create_ports(req: Request) -> Response:
    wishes, bulk = bodies.several(req, "port", "ports", PortCreate)
    found, now = ports.create_ports(req.ctx, wishes)
    return answers.made("port", "ports", [_port(req, each, now) for each in found], bulk=bulk)


def list_ports(req: Request) -> Response:
    query, admin = parse_query(req), req.ctx.actor.is_admin
    found, more, now = ports.list_ports(req.ctx, query)
    shown = [render.port(row, fixed, members, now, domain=domain, admin=admin) for row, fixed, members, domain in found]
    return answers.page(req, "ports", shown, query, more=more)


def show_port(req: Request) -> Response:
    return answers.one(req, "port", _port(req, *ports.show_port(req.ctx, req.params["id"])))


def update_port(req: Request) -> Response:
    wish = bodies.one(req, "port", PortUpdate)
    return answers.one(req, "port", _port(req, *ports.update_port(req.ctx, req.params["id"], wish)))


def delete_port(req: Request) -> Response:
    ports.delete_port(req.ctx, req.params["id"])
    return empty()


def create_groups(req: Request) -> Response:
    wishes, bulk = bodies.several(req, "security_group", "security_groups", GroupCreate)
    made = [render.group(row, rules) for row, rules in groups.create_groups(req.ctx, wishes)]
    return answers.made("security_group", "security_groups", made, bulk=bulk)


def list_groups(req: Request) -> Response:
    query = parse_query(req)
    found, more = groups.list_groups(req.ctx, query)
    return answers.page(req, "security_groups", [render.group(row, rules) for row, rules in found], query, more=more)


def show_group(req: Request) -> Response:
    return answers.one(req, "security_group", render.group(*groups.show_group(req.ctx, req.params["id"])))


def update_group(req: Request) -> Response:
    wish = bodies.one(req, "security_group", GroupUpdate)
    return answers.one(req, "security_group", render.group(*groups.update_group(req.ctx, req.params["id"], wish)))


def delete_group(req: Request) -> Response:
    groups.delete_group(req.ctx, req.params["id"])
    return empty()


def create_rules(req: Request) -> Response:
    wishes, bulk = bodies.several(req, "security_group_rule", "security_group_rules", RuleCreate)
    made = [render.rule(row) for row in groups.create_rules(req.ctx, wishes)]
    return answers.made("security_group_rule", "security_group_rules", made, bulk=bulk)


def list_rules(req: Request) -> Response:
    query = parse_query(req)
    found, more = groups.list_rules(req.ctx, query)
    return answers.page(req, "security_group_rules", [render.rule(row) for row in found], query, more=more)


def show_rule(req: Request) -> Response:
    return answers.one(req, "security_group_rule", render.rule(groups.show_rule(req.ctx, req.params["id"])))


def delete_rule(req: Request) -> Response:
    groups.delete_rule(req.ctx, req.params["id"])
    return empty()


ROUTES = (
    Route("POST", "/v2.0/ports", create_ports, "network.port.create"),
    Route("GET", "/v2.0/ports", list_ports, "network.port.list"),
    Route("GET", "/v2.0/ports/{id}", show_port, "network.port.show", quick=True),
    Route("PUT", "/v2.0/ports/{id}", update_port, "network.port.update"),
    Route("DELETE", "/v2.0/ports/{id}", delete_port, "network.port.delete"),
    Route("POST", "/v2.0/security-groups", create_groups, "network.group.create"),
    Route("GET", "/v2.0/security-groups", list_groups, "network.group.list"),
    Route("GET", "/v2.0/security-groups/{id}", show_group, "network.group.show"),
    Route("PUT", "/v2.0/security-groups/{id}", update_group, "network.group.update"),
    Route("DELETE", "/v2.0/security-groups/{id}", delete_group, "network.group.delete"),
    Route("POST", "/v2.0/security-group-rules", create_rules, "network.rule.create"),
    Route("GET", "/v2.0/security-group-rules", list_rules, "network.rule.list"),
    Route("GET", "/v2.0/security-group-rules/{id}", show_rule, "network.rule.show"),
    Route("DELETE", "/v2.0/security-group-rules/{id}", delete_rule, "network.rule.delete"),
)
