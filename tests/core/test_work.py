"""The work queue: nothing is lost, nothing runs twice, and people read why they wait."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from croft.core import work
from croft.core.db import Database, TransactionHeld
from croft.core.errors import Rejected, Unavailable
from croft.core.guard import guard
from croft.core.work import Done, Gone, Result, Wait
from croft.core.work.loop import Loop


class Thing:
    kind, resync, deadline = "test.thing", 600, 60

    def __init__(self, look: Callable[[str], Result]) -> None:
        self.look = look

    def reconcile(self, id: str) -> Result:
        return self.look(id)


def wake(db: Database, id: str = "one") -> None:
    with db.write() as tx:
        work.wake(tx, "test.thing", id)


def note(db: Database, id: str = "one") -> work.Note:
    with db.read() as tx:
        return work.note(tx, "test.thing", id)


def test_done_is_looked_at_again_at_resync_only(db: Database) -> None:
    looks: list[str] = []
    loop = Loop(db, [Thing(lambda id: looks.append(id) or Done())])  # type: ignore[func-returns-value]
    wake(db)
    loop.run_due()
    db.clock.advance(500)
    loop.run_due()
    assert looks == ["one"]
    db.clock.advance(170)
    loop.run_due()
    assert looks == ["one", "one"]
    assert note(db).since is None


def test_a_wake_during_the_run_is_not_lost(db: Database) -> None:
    looks: list[str] = []

    def look(id: str) -> Result:
        looks.append(id)
        if len(looks) == 1:
            wake(db)
        return Done()

    loop = Loop(db, [Thing(look)])
    wake(db)
    while loop.run_due():
        pass
    assert looks == ["one", "one"]


def test_a_wake_while_it_goes_keeps_the_row(db: Database) -> None:
    looks: list[str] = []

    def look(id: str) -> Result:
        looks.append(id)
        if len(looks) == 1:
            wake(db)
        return Gone()

    loop = Loop(db, [Thing(look)])
    wake(db)
    while loop.run_due():
        pass
    assert len(looks) == 2
    assert not work.claim(db, 10)


def test_a_leased_row_is_not_claimed_until_the_lease_runs_out(db: Database) -> None:
    wake(db)
    assert len(work.claim(db, 10)) == 1
    wake(db)
    assert work.claim(db, 10) == []
    db.clock.advance(work.LEASE)
    assert len(work.claim(db, 10)) == 1


def test_a_lost_lease_cannot_release(db: Database) -> None:
    wake(db)
    first = work.claim(db, 1)[0]
    db.clock.advance(work.LEASE)
    second = work.claim(db, 1)[0]
    assert not work.release(db, first, db.clock.now() + 900)
    assert work.release(db, second, db.clock.now() + 900)


@pytest.mark.parametrize(
    ("error", "code", "longest"),
    [
        (Unavailable("away"), "unavailable", 2),
        (Rejected("no space"), "rejected", 600),
        (ValueError("secret"), "fault", 300),
    ],
)
def test_errors_become_notes_people_read(db: Database, error: Exception, code: str, longest: int) -> None:
    def look(id: str) -> Result:
        raise error

    Loop(db, [Thing(look)]).run_due()
    wake(db)
    Loop(db, [Thing(look)]).run_due()
    left = note(db)
    assert (left.code, left.tries) == (code, 1)
    assert left.since == db.clock.now()
    assert left.due - db.clock.now() <= longest
    assert ("secret" in left.message) is False


def test_backoff_grows_and_is_bounded(db: Database) -> None:
    def look(id: str) -> Result:
        raise Unavailable("away")

    loop = Loop(db, [Thing(look)])
    wake(db)
    pauses = []
    for _ in range(12):
        loop.run_due()
        pauses.append(note(db).due - db.clock.now())
        db.clock.advance(pauses[-1])
    assert pauses[-1] >= 150
    assert max(pauses) <= 300
    assert pauses[0] <= 2


def test_waiting_keeps_the_time_since_the_wish(db: Database) -> None:
    answers: list[Result] = [Wait("copying, 40 %", 5), Wait("copying, 80 %", 5), Done()]
    loop = Loop(db, [Thing(lambda id: answers.pop(0))])
    began = db.clock.now()
    wake(db)
    loop.run_due()
    db.clock.advance(5)
    loop.run_due()
    assert (note(db).since, note(db).message) == (began, "copying, 80 %")
    db.clock.advance(5)
    loop.run_due()
    assert (note(db).since, note(db).message) == (None, "")


def test_a_rolled_back_wake_wakes_nobody(db: Database) -> None:
    with pytest.raises(RuntimeError), db.write() as tx:
        work.wake(tx, "test.thing", "one")
        raise RuntimeError
    assert work.claim(db, 10) == []


def test_engines_are_kept_out_of_transactions(db: Database) -> None:
    class Engine:
        def ensure(self) -> int:
            return 1

    engine = guard(Engine())
    assert engine.ensure() == 1
    with db.read(), pytest.raises(TransactionHeld):
        engine.ensure()


def test_threads_run_what_is_woken(db: Database) -> None:
    import threading

    seen: set[str] = set()
    done = threading.Event()

    def look(id: str) -> Result:
        seen.add(id)
        if len(seen) == 20:
            done.set()
        return Done()

    loop = Loop(db, [Thing(look)], threads=4)
    db.on_commit = loop.notify
    loop.start()
    try:
        for number in range(20):
            wake(db, str(number))
        assert done.wait(20)
    finally:
        loop.stop()


def test_a_new_process_looks_at_everything_at_once(db: Database) -> None:
    looks: list[str] = []
    loop = Loop(db, [Thing(lambda id: looks.append(id) or Done())])  # type: ignore[func-returns-value]
    wake(db)
    loop.run_due()
    wake(db, "leased")
    assert len(work.claim(db, 1)) == 1
    work.begin(db)
    loop.run_due()
    assert sorted(looks) == (["leased", "one", "one"] if db.exclusive else ["one", "one"])
