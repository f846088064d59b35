"""A statement run again goes straight to the driver, and means what it meant the first time."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from croft.core.db import Database, Json, one_of
from croft.core.errors import Conflict, Invalid, Unavailable

tables = sa.MetaData()
thing = sa.Table(
    "test_prepared",
    tables,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False, server_default="7"),
    sa.Column("on", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("facts", Json, nullable=True),
    sa.CheckConstraint("count >= 0"),
)
ID = sa.bindparam("id")


@pytest.fixture
def things(db: Database) -> Iterator[Database]:
    tables.create_all(db.engine)
    yield db
    tables.drop_all(db.engine)


def test_rows_are_the_same_every_time(things: Database) -> None:
    insert, select = sa.insert(thing), sa.select(thing).where(thing.c.id == ID, thing.c.count > 0)
    for id in "abc":
        with things.write() as tx:
            tx.run(insert, {"id": id, "count": 1, "on": id != "b", "facts": {"ä": [None, id]}})
    for id in "abc":
        with things.read() as tx:
            row = (id, 1, id != "b", {"ä": [None, id]})
            assert tx.all(lambda *each: each, select, {"id": id}) == [row]
            assert tx.first(lambda *each: each, select, {"id": id}) == row
            assert [tuple(each) for each in tx.tuples(select, {"id": id})] == [row]
            assert tx.scalar(select, {"id": id}) == id
            assert type(row[2]) is bool


def test_nothing_found_is_nothing(things: Database) -> None:
    select = sa.select(thing.c.facts).where(thing.c.id == ID)
    for _ in range(3):
        with things.read() as tx:
            assert tx.all(list, select, {"id": "x"}) == []
            assert tx.first(list, select, {"id": "x"}) is None
            assert tx.scalar(select, {"id": "x"}) is None


def test_other_names_are_another_insert(things: Database) -> None:
    insert = sa.insert(thing)
    for id in "abc":
        with things.write() as tx:
            tx.run(insert, {"id": id})
            tx.run(insert, {"id": id * 2, "count": 3})
    with things.read() as tx:
        assert tx.scalar(sa.select(sa.func.sum(thing.c.count))) == 3 * (7 + 3)


def test_a_change_says_how_many_it_touched_and_what_it_left(things: Database) -> None:
    insert, less = sa.insert(thing), sa.update(thing).values(count=thing.c.count - 1).where(thing.c.count > 0)
    left = less.returning(thing.c.id, thing.c.facts)
    with things.write() as tx:
        tx.run(insert, [{"id": id, "count": 4, "facts": [id]} for id in "ab"])
        assert [tx.run(less), tx.run(less)] == [2, 2]
        for _ in range(2):
            assert sorted(tx.all(lambda *each: each, left)) == [("a", ["a"]), ("b", ["b"])]
        assert tx.run(less) == 0


def test_lists_of_values_keep_their_length(things: Database) -> None:
    """A list bound in the text of a statement has another text for each length."""
    insert, among = sa.insert(thing), sa.select(thing.c.id).where(thing.c.id.in_(sa.bindparam("ids", expanding=True)))
    each = sa.select(thing.c.id).where(one_of(thing.c.id, "ids"))
    with things.write() as tx:
        tx.run(insert, [{"id": id} for id in "abcd"])
        for length in (1, 3, 2, 4):
            for statement in (among, each):
                assert sorted(tx.all(str, statement, {"ids": list("abcd")[:length]})) == list("abcd")[:length]


def test_what_is_built_for_one_request_is_not_kept(things: Database) -> None:
    known = things.statements._known
    gc.collect()
    before = len(known)
    with things.read() as tx:
        for number in range(20):
            tx.scalar(sa.select(thing.c.id).where(thing.c.count == number))
    gc.collect()
    assert len(known) - before <= 1  # SQLAlchemy itself keeps the first of a form


@pytest.mark.parametrize("again", [False, True])
def test_refusals_mean_the_same_every_time(things: Database, again: bool) -> None:
    insert = sa.insert(thing)
    for number in range(1 + again):
        with things.write() as tx:
            tx.run(insert, {"id": f"{number}", "count": 1})
    with pytest.raises(Conflict), things.write() as tx:
        tx.run(insert, {"id": "0", "count": 1})
    with pytest.raises(Conflict), things.write() as tx:
        tx.run(insert, {"id": "new", "count": -1})
    with pytest.raises(Invalid), things.write() as tx:
        tx.run(insert, {"id": "new", "count": 2**70})
    with things.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(thing)) == 1 + again


def test_a_mistake_of_ours_stays_one(things: Database) -> None:
    wrong = sa.text("SELECT no_such_column FROM test_prepared")
    for _ in range(3):
        with pytest.raises(Exception, match="no_such_column"), things.read() as tx:
            tx.scalar(wrong)


def test_a_transaction_sees_what_both_ways_wrote(things: Database) -> None:
    """What is run for the first time, and what is run again, are one transaction."""
    insert, count = sa.insert(thing), sa.select(sa.func.count()).select_from(thing)
    with pytest.raises(RuntimeError), things.write() as tx:
        for id in "abc":
            tx.run(insert, {"id": id})
        assert [tx.scalar(count) for _ in range(3)] == [3, 3, 3]
        raise RuntimeError
    with things.read() as tx:
        assert tx.scalar(count) == 0


def test_a_change_of_which_not_all_was_read_is_kept(things: Database) -> None:
    """SQLite refuses to commit while a changing statement still has rows to give."""
    left = sa.update(thing).values(count=thing.c.count - 1).returning(thing.c.id)
    with things.write() as tx:
        tx.run(sa.insert(thing), [{"id": id, "count": 5} for id in "abc"])
    for _ in range(3):
        with things.write() as tx:
            assert tx.scalar(left) in set("abc")
    with things.read() as tx:
        assert tx.all(int, sa.select(thing.c.count)) == [2, 2, 2]


def test_a_read_holds_nothing_beyond_its_end(things: Database) -> None:
    """A cursor that was not read to its end would keep its connection in the past."""
    some = sa.select(thing.c.count).order_by(thing.c.id)
    with things.write() as tx:
        tx.run(sa.insert(thing), [{"id": id, "count": 1} for id in "abc"])
    for _ in range(3):
        with things.read() as tx:
            assert tx.scalar(some) == 1
    with things.write() as tx:
        tx.run(sa.update(thing).values(count=2))
    with things.read() as tx:
        assert tx.scalar(some) == 2


@pytest.mark.postgres
@pytest.mark.parametrize("warm", [0, 2])
def test_a_connection_cut_in_the_middle_is_made_anew(
    postgres: object, request: pytest.FixtureRequest, warm: int, caplog: pytest.LogCaptureFixture
) -> None:
    end = sa.text("SELECT CASE WHEN :end THEN pg_terminate_backend(pg_backend_pid()) END")
    db = Database(request.getfixturevalue("postgres").url("croft"))
    for _ in range(warm):
        with db.read() as tx:
            tx.scalar(end, {"end": False})
    with pytest.raises(Unavailable), db.read() as tx:
        tx.scalar(end, {"end": True})
    with db.read() as tx:
        assert tx.scalar(sa.text("SELECT 1")) == 1
    db.close()
    assert not caplog.records
