"""Guests as libvirt domains: QEMU with or without KVM, plugged into Open vSwitch, one libvirtd per host."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import libvirt

from croft.core.errors import Unavailable
from croft.drivers.hypervisor import Capacity, Guest, GuestState, Power
from croft.drivers.hypervisor.libvirt import domain as xml
from croft.drivers.hypervisor.libvirt.connections import Connections
from croft.drivers.hypervisor.libvirt.consoles import Consoles
from croft.drivers.hypervisor.libvirt.domain import Held, Style, Tag

_LIVE, _CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
_STALLED = frozenset(
    {libvirt.VIR_DOMAIN_PAUSED_IOERROR, libvirt.VIR_DOMAIN_PAUSED_CRASHED, libvirt.VIR_DOMAIN_PAUSED_WATCHDOG}
)
_UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)
_PATIENCE = 5.0
_STYLE = Style()


class LibvirtHypervisor:
    """`hosts`: name → connection URI. `directory`: for console logs, seen by the hosts under the same path; its file
    system is also the one whose size is told as a host's. `logs`: by host, where its libvirtd keeps a log of each QEMU,
    which libvirt itself never deletes. Several threads may call at once."""

    def __init__(
        self,
        hosts: Mapping[str, str],
        directory: Path,
        style: Style = _STYLE,
        logs: Mapping[str, Path] | None = None,
    ) -> None:
        self._style = style
        self._logs = dict(logs or {})
        self._directory = directory
        self._consoles = Consoles(directory)
        self._watchers: list[Callable[[str, str], None]] = []
        self._connections = Connections(hosts, self._happened)
        self._locks = [threading.Lock() for _ in range(256)]

    def capacity(self, host: str) -> Capacity:
        with _files():
            room = os.statvfs(self._directory)
        return self._connections.call(host, lambda connection: self._capacity(host, connection, room))

    def observe(self, host: str, guest: str) -> GuestState | None:
        name = xml.domain_name(guest)
        return self._connections.call(host, lambda connection: _observe(connection, name, guest))

    def ensure(self, host: str, guest: Guest) -> None:
        wanted, digest = xml.domain_xml(guest, self._style, self._consoles.path(guest.id))
        with self._alone(guest.id):
            self._connections.call(host, lambda connection: self._ensure(connection, guest, wanted, digest))

    def remove(self, host: str, guest: str) -> None:
        name = xml.domain_name(guest)
        with self._alone(guest):
            self._connections.call(host, lambda connection: _remove(connection, name))
            with _files():
                self._forget(host, guest, name)

    def names(self, host: str) -> list[str]:
        return self._connections.call(host, self._names)

    def console(self, host: str, guest: str, lines: int | None) -> str:
        xml.domain_name(guest)
        with _files():
            return self._consoles.read(guest, lines)

    def watch(self, changed: Callable[[str, str], None]) -> None:
        self._watchers.append(changed)
        self._connections.listen()

    def close(self) -> None:
        self._watchers.clear()
        self._connections.close()
        self._consoles.close()

    def _forget(self, host: str, guest: str, name: str) -> None:
        self._consoles.remove(guest)
        if host in self._logs:
            (self._logs[host] / f"{name}.log").unlink(missing_ok=True)

    def _happened(self, host: str, name: str) -> None:
        guest = xml.guest_id(name)
        if guest is not None:
            for watcher in list(self._watchers):
                watcher(host, guest)

    @contextlib.contextmanager
    def _alone(self, guest: str) -> Iterator[None]:
        """One change of a guest at a time."""
        lock = self._locks[hash(guest) % len(self._locks)]
        if not lock.acquire(timeout=_PATIENCE):
            raise Unavailable("The guest is still being changed.")
        try:
            yield
        finally:
            lock.release()

    def _capacity(self, host: str, connection: Any, room: os.statvfs_result) -> Capacity:
        model, _, vcpus = connection.getInfo()[:3]
        # getInfo's own figure leaves out memory that belongs to no NUMA cell.
        memory_kib = connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)["total"]
        return Capacity(
            host=host,
            vcpus=vcpus,
            memory_mib=memory_kib // 1024,
            disk_gib=room.f_blocks * room.f_frsize >> 30,
            kind=self._style.accel,
            version=connection.getVersion(),
            running=connection.numOfDomains(),
            model=model,
        )

    def _names(self, connection: Any) -> list[str]:
        found = []
        for domain in connection.listAllDomains():
            guest = xml.guest_id(domain.name())
            if guest is not None and _config_tag(domain).cloud == self._style.cloud:
                found.append(guest)
        return sorted(found)

    def _ensure(self, connection: Any, guest: Guest, wanted: str, digest: str) -> None:
        domain = _find(connection, xml.domain_name(guest.id))
        if domain is not None:
            known = _config_tag(domain)
            if known.gen > guest.gen:
                return
        if domain is None or known.digest != digest:
            domain = connection.defineXML(wanted)
        if not domain.isActive():
            if guest.power == Power.RUNNING:
                _start(domain)
        elif guest.power == Power.OFF:
            _stop(domain)
        else:
            self._steer(domain, guest)

    def _steer(self, domain: Any, guest: Guest) -> None:
        """Brings a running domain nearer to what is wanted: told to shut down, started afresh, or re-plugged."""
        have = _held(domain)
        if guest.power == Power.RUNNING and have.tag.boot < guest.boot:
            _stop(domain)
            _start(domain)
            return
        tag = Tag(self._style.cloud, guest.gen, have.tag.boot, guest.power)
        if guest.power == Power.SHUTDOWN:
            _mark(domain, tag)
            with _unless_stopping():
                domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
            return
        self._plug(domain, guest, have)
        if _stalled(domain):
            domain.resume()
        if replace(have.tag, digest="") != tag:
            _mark(domain, tag)

    def _plug(self, domain: Any, guest: Guest, have: Held) -> None:
        disks = {disk.source: disk for disk in guest.disks}
        nics = {nic.port: nic for nic in guest.nics}
        for device in (*have.disks, *have.nics):
            if device.key not in disks and device.key not in nics:
                domain.detachDeviceAlias(device.alias, _LIVE)
        next_index = 1 + max((xml.disk_index(device.target) for device in have.disks), default=-1)
        for source in [source for source in disks if source not in {device.key for device in have.disks}]:
            element = xml.disk_element(disks[source], xml.disk_target(next_index))
            domain.attachDeviceFlags(xml.text(element), _LIVE)
            next_index += 1
        for port in [port for port in nics if port not in {device.key for device in have.nics}]:
            domain.attachDeviceFlags(xml.text(xml.nic_element(nics[port], self._style)), _LIVE)


def _find(connection: Any, name: str) -> Any:
    """The domain, or None."""
    try:
        return connection.lookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _observe(connection: Any, name: str, guest: str) -> GuestState | None:
    domain = _find(connection, name)
    if domain is None:
        return None
    try:
        have = _held(domain)
        power = _power(domain, have.tag.power)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    return GuestState(
        id=guest,
        gen=have.tag.gen,
        boot=have.tag.boot,
        power=power,
        vcpus=have.vcpus,
        memory_mib=have.memory_mib,
        disks=tuple(disk.key for disk in have.disks),
        nics=tuple(nic.key for nic in have.nics),
    )


def _held(domain: Any) -> Held:
    """What runs, or else what is defined."""
    have = xml.held(domain.XMLDesc())
    if have is None:
        raise Unavailable(f"A domain named {domain.name()} exists that this cloud did not make.")
    return have


def _power(domain: Any, wanted: Power) -> Power:
    """Not running is a crash only where running was wanted and the guest did not switch itself off."""
    state, reason = domain.state()
    if state == libvirt.VIR_DOMAIN_SHUTOFF:
        asked = wanted != Power.RUNNING or reason == libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN
        return Power.OFF if asked else Power.CRASHED
    stalled = state == libvirt.VIR_DOMAIN_PAUSED and reason in _STALLED
    return Power.CRASHED if stalled or state == libvirt.VIR_DOMAIN_CRASHED else Power.RUNNING


def _stalled(domain: Any) -> bool:
    state, reason = domain.state()
    return bool(state == libvirt.VIR_DOMAIN_PAUSED and reason in _STALLED)


def _config_tag(domain: Any) -> Tag:
    """What the domain was last told, even if it still runs with something older."""
    try:
        mark = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, xml.NAMESPACE, _CONFIG)
    except libvirt.libvirtError as error:
        if error.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN_METADATA, libvirt.VIR_ERR_NO_DOMAIN):
            return Tag("", -1, -1, Power.OFF)
        raise
    return xml.read_tag(ElementTree.fromstring(mark))  # noqa: S314 - libvirt's own words


def _mark(domain: Any, tag: Tag) -> None:
    element = libvirt.VIR_DOMAIN_METADATA_ELEMENT
    with _unless_stopping():
        domain.setMetadata(element, xml.text(tag.element()), xml.NAMESPACE_KEY, xml.NAMESPACE, _LIVE)


def _start(domain: Any) -> None:
    try:
        domain.create()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID or not domain.isActive():
            raise


def _stop(domain: Any) -> None:
    try:
        domain.destroy()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID or domain.isActive():
            raise


def _remove(connection: Any, name: str) -> None:
    domain = _find(connection, name)
    if domain is None:
        return
    try:
        _stop(domain)
        domain.undefineFlags(_UNDEFINE)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise


@contextlib.contextmanager
def _files() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"The guests' directory failed: {error.strerror}.") from error


@contextlib.contextmanager
def _unless_stopping() -> Iterator[None]:
    """A guest may be stopping in the moment it is spoken to; libvirt then still calls it active."""
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise
