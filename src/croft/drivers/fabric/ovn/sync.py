"""Compares a plan with what the engine holds, and says it as database operations: none when they agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from croft.core.errors import Rejected
from croft.drivers.fabric.ovn.database import Operation, View
from croft.drivers.fabric.ovn.rows import Home, Plan, Row
from croft.drivers.fabric.ovn.wire import encode

Place = tuple[str, UUID]
"""(table, row)"""

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


def differences(view: View, plan: Plan, owned: Iterable[Place], groups: Iterable[UUID]) -> list[Operation]:
    """What to do so that the engine holds the plan. `owned` are the rows that carry the object's tag now; `groups` the
    port groups that are ours."""
    planned = {row.uuid for row in plan.rows}
    operations: list[Operation] = []
    for row in plan.rows:
        operations += _settle(view, row, planned)
    if plan.root.groups:
        operations += _leave_groups(view, plan.root, groups)
    return operations + discard(view, (place for place in owned if place[1] not in planned))


def discard(view: View, places: Iterable[Place]) -> list[Operation]:
    return [operation for place in places for operation in _discard(view, place)]


def guard(view: View, root: Row) -> list[Operation]:
    """Nobody else may have changed the object since it was compared."""
    row = view.row(root.table, root.uuid)
    if row is None:
        return []
    tags = encode(row["external_ids"])
    condition: Operation = {"columns": ["external_ids"], "until": "==", "rows": [{"external_ids": tags}]}
    return [{"op": "wait", "timeout": 0} | _where(root.table, root.uuid) | condition]


def missing_home(view: View, plan: Plan) -> Home | None:
    planned = {row.uuid for row in plan.rows}
    homes = (home for row in plan.rows for home in row.homes if home.uuid not in planned)
    return next((home for home in homes if view.row(home.table, home.uuid) is None), None)


def require_homes(view: View, plan: Plan) -> None:
    if home := missing_home(view, plan):
        raise Rejected(f"The fabric has no {home.label}.")


def _settle(view: View, row: Row, planned: set[UUID]) -> Iterator[Operation]:
    have = view.row(row.table, row.uuid)
    if have is None:
        columns = {name: encode(column) for name, column in row.columns.items() if column}
        yield {"op": "insert", "table": row.table, "uuid": str(row.uuid), "row": columns}
    elif changed := {name: encode(column) for name, column in row.columns.items() if have[name] != column}:
        yield {"op": "update"} | _where(row.table, row.uuid) | {"row": changed}
    for home in row.homes:
        holder = view.row(home.table, home.uuid)
        if holder is None or row.uuid not in holder[home.column]:
            if have is not None:
                yield from _detach(view, row.table, row.uuid, home.table)
            yield _mutate(home.table, home.uuid, home.column, "insert", row.uuid)


def _leave_groups(view: View, row: Row, groups: Iterable[UUID]) -> Iterator[Operation]:
    homes = {home.uuid for home in row.homes}
    for group in groups:
        if group in homes:
            continue
        have = view.row("Port_Group", group)
        if have is not None and row.uuid in have["ports"]:
            yield _mutate("Port_Group", group, "ports", "delete", row.uuid)


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
