"""Lines that no transaction of their own carries: refusals and logins. Bounded, so that a flood fills no disk.

The same within a minute is one line with a count. Who makes many different ones gets an allowance of lines; beyond it
one line a minute counts the rest. Counts are written as they double, and whole when the minute is over or `settle` is
called, so that a flood of refusals is no flood of writes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from croft.core import audit
from croft.core.db import Database
from croft.core.log import pairs

log = logging.getLogger("croft.audit")
MINUTE = 60
MOST_ASKERS = 10_000
MANY = "audit.many"
_MORE = "There was more than is kept line by line; this line counts the rest of its minute."
Values = dict[str, Any]


@dataclass(slots=True)
class Allowance:
    """So many lines at once, and one more every so many seconds."""

    most: int
    every: int
    left: float
    at: int

    def take(self, now: int) -> bool:
        self.left = min(self.most, self.left + max(now - self.at, 0) / self.every)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class Counted:
    id: str = ""
    written: int = 1
    waiting: int = 0


class Ledger:
    """One per process. `of_one` lines at once and one every 30 s for each asker, `of_all` and one a second for all."""

    def __init__(self, db: Database, of_one: int = 60, of_all: int = 2000) -> None:
        self._db, self._of_one = db, of_one
        self._lock = threading.Lock()
        self._minute = 0
        self._seen: dict[object, Counted] = {}
        self._askers: dict[str, Allowance] = {}
        self._all = {known: Allowance(of_all, 1, of_all, 0) for known in (True, False)}
        """Apart for people and for strangers, so that no flood of failing logins hides what a user tries."""

    def add(self, values: Values) -> None:
        """Writes or counts. `values` are `audit.values_of`."""
        now = self._db.clock.now()
        with self._lock:
            ended = self._turn(now)
            values, counted, fresh = self._place(values, now)
            if not fresh:
                counted.waiting += 1
                if counted.id and counted.waiting >= counted.written:
                    ended.append(_taken(counted))
        if not (fresh or ended):
            return
        try:
            with self._db.write() as tx:
                made = audit.write(tx, values) if fresh else counted.id
                for id, more in ended:
                    audit.count(tx, id, more)
        except Exception:
            with self._lock:
                self._seen = {key: each for key, each in self._seen.items() if each is not counted}
            raise
        counted.id = made

    def add_quietly(self, values: Values) -> bool:
        """The same for what is refused anyway: what cannot be written down goes to the log instead."""
        try:
            self.add(values)
        except Exception:
            log.exception("not in the audit: %s", pairs(**{name: value for name, value in values.items() if value}))
            return False
        return True

    def settle(self) -> None:
        """Writes all counts, for somebody who wants to read them."""
        with self._lock:
            open_ = [_taken(each) for each in self._seen.values() if each.id and each.waiting]
        if open_:
            with self._db.write() as tx:
                for id, more in open_:
                    audit.count(tx, id, more)

    def _turn(self, now: int) -> list[tuple[str, int]]:
        """At the first line of a new minute, the counts of the last one."""
        if now // MINUTE == self._minute:
            return []
        self._minute = now // MINUTE
        ended = [_taken(each) for each in self._seen.values() if each.id and each.waiting]
        self._seen.clear()
        if len(self._askers) > MOST_ASKERS:
            self._askers.clear()
        return ended

    def _place(self, values: Values, now: int) -> tuple[Values, Counted, bool]:
        """The line it belongs to: its own, its asker's for the rest, or everybody's."""
        asker = values["user"] or values["client"]
        ways: tuple[Callable[[Values], Values], ...] = (dict, _rest_of_asker)
        for number, make in enumerate(ways):
            line = make(values)
            key = (number, *(line[name] for name in _SAME))
            found = self._seen.get(key)
            if found is not None:
                return line, found, False
            if self._allowed(asker, bool(values["user"]), number, now):
                self._seen[key] = Counted()
                return line, self._seen[key], True
        line = _rest_of_all(values)
        fresh = line["outcome"] not in self._seen
        return line, self._seen.setdefault(line["outcome"], Counted()), fresh

    def _allowed(self, asker: str, known: bool, number: int, now: int) -> bool:
        if number == 0:
            fresh = Allowance(self._of_one, MINUTE // 2, self._of_one, now)
            if not self._askers.setdefault(asker, fresh).take(now):
                return False
        return self._all[known].take(now)


_SAME = ("user", "impersonator", "credential", "project", "client", "action", "target", "outcome", "status", "why")


def _taken(counted: Counted) -> tuple[str, int]:
    more, counted.waiting = counted.waiting, 0
    counted.written += more
    return counted.id, more


def _rest_of_asker(values: Values) -> Values:
    blank = dict.fromkeys(("target", "name", "path", "credential", "trust", "trustor", "agent"), "")
    whence = "" if values["user"] else values["client"]
    return {**values, **blank, "client": whence, "action": MANY, "status": 0, "why": _MORE, "request": "-"}


def _rest_of_all(values: Values) -> Values:
    return dict.fromkeys(values, "") | {
        "action": MANY,
        "outcome": values["outcome"],
        "status": 0,
        "why": _MORE,
        "times": 1,
        "request": "-",
    }
