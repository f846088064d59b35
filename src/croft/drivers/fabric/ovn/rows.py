"""The shape of a plan: which northbound rows one object is made of, each with a handle derived from the object's id.

Handles are UUIDs, and stand in references for the rows that bear them in a tag: plans are plain data, without lookups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

NAMESPACE = UUID("5f0c7a0e-90c3-4f3c-8f0b-6a1d7f1f6a11")
"""Ours; changing it orphans every row ever written."""

Atom = str | int | bool | UUID
Column = frozenset[Atom] | Mapping[str, str]
"""A value as compared: scalars and optional scalars are sets of one or none."""
Value = Atom | Iterable[Atom] | Mapping[str, str] | None
"""A value as plans write it."""


@dataclass(frozen=True)
class Home:
    """A set of references, in another object's row, that must contain a row of ours."""

    table: str
    column: str
    uuid: UUID
    """The handle of that row."""
    label: str
    """What it is to people, for "The fabric has no …"."""


@dataclass(frozen=True)
class Row:
    table: str
    uuid: UUID
    """Its handle."""
    columns: Mapping[str, Column]
    homes: tuple[Home, ...] = ()
    groups: bool = False
    """Port groups that are not among the homes must not contain it."""


def switch_port(uuid: UUID, homes: tuple[Home, ...], *, groups: bool = False, **values: Value) -> Row:
    """What is not said is written as nothing, so that an accident there is noticed too."""
    nothing: dict[str, Value] = {"enabled": None, "tag": None, "dhcpv4_options": None, "dhcpv6_options": None}
    nothing |= {"port_security": (), "options": {}}
    return Row("Logical_Switch_Port", uuid, columns(**nothing | values), homes, groups)


@dataclass(frozen=True)
class Plan:
    """Everything one object is made of. `shared` rows are made with it and outlive it."""

    kind: str
    id: str
    gen: int
    root: Row
    children: tuple[Row, ...] = ()
    shared: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return (*self.shared, self.root, *self.children)


@dataclass(frozen=True)
class Surroundings:
    """What a plan must know of other objects' rows."""

    options: frozenset[UUID] = frozenset()
    """The DHCP options that exist, of those the port could use."""
    domain: str = ""
    """The DNS domain of the port's network."""
    gateways: tuple[str, ...] = ()
    """Chassis that can reach the outside, in name order."""


@dataclass(frozen=True)
class Names:
    """Handles and ownership tags of one cloud's rows."""

    cloud: str

    def uuid(self, kind: str, id: str, part: str = "") -> UUID:
        return uuid5(NAMESPACE, f"{self.cloud}/{kind}/{id}/{part}")

    def tags(self, kind: str, id: str, **more: str | int) -> dict[str, str]:
        tags = {"croft:cloud": self.cloud, "croft:kind": kind, "croft:id": id}
        return tags | {f"croft:{key}": str(value) for key, value in more.items()}


def columns(**values: Value) -> dict[str, Column]:
    return {name: _column(value) for name, value in values.items()}


def _column(value: Value) -> Column:
    if value is None:
        return frozenset()
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str | int | bool | UUID):
        return frozenset({value})
    return frozenset(value)
