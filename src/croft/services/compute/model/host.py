"""Hosts and placement: one pure function that filters hosts and takes the best of what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from croft.core.work import Note

ZONE = "nova"
"""The one availability zone."""
CPU_RATIO = 16
"""Virtual CPUs promised per real one."""
RESERVED_MEMORY_MIB = 512
"""Left to the host itself."""
RESYNC = 30
SILENT = 100
"""Seconds without a good look after which a host counts as down."""


class Host(msgspec.Struct, frozen=True, gc=False):
    id: str
    number: int
    name: str
    created: int
    updated: int
    disabled: bool
    disabled_reason: str | None
    forced_down: bool
    vcpus: int
    memory_mib: int
    disk_gib: int
    kind: str
    version: int
    model: str
    code: str | None = None
    message: str | None = None
    tries: int | None = None
    since: int | None = None
    due: int | None = None
    noted: int | None = None

    @property
    def note(self) -> Note:
        return Note(self.code or "", self.message or "", self.tries or 0, self.since, self.due or 0, self.noted or 0)

    def up(self, now: int) -> bool:
        """Its last look went well, and lately: the note of the work queue says so without a row being written."""
        return not self.forced_down and not self.code and self.vcpus > 0 and now - (self.noted or 0) < SILENT


class Load(msgspec.Struct, frozen=True, gc=False):
    """What the servers of a host have been promised."""

    host: str
    servers: int
    vcpus: int
    memory_mib: int
    disk_gib: int
    running: int = 0


class Need(msgspec.Struct, frozen=True):
    vcpus: int
    memory_mib: int
    disk_gib: int
    zone: str = ""
    host: str = ""


IDLE = Load("", 0, 0, 0, 0)


def place(need: Need, hosts: Iterable[Host], loads: Mapping[str, Load], now: int) -> str | None:
    """The host to use: fits, up, enabled; of those the one with the most memory left, then the fewest servers."""
    fit = [host for host in hosts if _fits(need, host, loads.get(host.name, IDLE), now)]
    if not fit:
        return None

    def rank(host: Host) -> tuple[int, int, str]:
        load = loads.get(host.name, IDLE)
        return load.memory_mib - host.memory_mib, load.servers, host.name

    return min(fit, key=rank).name


def _fits(need: Need, host: Host, load: Load, now: int) -> bool:
    return (
        host.up(now)
        and not host.disabled
        and need.zone in {"", ZONE}
        and need.host in {"", host.name}
        and load.vcpus + need.vcpus <= host.vcpus * CPU_RATIO
        and need.vcpus <= host.vcpus
        and load.memory_mib + need.memory_mib <= host.memory_mib - RESERVED_MEMORY_MIB
        and load.disk_gib + need.disk_gib <= host.disk_gib
    )
