"""Where our rows are: by object, and by the handle that plans know them by.

Rows get random UUIDs. Derived ones would need no book, but ovsdb-server 3.1 (Debian 12) crashes when a row comes back
under the UUID of a deleted one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from croft.drivers.fabric.ovn.wire import Row

HANDLE = "croft:row"

Place = tuple[str, UUID]
"""(table, row)"""


class Book:
    """Kept by the thread that reads the database; read under its lock."""

    def __init__(self, cloud: str) -> None:
        self._cloud = cloud
        self.owned: defaultdict[tuple[str, str], set[Place]] = defaultdict(set)
        """Rows by the (kind, id) they are tagged with."""
        self.places: dict[UUID, UUID] = {}
        """Rows by handle."""
        self.groups: set[UUID] = set()
        """Our port groups."""
        self.strays: defaultdict[str, set[UUID]] = defaultdict(set)
        """Rows that carry no cloud's tag, by table: perhaps ours, but for their tags."""

    def changed(self, table: str, uuid: UUID, before: Row | None, after: Row | None) -> None:
        if before is not None:
            self._forget(table, uuid, tags(before))
        if after is not None:
            self._note(table, uuid, tags(after))

    def _forget(self, table: str, uuid: UUID, marks: Mapping[str, str]) -> None:
        self.strays[table].discard(uuid)
        if marks.get("croft:cloud") != self._cloud:
            return
        owner = _owner(marks)
        self.owned[owner].discard((table, uuid))
        if not self.owned[owner]:
            del self.owned[owner]
        self.groups.discard(uuid)
        handle = _handle(marks)
        if handle and self.places.get(handle) == uuid:
            del self.places[handle]

    def _note(self, table: str, uuid: UUID, marks: Mapping[str, str]) -> None:
        if "croft:cloud" not in marks:
            self.strays[table].add(uuid)
        if marks.get("croft:cloud") != self._cloud:
            return
        self.owned[_owner(marks)].add((table, uuid))
        if table == "Port_Group":
            self.groups.add(uuid)
        if handle := _handle(marks):
            self.places[handle] = uuid


def tags(row: Row | None) -> Mapping[str, str]:
    found = row.get("external_ids") if row is not None else None
    return found if isinstance(found, Mapping) else {}


def _owner(marks: Mapping[str, str]) -> tuple[str, str]:
    return marks.get("croft:kind", ""), marks.get("croft:id", "")


def _handle(marks: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(marks[HANDLE])
    except (KeyError, ValueError):
        return None
