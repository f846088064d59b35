"""Compares a plan with what the engine holds, and says it as database operations: none when they agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID, uuid4

from croft.core.errors import Rejected
from croft.drivers.fabric.ovn.book import HANDLE, Book, Place
from croft.drivers.fabric.ovn.database import Operation, View
from croft.drivers.fabric.ovn.rows import Column, Plan, Row
from croft.drivers.fabric.ovn.wire import encode

HOLDERS = {
    "DNS": (("Logical_Switch", "dns_records"),),
    "ACL": (("Port_Group", "acls"), ("Logical_Switch", "acls")),
    "Gateway_Chassis": (("Logical_Router_Port", "gateway_chassis"),),
    "Logical_Router_Port": (("Logical_Router", "ports"),),
    "Logical_Router_Static_Route": (("Logical_Router", "static_routes"),),
    "Logical_Switch_Port": (("Logical_Switch", "ports"),),
    "NAT": (("Logical_Router", "nat"),),
}
"""Which columns refer to a row that belongs somewhere."""


class Comparison:
    """One plan against the engine. Knows for each handle the row that stands for it, or a new UUID."""

    def __init__(self, view: View, book: Book, plan: Plan) -> None:
        self._view, self._book, self._plan = view, book, plan
        self._places = {row.uuid: self._find(row) or uuid4() for row in plan.rows}

    def require_homes(self) -> None:
        for home in (home for row in self._plan.rows for home in row.homes):
            if self._place(home.uuid) is None:
                raise Rejected(f"The fabric has no {home.label}.")

    def operations(self) -> list[Operation]:
        settled = [operation for row in self._plan.rows for operation in self._settle(row)]
        root = self._plan.root
        if root.groups:
            settled += self._leave_groups(root)
        planned = set(self._places.values())
        owned = self._book.owned.get((self._plan.kind, self._plan.id), ())
        return settled + discard(self._view, (place for place in owned if place[1] not in planned))

    def guard(self) -> list[Operation]:
        """Nobody else may have changed the object since it was compared."""
        root = self._plan.root
        uuid = self._places[root.uuid]
        row = self._view.row(root.table, uuid)
        if row is None:
            return []
        condition: Operation = {
            "columns": ["external_ids"],
            "until": "==",
            "rows": [{"external_ids": encode(row["external_ids"])}],
        }
        return [{"op": "wait", "timeout": 0} | _where(root.table, uuid) | condition]

    def _find(self, row: Row) -> UUID | None:
        uuid = self._book.places.get(row.uuid)
        if uuid is not None and self._view.row(row.table, uuid) is not None:
            return uuid
        strays = (stray for stray in self._book.strays[row.table] if self._is_stray(row, stray))
        return next(strays, None)

    def _is_stray(self, row: Row, stray: UUID) -> bool:
        """Whether a row without tags is this one: by its name, or by all that does not refer to others."""
        have = self._view.row(row.table, stray)
        if have is None:
            return False
        if "name" in row.columns:
            return have["name"] == row.columns["name"]
        plain = (name for name in row.columns if name != "external_ids")
        return all(have[name] == row.columns[name] for name in plain)

    def _place(self, handle: UUID) -> UUID | None:
        return self._places.get(handle) or self._book.places.get(handle)

    def _columns(self, row: Row) -> dict[str, Column]:
        """As planned, with the rows that stand for handles, and the row's own handle among its tags."""
        return {name: self._column(row, name, column) for name, column in row.columns.items()}

    def _column(self, row: Row, name: str, column: Column) -> Column:
        if isinstance(column, Mapping):
            return {**column, HANDLE: str(row.uuid)} if name == "external_ids" else column
        places = (self._place(atom) if isinstance(atom, UUID) else atom for atom in column)
        return frozenset(place for place in places if place is not None)

    def _settle(self, row: Row) -> Iterator[Operation]:
        uuid = self._places[row.uuid]
        have = self._view.row(row.table, uuid)
        columns = self._columns(row)
        if have is None:
            encoded = {name: encode(column) for name, column in columns.items() if column}
            yield {"op": "insert", "table": row.table, "uuid": str(uuid), "row": encoded}
        elif changed := {name: encode(column) for name, column in columns.items() if have[name] != column}:
            yield {"op": "update"} | _where(row.table, uuid) | {"row": changed}
        for home in row.homes:
            place = self._place(home.uuid)
            holder = self._view.row(home.table, place) if place else None
            if holder is None or uuid not in holder[home.column]:
                if have is not None:
                    yield from _detach(self._view, row.table, uuid, home.table)
                yield _mutate(home.table, place or home.uuid, home.column, "insert", uuid)

    def _leave_groups(self, row: Row) -> Iterator[Operation]:
        uuid = self._places[row.uuid]
        homes = {self._place(home.uuid) for home in row.homes}
        for group in self._book.groups - homes:
            have = self._view.row("Port_Group", group)
            if have is not None and uuid in have["ports"]:
                yield _mutate("Port_Group", group, "ports", "delete", uuid)


def discard(view: View, places: Iterable[Place]) -> list[Operation]:
    return [operation for place in places for operation in _discard(view, place)]


def _discard(view: View, place: Place) -> Iterator[Operation]:
    table, uuid = place
    if view.row(table, uuid) is None:
        return
    if view.is_root(table):
        yield {"op": "delete"} | _where(table, uuid)
    else:
        yield from _detach(view, table, uuid)


def _detach(view: View, table: str, uuid: UUID, only: str = "") -> Iterator[Operation]:
    for holder, column in HOLDERS[table]:
        if only in {"", holder}:
            for home, row in view.rows(holder).items():
                if uuid in row[column]:
                    yield _mutate(holder, home, column, "delete", uuid)


def _mutate(table: str, uuid: UUID, column: str, mutator: str, member: UUID) -> Operation:
    return {"op": "mutate"} | _where(table, uuid) | {"mutations": [[column, mutator, encode(frozenset({member}))]]}


def _where(table: str, uuid: UUID) -> Operation:
    return {"table": table, "where": [["_uuid", "==", ["uuid", str(uuid)]]]}
