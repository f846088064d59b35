"""How long a project lasts: notices, the archive, what is stopped, and who may end or restore what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from croft.core import work
from croft.core.db import Database
from croft.services.identity.actions.tenancy import find_project
from croft.services.tenancy.model import Life, Settings, Step, state, step
from croft.services.tenancy.store import lives
from tests.services.tenancy.town import DAY, V3, Town

START = 1_700_000_000
"""The clock of every test begins here: 2023-11-14 22:13:20."""


def server(town: Town, token: str, name: str = "web") -> str:
    wish = {"name": "tiny", "disk_format": "raw", "container_format": "bare", "visibility": "public"}
    image = town.world.call("POST", "/image/v2/images", wish, token=town.admin).json["id"]
    octets = {"content-type": "application/octet-stream"}
    town.world.call("PUT", f"/image/v2/images/{image}/file", chunks=[b"disk"], headers=octets, token=town.admin)
    body = {"server": {"name": name, "imageRef": image, "flavorRef": "1", "networks": "auto"}}
    headers = {"OpenStack-API-Version": "compute 2.37"}
    answer = town.world.call("POST", "/compute/v2.1/servers", body, token=token, headers=headers)
    assert answer.status == 202, answer.body
    town.world.settle(60)
    return str(answer.json["server"]["id"])


def status(town: Town, server: str) -> str:
    return str(town.world.call("GET", f"/compute/v2.1/servers/{server}", token=town.admin).json["server"]["status"])


def why(town: Town, project: str) -> work.Note:
    with town.world.db.read() as tx:
        return work.note(tx, "tenancy.life", project)


def test_managers_are_told_three_times_and_then_it_is_archived(either: Town) -> None:
    place, ada = either.owned(expires="2024-02-12")
    web = server(either, ada)
    either.days(30)
    assert either.notices(place, ada) == []
    for days, kinds in (
        (30, ["expires-30"]),
        (16, ["expires-30", "expires-14"]),
        (11, ["expires-30", "expires-14", "expires-3"]),
    ):
        either.days(days)
        assert either.notices(place, ada) == kinds
        either.days(0)
        assert either.notices(place, ada) == kinds, "each once"
    text = either.call("GET", "/notices", token=ada).json["notices"][0]["text"]
    assert text.startswith("Project tower expires on 2024-02-12, in 3 days.")
    assert (either.project(place)["state"], status(either, web)) == ("active", "ACTIVE")
    either.days(4)
    found = either.project(place)
    assert (found["state"], found["enabled"], found["reason"]) == ("archived", False, "it expired on 2024-02-12.")
    assert not either.opens(ada)
    either.world.settle(300)
    assert status(either, web) == "SHUTOFF", "stopped, not deleted"
    assert either.notices(place)[3:] == ["archived"]
    assert why(either, place) == work.Note("", "", 0, None, why(either, place).due, why(either, place).noted)


def test_after_the_grace_operators_find_it_in_a_list_and_nothing_goes_by_itself(either: Town) -> None:
    place, _ = either.owned(expires="2023-12-01")

    def deletable() -> list[str]:
        return [each["id"] for each in either.call("GET", "/projects", query="state=deletable").json["projects"]]

    either.days(18)
    assert (either.project(place)["state"], deletable()) == ("archived", [])
    either.days(14)
    assert (either.project(place)["state"], deletable()) == ("deletable", [place])
    assert either.notices(place)[-1] == "deletable"
    either.days(300)
    assert either.project(place)["state"] == "deletable"
    assert either.world.call("DELETE", f"{V3}/projects/{place}", token=either.admin).status == 204
    either.world.settle(60)
    assert deletable() == []
    assert either.call("GET", f"/projects/{place}").status == 404


def test_it_goes_by_itself_only_where_the_operator_said_so(db: Database, tmp_path: Path) -> None:
    town = Town(db, tmp_path, expiry_delete=True, expiry_grace_days=2)
    place, _ = town.owned(expires="2023-12-01")
    town.days(18)
    assert town.project(place)["state"] == "archived"
    town.days(2)
    town.world.settle(120)
    assert town.call("GET", f"/projects/{place}").status == 404
    assert why(town, place) == work.Note()


def test_a_manager_archives_and_an_operator_restores(either: Town) -> None:
    place, ada = either.owned()
    web = server(either, ada)
    archive = {"archive": {"reason": "Done with it."}}
    answer = either.call("POST", f"/projects/{place}/archive", archive, token=ada)
    assert (answer.status, answer.json["project"]["state"]) == (200, "archived")
    assert not either.opens(ada), "at once"
    either.world.loop.run_due(1)
    either.world.settle(300)
    assert status(either, web) == "SHUTOFF"
    assert either.call("POST", f"/projects/{place}/archive", archive).status == 409
    restore = {"restore": {"expires": None}}
    assert either.call("POST", f"/projects/{place}/restore", restore, token=either.login("ada")).status == 403
    assert either.call("POST", f"/projects/{place}/restore", restore).json["project"]["state"] == "active"
    assert either.call("POST", f"/projects/{place}/restore", restore).status == 409
    again = either.login("ada", "tower")
    assert not either.opens(ada), "tokens of before stay dead"
    either.world.settle(60)
    assert status(either, web) == "SHUTOFF", "its owner starts it"
    start = either.world.call("POST", f"/compute/v2.1/servers/{web}/action", {"os-start": None}, token=again)
    assert start.status == 202
    either.world.settle(4000)
    assert status(either, web) == "ACTIVE"


def test_what_is_being_stopped_is_said(town: Town) -> None:
    place, ada = town.owned()
    server(town, ada)
    town.call("POST", f"/projects/{place}/archive", {"archive": {}}, token=ada)
    found = town.cloud.croft.loop.reconcilers["tenancy.life"].reconcile(place)
    assert found == work.Wait("1 server is being stopped: server web.", 5)


def test_an_archived_project_stays_closed_until_it_is_restored(town: Town) -> None:
    place, ada = town.owned()
    town.call("POST", f"/projects/{place}/archive", {"archive": {}}, token=ada)
    town.world.settle(30)
    patch = {"project": {"enabled": True}}
    assert town.world.call("PATCH", f"{V3}/projects/{place}", patch, token=town.admin).status == 200
    town.days(1)
    assert not town.project(place)["enabled"]


def test_more_time_is_asked_for_and_given(either: Town) -> None:
    place, ada = either.owned(expires="2023-12-20")
    either.days(10)
    assert either.notices(place) == ["expires-30"]
    id = either.asked(ada, kind="extension", expires="2024-12-20")
    assert either.decide(id).status == 200
    either.days(60)
    assert either.project(place)["expires_at"] == "2024-12-20T00:00:00Z"
    assert (either.project(place)["state"], either.notices(place)) == ("active", ["expires-30"])


def test_time_given_to_an_expired_project_opens_it_again(either: Town) -> None:
    place, ada = either.owned(expires="2023-12-01")
    either.days(20)
    assert either.project(place)["state"] == "archived"
    eve = either.user("eve")
    assert either.ask(eve, kind="extension", expires="2024-12-01", project_id=place).status == 404
    id = either.asked(either.login("ada"), kind="extension", expires="2024-12-01", project_id=place)
    assert either.decide(id).status == 200
    found = either.project(place)
    assert (found["state"], found["enabled"]) == ("active", True)
    either.days(1)
    assert either.project(place)["state"] == "active"
    assert not either.opens(ada)


def test_an_operator_gives_and_takes_time(town: Town) -> None:
    place, ada = town.owned()
    assert town.project(place, ada)["expires_at"] is None
    town.expire(place, "2023-12-31")
    assert town.project(place, ada)["expires_at"] == "2023-12-31T00:00:00Z"
    town.expire(place, None)
    town.days(100)
    assert town.project(place)["state"] == "active"
    for wrong in ("yesterday", "2020-01-01", 7, "2023-11-14"):
        assert town.call("PATCH", f"/projects/{place}", {"project": {"expires": wrong}}).status == 400
    assert town.call("PATCH", f"/projects/{place}", {"project": {}}).status == 400


def test_other_peoples_projects_have_no_life(town: Town) -> None:
    place, ada = town.owned()
    _, eve = town.owned("eve", "palace")
    for method, path, body in (
        ("GET", f"/projects/{place}", None),
        ("POST", f"/projects/{place}/archive", {"archive": {}}),
    ):
        assert town.call(method, path, body, token=eve).status == 404
    assert town.call("GET", "/notices", token=eve, query=f"project_id={place}").status == 404
    for method, path, body in (
        ("GET", "/projects", None),
        ("PATCH", f"/projects/{place}", {"project": {"expires": None}}),
        ("POST", f"/projects/{place}/restore", {"restore": {"expires": None}}),
    ):
        assert town.call(method, path, body, token=ada).status == 403
    assert town.call("GET", "/projects", query="state=lost").status == 400
    assert town.call("GET", f"/projects/{'0' * 32}").status == 404


def test_lists_come_in_pages(town: Town) -> None:
    places = sorted(town.owned(name, name, expires="2030-01-01")[0] for name in ("ada", "bob", "eve"))
    seen: list[str] = []
    query = "limit=2&state=active"
    while query:
        page: Any = town.call("GET", "/projects", query=query).json
        seen += [each["id"] for each in page["projects"]]
        query = (page["links"]["next"] or "").partition("?")[2]
    assert seen == places


def test_an_immutable_project_is_not_archived(town: Town) -> None:
    place, ada = town.owned()
    patch = {"project": {"options": {"immutable": True}}}
    town.world.call("PATCH", f"{V3}/projects/{place}", patch, token=town.admin)
    assert town.call("POST", f"/projects/{place}/archive", {"archive": {}}, token=ada).status == 409


def life(expires: int | None, archived: int | None = None) -> Life:
    return Life("p", 1, 1, expires, archived, "")


@pytest.mark.parametrize(
    ("left", "kind", "again"),
    [
        (40 * DAY, None, 10 * DAY),
        (30 * DAY, "expires-30", 16 * DAY),
        (20 * DAY, "expires-30", 6 * DAY),
        (14 * DAY, "expires-14", 11 * DAY),
        (3 * DAY, "expires-3", 3 * DAY),
        (1, "expires-3", 1),
    ],
)
def test_the_tightest_notice_counts(left: int, kind: str | None, again: int) -> None:
    found = step(life(START + left), "tower", frozenset(), START, Settings())
    assert (found.notice[0] if found.notice else None, found.again, found.expire) == (kind, again, False)
    if kind:
        assert step(life(START + left), "t", frozenset({(kind, START + left)}), START, Settings()).notice is None


def test_steps_at_and_after_the_end() -> None:
    assert step(life(None), "t", frozenset(), START, Settings()) == Step()
    assert step(life(START), "t", frozenset(), START, Settings()) == Step(expire=True)
    assert step(life(START + DAY, START), "t", frozenset(), START, Settings()) == Step(), "archived by hand before"
    assert step(life(START, START), "t", frozenset(), START + DAY, Settings()).again == 13 * DAY
    over = step(life(START, START), "t", frozenset(), START + 14 * DAY, Settings(delete_expired=True))
    assert (over.delete, over.notice and over.notice[0]) == (True, "deletable")
    assert [
        state(each, START + 14 * DAY, 14 * DAY) for each in (None, life(START), life(None, START), life(START, START))
    ] == [
        "active",
        "active",
        "archived",
        "deletable",
    ]


def test_more_time_given_at_the_last_moment_counts(town: Town) -> None:
    place, ada = town.owned(expires="2023-12-01")
    reconciler: Any = town.cloud.croft.loop.reconcilers["tenancy.life"]
    with town.world.db.read() as tx:
        project, before = find_project(tx, place), lives.any_life(tx, place)
    town.expire(place, "2024-12-01")
    town.world.clock.advance(20 * DAY)  # type: ignore[attr-defined]
    assert reconciler.calendar.expire(project, before) == before
    assert town.opens(ada)


def test_a_project_with_others_below_it_is_not_deleted_by_time(sqlite_db: Database, tmp_path: Path) -> None:
    town = Town(sqlite_db, tmp_path, expiry_delete=True)
    place, _ = town.owned(expires="2023-12-01")
    below = {"project": {"name": "cellar", "parent_id": place}}
    child = town.world.call("POST", f"{V3}/projects", below, token=town.admin).json["project"]["id"]
    town.days(17)
    town.days(15)
    assert (town.project(place)["state"], town.project(child)["state"]) == ("deletable", "archived")
    assert town.world.call("DELETE", f"{V3}/projects/{child}", token=town.admin).status == 204
    town.days(1)
    town.world.settle(120)
    assert town.call("GET", f"/projects/{place}").status == 404


def test_operators_read_the_notices_of_all_and_managers_their_own(town: Town) -> None:
    places = [town.owned(name, name, expires="2023-12-01")[0] for name in ("ada", "bob", "eve")]
    town.world.settle(10)
    found, query = [], "limit=2"
    while query:
        page = town.call("GET", "/notices", query=query).json
        found += [each["project_id"] for each in page["notices"]]
        query = (page["links"]["next"] or "").partition("?")[2]
    assert sorted(found) == sorted(places)
    ada = town.login("ada", "ada")
    assert [each["project_id"] for each in town.call("GET", "/notices", token=ada).json["notices"]] == places[:1]


def test_why_says_what_is_wanted_and_told(town: Town) -> None:
    place, _ = town.owned(expires="2023-12-01")
    town.world.settle(10)
    found = town.world.call("GET", f"/operations/v1/work/{place}", token=town.admin).json["work"]
    (life,) = [each for each in found if each["kind"] == "tenancy.life"]
    assert life["want"] == {"archived": False, "expires": "2023-12-01", "why": ""}
    assert life["have"] == {"enabled": True, "notices": [["expires-30", "2023-12-01T00:00:00Z"]]}


def test_a_restored_project_keeps_its_end_but_not_one_that_is_over(either: Town) -> None:
    place, ada = either.owned(expires="2024-06-01")
    either.call("POST", f"/projects/{place}/archive", {"archive": {}}, token=ada)
    assert either.call("POST", f"/projects/{place}/restore", {"restore": {}}).status == 200
    assert either.project(place)["expires_at"] == "2024-06-01T00:00:00Z"
    either.days(210)
    refused = either.call("POST", f"/projects/{place}/restore", {"restore": {}})
    assert (refused.status, "expired on 2024-06-01" in refused.json["error"]["message"]) == (409, True)
    answer = either.call("POST", f"/projects/{place}/restore", {"restore": {"expires": "2026-01-01"}})
    assert answer.json["project"]["state"] == "active"
    either.days(1)
    assert either.project(place)["state"] == "active"


def test_the_audit_knows_what_time_did(town: Town) -> None:
    place, _ = town.owned(expires="2023-12-01")
    town.world.settle(10)
    town.days(20)
    found = town.world.call("GET", "/operations/v1/audit", token=town.admin, query=f"target={place}").json["audit"]
    done = [(each["action"], each["user_id"], each["name"]) for each in found if "life" in each["action"]]
    assert done == [
        ("tenancy.life.expire", "croft", "tower: archived"),
        ("tenancy.life.expire", "croft", "tower: expires-30"),
    ]


def test_what_lies_below_an_archived_project_is_archived_too(either: Town) -> None:
    place, ada = either.owned()
    below = {"project": {"name": "cellar", "parent_id": place}}
    child = either.world.call("POST", f"{V3}/projects", below, token=either.admin).json["project"]["id"]
    assert either.call("POST", f"/projects/{place}/archive", {"archive": {}}, token=ada).status == 200
    found = either.project(child)
    assert (found["state"], found["enabled"], found["reason"]) == ("archived", False, "tower above it is archived.")
    refused = either.call("POST", f"/projects/{child}/restore", {"restore": {}})
    assert (refused.status, "tower above it is disabled" in refused.json["error"]["message"]) == (403, True)
    for id in (place, child):
        assert either.call("POST", f"/projects/{id}/restore", {"restore": {}}).json["project"]["enabled"]


def test_where_members_own_their_project_they_end_it(sqlite_db: Database, tmp_path: Path) -> None:
    town = Town(sqlite_db, tmp_path, owner_role="member")
    place, ada = town.owned()
    assert town.ask(ada, kind="quota", quota={"cores": 1}).status == 201
    assert town.call("POST", f"/projects/{place}/archive", {"archive": {}}, token=ada).status == 200
