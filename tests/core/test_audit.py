"""The audit: sealed in the database, complete on refusals, and no flood fills it."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from croft.core import audit, work
from croft.core.audit.ledger import MANY, Ledger
from croft.core.clock import ManualClock
from croft.core.ctx import Ctx
from croft.core.db import Database, metadata
from croft.core.errors import CroftError
from croft.core.ids import first_id_at, is_uuid, new_id_at
from croft.core.migrate import migrate
from croft.core.page import Page
from croft.core.policy import ALL, Actor, Policy, Role, Rule
from croft.core.quota import Quotas
from tests.postgres import Postgres

SEALED = (CroftError, sa.exc.DBAPIError)
"""SQLite's `RAISE` comes as a broken constraint, PostgreSQL's as the server's own error."""


def values(**given: Any) -> dict[str, Any]:
    actor = Actor(user="u", user_name="una", project="alpha")
    words = {"project": "alpha", "request": "req-1", "action": "test.thing.create", "target": "t", "name": "n"}
    refused = {"outcome": audit.REFUSED, "status": 403, "why": "No."}
    return audit.values_of(actor, audit.Origin("192.0.2.1", "curl"), **words) | refused | given


def lines(db: Database, **narrow: Any) -> list[audit.Entry]:
    with db.read() as tx:
        return audit.entries(tx, ALL, Page(), audit.Narrow(**narrow))


@pytest.fixture
def clock(db: Database) -> ManualClock:
    assert isinstance(db.clock, ManualClock)
    return db.clock


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET action = 'nothing'",
        "UPDATE audit SET outcome = 'done', times = times + 1",
        "UPDATE audit SET times = times - 1",
        "UPDATE audit SET at = 0",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE at > 0",
    ],
)
def test_no_line_is_changed_or_taken_out(db: Database, statement: str) -> None:
    with db.write() as tx:
        audit.write(tx, values(times=2))
    with pytest.raises(SEALED), db.write() as tx:
        tx.run(sa.text(statement))
    (line,) = lines(db)
    assert (line.action, line.outcome, line.times) == ("test.thing.create", "refused", 2)


@pytest.mark.postgres
def test_nobody_empties_the_table_at_once(postgres: Postgres) -> None:
    db = Database(postgres.fresh("truncated"), ManualClock())
    metadata.create_all(db.engine)
    with db.write() as tx:
        audit.write(tx, values())
    with pytest.raises(SEALED), db.write() as tx:
        tx.run(sa.text("TRUNCATE audit"))
    assert len(lines(db)) == 1
    db.close()


def test_only_what_is_old_goes_and_by_one_way(db: Database, clock: ManualClock) -> None:
    for _ in range(3):
        with db.write() as tx:
            audit.write(tx, values())
        clock.advance(1000)
    second = lines(db)[1].at
    with db.write() as tx:
        assert audit.oldest(tx) == second - 1000
        assert audit.drop(tx, second) == 1
        assert audit.drop(tx, second) == 0
        assert audit.drop(tx, 0) == 0
    assert [each.at for each in lines(db)] == [second + 1000, second]
    for statement in ("DELETE FROM audit", "UPDATE audit_horizon SET kept_from = 0"):
        with pytest.raises(SEALED), db.write() as tx:
            tx.run(sa.text(statement))
    assert len(lines(db)) == 2


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_migrated_database_is_sealed_in_the_same_words(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = []
    for number, make in enumerate((migrate, lambda db: metadata.create_all(db.engine))):
        if kind == "sqlite":
            db = Database(f"sqlite:///{tmp_path / str(number)}.db")
            told = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%' ORDER BY name"
        else:
            server: Postgres = request.getfixturevalue("postgres")
            db = Database(server.fresh(f"sealed{number}"))
            told = (
                "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname LIKE 'audit_%' UNION ALL "
                "SELECT prosrc FROM pg_proc WHERE proname LIKE 'audit_%' ORDER BY 1"
            )
        make(db)
        with db.read() as tx:
            found.append([row[0] for row in tx.rows(sa.text(told))])
        db.close()
    assert found[0] == found[1]
    assert len(found[0]) >= 3


def test_other_tables_are_made_without_a_seal(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'other.db'}")
    metadata.create_all(db.engine, tables=[work.work])
    with db.read() as tx:
        assert tx.rows(sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger'")) == []
    db.close()


def test_the_same_within_a_minute_is_one_line(db: Database, clock: ManualClock) -> None:
    ledger = Ledger(db)
    for _ in range(100):
        ledger.add(values())
    assert 50 <= lines(db)[0].times <= 100
    ledger.settle()
    ledger.settle()
    assert [each.times for each in lines(db)] == [100]
    ledger.add(values())
    clock.advance(60)
    ledger.add(values())
    assert sorted(each.times for each in lines(db)) == [1, 101]


def test_a_flood_of_different_ones_is_counted(db: Database, clock: ManualClock) -> None:
    ledger = Ledger(db, of_one=10)
    for number in range(500):
        ledger.add(values(target=f"t{number}", client=f"192.0.2.{number % 9}"))
    ledger.add(values(user="other", target="t"))
    ledger.settle()
    found = lines(db)
    assert len(found) == 12
    (rest,) = [each for each in found if each.action == MANY]
    assert (rest.user, rest.times, rest.target, rest.outcome) == ("u", 490, "", "refused")
    clock.advance(60)
    for number in range(5):
        ledger.add(values(target=f"t{number}"))
    assert len(lines(db)) == 15, "two lines earned in a minute, and one for the rest"


def test_many_strangers_share_an_allowance_that_is_not_the_users(db: Database) -> None:
    ledger = Ledger(db, of_one=10, of_all=20)
    for number in range(200):
        ledger.add(values(user="", target="", client=f"2001:db8::{number}"))
    ledger.add(values(target="mine"))
    ledger.settle()
    found = lines(db)
    assert len(found) == 22
    (rest,) = [each for each in found if each.action == MANY]
    assert (rest.user, rest.client, rest.times) == ("", "", 180)
    assert lines(db, target="mine")[0].user == "u"


def test_askers_are_forgotten_in_time(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("croft.core.audit.ledger.MOST_ASKERS", 3)
    ledger = Ledger(sqlite_db)
    for minute in range(3):
        for number in range(4):
            ledger.add(values(user=f"u{number}"))
        assert len(ledger._askers) == 4, minute
        assert isinstance(sqlite_db.clock, ManualClock)
        sqlite_db.clock.advance(60)


def test_a_refusal_that_cannot_be_written_is_in_the_log(
    sqlite_db: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(sqlite_db)
    with monkeypatch.context() as broken:
        broken.setattr(audit, "_INSERT", sa.text("INSERT INTO nowhere VALUES (1)"))
        with caplog.at_level(logging.ERROR):
            assert not ledger.add_quietly(values())
    assert "test.thing.create" in caplog.text
    assert ledger.add_quietly(values())
    assert [each.times for each in lines(sqlite_db)] == [1], "the failed one is not taken for a written one"


def test_a_line_says_who_by_what_and_from_where(db: Database) -> None:
    actor = Actor(
        user="owner",
        user_name="Ada",
        project="alpha",
        roles=frozenset({"member"}),
        application_credential="cred",
        trust="trust",
        trustor="owner",
        impersonator="robot",
    )
    rules = [Rule("test.thing.create", Role.MEMBER, "create_thing", "create things")]
    origin = audit.Origin("2001:db8::1", "a" * 500 + "\0", "POST /test/things/\ud800\0x")
    ctx = Ctx(db, Policy(rules), Quotas({}), actor, "req-7", origin=origin)
    ctx.settle()
    with ctx.write("test.thing.create") as tx:
        tx.audit("id-1", "näme\0")
        tx.audit("id-2", project="beta")
    second, first = lines(db)
    assert (first.user_name, first.credential, first.trust) == ("Ada", "cred", "trust")
    assert (first.trustor, first.impersonator) == ("owner", "robot")
    assert (first.client, first.path, first.name) == ("2001:db8::1", "POST /test/things/?x", "näme")
    assert first.agent == "a" * 200
    assert (first.outcome, first.status, first.why, first.times) == ("done", 0, "", 1)
    assert (first.project, second.project) == ("alpha", "beta")
    assert [each.target for each in lines(db, user="robot")] == ["id-2", "id-1"]
    assert lines(db, user="Ada") == []


def test_lines_are_narrowed_by_time_outcome_project_and_request(db: Database, clock: ManualClock) -> None:
    start = clock.now()
    for number in range(4):
        with db.write() as tx:
            done = {"outcome": "done"} if number % 2 else {}
            audit.write(tx, values(target=str(number), request=f"req-{number}", project=f"p{number}", **done))
        clock.advance(10)
    assert [each.target for each in lines(db, since=start + 10, until=start + 30)] == ["2", "1"]
    assert [each.target for each in lines(db, outcome="done")] == ["3", "1"]
    assert [each.target for each in lines(db, project="p2")] == ["2"]
    assert [each.target for each in lines(db, request="req-0")] == ["0"]
    with db.read() as tx:
        forward = audit.entries(tx, ALL, Page(2), oldest_first=True)
        rest = audit.entries(tx, ALL, Page(9, forward[-1].id), oldest_first=True)
    assert [each.target for each in [*forward, *rest]] == ["0", "1", "2", "3"]


def test_ids_of_a_second_sort_as_made_and_between_its_neighbours() -> None:
    made = [new_id_at(1_700_000_000) for _ in range(5000)]
    assert all(map(is_uuid, made))
    assert made == sorted(made)
    assert len(set(made)) == 5000
    assert first_id_at(1_700_000_000) < made[0]
    assert new_id_at(1_699_999_999) < first_id_at(1_700_000_000)
    assert first_id_at(-5) == first_id_at(0)
    assert first_id_at(1 << 60) > made[-1]


def test_a_rush_is_counted_exactly(db: Database) -> None:
    """From eight threads at once, the same and different ones, beside writes that are done."""
    ledger, together = Ledger(db), threading.Barrier(8)

    def rush(number: int) -> None:
        together.wait()
        for turn in range(40):
            ledger.add(values(user=f"u{number % 2}", target="same" if turn % 2 else f"{number}-{turn}"))
            if turn % 10 == 0:
                with db.write() as tx:
                    audit.write(tx, values(outcome=audit.DONE, user="writer"))
                ledger.settle()

    threads = [threading.Thread(target=rush, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.settle()
    assert sum(each.times for each in lines(db, outcome=audit.REFUSED)) == 320
    assert {each.times for each in lines(db, target="same")} == {80}
    assert len(lines(db, outcome=audit.DONE)) == 32
