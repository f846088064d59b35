"""A server: its row, the states people read, and the one decision what its guest needs next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from croft.core.errors import Conflict
from croft.core.work import Note
from croft.drivers.hypervisor import Guest, GuestState, Power

KIND = "compute.server"
RESYNC = 900
DEADLINE = 600
GENTLE = 60
"""Seconds a guest is given to shut down by itself."""
ASK_AGAIN = 5
CALM = 600
"""A guest that ran this long before it crashed is started again at once."""


class Server(msgspec.Struct, frozen=True, gc=False):
    id: str
    project: str
    user: str
    name: str
    hostname: str
    description: str | None
    created: int
    updated: int
    gen: int
    seen: int
    deleted: int | None
    image: str
    image_format: str
    image_bytes: int
    flavor: str
    flavor_name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    ephemeral_gib: int
    swap_mib: int
    extra_specs: dict[str, str]
    key_name: str | None
    key_type: str
    key_data: str | None
    user_data: str | None
    config_drive: bool
    zone: str
    wished_host: str
    access_ipv4: str
    access_ipv6: str
    disk_config: str
    metadata: dict[str, str]
    tags: list[str]
    root_tag: str
    """What the guest may find its root disk by."""
    locked: str
    """Empty, `owner` or `admin`."""
    locked_reason: str | None
    reservation: str
    launch_index: int
    power: str
    """Wanted: `running` or `off`."""
    boot: int
    """Wanted: moved by every start and reboot that people ask for."""
    gentle: int | None
    """When the guest was asked to shut down by itself (for a stop or a soft reboot)."""
    disk: int
    """Wanted: which root disk; moved by every rebuild."""
    resize: str
    """Empty, `asked` until its owner confirms or reverts it, `reverting` until that is done."""
    former: dict[str, Any] | None
    """The flavor columns to go back to."""
    host: str
    seen_power: str
    booted: int
    """The last boot that was seen to be carried out."""
    seen_disk: int
    launched: int | None
    started: int
    """When a crashed guest was last started again."""
    crashes: int
    code: str | None = None
    message: str | None = None
    tries: int | None = None
    since: int | None = None
    due: int | None = None
    noted: int | None = None

    @property
    def note(self) -> Note:
        return Note(self.code or "", self.message or "", self.tries or 0, self.since, self.due or 0, self.noted or 0)


class States(NamedTuple):
    """Nova's three views of one thing, and its fault if it is in ERROR."""

    status: str
    vm_state: str
    task_state: str | None
    power_state: int
    fault: str = ""


POWER_STATES = {"running": 1, "off": 4, "crashed": 6, "": 0}
_STATUS = {"building": "BUILD", "active": "ACTIVE", "stopped": "SHUTOFF", "resized": "VERIFY_RESIZE"}
_TASK_STATUS = {
    ("active", "rebooting"): "REBOOT",
    ("active", "rebooting_hard"): "HARD_REBOOT",
    ("active", "rebuilding"): "REBUILD",
    ("stopped", "rebuilding"): "REBUILD",
    ("active", "resize_finish"): "RESIZE",
    ("stopped", "resize_finish"): "RESIZE",
    ("resized", "resize_reverting"): "REVERT_RESIZE",
}


def states(server: Server, now: int) -> States:
    """What is shown, derived from wishes, facts and the note; nothing of it is stored."""
    fault = _fault(server, now)
    power = POWER_STATES[server.seen_power]
    task = _task(server)
    if fault and server.deleted is None:
        return States("ERROR", "error", None, power, fault)
    if server.launched is None:
        vm_state = "building"
    elif server.resize and task != "resize_finish":
        vm_state = "resized"
    else:
        vm_state = (
            "active" if server.seen_power in {"running", ""} or server.power == "running" == _was(server) else "stopped"
        )
    status = _TASK_STATUS.get((vm_state, task or ""), _STATUS[vm_state])
    return States(status, vm_state, task, power)


def _was(server: Server) -> str:
    """`running` for a guest that crashed and will be started again."""
    return "running" if server.seen_power == "crashed" and server.booted >= server.boot else server.seen_power


def _task(server: Server) -> str | None:
    if server.deleted is not None:
        return "deleting"
    if server.launched is None:
        return "spawning" if server.host else "scheduling"
    if server.seen_disk < server.disk:
        return "rebuilding"
    if server.resize == "reverting":
        return "resize_reverting"
    if server.resize:
        return "resize_finish" if server.seen < server.gen else None
    if server.power == "off":
        return "powering-off" if server.seen_power == "running" else None
    if server.booted < server.boot:
        if server.seen_power != "running":
            return "powering-on"
        return "rebooting_hard" if server.gentle is None else "rebooting"
    return None


def _fault(server: Server, now: int) -> str:
    if server.code in {"rejected", "fault"}:
        return server.message or "It failed for an unknown reason."
    if server.since is not None and now - server.since >= DEADLINE:
        minutes = (now - server.since) // 60
        return f"Not done after {minutes} minutes: {server.message or 'nobody looked at it'}"
    return ""


def allow(server: Server, now: int, verb: str, vm_states: frozenset[str], *, while_busy: bool = False) -> None:
    """Nova's guard of actions: `Conflict` unless the server is in one of these states and not busy."""
    shown = states(server, now)
    if shown.vm_state not in vm_states:
        raise Conflict(f"Cannot '{verb}' instance {server.id} while it is in vm_state {shown.vm_state}")
    if shown.task_state is not None and not while_busy:
        raise Conflict(f"Cannot '{verb}' instance {server.id} while it is in task_state {shown.task_state}")
    if shown.task_state == "deleting":
        raise Conflict(f"Cannot '{verb}' instance {server.id} while it is in task_state deleting")


@dataclass(frozen=True, slots=True)
class Settled:
    """The guest is as wanted."""


@dataclass(frozen=True, slots=True)
class Ensure:
    """The hypervisor must be told, then looked at again; with `why`, only later."""

    power: Power
    why: str = ""
    again: int = 0
    restart: bool = False
    """It is a crashed guest's new start."""


@dataclass(frozen=True, slots=True)
class AcceptOff:
    """The guest shut itself down: that is its owner's wish."""


@dataclass(frozen=True, slots=True)
class Hold:
    why: str
    again: int


Decision = Settled | Ensure | AcceptOff | Hold


def decide(server: Server, guest: Guest, state: GuestState | None, now: int) -> Decision:
    """What comes next, from what is wanted and what was observed. `guest.power` is the final wish."""
    if state is None:
        return Ensure(guest.power)
    if guest.power == Power.OFF:
        return _towards_off(server, guest, state, now)
    match state.power:
        case Power.RUNNING:
            return _running(server, guest, state, now)
        case Power.CRASHED:
            return _crashed(server, now)
        case _:
            if state.boot >= server.boot and server.booted >= server.boot:
                return AcceptOff()
            return Ensure(Power.RUNNING)


def _towards_off(server: Server, guest: Guest, state: GuestState, now: int) -> Decision:
    if state.power == Power.RUNNING:
        return _gently(server, now) or Ensure(Power.OFF)
    same = state.gen >= guest.gen and hardware(state) == hardware(guest)
    return Settled() if same else Ensure(Power.OFF)


def _running(server: Server, guest: Guest, state: GuestState, now: int) -> Decision:
    if state.boot < server.boot:
        return _gently(server, now) or Ensure(Power.RUNNING)
    if state.gen < guest.gen or hardware(state) != hardware(guest):
        return Ensure(Power.RUNNING)
    return Settled()


def _gently(server: Server, now: int) -> Ensure | None:
    if server.gentle is None or now >= server.gentle + GENTLE:
        return None
    return Ensure(Power.SHUTDOWN, "Waiting for the guest to shut down.", ASK_AGAIN)


def _crashed(server: Server, now: int) -> Decision:
    """Started again at once; a guest that crashes again and again waits longer each time."""
    if server.booted < server.boot and server.seen_power != "crashed":
        return Ensure(Power.RUNNING)
    if server.crashes == 0 or now - server.started >= CALM:
        return Ensure(Power.RUNNING, restart=True)
    pause = min(300, 5 * 2 ** min(server.crashes, 6))
    left = server.started + pause - now
    if left > 0:
        return Hold(f"The guest crashed {server.crashes + 1} times in a row; it is started again in {left} s.", left)
    return Ensure(Power.RUNNING, restart=True)


def hardware(thing: Guest | GuestState) -> tuple[int, int, tuple[str, ...], tuple[str, ...]]:
    """What can be compared between the wanted and the observed guest."""
    if isinstance(thing, GuestState):
        return thing.vcpus, thing.memory_mib, thing.disks, thing.nics
    disks = tuple(disk.source for disk in thing.disks)
    return thing.vcpus, thing.memory_mib, disks, tuple(nic.port for nic in thing.nics)
