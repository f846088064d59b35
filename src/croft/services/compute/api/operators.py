"""Routes of hosts, limits, quotas, zones, usage and extensions."""

from __future__ import annotations

import re
from typing import Any

from croft.core.clock import parse_iso
from croft.core.errors import Invalid, NotFound
from croft.core.http import Request, Response, Route, empty, reply
from croft.core.ids import is_uuid
from croft.services.compute.actions import operators
from croft.services.compute.api.servers import next_link
from croft.services.compute.model import Host
from croft.services.compute.wire import filters
from croft.services.compute.wire import operators as wire
from croft.services.compute.wire.parse import at, one, query_truth, since, truth

Q = "/v2.1/os-quota-sets/{project}"
H = "/v2.1/os-hypervisors"
U = "/v2.1/os-simple-tenant-usage"


def show_limits(request: Request) -> Response:
    filters.only(request, ("tenant_id",))
    limits, used = operators.show_limits(request.ctx, one(request.query, "tenant_id"))
    return reply(wire.limits(limits, used, request.version))


def show_quotas(request: Request) -> Response:
    filters.only(request, ("user_id",))
    project = request.params["project"]
    limits, _ = operators.show_quotas(request.ctx, project)
    return reply({"quota_set": wire.quotas(limits, request.version, project)})


def show_quota_detail(request: Request) -> Response:
    filters.only(request, ("user_id",))
    project = request.params["project"]
    limits, used = operators.show_quotas(request.ctx, project)
    return reply({"quota_set": wire.quota_detail(limits, used, request.version, project)})


def show_default_quotas(request: Request) -> Response:
    limits = operators.show_default_quotas(request.ctx, request.params["project"])
    return reply({"quota_set": wire.quotas(limits, request.version, request.params["project"])})


def _check_no_user(request: Request) -> None:
    """Each user of a project has its quota; a user's own cannot be set."""
    filters.only(request, ("user_id",))
    if one(request.query, "user_id"):
        raise Invalid("Quotas are per project here, not per user.")


def update_quotas(request: Request) -> Response:
    _check_no_user(request)
    body = request.decode(wire.UpdateQuotas)
    wire.check_quota_version(body, request.version)
    values, force = wire.quota_wish(body)
    limits = operators.change_quotas(request.ctx, request.params["project"], values, force=force)
    return reply({"quota_set": wire.quotas(limits, request.version)})


def reset_quotas(request: Request) -> Response:
    _check_no_user(request)
    operators.reset_quotas(request.ctx, request.params["project"])
    return empty(202)


def list_zones(request: Request) -> Response:
    hosts, now = operators.list_zones(request.ctx, detail=False)
    return reply(wire.zones(hosts, now, detail=False))


def list_zones_detail(request: Request) -> Response:
    hosts, now = operators.list_zones(request.ctx, detail=True)
    return reply(wire.zones(hosts, now, detail=True))


def list_services(request: Request) -> Response:
    filters.only(request, ("binary", "host"))
    hosts, _, now = operators.list_hosts(request.ctx, "compute.host.list")
    name, binary = one(request.query, "host"), one(request.query, "binary", "nova-compute")
    found = [host for host in hosts if name in {"", host.name} and binary == "nova-compute"]
    return reply({"services": [wire.service(host, now, request.version) for host in found]})


def update_service(request: Request) -> Response:
    """Until 2.52 the path says what to do, and the body to which host."""
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


def change_service(request: Request) -> Response:
    """From 2.53 on the path names the service."""
    id = request.params["verb"]
    values = wire.service_wish(request.decode(wire.ChangeService))
    if not is_uuid(id):
        raise Invalid("Invalid uuid of a service.")
    host, now = operators.change_host(request.ctx, id, values)
    return reply({"service": wire.service(host, now, request.version)})


def list_hypervisors(request: Request) -> Response:
    hosts, _, now = operators.list_hosts(request.ctx)
    return _hypervisors(request, hosts, lambda host: wire.hypervisor(host, now, request.version))


def list_hypervisors_detail(request: Request) -> Response:
    hosts, loads, now = operators.list_hosts(request.ctx)
    version = request.version
    return _hypervisors(request, hosts, lambda host: wire.hypervisor_detail(host, loads.get(host.name), now, version))


def _hypervisors(request: Request, hosts: list[Host], render: Any) -> Response:
    filters.only(request, _LISTED, since=53)
    shown: dict[str, Any] = {}
    pattern = one(request.query, "hypervisor_hostname_pattern") if request.version >= at(53) else ""
    if pattern:
        if one(request.query, "limit") or one(request.query, "marker"):
            raise Invalid("Hypervisors found by hypervisor_hostname_pattern are not paged.")
        hosts = _named(hosts, pattern)
    if request.version >= at(33):
        hosts, more = _hypervisor_page(request, hosts)
        if more:
            shown["hypervisors_links"] = next_link(request, str(wire.number_or_id(hosts[-1], request.version)))
    servers = _servers_on(request, hosts)
    return reply({"hypervisors": [render(host) | servers.get(host.name, {}) for host in hosts]} | shown)


_LISTED = ("hypervisor_hostname_pattern", "limit", "marker", "with_servers")


def _hypervisor_page(request: Request, hosts: list[Host]) -> tuple[list[Host], bool]:
    page = request.page()
    if page.marker:
        ids = [str(wire.number_or_id(host, request.version)) for host in hosts]
        if page.marker not in ids:
            raise Invalid(f"Marker {page.marker[:40]} not found")
        hosts = hosts[ids.index(page.marker) + 1 :]
    return hosts[: page.limit], len(hosts) > page.limit


def _servers_on(request: Request, hosts: list[Host]) -> dict[str, dict[str, Any]]:
    """From 2.53 on, with_servers adds each host's servers."""
    text = one(request.query, "with_servers") if request.version >= at(53) else ""
    if not text or not query_truth(text, "with_servers"):
        return {}
    found: dict[str, dict[str, Any]] = {}
    for name, id, _ in operators.servers_on(request.ctx, [host.name for host in hosts]):
        found.setdefault(name, {"servers": []})["servers"].append({"uuid": id, "name": f"croft-{id}"})
    return found


def show_statistics(request: Request) -> Response:
    hosts, loads, now = operators.list_hosts(request.ctx)
    return reply({"hypervisor_statistics": wire.statistics(hosts, loads, now)})


def show_hypervisor(request: Request) -> Response:
    filters.only(request, ("with_servers",), since=53)
    host, load, now = _host(request)
    detail = wire.hypervisor_detail(host, load, now, request.version)
    return reply({"hypervisor": detail | _servers_on(request, [host]).get(host.name, {})})


def _host(request: Request) -> tuple[Host, Any, int]:
    return operators.show_host(request.ctx, request.params["id"], by_number=request.version < at(53))


def search_hypervisors(request: Request) -> Response:
    hosts, _, now = operators.list_hosts(request.ctx)
    found = _named(hosts, request.params["id"])
    return reply({"hypervisors": [wire.hypervisor(host, now, request.version) for host in found]})


def list_hypervisor_servers(request: Request) -> Response:
    hosts, _, now = operators.list_hosts(request.ctx)
    found = _named(hosts, request.params["id"])
    lines = operators.servers_on(request.ctx, [host.name for host in found])
    shown = []
    for host in found:
        mine = [{"uuid": id, "name": f"croft-{id}"} for name, id, _ in lines if name == host.name]
        shown.append(wire.hypervisor(host, now, request.version) | ({"servers": mine} if mine else {}))
    return reply({"hypervisors": shown})


def _named(hosts: list[Host], text: str) -> list[Host]:
    found = [host for host in hosts if text in host.name]
    if not found:
        raise NotFound(f"No hypervisor matching '{text[:60]}' could be found.")
    return found


def show_uptime(request: Request) -> Response:
    host, *_ = _host(request)
    raise Invalid(f"Croft does not know how long {host.name} has been up.")


def list_usage(request: Request) -> Response:
    filters.only(request, ("detailed", "end", "limit", "marker", "start"))
    start, stop, detail = _period(request)
    page = request.page() if request.version >= at(40) else None
    servers, now = operators.list_usage(request.ctx, None, page)
    owners = dict.fromkeys(server.project for server in servers)
    shown: dict[str, Any] = {
        "tenant_usages": [
            wire.usage(owner, [each for each in servers if each.project == owner], start, stop, now, detail=detail)
            for owner in owners
        ]
    }
    if page and servers and len(servers) == page.limit:
        shown["tenant_usages_links"] = next_link(request, servers[-1].id)
    return reply(shown)


def show_usage(request: Request) -> Response:
    filters.only(request, ("end", "limit", "marker", "start"))
    start, stop, _ = _period(request)
    project = request.params["project"]
    page = request.page() if request.version >= at(40) else None
    servers, now = operators.list_usage(request.ctx, project, page)
    usage = wire.usage(project, servers, start, stop, now, detail=True) if servers else {}
    shown: dict[str, Any] = {"tenant_usage": usage}
    if page and servers and len(servers) == page.limit:
        shown["tenant_usage_links"] = next_link(request, servers[-1].id)
    return reply(shown)


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
    filters.only(request, ("all_projects", "limit", "offset"))
    request.ctx.policy.check(request.ctx.actor, "compute.group.list")
    return reply({"server_groups": []})


def list_aggregates(request: Request) -> Response:
    """Hosts are not grouped here."""
    request.ctx.policy.check(request.ctx.actor, "compute.aggregate.list")
    return reply({"aggregates": []})


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
    Route("PUT", "/v2.1/os-services/{verb}", update_service, "compute.host.update", until=at(52)),
    Route("PUT", "/v2.1/os-services/{verb}", change_service, "compute.host.update", since=at(53)),
    Route("GET", H, list_hypervisors, "compute.hypervisor.list"),
    Route("GET", H + "/detail", list_hypervisors_detail, "compute.hypervisor.list"),
    Route("GET", H + "/statistics", show_statistics, "compute.hypervisor.list"),
    Route("GET", H + "/{id}", show_hypervisor, "compute.hypervisor.list"),
    Route("GET", H + "/{id}/search", search_hypervisors, "compute.hypervisor.list", until=at(52)),
    Route("GET", H + "/{id}/servers", list_hypervisor_servers, "compute.hypervisor.list", until=at(52)),
    Route("GET", H + "/{id}/uptime", show_uptime, "compute.hypervisor.list"),
    Route("GET", U, list_usage, "compute.usage.list"),
    Route("GET", U + "/{project}", show_usage, "compute.usage.show"),
    Route("GET", "/v2.1/extensions", list_extensions, "compute.extension.list"),
    Route("GET", "/v2.1/extensions/{alias}", show_extension, "compute.extension.list"),
    Route("GET", "/v2.1/os-aggregates", list_aggregates, "compute.aggregate.list"),
    Route("GET", "/v2.1/os-server-groups", list_server_groups, "compute.group.list"),
]
