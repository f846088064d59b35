"""What the kernel and a host's switch must hold for one endpoint: a namespace, a veth pair, an OVS port.

Knows `ip`, `ovs-vsctl` and setns(2); knows nothing of HTTP.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from croft.core.errors import Unavailable

NETNS = Path("/run/netns")
BRIDGE = "br-int"
INSIDE = "eth0"
SECONDS = 20

CLONE_NEWNET = 0x40000000
SIOCETHTOOL = 0x8946
OFFLOADS = (0x17, 0x1F, 0x24, 0x2C)
"""ETHTOOL_STXCSUM, STSO, SGSO, SGRO: the userspace datapath would pass on packets without checksums."""

T = TypeVar("T")


@dataclass(frozen=True)
class MetadataHost:
    name: str
    netns: Path
    """The host's network namespace, where its integration bridge lives."""
    ovsdb: str
    """Its switch's database: `unix:/…/db.sock`."""


@dataclass(frozen=True)
class Wiring:
    """One endpoint on one host."""

    host: MetadataHost
    namespace: str
    device: str
    """The host's end of the pair."""
    port: str
    mac: str
    mtu: int
    addresses: tuple[str, ...]

    @property
    def path(self) -> Path:
        return NETNS / self.namespace


def enter(netns: Path, function: Callable[[], T]) -> T:
    """Runs a function inside a network namespace, in a thread of its own: setns binds only the calling thread."""
    results: list[T] = []
    failures: list[OSError] = []

    def visit() -> None:
        try:
            _set_namespace(netns)
            results.append(function())
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=visit, name="netns-visit")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def _set_namespace(netns: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(netns))
    finally:
        os.close(descriptor)


def listen(wiring: Wiring, address: tuple[str, int]) -> socket.socket:
    def open_listener() -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(64)
        except OSError:
            listener.close()
            raise
        return listener

    return enter(wiring.path, open_listener)


def identity(wiring: Wiring) -> tuple[int, int] | None:
    """Changes when the namespace or the device in it was replaced; None when one is missing. Starts no process."""
    try:
        return wiring.path.stat().st_ino, enter(wiring.path, lambda: socket.if_nametoindex(INSIDE))
    except OSError:
        return None


def in_place(wiring: Wiring) -> bool:
    """Whether the namespace holds a device just as wanted."""
    if identity(wiring) is None:
        return False
    shown = json.loads(run(["ip", "-n", wiring.namespace, "-json", "address", "show", "dev", INSIDE]))[0]
    held = {f"{info['local']}/{info['prefixlen']}" for info in shown["addr_info"] if info["scope"] != "link"}
    return (
        held == set(wiring.addresses)
        and shown["address"] == wiring.mac
        and shown["mtu"] == wiring.mtu
        and "UP" in shown["flags"]
    )


def build(wirings: Sequence[Wiring]) -> None:
    """Makes namespaces and devices anew. The switch must have let go of a device of the same name before."""
    for wiring in wirings:
        unplug(wiring.host, [wiring.device], wait=True)
    destroy(wirings)
    if not wirings:
        return
    lines = [f"netns add {wiring.namespace}" for wiring in wirings]
    lines += [
        f"link add {wiring.device} netns {wiring.host.netns.name} mtu {wiring.mtu} type veth"
        f" peer name {INSIDE} netns {wiring.namespace} address {wiring.mac} mtu {wiring.mtu}"
        for wiring in wirings
    ]
    run(["ip", "-batch", "-"], lines)
    for wiring in wirings:
        lines = [_add(address) for address in wiring.addresses]
        run(["ip", "-n", wiring.namespace, "-batch", "-"], ["link set lo up", f"link set {INSIDE} up", *lines])
        run(["ip", "-n", wiring.host.netns.name, "link", "set", wiring.device, "up"])
        enter(wiring.path, lambda: stop_offloads(INSIDE))
        enter(wiring.host.netns, lambda device=wiring.device: stop_offloads(device))  # type: ignore[misc]


def _add(address: str) -> str:
    return f"address add {address} dev {INSIDE}" + (" nodad" if ":" in address else "")


def plug(wirings: Iterable[Wiring]) -> None:
    for wiring in wirings:
        add = ["--may-exist", "add-port", BRIDGE, wiring.device]
        name = ["set", "Interface", wiring.device, f"external_ids:iface-id={wiring.port}"]
        run(["ovs-vsctl", f"--db={wiring.host.ovsdb}", "--no-wait", "--timeout=10", *add, "--", *name])


def unplug(host: MetadataHost, devices: Sequence[str], wait: bool = False) -> None:
    commands = [word for device in devices for word in ("--", "--if-exists", "del-port", BRIDGE, device)]
    if commands:
        patience = [] if wait else ["--no-wait"]
        run(["ovs-vsctl", f"--db={host.ovsdb}", "--timeout=10", *patience, *commands])


def destroy(wirings: Iterable[Wiring]) -> None:
    """The device first: a namespace that somebody still holds would keep it."""
    lines: list[str] = []
    for wiring in wirings:
        _drop_device(wiring)
        if wiring.path.exists():
            lines.append(f"netns del {wiring.namespace}")
    if lines:
        run(["ip", "-batch", "-"], lines)


def _drop_device(wiring: Wiring) -> None:
    """The kernel, taking a namespace apart that lost its name, may be faster than we are."""
    if not _on_host(wiring):
        return
    try:
        run(["ip", "-n", wiring.host.netns.name, "link", "del", wiring.device])
    except Unavailable:
        if _on_host(wiring):
            raise


def _on_host(wiring: Wiring) -> bool:
    try:
        return enter(wiring.host.netns, lambda: _has(wiring.device))
    except FileNotFoundError:
        return False


def _has(device: str) -> bool:
    return any(name == device for _, name in socket.if_nameindex())


def stop_offloads(device: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in OFFLOADS:
            order = array.array("B", struct.pack("II", command, 0))
            request = struct.pack("16sP", device.encode(), order.buffer_info()[0])
            fcntl.ioctl(control, SIOCETHTOOL, request.ljust(40, b"\0"))


def run(argv: Sequence[str], lines: Iterable[str] = ()) -> str:
    text = "".join(f"{line}\n" for line in lines)
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{argv[0]}: {error}") from error
    if done.returncode != 0:
        raise Unavailable(f"{argv[0]} failed: {done.stderr.strip()}")
    return done.stdout
