"""Stand-ins for guests: network namespaces plugged into a host's integration bridge, and one on the outside network."""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from croft.drivers.metadata.namespaces import NETNS, enter, stop_offloads
from croft.machine.embedded import Endpoints, HostEndpoint

T = TypeVar("T")


def eventually(check: Callable[[], bool], seconds: float, what: str) -> float:
    """Polls until the check holds; how long it took."""
    begin = time.monotonic()
    while not check():
        assert time.monotonic() - begin < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - begin


def run(*argv: str | Path) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout


class Peer:
    """A namespace with one device, `eth0`."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._sockets: list[socket.socket] = []
        run("ip", "netns", "add", namespace)
        self.ip("link set lo up")

    def ip(self, *lines: str) -> None:
        batch = "\n".join(lines) + "\n"
        argv = ["ip", "-n", self.namespace, "-batch", "-"]
        subprocess.run(argv, input=batch, text=True, check=True, capture_output=True, timeout=30)

    def enter(self, function: Callable[[], T]) -> T:
        return enter(NETNS / self.namespace, function)

    def addresses(self) -> str:
        return run("ip", "-n", self.namespace, "-o", "addr", "show", "dev", "eth0")

    def pings(self, address: str, *options: str) -> bool:
        argv = ["ip", "netns", "exec", self.namespace, "ping", "-n", "-c", "1", "-W", "1", *options, address]
        return subprocess.run(argv, check=False, capture_output=True, timeout=10).returncode == 0

    def serve(self, port: int, reply: bytes | None = None) -> None:
        """Answers each TCP connection with `reply`, or with the address it came from."""

        def open_listener() -> socket.socket:
            listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
            self._sockets.append(listener)
            return listener

        listener = self.enter(open_listener)
        threading.Thread(target=_answer, args=(listener, reply), daemon=True).start()

    def fetch(self, address: str, port: int, request: bytes = b"", seconds: float = 1.0) -> bytes | None:
        """Everything the other side says; None when there is no connection."""

        def ask() -> bytes | None:
            try:
                with socket.create_connection((address, port), timeout=seconds) as connection:
                    connection.sendall(request)
                    return b"".join(iter(lambda: connection.recv(65536), b""))
            except OSError:
                return None

        return self.enter(ask)

    def close(self) -> None:
        for listener in self._sockets:
            listener.close()
        subprocess.run(["ip", "-n", self.namespace, "link", "del", "eth0"], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.namespace], check=False, capture_output=True)


def _answer(listener: socket.socket, reply: bytes | None) -> None:
    while True:
        try:
            connection, peer = listener.accept()
        except OSError:
            return
        with connection:
            try:
                connection.sendall(reply or peer[0].removeprefix("::ffff:").encode())
            except OSError:
                continue


class Guest(Peer):
    """Plugged into a host like a server would be."""

    def __init__(self, machine: Endpoints, host: HostEndpoint, port: str, mac: str, mtu: int = 1442) -> None:
        self.host, self.port, self.mac = host, port, mac
        self.device = f"tt{port.replace('-', '')[-12:]}"
        super().__init__(f"{machine.namespace_prefix}test-{self.device}")
        pair = f"link add {self.device} netns {host.netns.name} type veth peer name eth0 netns {self.namespace}"
        run("ip", *pair.split(), "address", mac, "mtu", str(mtu))
        run("ip", "-n", host.netns.name, "link", "set", self.device, "up")
        self.enter(lambda: stop_offloads("eth0"))
        enter(host.netns, lambda: stop_offloads(self.device))
        self.ip("link set eth0 up")
        self._vsctl("add-port", "br-int", self.device, "--",
                    "set", "Interface", self.device, f"external_ids:iface-id={port}")  # fmt: skip

    def settle(self, addresses: Sequence[str], gateways: Sequence[str]) -> None:
        self.ip(*(f"address add {address} dev eth0{' nodad' if ':' in address else ''}" for address in addresses))
        self.ip(*(f"route add default via {gateway} dev eth0" for gateway in gateways))

    def close(self) -> None:
        self._vsctl("--if-exists", "del-port", "br-int", self.device)
        super().close()

    def _vsctl(self, *words: str) -> None:
        run("ovs-vsctl", f"--db=unix:{self.host.ovsdb_socket}", "--timeout=20", *words)


class Outside(Peer):
    """A neighbour on the provider network."""

    def __init__(self, machine: Endpoints, *addresses: str) -> None:
        super().__init__(f"{machine.namespace_prefix}test-outside")
        fabric = f"{machine.namespace_prefix}fabric"
        pair = f"link add test-outside netns {fabric} type veth peer name eth0 netns {self.namespace}"
        run("ip", *pair.split())
        run("ip", "-n", fabric, "link", "set", "test-outside", "master", "provider", "up")
        self.enter(lambda: stop_offloads("eth0"))
        enter(NETNS / fabric, lambda: stop_offloads("test-outside"))
        self.ip("link set eth0 up")
        self.ip(*(f"address add {address} dev eth0{' nodad' if ':' in address else ''}" for address in addresses))


def ask_dhcp(guest: Guest, seconds: float = 2.0) -> dict[int, bytes]:
    """One DISCOVER; the options of the offer, and the offered address as option 0. Empty: no answer."""

    def ask() -> dict[int, bytes]:
        identity = random.randbytes(4)
        mac = bytes.fromhex(guest.mac.replace(":", ""))
        head = struct.pack("!BBBB4sHH16x", 1, 1, 6, 0, identity, 0, 0x8000) + mac.ljust(16, b"\0") + bytes(192)
        options = bytes([53, 1, 1, 55, 7, 1, 3, 6, 15, 26, 51, 121, 255])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
            channel.bind(("0.0.0.0", 68))
            channel.settimeout(seconds)
            channel.sendto(head + b"\x63\x82\x53\x63" + options, ("255.255.255.255", 67))
            try:
                return _options(channel.recv(2000), identity)
            except TimeoutError:
                return {}

    return guest.enter(ask)


def _options(packet: bytes, identity: bytes) -> dict[int, bytes]:
    assert packet[4:8] == identity
    found, rest = {0: packet[16:20]}, packet[240:]
    while rest and rest[0] != 255:
        if rest[0] == 0:
            rest = rest[1:]
            continue
        found[rest[0]], rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
    return found


def ask_dhcpv6(guest: Guest, seconds: float = 2.0) -> bytes:
    """One SOLICIT for an address; the answer, raw."""

    def ask() -> bytes:
        duid = b"\0\x03\0\x01" + bytes.fromhex(guest.mac.replace(":", ""))
        client = struct.pack("!HH", 1, len(duid)) + duid
        association = struct.pack("!HHIII", 3, 12, 1, 0, 0)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as channel:
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
            channel.bind(("::", 546))
            channel.settimeout(seconds)
            scope = socket.if_nametoindex("eth0")
            channel.sendto(b"\x01abc" + client + association, ("ff02::1:2", 547, 0, scope))
            try:
                return channel.recv(2000)
            except TimeoutError:
                return b""

    return guest.enter(ask)


def resolve(guest: Guest, name: str, server: str, kind: int = 1, seconds: float = 1.0) -> bytes:
    """The last bytes of a DNS answer: the address, when there is one."""

    def ask() -> bytes:
        question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + question + struct.pack("!HH", kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
            channel.settimeout(seconds)
            channel.sendto(query, (server, 53))
            try:
                return channel.recv(2000)[len(query) :][-(4 if kind == 1 else 16) :]
            except OSError:
                return b""

    return guest.enter(ask)
