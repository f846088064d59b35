"""What the hosts did with the plans: where ports are plugged in, and which hosts are alive and have caught up."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from ovs.db.idl import ROW_DELETE

from croft.core.errors import EngineError
from croft.drivers.fabric import PortState
from croft.drivers.fabric.ovn.database import Database, value

TABLES = {
    "Chassis": ("name", "other_config", "external_ids"),
    "Chassis_Private": ("name", "nb_cfg"),
    "Port_Binding": ("logical_port", "type", "chassis", "up"),
}

log = logging.getLogger(__name__)


class Southbound:
    def __init__(self, remote: str, timeout: float) -> None:
        self._states: dict[str, PortState] = {}
        self._news: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._watchers: list[Callable[[str], None]] = []
        self._database = Database(remote, "OVN_Southbound", TABLES, self._changed, timeout)
        self._teller = threading.Thread(target=self._tell, name="ovn-port-news", daemon=True)
        self._teller.start()

    def port(self, id: str) -> PortState | None:
        with self._database.open():
            return self._states.get(id)

    def watch(self, changed: Callable[[str], None]) -> None:
        self._watchers.append(changed)

    def gateways(self) -> tuple[str, ...]:
        """Chassis with a bridge to an outside network, in name order."""
        with self._database.open() as view:
            chassis = list(view.rows("Chassis").values())
            return tuple(sorted(_name(row) for row in chassis if _setting(row, "ovn-bridge-mappings")))

    def progress(self) -> dict[str, int]:
        """The newest configuration each chassis has installed."""
        with self._database.open() as view:
            installed = {_name(row): _number(row, "nb_cfg") for row in view.rows("Chassis_Private").values()}
            return {name: installed.get(name, -1) for name in map(_name, view.rows("Chassis").values())}

    def close(self) -> None:
        self._database.close()
        self._news.put(None)
        self._teller.join(1)

    def _changed(self, event: str, table: str, row: Any) -> None:
        if table != "Port_Binding":
            return
        port = str(_one(row, "logical_port"))
        old = self._states.pop(port, None)
        new = None
        if event != ROW_DELETE:
            chassis = row.chassis
            up = True in value(row, "up")
            new = PortState(up=up and bool(chassis), host=chassis[0].name if chassis else "")
            self._states[port] = new
        if new != old and self._watchers and "" in value(row, "type"):
            self._news.put(port)

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

    def __init__(self, grace: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
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


def _one(row: Any, column: str) -> object:
    return next(iter(value(row, column)), None)


def _name(row: Any) -> str:
    return str(_one(row, "name"))


def _number(row: Any, column: str) -> int:
    number = _one(row, column)
    return number if isinstance(number, int) else -1


def _setting(row: Any, key: str) -> str:
    """Chassis settings moved from external_ids to other_config in OVN 20.12; hosts of both ages exist."""
    for column in ("other_config", "external_ids"):
        settings = value(row, column)
        if isinstance(settings, dict) and settings.get(key):
            return str(settings[key])
    return ""
