"""Transactions on both databases: what they keep, what they refuse, and how they fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from croft.core.db import Database, Json, TransactionHeld, Tx
from croft.core.errors import Conflict, Invalid, Unavailable
from croft.core.guard import guard

tables = sa.MetaData()
thing = sa.Table(
    "test_thing",
    tables,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("facts", Json, nullable=True),
    sa.CheckConstraint("count >= 0"),
)


class Thing(msgspec.Struct, frozen=True):
    id: str
    count: int
    facts: object = None


@pytest.fixture
def things(db: Database) -> Iterator[Database]:
    tables.create_all(db.engine)
    with db.write() as tx:
        tx.run(thing.insert(), {"id": "a", "count": 0, "facts": {"ä": [1, None, "x"]}})
    yield db
    tables.drop_all(db.engine)


def counted(db: Database) -> int:
    with db.read() as tx:
        return int(tx.scalar(sa.select(thing.c.count).where(thing.c.id == "a")))


def test_rows_come_back_as_what_was_asked_for(things: Database) -> None:
    with things.read() as tx:
        assert tx.all(Thing, sa.select(thing)) == [Thing("a", 0, {"ä": [1, None, "x"]})]
        assert tx.first(Thing, sa.select(thing).where(thing.c.id == "b")) is None
        assert tx.first(Thing, sa.select(thing).where(thing.c.id == sa.bindparam("id")), {"id": "a"}) is not None
        assert [row.id for row in tx.rows(sa.select(thing))] == ["a"]
        assert tx.now == things.clock.now()


def test_json_may_be_nothing(things: Database) -> None:
    with things.write() as tx:
        tx.run(thing.insert(), [{"id": n, "count": 1, "facts": None} for n in "bc"])
    with things.read() as tx:
        assert tx.scalar(sa.select(thing.c.facts).where(thing.c.id == "b")) is None


def test_json_may_stand_in_a_statement_itself(things: Database) -> None:
    written = sa.select(sa.literal({"a": "it's"}, Json)).compile(things.engine, compile_kwargs={"literal_binds": True})
    with things.read() as tx:
        assert tx.scalar(sa.text(str(written))) == '{"a":"it\'s"}'


def test_an_error_undoes_everything(things: Database) -> None:
    with pytest.raises(RuntimeError), things.write() as tx:
        tx.run(thing.update().values(count=5))
        raise RuntimeError
    assert counted(things) == 0


def test_what_exists_already_is_a_conflict(things: Database) -> None:
    with pytest.raises(Conflict), things.write() as tx:
        tx.run(thing.insert(), {"id": "a", "count": 1})
    with pytest.raises(Conflict), things.write() as tx:
        tx.run(thing.update().values(count=-1))
    assert counted(things) == 0


@pytest.mark.postgres
def test_what_postgresql_cannot_hold_is_invalid(postgres: object, request: pytest.FixtureRequest) -> None:
    db = Database(request.getfixturevalue("postgres").url("croft"))
    with pytest.raises(Invalid), db.read() as tx:
        tx.scalar(sa.text("SELECT CAST(:big AS integer)"), {"big": 2**40})
    db.close()


def test_our_own_mistakes_stay_what_they_are(things: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError), things.read() as tx:
        tx.scalar(sa.text("SELECT no_such_column FROM test_thing"))


def test_writers_take_turns_and_none_is_turned_away(things: Database) -> None:
    def add() -> None:
        for _ in range(25):
            with things.write() as tx:
                tx.lock("the count")
                now = tx.scalar(sa.select(thing.c.count).where(thing.c.id == "a"))
                tx.run(thing.update().values(count=now + 1))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(things) == 200


def test_two_processes_on_one_sqlite_file_take_turns_too(tmp_path: Path) -> None:
    """Two `Database` objects do not share the writer lock, as two processes do not."""
    both = [Database(f"sqlite:///{tmp_path / 'shared.db'}") for _ in range(2)]
    tables.create_all(both[0].engine)
    with both[0].write() as tx:
        tx.run(thing.insert(), {"id": "a", "count": 0})

    def add(db: Database) -> None:
        for _ in range(50):
            with db.write() as tx:
                tx.run(thing.update().values(count=thing.c.count + 1))

    threads = [threading.Thread(target=add, args=[db]) for db in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(both[0]) == 100
    for db in both:
        db.close()


def test_readers_see_the_past_while_a_writer_works(things: Database) -> None:
    seen: list[int] = []
    with things.write() as tx:
        tx.run(thing.update().values(count=9))
        reader = threading.Thread(target=lambda: seen.append(counted(things)))
        reader.start()
        reader.join(10)
    assert seen == [0]
    assert counted(things) == 9


def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such/folder.db", "postgresql+psycopg://nobody@/x?host=/nonexistent"):
        db = Database(url)
        with pytest.raises(Unavailable), db.read():
            pytest.fail("it answered")
        db.close()


@pytest.mark.postgres
def test_a_connection_cut_in_the_middle_is_unavailable(postgres: object, request: pytest.FixtureRequest) -> None:
    db = Database(request.getfixturevalue("postgres").url("croft"))
    with pytest.raises(Unavailable), db.read() as tx:
        tx.scalar(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with db.read() as tx:
        assert tx.scalar(sa.text("SELECT 1")) == 1
    db.close()


def test_a_pool_that_is_empty_is_unavailable(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'a.db'}", pool_size=1)
    db.engine.pool._timeout = 0.1  # type: ignore[attr-defined]
    db.engine.pool._max_overflow = 0  # type: ignore[attr-defined]
    with held(db), pytest.raises(Unavailable, match="busy"), db.read():
        pytest.fail("there was room")
    db.close()


@contextmanager
def held(db: Database) -> Iterator[None]:
    """Keeps a connection in another thread for as long as this lasts."""
    taken, free = threading.Event(), threading.Event()

    def hold() -> None:
        with db.read():
            taken.set()
            free.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(30)
    try:
        yield
    finally:
        free.set()
        thread.join()


class Engine:
    name = "engine"

    def ensure(self, what: str, *, times: int = 1) -> str:
        return what * times


def test_a_guarded_driver_answers_outside_of_transactions_only(db: Database) -> None:
    engine = guard(Engine())
    assert engine.name == "engine"
    assert engine.ensure("x", times=2) == "xx"
    assert engine.ensure("y") == "y"
    with db.write(), pytest.raises(TransactionHeld):
        engine.ensure("x")
    assert engine.ensure("x") == "x"


def test_a_transaction_of_another_thread_does_not_matter(db: Database) -> None:
    with held(db):
        assert guard(Engine()).ensure("x") == "x"


def test_locks_of_one_name_exclude_each_other(db: Database) -> None:
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait(30)
        with db.write() as tx:
            tx.lock("project:p")
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with db.write() as tx:
        tx.lock("project:p")
        inside.set()
        thread.join(0.3)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_a_transaction_has_no_more_attributes_than_declared(db: Database) -> None:
    with db.read() as tx, pytest.raises(AttributeError):
        tx.note = "x"  # type: ignore[attr-defined]
    assert isinstance(tx, Tx)


def test_the_database_file_is_its_owners_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with database.write() as tx:
        tx.run(sa.text("CREATE TABLE t (x INTEGER)"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    database.close()
    assert modes
    assert set(modes.values()) == {0o600}


def test_a_transaction_inside_a_transaction_is_refused_and_not_waited_for(db: Database) -> None:
    with db.write(), pytest.raises(TransactionHeld), db.write():
        pass
    with db.write() as tx:
        assert tx.writing


def test_who_listens_hears_of_a_change_after_its_commit_and_of_no_other(things: Database) -> None:
    heard: list[int] = []

    def look() -> None:
        with things.read() as tx:
            heard.append(tx.scalar(sa.select(sa.func.count()).select_from(thing)))

    things.on_change.append(look)
    with things.write() as tx:
        tx.run(thing.insert(), {"id": "b", "count": 0})
    with pytest.raises(ZeroDivisionError), things.write() as tx:
        tx.changed = True
        raise ZeroDivisionError
    assert heard == []
    with things.write() as tx:
        tx.run(thing.insert(), {"id": "c", "count": 0})
        tx.changed = True
    assert heard == [3]


def test_what_is_left_for_the_end_is_done_before_the_commit_and_only_then(things: Database) -> None:
    def add(tx: Tx) -> None:
        tx.run(thing.insert(), {"id": "z", "count": 0})

    def ids() -> list[str]:
        with things.read() as tx:
            return tx.all(str, sa.select(thing.c.id).order_by(thing.c.id))

    with pytest.raises(ZeroDivisionError), things.write() as tx:
        tx.at_end.append(add)
        raise ZeroDivisionError
    assert ids() == ["a"]
    with things.write() as tx:
        tx.at_end.append(add)
        tx.run(thing.insert(), {"id": "b", "count": 0})
    assert ids() == ["a", "b", "z"]
