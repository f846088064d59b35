"""What no row accounts for is reported after two looks an hour apart, and removed where that is safe."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from croft.cli import why
from croft.core import work
from croft.core.db import Database
from croft.core.errors import Rejected, Unavailable
from croft.services import operations
from croft.services.operations import actions, store
from croft.services.operations.model import HOUR, KIND
from croft.services.operations.reconcile import Held
from tests.cloud import Cloud, Statements
from tests.laws.specimen import Specimen, specimens
from tests.services.operations.strays import GUEST, ID, KEPT, REMOVED
from tests.world import World

PATH = "/operations/v1/orphans"
by_person = pytest.mark.parametrize("specimen", specimens(), ids=str)


def listed(world: World) -> set[tuple[str, str]]:
    answer = world.call("GET", PATH, token="admin:alpha")
    assert answer.status == 200, answer.body
    return {(each["engine"], each["name"]) for each in answer.json["orphans"]}


def look(world: World, engine: str, after: int = 0) -> None:
    """Has one engine looked at after so many seconds, and not once before."""
    world.clock.advance(after)  # type: ignore[attr-defined]
    actions.seed(world.db, [engine])
    world.settle()


def suspected(world: World, engine: str) -> list[str]:
    with world.db.read() as tx:
        return [each.name for each in store.any_of(tx, engine)]


@pytest.mark.parametrize("engine", KEPT)
def test_a_stray_that_may_be_somebodys_is_reported_and_kept(cloud: Cloud, engine: str) -> None:
    world, name = cloud.world, KEPT[engine](cloud.engines)
    whole = cloud.inventory()
    look(world, engine)
    assert listed(world) == set()
    look(world, engine, HOUR - 1)
    assert listed(world) == set(), "the looks were no hour apart"
    look(world, engine, 1)
    assert listed(world) == {(engine, name)}
    world.settle(3 * HOUR)
    assert listed(world) == {(engine, name)}
    assert cloud.inventory() == whole


@pytest.mark.parametrize("engine", REMOVED)
def test_a_stray_that_nobody_misses_is_reported_and_removed(
    cloud: Cloud, engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "croft.operations")
    world, before = cloud.world, cloud.inventory()
    name = REMOVED[engine](cloud.engines)
    whole = cloud.inventory()
    look(world, engine)
    assert (cloud.inventory(), caplog.messages) == (whole, [])
    world.settle(3 * HOUR)
    assert cloud.inventory() == before
    assert listed(world) == set()
    said = [each for each in caplog.messages if f"engine={engine} name={name}" in each]
    assert [each.endswith("removed") for each in said] == [False, True]


@by_person
def test_what_people_made_is_never_suspected(sqlite_cloud: Cloud, specimen: Specimen) -> None:
    world = sqlite_cloud.world
    specimen.create(world)
    world.settle(10)
    whole = sqlite_cloud.inventory()
    engines = list(REMOVED) + list(KEPT)
    for engine in engines:
        look(world, engine)
    assert {engine: suspected(world, engine) for engine in engines} == {engine: [] for engine in engines}
    world.settle(3 * HOUR)
    assert listed(world) == set()
    assert sqlite_cloud.inventory() == whole


def test_every_class_of_objects_is_looked_at(sqlite_cloud: Cloud) -> None:
    with sqlite_cloud.world.db.read() as tx:
        found = {engine for engine in (*REMOVED, *KEPT, "hypervisor:h1") if work.note(tx, KIND, engine).noted}
    assert found == {*REMOVED, *KEPT, "hypervisor:h1"}
    names = {name for service in sqlite_cloud.world.services for name in service.holdings}
    assert names == {each.partition(":")[0] for each in found}


def test_a_guest_on_a_host_that_is_not_its_own_is_an_orphan(sqlite_cloud: Cloud) -> None:
    """Its namesake on the right host is not."""
    world, hypervisor = sqlite_cloud.world, sqlite_cloud.engines.hypervisor
    (made,) = [each for each in specimens() if each.kind == "compute.server"]
    for _ in range(2):
        made.create(world)
    world.settle(10)
    (first,), (second,) = hypervisor.names("h1"), hypervisor.names("h2")
    hypervisor.ensure("h2", replace(GUEST, id=first))
    world.settle(3 * HOUR)
    assert listed(world) == {("hypervisor:h2", f"h2/{first}")}
    assert (hypervisor.names("h1"), set(hypervisor.names("h2"))) == ([first], {first, second})


def test_a_host_that_is_away_hides_only_its_own_orphans(sqlite_cloud: Cloud) -> None:
    world, hypervisor = sqlite_cloud.world, sqlite_cloud.engines.hypervisor
    for host in ("h1", "h2"):
        hypervisor.ensure(host, GUEST)
    hypervisor.down.add("h2")  # type: ignore[attr-defined]
    world.settle(3 * HOUR)
    assert listed(world) == {("hypervisor:h1", f"h1/{ID}")}
    with world.db.read() as tx:
        assert work.note(tx, KIND, "hypervisor:h2").code == "unavailable"


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("manager", 403), ("admin", 200)])
def test_only_operators_see_orphans(sqlite_cloud: Cloud, role: str, status: int) -> None:
    assert sqlite_cloud.world.call("GET", PATH, token=f"{role}:alpha").status == status


def test_an_orphan_says_since_when(sqlite_cloud: Cloud) -> None:
    world = sqlite_cloud.world
    name = KEPT["block"](sqlite_cloud.engines)
    look(world, "block")
    first = world.clock.now()
    look(world, "block", HOUR)
    (found,) = world.call("GET", PATH, token="admin:alpha").json["orphans"]
    assert (found["engine"], found["name"]) == ("block", name)
    assert found["first_seen_at"] < found["reported_at"]
    assert world.clock.now() - first == HOUR


def test_croft_why_lists_orphans(sqlite_cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    world = sqlite_cloud.world

    def said() -> str:
        answers = [
            world.call("GET", f"/operations/v1/{each}", token="admin:alpha").json for each in ("work", "orphans")
        ]
        why.tell(answers[0] | answers[1])
        return capsys.readouterr().out

    assert said() == "Everything is as wished.\n"
    name = KEPT["block"](sqlite_cloud.engines)
    world.settle(3 * HOUR)
    assert said().startswith(f"orphan block {name}, unknown since 20")


class Shelf:
    """An engine's list, and the rows that account for it, both as a test likes."""

    def __init__(self, db: Database, *, removable: bool = False) -> None:
        self.names: set[str] = set()
        self.rows: set[str] = set()
        self.stuck: set[str] = set()
        self.away = False
        self.engines = {"shelf": Held(self._list, lambda _tx: set(self.rows), self._remove if removable else None)}
        self.world = World(db, [operations.service(db, dict, self.engines)])

    def _list(self) -> list[str]:
        if self.away:
            raise Unavailable("the shelf is away")
        return sorted(self.names)

    def _remove(self, name: str) -> None:
        if name in self.stuck:
            raise Rejected(f"{name} is stuck")
        self.names.discard(name)

    def look(self, after: int = 0) -> None:
        look(self.world, "shelf", after)

    def note(self) -> work.Note:
        with self.world.db.read() as tx:
            return work.note(tx, KIND, "shelf")


def test_what_got_a_row_between_the_looks_is_no_orphan(sqlite_db: Database) -> None:
    shelf = Shelf(sqlite_db, removable=True)
    shelf.names = {"a", "b"}
    shelf.look()
    shelf.rows = {"a"}
    shelf.look(HOUR)
    assert shelf.names == {"a"}
    assert suspected(shelf.world, "shelf") == []


def test_what_vanished_between_the_looks_is_counted_from_its_return(sqlite_db: Database) -> None:
    shelf = Shelf(sqlite_db)
    shelf.names = {"a"}
    shelf.look()
    shelf.names = set()
    shelf.look(HOUR)
    shelf.names = {"a"}
    shelf.look(HOUR)
    assert listed(shelf.world) == set()
    shelf.look(HOUR)
    assert listed(shelf.world) == {("shelf", "a")}


def test_an_orphan_that_gets_a_row_is_none_any_more(sqlite_db: Database) -> None:
    shelf = Shelf(sqlite_db)
    shelf.names = {"a"}
    shelf.look()
    shelf.look(HOUR)
    assert listed(shelf.world) == {("shelf", "a")}
    shelf.rows = {"a"}
    shelf.look(HOUR)
    assert listed(shelf.world) == set()


def test_the_second_look_comes_by_itself_after_an_hour(sqlite_db: Database) -> None:
    shelf = Shelf(sqlite_db)
    shelf.names = {"a"}
    shelf.look()
    shelf.look(600)
    shelf.world.settle(HOUR - 601)
    assert listed(shelf.world) == set()
    shelf.world.settle(1)
    assert listed(shelf.world) == {("shelf", "a")}


def test_what_is_made_during_a_look_is_not_suspected(sqlite_db: Database) -> None:
    """Rows come before objects, so the rows must be read after the engine's list."""
    shelf = Shelf(sqlite_db)

    def busy() -> list[str]:
        shelf.rows.add("a")
        return ["a"]

    shelf.engines["shelf"] = Held(busy, lambda _tx: set(shelf.rows))
    shelf.look()
    assert suspected(shelf.world, "shelf") == []


def test_while_the_engine_is_away_nothing_is_concluded(sqlite_db: Database) -> None:
    shelf = Shelf(sqlite_db)
    shelf.names = {"a"}
    shelf.look()
    shelf.away = True
    shelf.look(HOUR)
    assert (shelf.note().code, shelf.note().message) == ("unavailable", "the shelf is away")
    assert (listed(shelf.world), suspected(shelf.world, "shelf")) == (set(), ["a"])
    shelf.away = False
    shelf.look(1)
    assert listed(shelf.world) == {("shelf", "a")}


def test_one_that_cannot_be_removed_keeps_no_other(sqlite_db: Database) -> None:
    shelf = Shelf(sqlite_db, removable=True)
    shelf.names, shelf.stuck = {"a", "b", "c"}, {"b"}
    shelf.look()
    shelf.look(HOUR)
    assert shelf.names == {"b"}
    assert (shelf.note().code, shelf.note().message) == ("rejected", "b is stuck")
    assert listed(shelf.world) == {("shelf", "b")}
    shelf.stuck = set()
    shelf.world.settle(work.REJECTED_AGAIN)
    assert (shelf.names, listed(shelf.world), shelf.note().code) == (set(), set(), "")


def test_a_standing_orphan_is_reported_once_and_costs_no_write(
    sqlite_db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "croft.operations")
    shelf = Shelf(sqlite_db)
    shelf.names = {"a"}
    shelf.look()
    shelf.look(HOUR)
    with Statements(sqlite_db) as statements:
        result = shelf.world.loop.reconcilers[KIND].reconcile("shelf")
    assert (result, statements.changes) == (work.Done(), [])
    shelf.look(HOUR)
    assert len(caplog.messages) == 1


def test_an_engine_that_left_the_cloud_is_forgotten(sqlite_db: Database) -> None:
    shelf = Shelf(sqlite_db)
    shelf.names = {"a"}
    shelf.look()
    shelf.look(HOUR)
    del shelf.engines["shelf"]
    shelf.look()
    assert (listed(shelf.world), shelf.note()) == (set(), work.Note())
