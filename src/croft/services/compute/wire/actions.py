"""Bodies of `/action`, and the record of what was done to a server in Nova's words."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

from croft.core.audit import Entry
from croft.core.clock import iso_bare
from croft.core.errors import Invalid
from croft.core.http import Version
from croft.core.page import Page
from croft.services.compute.wire.parse import at, disk_config, number
from croft.services.compute.wire.servers_out import host_id


class RebootType(Struct, forbid_unknown_fields=True):
    type: str


class Reboot(Struct, forbid_unknown_fields=True):
    reboot: RebootType


class NewFlavor(Struct, forbid_unknown_fields=True):
    flavor: str | int = field(name="flavorRef")
    disk_config: str | UnsetType = field(name="OS-DCF:diskConfig", default=UNSET)


class Resize(Struct, forbid_unknown_fields=True):
    resize: NewFlavor


def resize(body: Resize) -> tuple[str, dict[str, Any]]:
    """The flavor, and what else changes."""
    if body.resize.disk_config is UNSET:
        return str(body.resize.flavor), {}
    return str(body.resize.flavor), {"disk_config": disk_config(body.resize.disk_config)}


class Named(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1)]


class AddGroup(Struct):
    group: Named = field(name="addSecurityGroup")


class RemoveGroup(Struct):
    group: Named = field(name="removeSecurityGroup")


class Reason(Struct, forbid_unknown_fields=True):
    locked_reason: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class Lock(Struct, forbid_unknown_fields=True):
    lock: Reason | None


def lock_reason(body: Lock) -> str | None:
    return body.lock.locked_reason if body.lock else None


class Length(Struct, forbid_unknown_fields=True):
    length: int | str | None = None


class Console(Struct, forbid_unknown_fields=True):
    output: Length = field(name="os-getConsoleOutput")


def console_lines(body: Console) -> int | None:
    """None for all of it, as Nova reads -1."""
    if body.output.length is None:
        return None
    lines = number(body.output.length, "length", -1)
    return None if lines == -1 else lines


_ACTIONS = {
    "create": "create",
    "delete": "delete",
    "start": "start",
    "stop": "stop",
    "reboot": "reboot",
    "rebuild": "rebuild",
    "resize": "resize",
    "confirm_resize": "confirmResize",
    "revert_resize": "revertResize",
    "lock": "lock",
    "unlock": "unlock",
    "attach_interface": "attach_interface",
    "detach_interface": "detach_interface",
}


def _verb(entry: Entry) -> str:
    return entry.action.rpartition(".")[2]


def known(entry: Entry) -> bool:
    return _verb(entry) in _ACTIONS


def action(entry: Entry, version: Version) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "action": _ACTIONS[_verb(entry)],
        "instance_uuid": entry.target,
        "message": None,
        "project_id": entry.project,
        "request_id": entry.request,
        "start_time": iso_bare(entry.at),
        "user_id": entry.user,
    }
    return shown | ({"updated_at": iso_bare(entry.at)} if version >= at(58) else {})


def event(entry: Entry, version: Version, project: str, host: str, *, operator: bool) -> dict[str, Any]:
    """What Croft records is the wish, accepted in the moment it was made."""
    shown: dict[str, Any] = {
        "event": f"compute_{_ACTIONS[_verb(entry)]}",
        "start_time": iso_bare(entry.at),
        "finish_time": iso_bare(entry.at),
        "result": "Success",
    }
    if operator:
        shown["traceback"] = None
    if version >= at(62):
        shown["hostId"] = host_id(project, host)
        shown |= {"host": host} if operator else {}
    return shown | ({"details": None} if version >= at(84) else {})


def page(entries: list[Entry], page: Page, period: tuple[int | None, int | None]) -> tuple[list[Entry], bool]:
    """Those of the period after the marker (a request id), and whether more follow."""
    since, before = period
    names = [entry.request for entry in entries]
    if page.marker:
        if page.marker not in names:
            raise Invalid(f"marker [{page.marker[:64]}] not found")
        entries = entries[names.index(page.marker) + 1 :]
    entries = [
        entry for entry in entries if (since is None or entry.at >= since) and (before is None or entry.at <= before)
    ]
    return entries[: page.limit], len(entries) > page.limit
