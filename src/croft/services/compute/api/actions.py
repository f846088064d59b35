"""`POST /servers/{id}/action`: one route, one verb per key of the body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from croft.core.errors import Invalid, NotFound
from croft.core.http import Request, Response, Route, empty, reply
from croft.drivers.hypervisor import Hypervisor
from croft.services.compute.actions import power, resize, servers
from croft.services.compute.api.servers import ONE, next_link, rebuild_server
from croft.services.compute.wire import actions as wire
from croft.services.compute.wire import filters
from croft.services.compute.wire.parse import at, single_action

Verb = Callable[[Request, Any], Response]
_MORE = """
stop reboot rebuild resize confirm_resize revert_resize lock unlock delete add_group remove_group console refuse
"""
SEVERAL = tuple(f"compute.server.{verb}" for verb in _MORE.split())


def _start(request: Request, _body: Any) -> Response:
    power.start_server(request.ctx, request.params["id"])
    return empty(202)


def _stop(request: Request, _body: Any) -> Response:
    power.stop_server(request.ctx, request.params["id"])
    return empty(202)


def _reboot(request: Request, _body: Any) -> Response:
    kind = request.decode(wire.Reboot).reboot.type
    if kind.upper() not in {"SOFT", "HARD"} or kind not in {kind.upper(), kind.lower(), kind.capitalize()}:
        raise Invalid("Invalid input for field/attribute type. It must be SOFT or HARD.")
    power.reboot_server(request.ctx, request.params["id"], hard=kind.upper() == "HARD")
    return empty(202)


def _resize(request: Request, _body: Any) -> Response:
    flavor, changes = wire.resize(request.decode(wire.Resize))
    resize.resize_server(request.ctx, request.params["id"], flavor, changes)
    return empty(202)


def _confirm_resize(request: Request, _body: Any) -> Response:
    resize.confirm_resize(request.ctx, request.params["id"])
    return empty(204)


def _revert_resize(request: Request, _body: Any) -> Response:
    resize.revert_resize(request.ctx, request.params["id"])
    return empty(202)


def _lock(request: Request, _body: Any) -> Response:
    reason = wire.lock_reason(request.decode(wire.Lock)) if request.version >= at(73) else None
    servers.set_lock(request.ctx, request.params["id"], reason)
    return empty(202)


def _unlock(request: Request, _body: Any) -> Response:
    servers.clear_lock(request.ctx, request.params["id"])
    return empty(202)


def _delete(request: Request, _body: Any) -> Response:
    power.delete_server(request.ctx, request.params["id"])
    return empty(202)


def _add_group(request: Request, _body: Any) -> Response:
    power.add_group(request.ctx, request.params["id"], request.decode(wire.AddGroup).group.name)
    return empty(202)


def _remove_group(request: Request, _body: Any) -> Response:
    power.remove_group(request.ctx, request.params["id"], request.decode(wire.RemoveGroup).group.name)
    return empty(202)


VERBS: dict[str, Verb] = {
    "os-start": _start,
    "os-stop": _stop,
    "reboot": _reboot,
    "rebuild": lambda request, _body: rebuild_server(request),
    "resize": _resize,
    "confirmResize": _confirm_resize,
    "revertResize": _revert_resize,
    "lock": _lock,
    "unlock": _unlock,
    "forceDelete": _delete,
    "addSecurityGroup": _add_group,
    "removeSecurityGroup": _remove_group,
}
_NOT_HERE = """
createImage createBackup pause unpause suspend resume rescue unrescue shelve
shelveOffload unshelve os-resetState changePassword migrate os-migrateLive evacuate restore resetNetwork
injectNetworkInfo trigger_crash_dump os-getVNCConsole os-getSPICEConsole os-getRDPConsole os-getSerialConsole
addFixedIp removeFixedIp addFloatingIp removeFloatingIp
"""
REFUSED = frozenset(_NOT_HERE.split())
"""Nova's, and known to be missing here: answered with 409, not as an unknown action."""
GONE = frozenset(("addFixedIp", "removeFixedIp", "addFloatingIp", "removeFloatingIp"))
"""Nova's own until 2.43."""


def routes(hypervisor: Hypervisor) -> list[Route]:
    def console(request: Request, _body: Any) -> Response:
        lines = wire.console_lines(request.decode(wire.Console))
        return reply({"output": power.read_console(request.ctx, hypervisor, request.params["id"], lines)})

    verbs = VERBS | {"os-getConsoleOutput": console}

    def act(request: Request) -> Response:
        name, body = single_action(request)
        verb = verbs.get(name)
        if verb is not None:
            return verb(request, body)
        if name in GONE and request.version >= at(44):
            raise NotFound("The resource could not be found in this version of the API.")
        if name in REFUSED:
            power.refuse(request.ctx, request.params["id"], f"The action '{name}' is not offered here.")
        raise Invalid(f"There is no such action: {name[:60]}")

    return [
        Route("POST", ONE + "/action", act, "compute.server.start", several=SEVERAL),
        Route("GET", ONE + "/os-instance-actions", list_actions, "compute.server.list_actions"),
        Route("GET", ONE + "/os-instance-actions/{request}", show_action, "compute.server.list_actions"),
    ]


def list_actions(request: Request) -> Response:
    filters.only(request, ("changes-before", "changes-since", "limit", "marker"), since=66)
    done = power.list_server_actions(request.ctx, request.params["id"], even_gone=request.version >= at(21))
    entries = [entry for entry in done.entries if wire.known(entry)]
    links: dict[str, Any] = {}
    if request.version >= at(58):
        entries, more = wire.page(entries, request.page(), filters.period(request.query, request.version))
        links = {"links": next_link(request, entries[-1].request)} if more else {}
    return reply({"instanceActions": [wire.action(entry, request.version) for entry in entries]} | links)


def show_action(request: Request) -> Response:
    id, version = request.params["id"], request.version
    done = power.list_server_actions(request.ctx, id, even_gone=version >= at(21))
    for entry in done.entries:
        if entry.request == request.params["request"] and wire.known(entry):
            shown = wire.action(entry, version)
            operator = request.ctx.allows("compute.server.list_events")
            if operator or version >= at(51):
                shown["events"] = [wire.event(entry, version, done.project, done.host, operator=operator)]
            return reply({"instanceAction": shown})
    raise NotFound(f"Action for request_id {request.params['request'][:64]} on instance {id} not found")
