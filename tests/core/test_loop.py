"""The loop's threads: what hangs ends the process, what breaks does not."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from croft.core import work
from croft.core.db import Database
from croft.core.errors import Unavailable
from croft.core.work import Done, Result
from croft.core.work.loop import Loop, abort_process


class Thing:
    kind, resync, deadline = "test.thing", 600, 60

    def __init__(self, look: Callable[[str], Result]) -> None:
        self.look = look

    def reconcile(self, id: str) -> Result:
        return self.look(id)


def wake(db: Database, id: str = "one", kind: str = "test.thing") -> None:
    with db.write() as tx:
        work.wake(tx, kind, id)


def note(db: Database, id: str = "one", kind: str = "test.thing") -> work.Note:
    with db.read() as tx:
        return work.note(tx, kind, id)


def until(true: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def test_a_look_that_hangs_ends_the_process(sqlite_db: Database, caplog: pytest.LogCaptureFixture) -> None:
    hung, go = threading.Event(), threading.Event()

    def look(id: str) -> Result:
        go.wait(30)
        return Done()

    loop = Loop(sqlite_db, [Thing(look)], threads=2, watchdog=0, on_hang=hung.set)
    wake(sqlite_db)
    loop.start()
    try:
        assert hung.wait(20)
        assert "test.thing one" in caplog.text
    finally:
        go.set()
        loop.stop()


def test_quick_looks_hang_nobody(sqlite_db: Database) -> None:
    hung = threading.Event()
    loop = Loop(sqlite_db, [Thing(lambda id: Done())], threads=2, watchdog=30, on_hang=hung.set)
    for number in range(10):
        wake(sqlite_db, str(number))
    loop.start()
    try:
        until(lambda: all(note(sqlite_db, str(number)).noted for number in range(10)))
    finally:
        loop.stop()
    assert not hung.is_set()


def test_ending_the_process_leaves_every_threads_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stderr", log)
        abort_process()
    assert codes == [70]
    assert "test_ending_the_process" in (tmp_path / "log").read_text()


def test_more_work_than_threads_is_all_done(db: Database) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def look(id: str) -> Result:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.01)
        with lock:
            inside -= 1
        return Done()

    loop = Loop(db, [Thing(look)], threads=3)
    db.on_commit = loop.notify
    loop.start()
    try:
        for number in range(20):
            wake(db, str(number))
        until(lambda: all(note(db, str(number)).noted for number in range(20)))
    finally:
        loop.stop()
    assert most <= 3


def test_an_unknown_kind_is_a_fault_and_not_the_end(sqlite_db: Database) -> None:
    loop = Loop(sqlite_db, [Thing(lambda id: Done())])
    wake(sqlite_db, kind="test.unheard-of")
    wake(sqlite_db)
    while loop.run_due():
        pass
    assert note(sqlite_db, kind="test.unheard-of").code == "fault"
    assert note(sqlite_db).code == ""


def test_a_database_that_goes_away_and_comes_back(sqlite_db: Database, caplog: pytest.LogCaptureFixture) -> None:
    looks: list[str] = []
    loop = Loop(sqlite_db, [Thing(lambda id: looks.append(id) or Done())])  # type: ignore[func-returns-value]
    really, errors = sqlite_db.read, [Unavailable("The database does not answer."), RuntimeError("a bug")]

    def read() -> Any:
        if errors:
            raise errors.pop(0)
        return really()

    wake(sqlite_db)
    sqlite_db.read = read  # type: ignore[method-assign]
    loop.start()
    try:
        until(lambda: looks)
    finally:
        loop.stop()
    assert "database away" in caplog.text
    assert "claiming failed" in caplog.text


@pytest.mark.parametrize("error", [Unavailable("The database does not answer."), RuntimeError("a bug")])
def test_a_release_that_fails_leaves_the_row_to_its_lease(
    sqlite_db: Database, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    really = sqlite_db.write
    done = threading.Event()

    def broken() -> Any:
        sqlite_db.write = really  # type: ignore[method-assign]
        done.set()
        raise error

    def look(id: str) -> Result:
        if not done.is_set():
            sqlite_db.write = broken  # type: ignore[method-assign]
        return Done()

    wake(sqlite_db)
    loop = Loop(sqlite_db, [Thing(look)], threads=1)
    loop.start()
    try:
        assert done.wait(20)
        until(lambda: any(record.levelno >= logging.WARNING for record in caplog.records))
        assert work.claim(sqlite_db, 1) == []
        sqlite_db.clock.advance(work.LEASE)
        loop.notify()
        until(lambda: note(sqlite_db).noted)
    finally:
        loop.stop()


def test_a_look_that_outlives_its_lease_says_so(sqlite_db: Database, caplog: pytest.LogCaptureFixture) -> None:
    def look(id: str) -> Result:
        sqlite_db.clock.advance(work.LEASE)
        work.claim(sqlite_db, 1)
        return Done()

    wake(sqlite_db)
    Loop(sqlite_db, [Thing(look)]).run_due()
    assert "lease lost kind=test.thing id=one" in caplog.text


def test_a_result_may_set_its_own_next_look(sqlite_db: Database) -> None:
    wake(sqlite_db)
    Loop(sqlite_db, [Thing(lambda id: Done(again=7))]).run_due()
    assert note(sqlite_db).due == sqlite_db.clock.now() + 7


def test_stopping_what_never_started_is_nothing(sqlite_db: Database) -> None:
    Loop(sqlite_db, []).stop()


def test_an_operator_sees_what_is_not_as_wished(db: Database) -> None:
    for id in ("later", "done"):
        wake(db, id)
        db.clock.advance(1)
    Loop(db, [Thing(lambda id: Done())]).run_due()
    wake(db, "later")
    db.clock.advance(1)
    wake(db, "running")
    work.claim(db, 1)
    with db.read() as tx:
        assert [(each.id, each.running) for each in work.troubled(tx)] == [("later", True), ("running", False)]
        assert [each.id for each in work.troubled(tx, 1)] == ["later"]
        assert [(each.kind, each.since) for each in work.entries(tx, "done")] == [("test.thing", None)]


def test_notes_come_with_a_list_in_one_statement(db: Database) -> None:
    tables = sa.MetaData()
    thing = sa.Table("test_noted", tables, sa.Column("id", sa.String(36), primary_key=True))
    tables.create_all(db.engine)
    try:
        with db.write() as tx:
            tx.run(thing.insert(), [{"id": "a"}, {"id": "b"}])
            work.wake(tx, "test.thing", "a")
        joined = thing.outerjoin(work.work, work.joined("test.thing", thing.c.id))
        with db.read() as tx:
            rows = tx.rows(sa.select(thing.c.id, *work.NOTE).select_from(joined).order_by(thing.c.id))
        assert [(row.id, row.since) for row in rows] == [("a", db.clock.now()), ("b", None)]
    finally:
        tables.drop_all(db.engine)
