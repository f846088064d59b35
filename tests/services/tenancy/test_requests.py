"""Asking for a project, for quota or for time; the review; the decision and what follows from it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from croft.core.db import Database
from tests.services.tenancy.town import V3, Town


def test_who_has_no_project_asks_for_one_and_gets_it(either: Town) -> None:
    ada, bob = either.user("ada"), either.user("bob")
    asked = either.ask(ada, quota={"cores": 40, "network.floatingip": 2}, co_owners=["bob"], expires="2030-01-31")
    assert asked.status == 201
    request = asked.json["request"]
    assert (request["status"], request["project_id"], request["project_state"]) == ("open", None, "wanted")
    assert request["quota"] == {"compute.cores": 40, "network.floatingip": 2}
    answer = either.decide(request["id"], comment="Welcome.")
    assert answer.status == 200
    done = answer.json["request"]
    assert (done["status"], done["project_state"], done["expires_at"]) == ("approved", "active", "2030-01-31T00:00:00Z")
    assert [each["text"] for each in done["comments"]] == ["Welcome."]
    for name in ("ada", "bob"):
        token = either.login(name, "tower")
        limits = either.world.call("GET", "/compute/v2.1/limits", token=token).json["limits"]["absolute"]
        assert limits["maxTotalCores"] == 40
        roles = either.world.call("GET", f"{V3}/role_assignments", token=token)
        assert roles.status == 200, "they are managers"
    assert either.project(done["project_id"])["slug"] == "tower"
    assert either.call("GET", f"/requests/{request['id']}", token=ada).json["request"] == done
    assert either.call("GET", f"/requests/{request['id']}", token=bob).status == 404, "a co-owner did not ask"
    either.world.settle(10)
    group = either.world.call("GET", "/network/v2.0/security-groups", token=either.login("ada", "tower")).json
    assert len(group["security_groups"][0]["security_group_rules"]) > 4, "and the project begins as any other"


def test_reviewers_may_grant_something_else(either: Town) -> None:
    id = either.asked(either.user("ada"), quota={"compute.cores": 400}, co_owners=["nobody"], expires="2040-01-01")
    refused = either.decide(id)
    assert refused.status == 409
    assert "no user nobody" in refused.json["error"]["message"]
    answer = either.decide(id, name="Tower of Ada", quota={"cores": 20, "ram": -1}, co_owners=[], expires=None)
    found = answer.json["request"]
    assert (found["name"], found["quota"], found["expires_at"]) == (
        "Tower of Ada",
        {"compute.cores": 20, "compute.ram": -1},
        None,
    )
    assert either.login("ada", "Tower of Ada")


def test_declining_takes_a_reason_and_ends_it(either: Town) -> None:
    ada = either.user("ada")
    id = either.asked(ada)
    assert either.decide(id, "decline").status == 400
    assert either.decide(id, "decline", reason=" ").status == 400
    declined = either.decide(id, "decline", reason="Use an existing one.").json["request"]
    assert (declined["status"], declined["reason"]) == ("declined", "Use an existing one.")
    for verb, words in (("approve", {}), ("decline", {"reason": "again"})):
        again = either.decide(id, verb, **words)
        assert (again.status, "declined already" in again.json["error"]["message"]) == (409, True)
    assert either.call("POST", f"/requests/{id}/withdraw", token=ada).status == 409


def test_what_cannot_be_done_leaves_the_request_open(either: Town) -> None:
    ada = either.user("ada")
    id = either.asked(ada, name="demo")
    assert either.decide(id).status == 409, "the name is taken"
    shown = either.call("GET", f"/requests/{id}", token=ada).json["request"]
    assert (shown["status"], shown["comments"]) == ("open", [])
    assert either.decide(id, name="demo of ada").status == 200


def test_requester_and_reviewers_talk(town: Town) -> None:
    ada, eve = town.user("ada"), town.user("eve")
    id = town.asked(ada)
    words = {"comment": {"text": "Why not an existing one?"}}
    assert town.call("POST", f"/requests/{id}/comments", words).status == 201
    answer = town.call("POST", f"/requests/{id}/comments", {"comment": {"text": "It is full."}}, token=ada)
    assert [(each["user_name"], each["text"]) for each in answer.json["request"]["comments"]] == [
        ("admin", "Why not an existing one?"),
        ("ada", "It is full."),
    ]
    assert town.call("POST", f"/requests/{id}/comments", words, token=eve).status == 404


def test_people_see_their_own_requests_and_operators_all(town: Town) -> None:
    ada, eve = town.user("ada"), town.user("eve")
    first, second = town.asked(ada), town.asked(ada, name="spire")
    assert town.call("POST", f"/requests/{first}/withdraw", token=eve).status == 404
    assert town.call("POST", f"/requests/{first}/withdraw").status == 403, "operators decline"
    assert town.call("POST", f"/requests/{first}/withdraw", token=ada).json["request"]["status"] == "withdrawn"

    def ids(token: str, query: str = "") -> list[str]:
        return [each["id"] for each in town.call("GET", "/requests", token=token, query=query).json["requests"]]

    assert ids(ada) == [second, first]
    assert ids(eve) == []
    assert ids(town.admin) == [second, first]
    assert ids(town.admin, "status=open") == [second]
    assert ids(eve, f"user_id={town.id_of('ada')}") == []
    assert ids(town.admin, "kind=quota") == []
    page = town.call("GET", "/requests", query="limit=1").json
    assert [each["id"] for each in page["requests"]] == [second]
    following = page["links"]["next"].partition("?")[2]
    assert ids(town.admin, following) == [first]
    assert town.call("GET", "/requests", query="status=lost").status == 400


def test_a_reviewers_role_decides_but_not_about_its_own(db: Database, tmp_path: Path) -> None:
    town = Town(db, tmp_path, reviewer_role="reviewer")
    role = town.world.call("POST", f"{V3}/roles", {"role": {"name": "reviewer"}}, token=town.admin).json["role"]["id"]
    place, _ = town.owned("rita", "jury")
    put = f"{V3}/projects/{place}/users/{town.id_of('rita')}/roles/{role}"
    assert town.world.call("PUT", put, token=town.admin).status == 204
    rita, ada = town.login("rita", "jury"), town.user("ada")
    id, own = town.asked(ada), town.asked(rita, name="palace")
    assert town.decide(own, token=rita).status == 403
    assert town.decide(id, token=ada).status == 403
    assert town.decide(id, token=town.login("rita")).status in {403, 404}, "a token without the role"
    assert town.decide(id, token=rita, comment="Fine.").json["request"]["status"] == "approved"


def test_owners_ask_for_quota(either: Town) -> None:
    _, ada = either.owned()
    id = either.asked(ada, kind="quota", quota={"compute.instances": 33})
    assert either.decide(id).status == 200
    limits = either.world.call("GET", "/compute/v2.1/limits", token=ada).json["limits"]["absolute"]
    assert limits["maxTotalInstances"] == 33


def test_others_ask_nothing_for_a_project(town: Town) -> None:
    place, ada = town.owned()
    eve = town.user("eve")
    for token, project in ((eve, place), (eve, "0" * 32), (town.login("ada"), "0" * 32)):
        answer = town.ask(token, kind="quota", quota={"cores": 1}, project_id=project)
        assert answer.status == 404
    assert town.ask(eve, kind="quota", quota={"cores": 1}).status == 404, "an unscoped token names no project"
    reader = town.world.call("GET", f"{V3}/roles", token=town.admin, query="name=member").json["roles"][0]["id"]
    put = f"{V3}/projects/{place}/users/{town.id_of('eve')}/roles/{reader}"
    assert town.world.call("PUT", put, token=town.admin).status == 204
    assert town.ask(town.login("eve", "tower"), kind="quota", quota={"cores": 1}).status == 404, "members are no owners"
    assert town.ask(ada, kind="quota", quota={"cores": 1}, project_id=place).status == 201


def test_requests_about_a_project_end_with_it(town: Town) -> None:
    place, ada = town.owned()
    id = town.asked(ada, kind="quota", quota={"cores": 1})
    town.world.call("POST", "/network/v2.0/networks", {"network": {"name": "blue"}}, token=ada)
    town.world.settle(10)
    assert town.world.call("DELETE", f"{V3}/projects/{place}", token=town.admin).status == 204
    assert town.decide(id).status == 409
    town.world.loop.run_due(1)
    shown = town.call("GET", f"/requests/{id}").json["request"]
    assert (shown["project_state"], shown["project_message"]) == (
        "leaving",
        "1 network, 1 security group are being deleted: network blue, security group default.",
    )
    town.world.settle(60)
    shown = town.call("GET", f"/requests/{id}").json["request"]
    assert (shown["status"], shown["reason"], shown["project_state"]) == (
        "withdrawn",
        "The project is deleted.",
        "gone",
    )


def test_nobody_floods_the_reviewers(either: Town) -> None:
    ada = either.user("ada")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: either.ask(ada, name=f"tower{number}").status, range(8)))
    assert sorted(answers) == [201] * 5 + [403] * 3


def outcome(town: Town, id: str, word: tuple[str, dict[str, str]]) -> int:
    return town.decide(id, word[0], **word[1]).status


def test_one_request_is_decided_once(either: Town) -> None:
    ada = either.user("ada")
    for number in range(4):
        id = either.asked(ada)
        words: list[tuple[str, dict[str, str]]] = [
            ("approve", {"name": f"tower-{number}"}),
            ("decline", {"reason": "no"}),
        ] * 2
        with ThreadPoolExecutor(4) as pool:
            decided = list(pool.map(partial(outcome, either, id), words))
        assert sorted(decided) == [200, 409, 409, 409]


def test_the_audit_knows_who_decided(town: Town) -> None:
    place, ada = town.owned()
    entries = town.world.call("GET", "/operations/v1/audit", token=ada).json["audit"]
    assert [each["action"] for each in entries if each["target"] == place] == ["tenancy.request.decide"]


BAD: list[dict[str, Any]] = [
    {"kind": "domain"},
    {"name": ""},
    {"name": " \t"},
    {"name": "x" * 65},
    {"name": "a\x00b"},
    {"name": 7},
    {"purpose": ""},
    {"purpose": "x" * 4001},
    {"quota": {"gold": 1}},
    {"quota": {"cores": -1}},
    {"quota": {"cores": 1 << 31}},
    {"quota": {"cores": 1.5}},
    {"quota": {"cores": "many"}},
    {"quota": {f"q{number}": 1 for number in range(101)}},
    {"co_owners": ["x"] * 21},
    {"co_owners": ["x" * 256]},
    {"co_owners": "ada"},
    {"expires": "tomorrow"},
    {"expires": "2001-01-01"},
    {"expires": "9999-12-31"},
    {"expires": "2030-01-01T00:00:00+99:99"},
    {"project_id": "0" * 32},
    {"domain_id": "default"},
    {"status": "approved"},
    {"user_id": "someone"},
    {"kind": "quota"},
    {"kind": "quota", "quota": {}},
    {"kind": "extension"},
    {"kind": "extension", "quota": {"cores": 1}},
]


@pytest.mark.parametrize("wrong", BAD, ids=lambda wrong: str(wrong)[:60])
def test_what_makes_no_sense_is_refused(town: Town, wrong: dict[str, Any]) -> None:
    body = {"kind": "project", "name": "tower", "purpose": "To grow."} | wrong
    if body["kind"] in {"quota", "extension"}:
        del body["name"]
    answer = town.call("POST", "/requests", {"request": body}, token=town.user("ada"))
    assert answer.status == 400, answer.body
    assert town.call("GET", "/requests").json["requests"] == []


def test_odd_texts_come_back_as_they_were(either: Town) -> None:
    ada = either.user("ada")
    text = "\u202e'; DROP TABLE work; -- <script>alert(1)</script> 😀 {{7*7}}"
    id = either.asked(ada, purpose=text, name=text[1:])
    assert either.call("GET", f"/requests/{id}", token=ada).json["request"]["purpose"] == text
    assert either.decide(id, comment=text).status == 200


def test_comments_are_bounded(town: Town) -> None:
    id = town.asked(town.user("ada"))
    answers = [town.call("POST", f"/requests/{id}/comments", {"comment": {"text": "x"}}).status for _ in range(201)]
    assert answers == [201] * 200 + [403]


def test_auditors_of_the_system_read_everything_and_decide_nothing(town: Town) -> None:
    id = town.asked(town.user("ada"))
    town.user("olga")
    role = town.world.call("GET", f"{V3}/roles", token=town.admin, query="name=reader").json["roles"][0]["id"]
    put = f"{V3}/system/users/{town.id_of('olga')}/roles/{role}"
    assert town.world.call("PUT", put, token=town.admin).status == 204
    user = {"name": "olga", "domain": {"id": "default"}, "password": "secret-olga"}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"system": {"all": True}}}
    olga = town.world.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None).headers["x-subject-token"]
    assert [each["id"] for each in town.call("GET", "/requests", token=olga).json["requests"]] == [id]
    assert town.call("GET", "/projects", token=olga).status == 200
    assert town.decide(id, token=olga).status == 403
    assert town.call("POST", f"/requests/{id}/comments", {"comment": {"text": "x"}}, token=olga).status == 403
    assert town.decide(id, "decline", token=olga, reason="no").status == 403


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda town: town.world.call("DELETE", f"{V3}/users/{town.id_of('ada')}", token=town.admin), "no user"),
        (lambda town: town.cloud.croft._tenancy.__dict__.update(owner_role="lost"), "no role lost"),
    ],
)
def test_an_approval_that_cannot_be_carried_out_says_why(town: Town, prepare: Any, says: str) -> None:
    id = town.asked(town.user("ada"))
    prepare(town)
    answer = town.decide(id)
    assert (answer.status, says in answer.json["error"]["message"]) == (409, True)
    assert town.call("GET", f"/requests/{id}").json["request"]["status"] == "open"


def test_a_domain_that_is_gone_gets_no_project(town: Town) -> None:
    domain = town.world.call("POST", f"{V3}/domains", {"domain": {"name": "empire"}}, token=town.admin).json["domain"]
    wish = {"user": {"name": "zoe", "password": "secret-zoe", "domain_id": domain["id"]}}
    assert town.world.call("POST", f"{V3}/users", wish, token=town.admin).status == 201
    user = {"name": "zoe", "domain": {"id": domain["id"]}, "password": "secret-zoe"}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    zoe = town.world.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None).headers["x-subject-token"]
    ids = [town.asked(zoe, name=name) for name in ("one", "two")]
    made = town.decide(ids[0]).json["request"]["project_id"]
    shown = town.world.call("GET", f"{V3}/projects/{made}", token=town.admin).json["project"]
    assert shown["domain_id"] == domain["id"], "a project lies in its requester's domain"
    off = {"domain": {"enabled": False}}
    town.world.call("PATCH", f"{V3}/domains/{domain['id']}", off, token=town.admin)
    assert town.world.call("DELETE", f"{V3}/domains/{domain['id']}", token=town.admin).status == 204
    assert town.decide(ids[1]).status == 409
