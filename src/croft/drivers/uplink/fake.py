"""The cloud's way out in memory."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable

from croft.core.errors import Rejected
from croft.drivers.uplink import Gateway, Route


class FakeUplink:
    """`before(verb)` may be replaced by a test and raise."""

    def __init__(self) -> None:
        self._gateways: dict[str, Gateway] = {}
        self._routes: dict[str, str] = {}
        self._lock = threading.Lock()
        self.writes = 0
        self.before: Callable[[str], None] = lambda verb: None

    def observe(self, name: str) -> Gateway | None:
        self.before("observe")
        return self._gateways.get(name)

    def ensure(self, gateway: Gateway) -> None:
        self.before("ensure")
        with self._lock:
            if self._gateways.get(gateway.name) != gateway:
                self._gateways[gateway.name] = gateway
                self.writes += 1

    def remove(self, name: str) -> None:
        self.before("remove")
        with self._lock:
            gateway = self._gateways.pop(name, None)
            if gateway is not None:
                self.writes += 1
                self._routes = {prefix: via for prefix, via in self._routes.items() if self._reached(via)}

    def names(self) -> list[str]:
        self.before("names")
        return sorted(self._gateways)

    def routes(self) -> frozenset[Route]:
        self.before("routes")
        with self._lock:
            return frozenset(Route(prefix, via) for prefix, via in self._routes.items())

    def route(self, route: Route) -> None:
        self.before("route")
        with self._lock:
            if not self._reached(route.via):
                raise Rejected(f"No gateway reaches {route.via}.")
            if self._routes.get(route.prefix) != route.via:
                self._routes[route.prefix] = route.via
                self.writes += 1

    def unroute(self, prefix: str) -> None:
        self.before("unroute")
        with self._lock:
            if self._routes.pop(prefix, None) is not None:
                self.writes += 1

    def lose(self, name: str) -> None:
        """Forgets a gateway, or the route to a prefix, as a reboot would."""
        with self._lock:
            self._gateways.pop(name, None)
            self._routes.pop(name, None)

    def _reached(self, via: str) -> bool:
        try:
            address = ipaddress.ip_address(via)
        except ValueError as error:
            raise Rejected(f"{error}.")
        return any(
            address in ipaddress.ip_interface(own).network
            for gateway in self._gateways.values()
            for own in gateway.addresses
        )
