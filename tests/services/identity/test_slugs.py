"""A project's slug: a label for DNS, directories and hosts, made of the name once and kept."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from croft.core import migrate
from croft.core.clock import ManualClock
from croft.core.db import Database
from croft.services.identity.model.slugs import RESERVED, stem
from tests.postgres import Postgres
from tests.services.identity.house import House

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
DAY = 86_400


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("tower", "tower"),
        ("The Tower of 2026", "the-tower-of-2026"),
        ("Zürich: Straße №7", "zurich-strasse-no7"),
        ("проект", "proekt"),
        ("測試", "ceshi"),
        ("---", "project"),
        ("xn--tower", "xn-tower"),
        ("../tower/..", "tower"),
        ("www", "www-2"),
        ("WWW", "www-2"),
        ("a" * 64, "a" * 40),
        ("a" * 39 + " b", "a" * 39),
        ("7", "7"),
    ],
)
def test_a_name_becomes_a_label(house: House, name: str, slug: str) -> None:
    made = house.made("project", name=name)
    assert (made["name"], made["slug"]) == (name, slug)
    assert LABEL.fullmatch(slug)


@pytest.mark.parametrize(
    "odd",
    ["😀", "\u0301\u0302", "\uff54\uff45\uff41\uff4d", "İ", "ﷺ" * 10, "  x ", "'; --", "🏳️‍🌈"],
)
def test_any_name_that_keystone_takes_has_one(house: House, odd: str) -> None:
    made = house.made("project", name=odd)
    assert LABEL.fullmatch(made["slug"])
    assert made["slug"] not in RESERVED


def test_names_that_look_alike_have_different_slugs(either: House) -> None:
    names = ["Tower", "tower?", "tower!", "t\u043ewer", "töwer"]
    slugs = [either.made("project", name=name)["slug"] for name in names]
    assert slugs == ["tower", "tower-2", "tower-3", "tower-4", "tower-5"]
    domain = either.made("domain", name="empire")["id"]
    assert either.made("project", name="Tower", domain_id=domain)["slug"] == "tower-6", "unique in the cloud"


def test_many_of_one_name_still_find_a_slug(house: House) -> None:
    slugs = {house.made("project", name=f"tower{'!' * count}")["slug"] for count in range(15)}
    assert len(slugs) == 15
    assert all(LABEL.fullmatch(slug) and slug.startswith("tower") for slug in slugs)


def test_a_slug_outlives_the_name_and_is_nobodys_to_choose(either: House) -> None:
    place = either.made("project", name="tower")["id"]
    renamed = either.ask("PATCH", f"/projects/{place}", {"project": {"name": "spire"}}).json["project"]
    assert (renamed["name"], renamed["slug"]) == ("spire", "tower")
    assert either.made("project", name="tower")["slug"] == "tower-2", "the old name is free, its slug is not"
    for method, path, wish in (
        ("PATCH", f"/projects/{place}", {"slug": "mine"}),
        ("PATCH", f"/projects/{place}", {"slug": None}),
        ("POST", "/projects", {"name": "other", "slug": "mine"}),
    ):
        assert either.ask(method, path, {"project": wish}).status == 400
    assert either.ask("PATCH", f"/projects/{place}", {"project": {"slug": "tower"}}).status == 200
    assert either.ask("GET", f"/projects/{place}").json["project"]["slug"] == "tower"


def test_projects_are_found_by_their_slug(house: House) -> None:
    place = house.made("project", name="The Tower")["id"]
    found = house.ask("GET", "/projects", query="slug=the-tower").json["projects"]
    assert [each["id"] for each in found] == [place]


def test_a_domain_has_none(house: House) -> None:
    domain = house.made("domain", name="empire")["id"]
    assert house.ask("GET", f"/projects/{domain}").json["project"]["slug"] is None


def test_name_and_slug_are_free_again_once_the_project_is_gone(either: House) -> None:
    place = either.made("project", name="tower")["id"]
    either.ask("DELETE", f"/projects/{place}")
    meanwhile = either.made("project", name="tower")
    assert meanwhile["slug"] == "tower-2", "what bears the old slug may still be there"
    either.ask("DELETE", f"/projects/{meanwhile['id']}")
    either.settle()
    assert either.made("project", name="tower")["slug"] == "tower"


def test_a_name_rests_as_long_as_the_operator_says(db: Database) -> None:
    house = House(db, name_quarantine_days=30)
    place = house.made("project", name="tower")["id"]
    house.ask("DELETE", f"/projects/{place}")
    house.settle()
    refused = house.ask("POST", "/projects", {"project": {"name": "tower"}})
    assert refused.status == 409
    assert "before 2023-12-14" in refused.json["error"]["message"]
    assert house.made("project", name="Tower!")["slug"] == "tower-2", "the slug rests too"
    house.clock.advance(30 * DAY)  # type: ignore[attr-defined]
    house._admin = ""
    assert house.made("project", name="tower")["slug"] == "tower"


def test_a_name_given_up_by_renaming_rests_for_others_only(house: House) -> None:
    house.settings.__dict__["name_quarantine_days"] = 30
    place = house.made("project", name="tower")["id"]
    other = house.made("project", name="spire")["id"]
    assert house.ask("PATCH", f"/projects/{place}", {"project": {"name": "keep"}}).status == 200
    assert house.ask("POST", "/projects", {"project": {"name": "tower"}}).status == 409
    assert house.ask("PATCH", f"/projects/{other}", {"project": {"name": "tower"}}).status == 409
    assert house.ask("PATCH", f"/projects/{place}", {"project": {"name": "tower"}}).status == 200
    assert house.ask("PATCH", f"/projects/{place}", {"project": {"name": "tower"}}).status == 200


def test_at_once_every_project_gets_a_slug_of_its_own(either: House) -> None:
    """By operators in projects of their own, so that no lock but that of slugs orders them."""

    def make(count: int) -> str:
        wish = {"project": {"name": f"tower{'!' * count}"}}
        answer = either.ask("POST", "/projects", wish, token=f"admin:office-{count}")
        assert answer.status == 201, answer.body
        return str(answer.json["project"]["slug"])

    with ThreadPoolExecutor(6) as pool:
        slugs = list(pool.map(make, range(12)))
    assert len(set(slugs)) == 12
    assert {f"tower-{number}" for number in range(2, 10)} < set(slugs)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_projects_of_an_older_cloud_get_theirs(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The history up to the revision before, three rows, then the rest."""
    if kind == "sqlite":
        db = Database(f"sqlite:///{tmp_path / 'old.db'}", ManualClock())
    else:
        server: Postgres = request.getfixturevalue("postgres")
        db = Database(server.fresh("old"), ManualClock())
    migrate.migrate(db, "0010")
    insert = sa.text(
        "INSERT INTO identity_project (id, domain, parent, name, enabled, is_domain, tags, options, extra) "
        "VALUES (:id, :domain, :domain, :name, :yes, :is_domain, '[]', '{}', '{}')"
    )
    rows = [
        ("default", "", "Default"),
        ("p1", "default", "Tower"),
        ("p2", "default", "tower"),
        ("p3", "default", "api"),
    ]
    with db.write() as tx:
        for id, domain, name in rows:
            tx.run(insert, {"id": id, "domain": domain, "name": name, "yes": True, "is_domain": not domain})
    migrate.migrate(db)
    with db.read() as tx:
        found = tx.rows(sa.text("SELECT id, slug FROM identity_project ORDER BY id"))
    db.close()
    assert [tuple(row) for row in found] == [("default", None), ("p1", "tower"), ("p2", "tower-2"), ("p3", "api-2")]


def test_a_stem_is_stable() -> None:
    assert stem(stem("The Tower of 2026")) == stem("The Tower of 2026")
