"""What one process remembers, and how it hears that something changed.

A watcher looks into the database every quarter second, and at once after this process's own writes. While it has
looked within the last second nothing that changed can have been missed for longer, and what is remembered counts
without asking the database. Where no watcher runs, or the database does not answer it, everybody looks for themselves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from croft.core.db import Database, Tx
from croft.core.errors import Unavailable
from croft.services.identity.store import epoch

V = TypeVar("V")
PERIOD = 0.25
LIMIT = 0.9
"""Seconds after the beginning of a look during which the memory counts; below the second that is promised."""
log = logging.getLogger("croft.identity")


class Memory(Generic[V]):
    """A bounded memory. Each entry knows the subjects it depends on and goes when one of them changes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[str, tuple[V, frozenset[str]]] = {}
        self._keys: dict[str, set[str]] = {}
        self._as_of = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> V | None:
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def put(self, key: str, value: V, subjects: Iterable[str], as_of: int) -> None:
        """`as_of` is the number that was read before the value was; what changed since may have made it wrong."""
        with self._lock:
            if as_of < self._as_of:
                return
            self._drop(key)
            if len(self._entries) >= self._most:
                self._drop(next(iter(self._entries)))
            self._entries[key] = (value, frozenset(subjects))
            for subject in self._entries[key][1]:
                self._keys.setdefault(subject, set()).add(key)

    def forget(self, changed: frozenset[str], as_of: int) -> None:
        with self._lock:
            self._as_of = as_of
            if epoch.EVERYTHING in changed:
                self._entries.clear()
                self._keys.clear()
            for subject in changed:
                for key in list(self._keys.get(subject, ())):
                    self._drop(key)

    def _drop(self, key: str) -> None:
        for subject in self._entries.pop(key, (None, ()))[1]:
            keys = self._keys[subject]
            keys.discard(key)
            if not keys:
                del self._keys[subject]


class Watch:
    """How far this process has read what changed in identity."""

    def __init__(
        self,
        db: Database,
        memories: Iterable[Memory[Any]],
        clock: Callable[[], float] = time.monotonic,
        period: float = PERIOD,
    ) -> None:
        self._db, self._memories, self._clock, self._period = db, tuple(memories), clock, period
        self._number = self._wrote = self._clean = 0
        self._looked = float("-inf")
        self._lock = threading.Lock()
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        db.on_change.append(self._written)

    def fresh(self) -> bool:
        """Whether what is remembered counts as it is."""
        return (
            self._thread is not None
            and self._clean == self._wrote
            and self._clock() - self._looked < LIMIT
            and self._thread.is_alive()
        )

    def look(self, tx: Tx) -> int:
        """Forgets what changed meanwhile; the number up to which everything is known."""
        began, wrote, seen = self._clock(), self._wrote, self._number
        now = epoch.read(tx)
        changed = epoch.since(tx, seen, now) if now != seen else frozenset()
        with self._lock:
            if now > self._number or now < seen:
                self._number = now
                for memory in self._memories:
                    memory.forget(changed, now)
            self._clean = max(self._clean, wrote)
            self._looked = max(self._looked, began)
        return now

    def _written(self) -> None:
        """After each commit of this process that changed something."""
        with self._lock:
            self._wrote += 1
        self._wake.set()

    def start(self) -> None:
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="identity-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        self._ended.set()
        self._wake.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with self._db.read() as tx:
                    self.look(tx)
            except Unavailable as error:
                log.warning("tokens are checked one by one until the database answers again: %s", error)
            self._wake.wait(self._period)
            self._wake.clear()
