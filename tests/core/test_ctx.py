"""The doors to a transaction: permission first, the audit in the same commit, quota exact under races."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from croft.core import audit, work
from croft.core.ctx import Ctx
from croft.core.db import Database, TransactionHeld
from croft.core.errors import Forbidden, QuotaExceeded
from croft.core.page import Page
from croft.core.policy import ALL, Actor, Policy, Role, Rule, Scope
from croft.core.quota import UNLIMITED, Quotas

RULES = (
    Rule("test.thing.list", Role.READER, "get_things", "list things"),
    Rule("test.thing.create", Role.MEMBER, "create_thing", "create things"),
)


def ctx(db: Database, role: str = "member", project: str = "alpha") -> Ctx:
    actor = Actor(user="u", project=project, roles=frozenset({role}))
    return Ctx(db, Policy(RULES), Quotas({"test.things": 3, "test.sizes": 5}), actor, "req-1")


def entries(db: Database, scope: Scope = ALL, page: Page | None = None, **narrowed: str) -> list[audit.Entry]:
    with db.read() as tx:
        return audit.entries(tx, scope, page or Page(), audit.Narrow(**narrowed))  # type: ignore[arg-type]


def test_no_permission_no_transaction(db: Database) -> None:
    reader = ctx(db, "reader")
    assert not reader.allows("test.thing.create")
    with pytest.raises(Forbidden), reader.write("test.thing.create"):
        pytest.fail("the door was open")
    assert entries(db) == []


def test_a_read_carries_the_scope(db: Database) -> None:
    with ctx(db, "reader").read("test.thing.list") as tx:
        assert tx.scope == Scope("alpha", "alpha")
        assert tx.actor.user == "u"
    with ctx(db, "admin").read("test.thing.list") as tx:
        assert tx.scope == Scope(None, "alpha")


def test_a_write_leaves_its_audit_in_the_same_commit(db: Database) -> None:
    with ctx(db).write("test.thing.create") as tx:
        tx.audit("id-1", "blue")
        tx.audit("id-2")
    found = entries(db)
    assert {(each.target, each.name) for each in found} == {("id-1", "blue"), ("id-2", "")}
    first = found[0]
    assert (first.user, first.project, first.action, first.request) == ("u", "alpha", "test.thing.create", "req-1")
    assert first.at == db.clock.now()


def test_a_write_that_fails_leaves_nothing(db: Database) -> None:
    with pytest.raises(RuntimeError), ctx(db).write("test.thing.create") as tx:
        tx.audit("id-1")
        work.wake(tx, "test.thing", "id-1")
        raise RuntimeError
    assert entries(db) == []
    assert work.claim(db, 1) == []


def test_a_write_without_a_target_is_our_bug_and_undone(db: Database) -> None:
    with pytest.raises(AssertionError, match=r"test\.thing\.create"), ctx(db).write("test.thing.create") as tx:
        work.wake(tx, "test.thing", "id-1")
    assert work.claim(db, 1) == []


def test_a_wake_in_a_write_reaches_the_workers_after_the_commit(db: Database) -> None:
    seen: list[int] = []
    db.on_commit = lambda: seen.append(len(work.claim(db, 10)))
    with ctx(db).write("test.thing.create") as tx:
        work.wake(tx, "test.thing", "id-1")
        tx.audit("id-1")
        assert seen == []
    with ctx(db).write("test.thing.create") as tx:
        tx.audit("id-1")
    assert seen == [1]


def test_an_operator_may_act_for_another_project(db: Database) -> None:
    with ctx(db, "admin", "ops").write("test.thing.create", "beta") as tx:
        assert tx.project == "beta"
        tx.audit("id-1")
    assert entries(db)[0].project == "beta"
    with ctx(db, "admin", "").write("test.thing.create") as tx:
        assert tx.project == ""
        tx.audit("id-2")


def test_transactions_do_not_nest(db: Database) -> None:
    here = ctx(db)
    with here.read("test.thing.list"), pytest.raises(TransactionHeld), here.read("test.thing.list"):
        pytest.fail("nested")
    with here.read("test.thing.list"):
        pass


def test_the_audit_is_read_newest_first_by_those_it_concerns(db: Database) -> None:
    for number in range(5):
        with ctx(db, project="alpha" if number % 2 else "beta").write("test.thing.create") as tx:
            tx.audit(f"id-{number}", "x" * 300)
    assert [each.target for each in entries(db)] == ["id-4", "id-3", "id-2", "id-1", "id-0"]
    assert [each.target for each in entries(db, Scope("alpha"))] == ["id-3", "id-1"]
    assert [each.target for each in entries(db, target="id-2")] == ["id-2"]
    assert len(entries(db, prefix="test.thing.")) == 5
    assert entries(db, prefix="test_thing") == []
    first = entries(db, page=Page(2))
    assert [each.target for each in entries(db, page=Page(2, first[-1].id))] == ["id-2", "id-1"]
    assert len(first[0].name) == 255


def test_quota_is_the_default_until_it_is_set(db: Database) -> None:
    quotas = Quotas({"test.things": 3, "test.sizes": 5, "other.things": 1})
    with db.write() as tx:
        assert quotas.limits(tx, "alpha", "test.") == {"test.things": 3, "test.sizes": 5}
        quotas.set(tx, "alpha", {"test.things": 7})
        quotas.set(tx, "alpha", {"test.things": 8, "test.sizes": UNLIMITED})
        assert quotas.limits(tx, "alpha") == {"test.things": 8, "test.sizes": -1, "other.things": 1}
        assert quotas.limits(tx, "beta", "test.things") == {"test.things": 3}
        quotas.ensure(tx, "alpha", "test.sizes", 10**9, 10**9)
        quotas.reset(tx, "alpha", ["test.things", "test.sizes"])
        assert quotas.limits(tx, "alpha", "test.") == {"test.things": 3, "test.sizes": 5}
        with pytest.raises(KeyError):
            quotas.set(tx, "alpha", {"test.thnigs": 1})


def test_passing_a_quota_says_all_four_numbers(db: Database) -> None:
    with ctx(db).write("test.thing.create") as tx:
        tx.audit("id-1")
        tx.ensure_quota("test.things", 2)
        tx.ensure_quota("test.things", 3, 0)
        with pytest.raises(QuotaExceeded, match="things: requested 2, already used 2 of 3") as caught:
            tx.ensure_quota("test.things", 2, 2)
    error = caught.value
    assert (error.name, error.limit, error.used, error.asked, error.status) == ("things", 3, 2, 2, 403)


def test_twenty_at_once_for_three_places(db: Database) -> None:
    """Each counts rows and adds one; without the project's lock they would all see room on PostgreSQL."""
    together, results = threading.Barrier(20), []
    counted = sa.select(sa.func.count()).select_from(audit.record).where(audit.record.c.project == "alpha")

    def create(number: int) -> None:
        together.wait()
        try:
            with ctx(db).write("test.thing.create") as tx:
                tx.ensure_quota("test.things", tx.scalar(counted))
                tx.audit(f"id-{number}")
            results.append("made")
        except QuotaExceeded:
            results.append("full")

    threads = [threading.Thread(target=create, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["full"] * 17 + ["made"] * 3
    assert len(entries(db)) == 3
