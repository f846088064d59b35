"""A security group's rules in the fabric. Its members are said by their ports."""

from __future__ import annotations

from msgspec import to_builtins

from croft.core.db import Database
from croft.core.work import Done, Explanation, Gone, Result
from croft.drivers.fabric import Fabric, Kind
from croft.services.network.model import specs
from croft.services.network.model.rows import DEADLINE
from croft.services.network.store import groups, rows, tables
from croft.services.network.store.waking import wake_all


class GroupReconciler:
    kind, resync, deadline = "network.group", 900, DEADLINE

    def __init__(self, db: Database, fabric: Fabric) -> None:
        self.db, self.fabric = db, fabric

    def reconcile(self, id: str) -> Result:
        with self.db.read() as tx:
            group = groups.any_group(tx, id)
            rules = groups.rules_of(tx, id)
        if group is None:
            return Gone()
        if group.deleted is not None:
            self.fabric.remove(Kind.GROUP, id)
            with self.db.write() as tx:
                wake_all(tx, "network.port", groups.any_drop_members(tx, id))
                rows.any_drop(tx, tables.security_group, id)
            return Gone()
        spec = specs.group_spec(group, rules)
        lost = False
        if not self.fabric.matches(spec):
            lost = group.seen >= group.gen
            self.fabric.ensure(spec)
        if lost or group.seen < group.gen:
            with self.db.write() as tx:
                rows.any_seen(tx, tables.security_group, id, group.gen)
                members = groups.any_members(tx, id) if lost else groups.any_waiting_members(tx, id)
                wake_all(tx, "network.port", members)
        return Done()

    def explain(self, id: str) -> Explanation | None:
        with self.db.read() as tx:
            group = groups.any_group(tx, id)
            rules = groups.rules_of(tx, id)
        if group is None:
            return None
        spec = specs.group_spec(group, rules)
        want = to_builtins(spec) | {"deleted": group.deleted is not None}
        return Explanation(want, {"matches": self.fabric.matches(spec)})
