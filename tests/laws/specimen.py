"""What the laws need to know of a kind: how a person makes, changes and deletes one. Registered per service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from tests.world import World


@dataclass(frozen=True)
class Specimen:
    """`create` makes one through HTTP or actions and returns its id (parents included, all as a person would);
    `change` alters its intent in a way the engine must see (None: the kind has nothing to change);
    `delete` asks for the end of it and of everything `create` made."""

    kind: str
    create: Callable[[World], str]
    delete: Callable[[World, str], None]
    change: Callable[[World, str], None] | None = None

    def __str__(self) -> str:
        return self.kind


SERVICES = ("identity", "tenancy", "images", "network", "compute", "operations")


def specimens() -> list[Specimen]:
    """Of all services, from their `tests/services/<name>/specimens.py`."""
    return [each for name in SERVICES for each in import_module(f"tests.services.{name}.specimens").SPECIMENS]
