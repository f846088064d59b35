"""What is read, asked for or told of servers as one: shapes that actions, wire and reconcilers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from croft.core.db import Tx
from croft.services.compute.model import Server, States
from croft.services.compute.store.servers import Narrowing
from croft.services.network import actions as network

Nics = Sequence[network.NicWish] | Literal["auto", "none"]


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A server with all that an answer about it needs, read at one moment."""

    server: Server
    states: States
    ports: Sequence[network.ServerPort]
    host_up: bool = False
    now: int = 0


@dataclass(frozen=True)
class Filters:
    """`narrowing` is decided by SQL, the rest by looking at each server. Patterns are regular expressions."""

    narrowing: Narrowing = field(default_factory=Narrowing)
    name: str = ""
    statuses: frozenset[str] = frozenset()
    vm_states: frozenset[str] = frozenset()
    task_states: frozenset[str] = frozenset()
    power_states: frozenset[str] = frozenset()
    ip: str = ""
    ip6: str = ""
    tags: Sequence[str] = ()
    tags_any: Sequence[str] = ()
    not_tags: Sequence[str] = ()
    not_tags_any: Sequence[str] = ()
    matching: Sequence[tuple[str, str]] = ()
    """(name in `READABLE`, pattern)"""


@dataclass(frozen=True)
class NewServer:
    """What a person asked for, parsed."""

    name: str
    image: str
    flavor: str
    networks: Nics = "auto"
    groups: Sequence[str] = ()
    least: int = 1
    most: int = 1
    description: str | None = None
    key_name: str | None = None
    user_data: str | None = None
    config_drive: bool = False
    zone: str = ""
    host: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    root_tag: str = ""
    access_ipv4: str = ""
    access_ipv6: str = ""
    disk_config: str = "MANUAL"


def own_ports(server: Server, ports: Mapping[str, Sequence[network.ServerPort]]) -> Sequence[network.ServerPort]:
    """Those it is to have: not those being taken away, nor those that another project says are its."""
    return [port for port in ports.get(server.id, ()) if port.project == server.project and not port.deleted]


@dataclass(frozen=True)
class Told:
    """All that can be told to one guest."""

    server: Server
    ports: Sequence[network.ServerPort]
    subnets: dict[str, network.SubnetFacts]


def ports_of(tx: Tx, server: Server) -> Sequence[network.ServerPort]:
    return own_ports(server, network.ports_of(tx, [server.id]))


def told(tx: Tx, server: Server) -> Told:
    ports = ports_of(tx, server)
    return Told(server, ports, network.subnets_of(tx, [subnet for port in ports for _, subnet, _ in port.fixed]))
