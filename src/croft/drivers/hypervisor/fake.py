"""Guests in memory: the hypervisor port's semantics without a machine, quick with thousands of guests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from croft.core.errors import Unavailable
from croft.drivers.hypervisor import Capacity, Guest, GuestState, Nic, Power


@dataclass
class _Domain:
    """A defined guest; `live` is what runs, with the hardware it has now."""

    spec: Guest
    power: Power = Power.OFF
    boot: int = 0
    live: Guest | None = None
    asked: bool = False
    """Told to shut down by ACPI; the next look finds it off."""
    text: list[str] = field(default_factory=list)


class FakeHypervisor:
    """`plugged(port, host, up)` is called when a guest's NIC comes up or goes down, outside any lock.

    `before(verb)` may be replaced by a test and raise; hosts in `down` do not answer; guests in `deaf` ignore ACPI."""

    def __init__(
        self,
        hosts: Sequence[str] = ("h1",),
        *,
        vcpus: int = 8,
        memory_mib: int = 16384,
        disk_gib: int = 200,
        plugged: Callable[[str, str, bool], None] | None = None,
    ) -> None:
        blank = Capacity("", vcpus, memory_mib, disk_gib, kind="qemu", version=9000000, running=0, model="fake")
        self._capacity = {host: replace(blank, host=host) for host in hosts}
        self._domains: dict[str, dict[str, _Domain]] = {host: {} for host in hosts}
        self._plugged = plugged
        self._watchers: list[Callable[[str, str], None]] = []
        self._lock = threading.RLock()
        self._later: list[Callable[[], None]] = []
        self.writes = 0
        self.before: Callable[[str], None] = lambda verb: None
        self.down: set[str] = set()
        self.deaf: set[str] = set()

    def capacity(self, host: str) -> Capacity:
        with self._lock:
            domains = self._enter("capacity", host)
            running = sum(1 for domain in domains.values() if domain.power == Power.RUNNING)
            return replace(self._capacity[host], running=running)

    def observe(self, host: str, guest: str) -> GuestState | None:
        with self._lock:
            domain = self._enter("observe", host).get(guest)
            if domain is None:
                return None
            if domain.asked and guest not in self.deaf:
                self._stop(host, domain, Power.OFF)
            shown = domain.live or domain.spec
            state = GuestState(
                id=guest,
                gen=domain.spec.gen,
                boot=domain.boot,
                power=domain.power,
                vcpus=shown.vcpus,
                memory_mib=shown.memory_mib,
                disks=tuple(disk.source for disk in shown.disks),
                nics=tuple(nic.port for nic in shown.nics),
            )
        self._tell()
        return state

    def ensure(self, host: str, guest: Guest) -> None:
        with self._lock:
            domains = self._enter("ensure", host)
            domain = domains.get(guest.id)
            if domain is None:
                domain = domains[guest.id] = _Domain(guest)
                self.writes += 1
            elif guest.gen < domain.spec.gen:
                return
            elif domain.spec != guest:
                domain.spec = guest
                self.writes += 1
            self._power(host, domain)
        self._tell()

    def remove(self, host: str, guest: str) -> None:
        with self._lock:
            domain = self._enter("remove", host).pop(guest, None)
            if domain is not None:
                self.writes += 1
                self._stop(host, domain, Power.OFF)
        self._tell()

    def names(self, host: str) -> list[str]:
        with self._lock:
            return sorted(self._enter("names", host))

    def console(self, host: str, guest: str, lines: int | None) -> str:
        with self._lock:
            domain = self._enter("console", host).get(guest)
            text = domain.text if domain else []
            kept = text if lines is None else text[len(text) - min(lines, len(text)) :]
            return "".join(line + "\n" for line in kept)

    def watch(self, changed: Callable[[str, str], None]) -> None:
        self._watchers.append(changed)

    def close(self) -> None:
        self._watchers.clear()

    def crash(self, guest: str) -> None:
        """Ends a guest as `kill -9` of its process would."""
        with self._lock:
            for host, domains in self._domains.items():
                if guest in domains and domains[guest].live is not None:
                    self._stop(host, domains[guest], Power.CRASHED)
        self._tell()

    def lose(self, guest: str) -> None:
        """Forgets a guest as if somebody had undefined it behind our back."""
        with self._lock:
            for host, domains in self._domains.items():
                domain = domains.pop(guest, None)
                if domain is not None:
                    self._stop(host, domain, Power.OFF)
        self._tell()

    def shut_itself_down(self, guest: str) -> None:
        """Ends a guest as `poweroff` typed inside it would."""
        with self._lock:
            for host, domains in self._domains.items():
                if guest in domains:
                    self._stop(host, domains[guest], Power.OFF)
        self._tell()

    def say(self, guest: str, line: str) -> None:
        """Adds a line to a guest's console."""
        with self._lock:
            for domains in self._domains.values():
                if guest in domains:
                    domains[guest].text.append(line)

    def _enter(self, verb: str, host: str) -> dict[str, _Domain]:
        self.before(verb)
        if host in self.down or host not in self._domains:
            raise Unavailable(f"Host {host} does not answer.")
        return self._domains[host]

    def _power(self, host: str, domain: _Domain) -> None:
        wanted = domain.spec
        if domain.live is None:
            domain.boot = wanted.boot
            if wanted.power == Power.RUNNING:
                self._start(host, domain)
            else:
                domain.power = Power.OFF
        elif wanted.power == Power.OFF:
            self.writes += 1
            self._stop(host, domain, Power.OFF)
        elif wanted.power == Power.SHUTDOWN:
            domain.asked = True
        elif domain.boot < wanted.boot:
            self._stop(host, domain, Power.OFF)
            self._start(host, domain)
        elif (domain.live.disks, domain.live.nics) != (wanted.disks, wanted.nics):
            self._plug_nics(host, domain.live.nics, wanted.nics)
            domain.live = replace(domain.live, disks=wanted.disks, nics=wanted.nics)

    def _start(self, host: str, domain: _Domain) -> None:
        self.writes += 1
        domain.live, domain.power, domain.boot, domain.asked = domain.spec, Power.RUNNING, domain.spec.boot, False
        domain.text += [f"boot {domain.boot}", f"{domain.spec.name} login:"]
        self._plug_nics(host, (), domain.spec.nics)
        self._changed(host, domain.spec.id)

    def _stop(self, host: str, domain: _Domain, power: Power) -> None:
        if domain.live is None:
            return
        nics, domain.live = domain.live.nics, None
        domain.power, domain.asked = power, False
        self._plug_nics(host, nics, ())
        self._changed(host, domain.spec.id)

    def _plug_nics(self, host: str, old: tuple[Nic, ...], new: tuple[Nic, ...]) -> None:
        if self._plugged is None:
            return
        before, after = {nic.port for nic in old}, {nic.port for nic in new}
        self._later += [partial(self._plugged, port, host, False) for port in sorted(before - after)]
        self._later += [partial(self._plugged, port, host, True) for port in sorted(after - before)]

    def _changed(self, host: str, guest: str) -> None:
        self._later += [partial(watcher, host, guest) for watcher in self._watchers]

    def _tell(self) -> None:
        with self._lock:
            later, self._later = self._later, []
        for call in later:
            call()
