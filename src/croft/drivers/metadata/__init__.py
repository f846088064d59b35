"""The port to the link-local metadata address: on every host and tenant network, 169.254.169.254:80 answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Endpoint:
    """One network's metadata endpoint: the fabric's localport (`MetadataPort` there) made into a listening socket
    on each host that has, or may get, a guest in that network."""

    network: str
    port: str
    """The localport's id."""
    mac: str
    addresses: tuple[str, ...]
    """With prefix length: the address the localport holds in each IPv4 subnet, and 169.254.169.254/32."""
    mtu: int = 1442


@dataclass(frozen=True)
class Question:
    network: str
    client: str
    """The guest's address, as seen in the network: an identity, since the fabric drops spoofed sources."""
    path: str
    """Decoded path, without query."""


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes


class Metadata(Protocol):
    """All verbs are idempotent."""

    def serve(self, answer: Callable[[Question], Answer]) -> None:
        """Says who answers. Called once, before the first `ensure`; questions come from many threads."""

    def observe(self, network: str) -> Endpoint | None: ...

    def ensure(self, endpoint: Endpoint) -> None: ...

    def remove(self, network: str) -> None: ...

    def names(self) -> list[str]: ...

    def close(self) -> None:
        """Stops listening; leaves no namespace, device or thread of its own behind."""
