"""Looks for what engines hold and no row accounts for; reports it, and removes what can be made anew at any time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from croft.core.db import Database, Tx
from croft.core.errors import Rejected
from croft.core.work import Done, Explanation, Gone, Result
from croft.services.operations import store
from croft.services.operations.model import HOUR, KIND, Plan, plan

log = logging.getLogger("croft.operations")
SHOWN = 100


@dataclass(frozen=True)
class Held:
    """One list of an engine's objects, the names that rows account for, and how to be rid of one: None where its loss
    could hurt anybody."""

    names: Callable[[], Iterable[str]]
    known: Callable[[Tx], set[str]]
    remove: Callable[[str], None] | None = None


class OrphanReconciler:
    """One row per list that an engine can give, so that one engine's absence hides no other's orphans."""

    kind, resync, deadline = KIND, HOUR, 2 * HOUR

    def __init__(self, db: Database, engines: Mapping[str, Held]) -> None:
        self.db, self.engines = db, engines

    def reconcile(self, id: str) -> Result:
        held = self.engines.get(id)
        if held is None:
            with self.db.write() as tx:
                store.any_forget(tx, id)
            return Gone()
        found = self._look(id, held)
        if found.changes:
            self._write(id, found)
        if held.remove is not None and found.orphans:
            self._remove(id, held, found.orphans)
        return Done(found.again)

    def _look(self, id: str, held: Held) -> Plan:
        """The engine before the rows: what is made in between has its row already."""
        names = set(held.names())
        with self.db.read() as tx:
            return plan(names - held.known(tx), store.any_of(tx, id), tx.now)

    def _write(self, id: str, found: Plan) -> None:
        with self.db.write() as tx:
            store.any_suspect(tx, id, found.fresh)
            store.any_report(tx, id, found.confirmed)
            store.any_clear(tx, id, found.cleared)
        for name in found.confirmed:
            log.warning("orphan engine=%s name=%s: no row accounts for it", id, name)

    def _remove(self, id: str, held: Held, names: list[str]) -> None:
        """One that the engine refuses to let go of keeps no other."""
        assert held.remove is not None
        refused: Rejected | None = None
        for name in names:
            try:
                held.remove(name)
            except Rejected as error:
                refused = error
                continue
            with self.db.write() as tx:
                store.any_clear(tx, id, [name])
            log.warning("orphan engine=%s name=%s removed", id, name)
        if refused is not None:
            raise refused

    def explain(self, id: str) -> Explanation | None:
        held = self.engines.get(id)
        if held is None:
            return None
        names = set(held.names())
        with self.db.read() as tx:
            strange = sorted(names - held.known(tx))
        return Explanation({"unknown": []}, {"objects": len(names), "unknown": strange[:SHOWN]})
