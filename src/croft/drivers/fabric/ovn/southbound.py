"""What the hosts did with the plans: where ports are plugged in, and which hosts are alive and have caught up."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from uuid import UUID

from croft.core.errors import EngineError
from croft.drivers.fabric import PortState
from croft.drivers.fabric.ovn.database import Database, View
from croft.drivers.fabric.ovn.rows import Atom
from croft.drivers.fabric.ovn.wire import Row

TABLES = {
    "Chassis": ("name", "other_config", "external_ids"),
    "Chassis_Private": ("name", "nb_cfg"),
    "Port_Binding": ("logical_port", "type", "chassis", "up"),
}

log = logging.getLogger(__name__)


class Southbound:
    def __init__(self, remotes: str, timeout: float) -> None:
        self._bindings: dict[str, UUID] = {}
        self._news: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._watchers: list[Callable[[str], None]] = []
        self._database = Database(remotes, "OVN_Southbound", TABLES, self._changed, timeout)
        self._teller = threading.Thread(target=self._tell, name="ovn-port-news", daemon=True)
        self._teller.start()

    def port(self, id: str) -> PortState | None:
        with self._database.read() as view:
            uuid = self._bindings.get(id)
            return _state(view, view.rows("Port_Binding")[uuid]) if uuid else None

    def watch(self, changed: Callable[[str], None]) -> None:
        self._watchers.append(changed)

    def gateways(self) -> tuple[str, ...]:
        """Chassis with a bridge to an outside network, in name order."""
        with self._database.read() as view:
            chassis = view.rows("Chassis").values()
            return tuple(sorted(_text(row, "name") for row in chassis if _setting(row, "ovn-bridge-mappings")))

    def progress(self) -> dict[str, int]:
        """The newest configuration each chassis has installed."""
        with self._database.read() as view:
            private = view.rows("Chassis_Private").values()
            installed = {_text(row, "name"): number(row["nb_cfg"]) for row in private}
            return {name: installed.get(name, -1) for name in (_text(r, "name") for r in view.rows("Chassis").values())}

    def close(self) -> None:
        self._database.close()
        self._news.put(None)
        self._teller.join(1)

    def _changed(self, table: str, uuid: UUID, before: Row | None, after: Row | None) -> None:
        if table != "Port_Binding":
            return
        if before is not None and self._bindings.get(_text(before, "logical_port")) == uuid:
            del self._bindings[_text(before, "logical_port")]
        if after is not None:
            self._bindings[_text(after, "logical_port")] = uuid
        row = after or before or {}
        if self._watchers and _text(row, "type") == "" and _place(before) != _place(after):
            self._news.put(_text(row, "logical_port"))

    def _tell(self) -> None:
        while (port := self._news.get()) is not None:
            for changed in list(self._watchers):
                try:
                    changed(port)
                except EngineError as error:
                    log.warning("news of port %s were lost: %s", port, error)


class Liveness:
    """A chassis lives when it installs the configuration numbers we raise from time to time. One that is behind for
    less than the grace keeps its last verdict."""

    def __init__(self, grace: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._grace, self._clock = grace, clock
        self._lock = threading.Lock()
        self._target = -1
        self._since = clock()
        self._verdicts: dict[str, bool] = {}

    def judge(self, target: int, progress: dict[str, int]) -> dict[str, bool]:
        with self._lock:
            if target != self._target:
                self._target, self._since = target, self._clock()
            patient = self._clock() - self._since < self._grace
            self._verdicts = {
                name: installed >= target or (patient and self._verdicts.get(name, installed >= target - 1))
                for name, installed in progress.items()
            }
            return dict(self._verdicts)

    def wants_pulse(self) -> bool:
        """Whether the number is old enough to be raised."""
        with self._lock:
            return self._clock() - self._since >= self._grace


def number(column: object) -> int:
    """A column with one number in it."""
    found = next(iter(column), -1) if isinstance(column, frozenset) else -1
    return found if isinstance(found, int) else -1


def _text(row: Row, column: str) -> str:
    return str(_only(row, column))


def _only(row: Row, column: str) -> Atom | None:
    return next(iter(row[column]), None)


def _place(row: Row | None) -> object:
    """What of a binding is news: whether it is up, and where."""
    return (True in row["up"], row["chassis"]) if row and row["chassis"] else None


def _state(view: View, row: Row) -> PortState:
    uuid = _only(row, "chassis")
    chassis = view.row("Chassis", uuid) if isinstance(uuid, UUID) else None
    if chassis is None:
        return PortState(up=False, host="")
    return PortState(up=True in row["up"], host=_text(chassis, "name"))


def _setting(row: Row, key: str) -> str:
    """Chassis settings moved from external_ids to other_config in OVN 20.12; hosts of both ages exist."""
    for column in (row["other_config"], row["external_ids"]):
        if isinstance(column, Mapping) and column.get(key):
            return column[key]
    return ""
