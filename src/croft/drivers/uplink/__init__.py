"""The port to the cloud's way out: where the provider network meets the rest of the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Gateway:
    """The operator's side of an external network: the gateway addresses of its subnets, and what is translated.

    IPv4 leaving through it is masqueraded (nftables); IPv6 is routed, never translated."""

    name: str
    """The external network's id."""
    physnet: str
    addresses: tuple[str, ...]
    """Interface addresses with prefix length: `198.18.7.1/24`, `2001:db8:7::1/64`."""
    nat: tuple[str, ...] = ()
    """IPv4 prefixes masqueraded on their way out."""


@dataclass(frozen=True)
class Route:
    """A project's prefix, reached through its router's address on the external network."""

    prefix: str
    via: str


class Uplink(Protocol):
    """All verbs are idempotent."""

    def observe(self, name: str) -> Gateway | None: ...

    def ensure(self, gateway: Gateway) -> None: ...

    def remove(self, name: str) -> None: ...

    def names(self) -> list[str]: ...

    def routes(self) -> frozenset[Route]:
        """All routes of ours that are in force."""

    def route(self, route: Route) -> None:
        """Puts it in force, replacing another way to the same prefix."""

    def unroute(self, prefix: str) -> None: ...
