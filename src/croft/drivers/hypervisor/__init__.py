"""The port to whatever runs guests. A guest is named by its server's id; a host by the name the operator gave it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Power(StrEnum):
    """What a guest should do (in a `Guest`) or does (in a `GuestState`)."""

    RUNNING = "running"
    SHUTDOWN = "shutdown"
    """Wanted only: ask the guest by ACPI. `ensure` asks and returns; observe later, then want OFF."""
    OFF = "off"
    """Wanted: pull the plug. Observed: defined but not running."""
    CRASHED = "crashed"
    """Observed only: it stopped without being asked to (killed, panicked, lost its host)."""


@dataclass(frozen=True)
class Disk:
    """One virtio-blk disk; disks appear to the guest in the order given."""

    source: str
    """Where the bytes are, in the block driver's words (`Volume.locator`); for files a path."""
    format: str = "qcow2"
    serial: str = ""
    readonly: bool = False


@dataclass(frozen=True)
class Nic:
    """One virtio NIC plugged into the fabric port of the same id (a UUID; libvirt insists)."""

    port: str
    mac: str
    mtu: int = 1442


@dataclass(frozen=True)
class Guest:
    """The whole of what is wanted; nothing is left to choose."""

    id: str
    gen: int
    """The intent's generation; an `ensure` older than what the engine holds is ignored."""
    boot: int
    """Moved by one for each wanted reboot; a running guest that was started with a smaller one is restarted hard."""
    name: str
    """For people reading `virsh list --title`; never an identifier."""
    vcpus: int
    memory_mib: int
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    power: Power = Power.RUNNING


@dataclass(frozen=True)
class GuestState:
    id: str
    gen: int
    boot: int
    """The `boot` of the guest that runs now, or ran last."""
    power: Power
    vcpus: int
    memory_mib: int
    disks: tuple[str, ...] = ()
    """The sources, in order."""
    nics: tuple[str, ...] = ()
    """The port ids, in order."""


@dataclass(frozen=True)
class Capacity:
    """What a host has, as its engine reports it; `kind` is `kvm` or `qemu` (emulated)."""

    host: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    kind: str
    version: int
    """As libvirt numbers it: major * 1,000,000 + minor * 1,000 + patch."""
    running: int
    """Guests running now."""
    model: str = ""
    extra: dict[str, str] = field(default_factory=dict)


class Hypervisor(Protocol):
    """All verbs are idempotent and return within 30 s; `Unavailable` when the host does not answer."""

    def capacity(self, host: str) -> Capacity: ...

    def observe(self, host: str, guest: str) -> GuestState | None: ...

    def ensure(self, host: str, guest: Guest) -> None:
        """Defines the guest if it is not, redefines it if it differs (running guests take what can be hot-plugged:
        disks and NICs), and moves it to the wanted power."""

    def remove(self, host: str, guest: str) -> None:
        """Stops it at once and forgets it, console log included. Absent is success."""

    def names(self, host: str) -> list[str]:
        """Ids of all guests of ours on this host, running or not."""

    def console(self, host: str, guest: str, lines: int | None) -> str:
        """The last `lines` (all kept, when None) of the serial console since the guest was made; empty if none.
        Bytes that are not UTF-8 are replaced."""

    def watch(self, changed: Callable[[str, str], None]) -> None:
        """Calls `changed(host, guest)`, from any thread, soon after a guest started, stopped or crashed.
        May miss some: it only makes the next look earlier."""

    def close(self) -> None: ...
