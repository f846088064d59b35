"""Routes of hosts, limits, quotas, zones, usage and extensions."""

from __future__ import annotations

import re
from typing import Any

from croft.core.clock import parse_iso
from croft.core.errors import Invalid, NotFound
from croft.core.http import Request, Response, Route, empty, reply
from croft.services.compute.actions import operators
from croft.services.compute.api.servers import next_link
from croft.services.compute.model import Host
from croft.services.compute.wire import operators as wire
from croft.services.compute.wire.parse import at, one, since, truth

Q = "/v2.1/os-quota-sets/{project}"
H = "/v2.1/os-hypervisors"
U = "/v2.1/os-simple-tenant-usage"


def show_limits(request: Request) -> Response:
    limits, used = operators.show_limits(request.ctx, one(request.query, "tenant_id"))
    return reply(wire.limits(limits, used, request.version))


def show_quotas(request: Request) -> Response:
    project = request.params["project"]
    limits, _ = operators.show_quotas(request.ctx, project)
    return reply({"quota_set": wire.quotas(limits, request.version, project)})


def show_quota_detail(request: Request) -> Response:
    project = request.params["project"]
    limits, used = operators.show_quotas(request.ctx, project)
    return reply({"quota_set": wire.quota_detail(limits, used, request.version, project)})


def show_default_quotas(request: Request) -> Response:
    limits = operators.show_default_quotas(request.ctx)
    return reply({"quota_set": wire.quotas(limits, request.version, request.params["project"])})


def update_quotas(request: Request) -> Response:
    body = request.decode(wire.UpdateQuotas)
    wire.check_quota_version(body, request.version)
    values, force = wire.quota_wish(body)
    limits = operators.change_quotas(request.ctx, request.params["project"], values, force=force)
    return reply({"quota_set": wire.quotas(limits, request.version)})


def reset_quotas(request: Request) -> Response:
    operators.reset_quotas(request.ctx, request.params["project"])
    return empty(202)


def list_zones(request: Request) -> Response:
    hosts, now = operators.list_zones(request.ctx, detail=False)
    return reply(wire.zones(hosts, now, detail=False))


def list_zones_detail(request: Request) -> Response:
    hosts, now = operators.list_zones(request.ctx, detail=True)
    return reply(wire.zones(hosts, now, detail=True))


def list_services(request: Request) -> Response:
    hosts, _, now = operators.list_hosts(request.ctx, "compute.host.list")
    name, binary = one(request.query, "host"), one(request.query, "binary", "nova-compute")
    found = [host for host in hosts if name in {"", host.name} and binary == "nova-compute"]
    return reply({"services": [wire.service(host, now, request.version) for host in found]})


def update_service(request: Request) -> Response:
    verb = request.params["verb"]
    body = request.decode(wire.UpdateService)
    since(request.version, body, {"forced_down": 11}, "the body")
    if body.binary != "nova-compute":
        raise NotFound(f"Could not find binary {body.binary[:60]} on host {body.host[:60]}.")
    host, _ = operators.change_host(request.ctx, body.host, _host_change(verb, body, request))
    return reply({"service": wire.service_change(host, verb)})


def _host_change(verb: str, body: wire.UpdateService, request: Request) -> dict[str, Any]:
    reason = body.disabled_reason if isinstance(body.disabled_reason, str) else None
    match verb:
        case "enable":
            return {"disabled": False, "disabled_reason": None}
        case "disable":
            return {"disabled": True, "disabled_reason": None}
        case "disable-log-reason" if reason:
            return {"disabled": True, "disabled_reason": reason}
        case "disable-log-reason":
            raise Invalid("Missing disabled reason field")
        case "force-down" if request.version >= at(11) and isinstance(body.forced_down, bool | str):
            return {"forced_down": truth(body.forced_down, "forced_down")}
        case "force-down":
            raise Invalid("Missing forced_down field")
    raise NotFound("Unknown action")


def list_hypervisors(request: Request) -> Response:
    hosts, _, now = operators.list_hosts(request.ctx)
    return _hypervisors(request, hosts, lambda host: wire.hypervisor(host, now))


def list_hypervisors_detail(request: Request) -> Response:
    hosts, loads, now = operators.list_hosts(request.ctx)
    version = request.version
    return _hypervisors(request, hosts, lambda host: wire.hypervisor_detail(host, loads.get(host.name), now, version))


def _hypervisors(request: Request, hosts: list[Host], render: Any) -> Response:
    shown: dict[str, Any] = {}
    if request.version >= at(33):
        page = request.page()
        if page.marker:
            numbers = [str(host.number) for host in hosts]
            if page.marker not in numbers:
                raise Invalid(f"Marker {page.marker[:40]} not found")
            hosts = hosts[numbers.index(page.marker) + 1 :]
        if len(hosts) > page.limit:
            hosts = hosts[: page.limit]
            shown["hypervisors_links"] = next_link(request, str(hosts[-1].number))
    return reply({"hypervisors": [render(host) for host in hosts]} | shown)


def show_statistics(request: Request) -> Response:
    hosts, loads, now = operators.list_hosts(request.ctx)
    return reply({"hypervisor_statistics": wire.statistics(hosts, loads, now)})


def show_hypervisor(request: Request) -> Response:
    host, load, now = operators.show_host(request.ctx, request.params["id"])
    return reply({"hypervisor": wire.hypervisor_detail(host, load, now, request.version)})


def search_hypervisors(request: Request) -> Response:
    hosts, now = _matching(request)
    return reply({"hypervisors": [wire.hypervisor(host, now) for host in hosts]})


def list_hypervisor_servers(request: Request) -> Response:
    hosts, now = _matching(request)
    lines = operators.servers_on(request.ctx, [host.name for host in hosts])
    shown = []
    for host in hosts:
        mine = [{"uuid": id, "name": f"croft-{id}"} for name, id, _ in lines if name == host.name]
        shown.append(wire.hypervisor(host, now) | ({"servers": mine} if mine else {}))
    return reply({"hypervisors": shown})


def _matching(request: Request) -> tuple[list[Host], int]:
    hosts, _, now = operators.list_hosts(request.ctx)
    found = [host for host in hosts if request.params["id"] in host.name]
    if not found:
        raise NotFound(f"No hypervisor matching '{request.params['id'][:60]}' could be found.")
    return found, now


def show_uptime(request: Request) -> Response:
    host, *_ = operators.show_host(request.ctx, request.params["id"])
    raise Invalid(f"Croft does not know how long {host.name} has been up.")


def list_usage(request: Request) -> Response:
    start, stop, detail = _period(request)
    servers, now = operators.list_usage(request.ctx, None)
    owners = dict.fromkeys(server.project for server in servers)
    shown = [
        wire.usage(owner, [each for each in servers if each.project == owner], start, stop, now, detail=detail)
        for owner in owners
    ]
    return reply({"tenant_usages": shown})


def show_usage(request: Request) -> Response:
    start, stop, _ = _period(request)
    project = request.params["project"]
    servers, now = operators.list_usage(request.ctx, project)
    if not servers:
        return reply({"tenant_usage": {}})
    return reply({"tenant_usage": wire.usage(project, servers, start, stop, now, detail=True)})


def _period(request: Request) -> tuple[int, int, bool]:
    query, now = request.query, request.ctx.db.clock.now()
    start, stop = _when(one(query, "start"), now - 28 * 86400), _when(one(query, "end"), now)
    if start > stop:
        raise Invalid("Invalid start time. The start time cannot occur after the end time.")
    return start, stop, one(query, "detailed", "0") == "1"


def _when(text: str, default: int) -> int:
    if not text:
        return default
    if re.match(r"\d{4}-\d\d-\d\d", text) is None:
        raise Invalid("Datetime is in invalid format")
    try:
        return max(0, parse_iso(text.replace(" ", "T", 1)))
    except (ValueError, OverflowError):
        raise Invalid("Datetime is in invalid format") from None


def list_extensions(request: Request) -> Response:
    request.ctx.policy.check(request.ctx.actor, "compute.extension.list")
    return reply({"extensions": wire.extensions()})


def show_extension(request: Request) -> Response:
    request.ctx.policy.check(request.ctx.actor, "compute.extension.list")
    for shown in wire.extensions():
        if shown["alias"] == request.params["alias"]:
            return reply({"extension": shown})
    raise NotFound(f"There is no extension {request.params['alias'][:60]}.")


def list_server_groups(request: Request) -> Response:
    request.ctx.policy.check(request.ctx.actor, "compute.group.list")
    return reply({"server_groups": []})


ROUTES = [
    Route("GET", "/v2.1/limits", show_limits, "compute.limit.show"),
    Route("GET", Q, show_quotas, "compute.quota.show"),
    Route("PUT", Q, update_quotas, "compute.quota.update"),
    Route("DELETE", Q, reset_quotas, "compute.quota.delete"),
    Route("GET", Q + "/detail", show_quota_detail, "compute.quota.show"),
    Route("GET", Q + "/defaults", show_default_quotas, "compute.quota.show_defaults"),
    Route("GET", "/v2.1/os-availability-zone", list_zones, "compute.zone.list"),
    Route("GET", "/v2.1/os-availability-zone/detail", list_zones_detail, "compute.zone.detail"),
    Route("GET", "/v2.1/os-services", list_services, "compute.host.list"),
    Route("PUT", "/v2.1/os-services/{verb}", update_service, "compute.host.update"),
    Route("GET", H, list_hypervisors, "compute.hypervisor.list"),
    Route("GET", H + "/detail", list_hypervisors_detail, "compute.hypervisor.list"),
    Route("GET", H + "/statistics", show_statistics, "compute.hypervisor.list"),
    Route("GET", H + "/{id}", show_hypervisor, "compute.hypervisor.list"),
    Route("GET", H + "/{id}/search", search_hypervisors, "compute.hypervisor.list"),
    Route("GET", H + "/{id}/servers", list_hypervisor_servers, "compute.hypervisor.list"),
    Route("GET", H + "/{id}/uptime", show_uptime, "compute.hypervisor.list"),
    Route("GET", U, list_usage, "compute.usage.list"),
    Route("GET", U + "/{project}", show_usage, "compute.usage.show"),
    Route("GET", "/v2.1/extensions", list_extensions, "compute.extension.list"),
    Route("GET", "/v2.1/extensions/{alias}", show_extension, "compute.extension.list"),
    Route("GET", "/v2.1/os-server-groups", list_server_groups, "compute.group.list"),
]
