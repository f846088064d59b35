"""The laws of every reconciler. A new kind is under them as soon as it is registered; without a specimen it fails."""

from __future__ import annotations

import pytest

from croft.core import work
from croft.core.errors import Rejected, Unavailable
from tests.cloud import Cloud, Statements
from tests.faults import Crash
from tests.laws.specimen import Specimen, specimens

PATIENCE = 700
"""Seconds after which every error must have healed: a rejection is retried every 600."""
SPECIMENS = specimens()
each_kind = pytest.mark.parametrize("specimen", SPECIMENS, ids=str)


def own_calls(specimen: Specimen) -> frozenset[str]:
    """Its parents are interrupted under their own names; an image's bytes come in by HTTP, outside any reconciler."""
    return frozenset({specimen.kind, *([""] if specimen.kind == "images.image" else [])})


def healthy(cloud: Cloud, kind: str, id: str) -> None:
    with cloud.world.db.read() as tx:
        left = work.note(tx, kind, id)
    assert (left.code, left.since) == ("", None), f"{kind} {id}: {left}"


def idle(cloud: Cloud, kind: str, id: str) -> None:
    """One more look changes nothing, in the engines or in the database."""
    before = cloud.writes()
    with Statements(cloud.world.db) as statements:
        result = cloud.world.loop.reconcilers[kind].reconcile(id)
    assert isinstance(result, work.Done), result
    assert statements.changes == []
    assert cloud.writes() == before


def settle_through_crash(cloud: Cloud, seconds: int) -> None:
    """Runs on until all is well, starting the process anew when it dies."""
    for _ in range(3):
        try:
            cloud.world.settle(seconds)
        except Crash:
            cloud.world.clock.advance(work.LEASE)
        else:
            return
    raise AssertionError("it keeps crashing")


def test_every_kind_has_a_specimen(sqlite_cloud: Cloud) -> None:
    assert {specimen.kind for specimen in SPECIMENS} == set(sqlite_cloud.world.loop.reconcilers)


@each_kind
def test_an_idle_pass_writes_nothing(cloud: Cloud, specimen: Specimen) -> None:
    id = specimen.create(cloud.world)
    cloud.world.settle(10)
    healthy(cloud, specimen.kind, id)
    idle(cloud, specimen.kind, id)


MODES = {
    "unavailable": (lambda: Unavailable("the engine is away"), False),
    "answer lost": (lambda: Unavailable("no answer in time"), True),
    "rejected": (lambda: Rejected("the engine says no"), False),
    "crash before": (Crash, False),
    "crash after": (Crash, True),
}


@each_kind
@pytest.mark.parametrize("mode", MODES)
def test_interrupted_at_every_engine_call_it_still_settles(cloud: Cloud, specimen: Specimen, mode: str) -> None:
    make, after = MODES[mode]
    baseline = None
    cloud.faults.among = own_calls(specimen)
    for number in range(1, 100):
        cloud.faults.arm(number, make(), after=after)
        id = specimen.create(cloud.world)
        settle_through_crash(cloud, 45)
        fired = cloud.faults.fired
        cloud.faults.disarm()
        if fired:
            cloud.world.settle(PATIENCE)
        healthy(cloud, specimen.kind, id)
        idle(cloud, specimen.kind, id)
        specimen.delete(cloud.world, id)
        cloud.world.settle(150)
        left = cloud.inventory()
        baseline = left if baseline is None else baseline
        assert left == baseline, f"leaked after a fault at call {number}: {left ^ baseline}"
        if not fired:
            return
    raise AssertionError("more than 100 engine calls to make one")


@each_kind
def test_a_lost_object_comes_back_at_resync(cloud: Cloud, specimen: Specimen) -> None:
    before = cloud.inventory()
    id = specimen.create(cloud.world)
    cloud.world.settle(10)
    whole = cloud.inventory()
    for what in sorted(whole - before):
        if what[0] == "imagestore":
            continue  # bytes people uploaded exist once; their loss is reported, not mended
        cloud.lose(what)
        longest = max(each.resync for each in cloud.world.loop.reconcilers.values())
        cloud.world.clock.advance(round(longest * 1.11))
        cloud.world.settle(60)
        assert cloud.inventory() == whole, f"{what} did not come back"
    healthy(cloud, specimen.kind, id)


@each_kind
def test_deleted_from_every_point_leaves_nothing(cloud: Cloud, specimen: Specimen) -> None:
    baseline = None
    cloud.faults.among = own_calls(specimen)
    for number in range(1, 100):
        cloud.faults.arm(number, Crash())
        id = specimen.create(cloud.world)
        fired = True
        try:
            cloud.world.settle(30)
            fired = False
        except Crash:
            pass
        cloud.faults.disarm()
        specimen.delete(cloud.world, id)
        specimen.delete(cloud.world, id)
        cloud.world.clock.advance(work.LEASE)
        cloud.world.settle(150)
        left = cloud.inventory()
        baseline = left if baseline is None or not fired else baseline
        assert left == baseline, f"leaked when deleted at call {number}: {left ^ baseline}"
        with cloud.world.db.read() as tx:
            assert work.note(tx, specimen.kind, id) == work.Note(), "its work row is left"
        if not fired:
            return
    raise AssertionError("more than 100 engine calls to make one")


@each_kind
def test_a_change_during_the_run_is_acted_on_at_once(cloud: Cloud, specimen: Specimen) -> None:
    change = specimen.change
    if change is None:
        return
    id = specimen.create(cloud.world)
    cloud.world.settle(10)
    change(cloud.world, id)
    cloud.faults.arm_hook(1, lambda: change(cloud.world, id))
    cloud.world.settle(65)
    assert cloud.faults.fired, "the change reached no engine"
    healthy(cloud, specimen.kind, id)
    idle(cloud, specimen.kind, id)
