"""The end of a project: everything in it first."""

from __future__ import annotations

from croft.core import work
from croft.core.db import Database
from croft.core.errors import Unavailable
from croft.services.identity.model.leaving import joined, sentence
from tests.services.identity.house import House


class Upper:
    """A service above identity that needs some time to let a project go."""

    def __init__(self, word: str = "thing") -> None:
        self.word = word
        self.held: dict[str, int] = {}
        self.away = False

    def purge(self, project: str) -> dict[str, list[str]]:
        if self.away:
            raise Unavailable("The engine is away.")
        self.held[project] = max(0, self.held.get(project, 0) - 1)
        return {self.word: [f"no{number}" for number in range(self.held[project])]}


def rows(house: House, project: str) -> int:
    with house.db.read() as tx:
        found = tx.conn.exec_driver_sql(f"SELECT count(*) FROM identity_project WHERE id = '{project}'").scalar()
    return int(found or 0)


def note(house: House, project: str) -> work.Note:
    with house.db.read() as tx:
        return work.note(tx, "identity.project", project)


def test_the_row_stays_until_every_service_has_let_go(db: Database) -> None:
    uppers = [Upper("server"), Upper("port")]
    house = House(db, purges=[upper.purge for upper in uppers])
    place = house.made("project", name="tower")["id"]
    uppers[0].held[place], uppers[1].held[place] = 3, 2
    assert house.ask("DELETE", f"/projects/{place}").status == 204
    house.settle()
    assert rows(house, place) == 1
    assert [upper.held[place] for upper in uppers] == [2, 1], "all are asked, not only the first"
    found = note(house, place)
    assert (found.code, found.message) == (
        "waiting",
        "2 servers, 1 port are being deleted: server no0, server no1, port no0.",
    )
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


def test_a_domain_goes_after_its_projects(either: House) -> None:
    upper = Upper("server")
    either.settings.purges.append(upper.purge)
    domain = either.made("domain", name="empire")["id"]
    place = either.made("project", name="tower", domain_id=domain)["id"]
    upper.held[place] = 2
    either.ask("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
    assert either.ask("DELETE", f"/domains/{domain}").status == 204
    assert either.ask("GET", f"/domains/{domain}").status == 404
    assert either.made("domain", name="empire")["id"] != domain, "its name is free at once"
    either.settle()
    assert note(either, domain).message == "1 project is being deleted: project tower."
    assert note(either, place).message == "1 server is being deleted: server no0."
    either.settle(30)
    assert (rows(either, place), rows(either, domain)) == (0, 0)
    assert note(either, domain) == work.Note()


def test_a_sentence_names_some_and_counts_all() -> None:
    left = joined([{"server": [f"s{number}" for number in range(9)], "port": []}, {}, {"port": ["x" * 50, "y"]}])
    assert sentence(left) == (
        "9 servers, 2 ports are being deleted: server s0, server s1, server s2, server s3, server s4, server s5, "
        "server s6, server s7 and 3 more."
    )
    assert sentence({"image": ["x" * 50]}) == f"1 image is being deleted: image {'x' * 40}."
