"""Metadata by one network namespace per (host, network), plugged into the fabric's localport, all served here.

Namespaces are found again after a crash: then only the socket is made anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from socket import socket

from croft.core.errors import Rejected, Unavailable
from croft.drivers.metadata import Answer, Endpoint, Question, namespaces
from croft.drivers.metadata.namespaces import MetadataHost, Wiring
from croft.drivers.metadata.server import MetadataServer

ADDRESS = ("169.254.169.254", 80)
STRIPES = 64


@dataclass(frozen=True)
class Listener:
    wiring: Wiring
    socket: socket
    identity: tuple[int, int]


class NetnsMetadata:
    """`prefix` begins the names of all our namespaces (`croft-<tag>-`)."""

    def __init__(self, hosts: Iterable[MetadataHost], prefix: str) -> None:
        self._hosts = tuple(hosts)
        self._prefix = f"{prefix}md-"
        self._lock = threading.Lock()
        self._stripes = [threading.Lock() for _ in range(STRIPES)]
        self._endpoints: dict[str, tuple[Endpoint, tuple[Listener, ...]]] = {}
        self._server: MetadataServer | None = None

    def serve(self, answer: Callable[[Question], Answer]) -> None:
        self._server = MetadataServer(answer)

    def observe(self, network: str) -> Endpoint | None:
        with self._lock:
            held = self._endpoints.get(network)
        if held is None:
            return None
        endpoint, listeners = held
        whole = all(namespaces.identity(listener.wiring) == listener.identity for listener in listeners)
        return endpoint if whole else None

    def ensure(self, endpoint: Endpoint) -> None:
        server = self._server
        if server is None:
            raise Rejected("Nobody was said to answer questions; call serve first.")
        with self._stripe(endpoint.network):
            if self.observe(endpoint.network) == endpoint:
                return
            self._stop(endpoint.network)
            wirings = [self._wiring(host, endpoint) for host in self._hosts]
            try:
                namespaces.build([wiring for wiring in wirings if not namespaces.in_place(wiring)])
                namespaces.plug(wirings)
                listeners = tuple(self._listen(server, endpoint, wiring) for wiring in wirings)
            except OSError as error:
                raise Unavailable(f"metadata of network {endpoint.network}: {error}") from error
            with self._lock:
                self._endpoints[endpoint.network] = (endpoint, listeners)

    def remove(self, network: str) -> None:
        with self._stripe(network):
            self._stop(network)
            self._tear_down([network])

    def names(self) -> list[str]:
        """Networks with a namespace on any host."""
        return sorted({name.rsplit(".", 1)[1] for name in self._namespaces()})

    def close(self) -> None:
        server, self._server = self._server, None
        if server:
            server.close()
        with self._lock:
            self._endpoints.clear()
        self._tear_down(self.names())

    def _listen(self, server: MetadataServer, endpoint: Endpoint, wiring: Wiring) -> Listener:
        listener = namespaces.listen(wiring, ADDRESS)
        server.listen(endpoint.network, listener)
        identity = namespaces.identity(wiring)
        if identity is None:
            server.leave(listener)
            raise Unavailable(f"Namespace {wiring.namespace} vanished while it was made.")
        return Listener(wiring, listener, identity)

    def _stop(self, network: str) -> None:
        with self._lock:
            _, listeners = self._endpoints.pop(network, (None, ()))
        if self._server:
            for listener in listeners:
                self._server.leave(listener.socket)

    def _tear_down(self, networks: Sequence[str]) -> None:
        """On every host that answers, whatever the others do."""
        failures = []
        for host in self._hosts:
            wirings = [self._wiring(host, Endpoint(network, "", "", ())) for network in networks]
            try:
                namespaces.destroy(wirings)
                if host.netns.exists():
                    namespaces.unplug(host, [wiring.device for wiring in wirings])
            except (OSError, Unavailable) as error:
                failures.append(f"{host.name}: {error}")
        if failures:
            raise Unavailable(f"Metadata could not be removed everywhere: {'; '.join(failures)}")

    def _wiring(self, host: MetadataHost, endpoint: Endpoint) -> Wiring:
        return Wiring(
            host=host,
            namespace=f"{self._prefix}{host.name}.{endpoint.network}",
            device=f"md{endpoint.network.replace('-', '')[-12:]}",
            port=endpoint.port,
            mac=endpoint.mac,
            mtu=endpoint.mtu,
            addresses=endpoint.addresses,
        )

    def _namespaces(self) -> list[str]:
        if not namespaces.NETNS.is_dir():
            return []
        return [path.name for path in namespaces.NETNS.iterdir() if path.name.startswith(self._prefix)]

    def _stripe(self, network: str) -> threading.Lock:
        return self._stripes[hash(network) % STRIPES]
