"""The end of a project: everything in it first."""

from __future__ import annotations

from croft.core import work
from croft.core.db import Database
from croft.core.errors import Unavailable
from tests.services.identity.house import House


class Upper:
    """A service above identity that needs some time to let a project go."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.away = False

    def purge(self, project: str) -> bool:
        if self.away:
            raise Unavailable("The engine is away.")
        self.held[project] = max(0, self.held.get(project, 0) - 1)
        return self.held[project] == 0


def rows(house: House, project: str) -> int:
    with house.db.read() as tx:
        found = tx.conn.exec_driver_sql(f"SELECT count(*) FROM identity_project WHERE id = '{project}'").scalar()
    return int(found or 0)


def note(house: House, project: str) -> work.Note:
    with house.db.read() as tx:
        return work.note(tx, "identity.project", project)


def test_the_row_stays_until_every_service_has_let_go(db: Database) -> None:
    uppers = [Upper(), Upper()]
    house = House(db, purges=[upper.purge for upper in uppers])
    place = house.made("project", name="tower")["id"]
    uppers[0].held[place], uppers[1].held[place] = 3, 2
    assert house.ask("DELETE", f"/projects/{place}").status == 204
    house.settle()
    assert rows(house, place) == 1
    assert [upper.held[place] for upper in uppers] == [2, 1], "all are asked, not only the first"
    assert note(house, place).code == "waiting"
    assert house.ask("GET", f"/projects/{place}").status == 404
    house.settle(60)
    assert rows(house, place) == 0
    assert note(house, place) == work.Note()


def test_services_that_are_away_are_asked_again(house: House) -> None:
    upper = Upper()
    house.settings.purges.append(upper.purge)
    place = house.made("project", name="tower")["id"]
    upper.away = True
    house.ask("DELETE", f"/projects/{place}")
    house.settle(20)
    assert (rows(house, place), note(house, place).code) == (1, "unavailable")
    upper.away = False
    house.settle(120)
    assert rows(house, place) == 0


def test_a_live_project_is_left_alone(house: House) -> None:
    upper = Upper()
    house.settings.purges.append(upper.purge)
    place = house.made("project", name="tower")["id"]
    assert isinstance(house.loop.reconcilers["identity.project"].reconcile(place), work.Done)
    assert isinstance(house.loop.reconcilers["identity.project"].reconcile("nowhere"), work.Gone)
    assert upper.held == {}
    assert rows(house, place) == 1
