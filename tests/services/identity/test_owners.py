"""Owners run their project without an operator, and by no path anything more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from croft.core.db import Database
from tests.services.identity.house import V3, House, project_scope
from tests.world import Answer


class Town:
    """Ada is the one manager of `tower`, bob a member of it, cid of nothing; dora manages the domain."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ada, self.tower = house.resident("ada", "manager", "tower")
        self.bob, self.cid, self.dora = (house.made("user", name=name)["id"] for name in ("bob", "cid", "dora"))
        house.grant(self.bob, "member", self.tower)
        house.grant(self.dora, "manager", "default", where="domains")
        self.shed = house.made("project", name="shed")["id"]

    def token(self, name: str = "ada", project: str = "") -> str:
        return self.house.login(name, scope=project_scope(project or self.tower))

    def warden(self) -> str:
        return self.house.login("dora", scope={"domain": {"id": "default"}})

    def seat(self, user: str, role: str, place: str = "", who: str = "users") -> str:
        return f"/projects/{place or self.tower}/{who}/{user}/roles/{self.house.role(role)}"

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Answer:
        return self.house.ask(method, path, body, token=token or self.token())

    def status(self, method: str, path: str, body: Any = None, token: str = "") -> int:
        return self.ask(method, path, body, token).status


@pytest.fixture
def town(house: House) -> Town:
    return Town(house)


@pytest.fixture
def both(either: House) -> Town:
    return Town(either)


def test_an_owner_finds_people_gives_them_roles_and_takes_them_away(both: Town) -> None:
    found = both.ask("GET", "/users?name=cid").json["users"]
    assert [each["id"] for each in found] == [both.cid]
    for role in ("reader", "member", "manager"):
        assert both.status("PUT", both.seat(both.cid, role)) == 204
    token = both.token("cid")
    listed = both.ask("GET", f"/role_assignments?scope.project.id={both.tower}", token=token).json["role_assignments"]
    assert {each["user"]["id"] for each in listed} == {both.ada, both.bob, both.cid}
    for role in ("reader", "member", "manager"):
        assert both.house.valid(token)
        assert both.status("DELETE", both.seat(both.cid, role)) == 204
    assert not both.house.valid(token)


def test_nobody_gives_or_takes_more_than_they_hold(town: Town) -> None:
    house = town.house
    own = house.made("role", name="own")["id"]
    group = house.made("group", name="group")["id"]
    house.grant(town.bob, "admin", town.tower)
    for role in ("admin", "service", "own"):
        for user in (town.ada, town.cid):
            assert town.status("PUT", town.seat(user, role)) == 403
    assert town.status("DELETE", town.seat(town.bob, "admin")) == 403
    member = house.role("member")
    for path in (
        town.seat(group, "member", who="groups"),
        f"/OS-INHERIT/projects/{town.tower}/users/{town.cid}/roles/{member}/inherited_to_projects",
        f"/system/users/{town.ada}/roles/{member}",
        f"/groups/{group}/users/{town.ada}",
        f"/roles/{member}/implies/{own}",
    ):
        assert town.status("PUT", path) == 403, path
    for path in (town.seat(town.ada, "member", town.shed), f"/domains/default/users/{town.ada}/roles/{member}"):
        assert town.status("PUT", path) == 404, path
    for role in ("reader", "member", "manager"):
        assert town.status("PUT", town.seat(town.cid, role), token=town.token("bob")) in {204, 403}


def test_a_member_runs_nothing(town: Town) -> None:
    token = town.token("bob")
    for method, path in (
        ("PUT", town.seat(town.bob, "manager")),
        ("PUT", town.seat(town.cid, "reader")),
        ("DELETE", town.seat(town.ada, "manager")),
        ("GET", f"/role_assignments?scope.project.id={town.tower}"),
        ("GET", "/users?name=cid"),
    ):
        assert town.status(method, path, token=token) == 403, path
    wish = {"project": {"name": "low", "parent_id": town.tower}}
    assert town.status("POST", "/projects", wish, token) == 403


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "mine"},
        {"enabled": False},
        {"domain_id": "default"},
        {"parent_id": None},
        {"is_domain": True},
        {"options": {"immutable": True}},
        {"tags": ["x"]},
        {"slug": "x"},
    ],
)
def test_an_owner_changes_nothing_of_the_project_itself(town: Town, wish: dict[str, Any]) -> None:
    before = town.house.ask("GET", f"/projects/{town.tower}").json
    for place in (town.tower, town.shed):
        assert town.status("PATCH", f"/projects/{place}", {"project": wish}) in {400, 403}
    assert town.house.ask("GET", f"/projects/{town.tower}").json == before


class TestLent:
    """What was handed on is neither handed on further nor made into something that stays."""

    def credential(self, town: Town, token: str = "", **wish: Any) -> Answer:
        body = {"application_credential": {"name": "robot", "secret": "secret", **wish}}
        return town.ask("POST", f"/users/{town.ada}/application_credentials", body, token)

    def robot(self, town: Town, **wish: Any) -> str:
        made = self.credential(town, **wish)
        assert made.status == 201, made.body
        id = made.json["application_credential"]["id"]
        identity = {"methods": ["application_credential"], "application_credential": {"id": id, "secret": "secret"}}
        answer = town.house.call("POST", f"{V3}/auth/tokens", {"auth": {"identity": identity}}, token=None)
        return str(answer.headers["x-subject-token"])

    def trusted(self, town: Town, impersonation: bool) -> str:
        wish = {"trustor_user_id": town.ada, "trustee_user_id": town.cid, "project_id": town.tower}
        trust = wish | {"impersonation": impersonation, "roles": [{"name": "manager"}]}
        id = town.ask("POST", "/OS-TRUST/trusts", {"trust": trust}).json["trust"]["id"]
        return town.house.login("cid", scope={"OS-TRUST:trust": {"id": id}})

    @pytest.mark.parametrize("kind", ["credential", "trust", "impersonating trust"])
    def test_it_gives_no_roles_and_makes_no_projects(self, town: Town, kind: str) -> None:
        token = self.robot(town) if kind == "credential" else self.trusted(town, kind != "trust")
        for method, user, role in (
            ("PUT", town.cid, "manager"),
            ("PUT", town.ada, "reader"),
            ("DELETE", town.bob, "member"),
        ):
            assert town.status(method, town.seat(user, role), token=token) == 403
        wish = {"project": {"name": "low", "parent_id": town.tower}}
        assert town.status("POST", "/projects", wish, token) == 403
        assert self.credential(town, token, name="second").status in {403, 404}
        trust = {"trustor_user_id": town.ada, "trustee_user_id": town.bob, "project_id": town.tower}
        more = {"impersonation": True, "roles": [{"name": "manager"}]}
        assert town.status("POST", "/OS-TRUST/trusts", {"trust": trust | more}, token) == 403
        assert town.status("GET", f"/projects/{town.shed}", token=token) == 404

    def test_an_unrestricted_one_hands_on_no_more_than_it_got(self, town: Town) -> None:
        town.house.grant(town.ada, "manager", town.shed)
        token = self.robot(town, roles=[{"name": "member"}], unrestricted=True)
        assert town.status("PUT", town.seat(town.cid, "reader"), token=token) == 403
        assert self.credential(town, token, name="more", roles=[{"name": "manager"}]).status == 400
        every = self.credential(town, token, name="all")
        assert {each["name"] for each in every.json["application_credential"]["roles"]} == {"member", "reader"}
        trust = {"trustor_user_id": town.ada, "trustee_user_id": town.cid, "impersonation": False}
        for place, role, status in (
            (town.tower, "manager", 400),
            (town.shed, "member", 404),
            (town.tower, "member", 201),
        ):
            wish = trust | {"project_id": place, "roles": [{"name": role}]}
            assert town.status("POST", "/OS-TRUST/trusts", {"trust": wish}, token) == status

    def test_one_bound_to_access_rules_makes_none_without(self, town: Town) -> None:
        rules = [{"service": "identity", "method": method, "path": "/v3/**"} for method in ("GET", "POST", "DELETE")]
        token = self.robot(town, unrestricted=True, access_rules=rules)
        assert town.status("GET", f"/users/{town.ada}/application_credentials", token=token) == 200
        assert self.credential(town, token, name="free").status == 403

    def test_it_ends_with_the_role_it_came_from(self, town: Town) -> None:
        town.house.grant(town.bob, "manager", town.tower)
        tokens = [self.robot(town), self.trusted(town, impersonation=True), self.trusted(town, impersonation=False)]
        assert town.status("DELETE", town.seat(town.ada, "manager"), token=town.token("bob")) == 204
        assert [town.house.valid(token) for token in tokens] == [False] * 3


Change = Callable[[Town], tuple[str, str, Any]]
LAST: dict[str, Change] = {
    "role taken": lambda town: ("DELETE", town.seat(town.ada, "manager"), None),
    "user disabled": lambda town: ("PATCH", f"/users/{town.ada}", {"user": {"enabled": False}}),
    "user deleted": lambda town: ("DELETE", f"/users/{town.ada}", None),
}


class TestTheLastOwner:
    @pytest.mark.parametrize("way", LAST)
    def test_it_stays_unless_an_operator_says_so(self, both: Town, way: str) -> None:
        method, path, body = LAST[way](both)
        tokens = [both.warden()] + ([both.token()] if way == "role taken" else [])
        for token in tokens:
            answer = both.ask(method, path, body, token)
            assert answer.status == 409
            assert "Make somebody else manager there first, or ask an operator" in answer.json["error"]["message"]
        assert both.status("PUT", both.seat(both.bob, "manager")) == 204
        assert both.status(method, path, body, both.warden()) in {200, 204}
        assert both.house.ask("DELETE", both.seat(both.bob, "manager")).status == 204

    def test_one_who_cannot_log_in_is_none(self, town: Town) -> None:
        assert town.status("PUT", town.seat(town.bob, "manager")) == 204
        assert town.house.ask("PATCH", f"/users/{town.bob}", {"user": {"enabled": False}}).status == 200
        assert town.status("DELETE", town.seat(town.ada, "manager")) == 409
        assert town.status("DELETE", town.seat(town.bob, "manager")) == 204, "no owner is lost with it"

    def test_a_group_counts_by_who_is_in_it(self, both: Town) -> None:
        house = both.house
        group = house.made("group", name="group")["id"]
        warden, seat = both.warden(), both.seat(group, "manager", who="groups")
        assert both.status("PUT", seat, token=warden) == 204
        assert both.status("DELETE", both.seat(both.ada, "manager")) == 409, "nobody is in the group"
        assert both.status("PUT", f"/groups/{group}/users/{both.cid}", token=warden) == 204
        assert both.status("DELETE", both.seat(both.ada, "manager")) == 204
        for method, path, body in (
            ("DELETE", f"/groups/{group}/users/{both.cid}", None),
            ("DELETE", f"/groups/{group}", None),
            ("DELETE", seat, None),
            ("DELETE", f"/users/{both.cid}", None),
            ("PATCH", f"/users/{both.cid}", {"user": {"enabled": False}}),
        ):
            assert both.status(method, path, body, warden) == 409, path
        assert both.status("DELETE", f"/groups/{group}/users/{both.ada}", token=warden) == 404
        assert house.ask("DELETE", f"/groups/{group}").status == 204

    def test_one_from_above_counts(self, town: Town) -> None:
        warden, role = town.warden(), town.house.role("manager")
        from_above = f"/OS-INHERIT/domains/default/users/{town.cid}/roles/{role}/inherited_to_projects"
        assert town.status("PUT", from_above, token=warden) == 204
        assert town.status("DELETE", town.seat(town.ada, "manager"), token=warden) == 204
        assert town.status("DELETE", from_above, token=warden) == 409
        assert town.status("PUT", town.seat(town.ada, "manager"), token=warden) == 204
        assert town.status("DELETE", from_above, token=warden) == 409, "the shed has no other"
        assert town.status("PUT", town.seat(town.ada, "manager", town.shed), token=warden) == 204
        assert town.status("DELETE", from_above, token=warden) == 204

    def test_two_who_remove_each_other_leave_one(self, both: Town) -> None:
        both.house.grant(both.bob, "manager", both.tower)
        for _ in range(5):
            gate = threading.Barrier(2)
            tokens = {both.ada: both.token("bob"), both.bob: both.token("ada")}
            paths = {user: both.seat(user, "manager") for user in tokens}

            def remove(user: str, gate: threading.Barrier = gate, tokens: Any = tokens, paths: Any = paths) -> int:
                gate.wait(30)
                return both.status("DELETE", paths[user], token=tokens[user])

            with ThreadPoolExecutor(2) as pool:
                answers = sorted(pool.map(remove, tokens))
            assert answers in ([204, 401], [204, 403], [204, 409])
            for user in (both.ada, both.bob):
                both.house.grant(user, "manager", both.tower)

    def test_the_ways_count_each_other_too(self, both: Town) -> None:
        """The owner takes bob's role, while the domain's manager disables the owner."""
        for _ in range(5):
            both.house.grant(both.bob, "manager", both.tower)
            both.house.ask("PATCH", f"/users/{both.ada}", {"user": {"enabled": True}})
            gate = threading.Barrier(2)
            ways = [
                ("DELETE", both.seat(both.bob, "manager"), None, both.token()),
                ("PATCH", f"/users/{both.ada}", {"user": {"enabled": False}}, both.warden()),
            ]

            def go(way: Any, gate: threading.Barrier = gate) -> int:
                gate.wait(30)
                return both.status(*way)

            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(go, ways))
            assert answers in ([204, 409], [409, 200], [401, 200]), answers


class TestSubProjects:
    def wish(self, town: Town, name: str = "low", **more: Any) -> dict[str, Any]:
        return {"project": {"name": name, "parent_id": town.tower} | more}

    def test_who_makes_one_owns_it(self, both: Town) -> None:
        made = both.ask("POST", "/projects", self.wish(both, description="d", tags=["t"]))
        assert made.status == 201
        low = made.json["project"]
        assert (low["parent_id"], low["domain_id"], low["description"], low["tags"]) == (
            both.tower,
            "default",
            "d",
            ["t"],
        )
        inside = both.token(project=low["id"])
        assert both.status("PUT", both.seat(both.cid, "member", low["id"]), token=inside) == 204
        assert both.status("PUT", both.seat(both.cid, "member", low["id"])) == 404, "asked from the project above"
        assert both.status("DELETE", both.seat(both.ada, "manager", low["id"]), token=inside) == 409
        listed = both.ask("GET", f"/projects?parent_id={both.tower}").json["projects"]
        assert [each["id"] for each in listed] == [low["id"]]
        assert [each["id"] for each in both.ask("GET", "/projects").json["projects"]] == [both.tower]
        assert both.ask("GET", f"/projects?parent_id={both.shed}").json["projects"] == []

    @pytest.mark.parametrize(
        ("more", "status"),
        [
            ({"parent_id": None}, 403),
            ({"parent_id": "shed"}, 403),
            ({"parent_id": "default"}, 403),
            ({"parent_id": "0" * 32}, 403),
            ({"is_domain": True}, 403),
            ({"domain_id": "foreign"}, 400),
            ({"options": {"immutable": True}}, 403),
            ({"name": "tower"}, 409),
        ],
    )
    def test_nothing_else_comes_with_it(self, town: Town, more: dict[str, Any], status: int) -> None:
        foreign = town.house.made("domain", name="foreign")["id"]
        real = {"shed": town.shed, "foreign": foreign}
        more = {key: real.get(value, value) if isinstance(value, str) else value for key, value in more.items()}
        assert town.status("POST", "/projects", self.wish(town, **more)) == status

    def test_the_tree_has_a_size_and_a_depth(self, sqlite_db: Database) -> None:
        town = Town(House(sqlite_db, sub_projects=6))
        place, depth = town.tower, 0
        while True:
            wish = self.wish(town, f"low {depth}", parent_id=place)
            made = town.ask("POST", "/projects", wish, town.token(project=place))
            if made.status != 201:
                break
            place, depth = made.json["project"]["id"], depth + 1
        assert (made.status, "nest at most" in made.json["error"]["message"]) == (403, True)
        answers = [town.status("POST", "/projects", self.wish(town, f"wide {at}")) for at in range(6)]
        assert answers == [201] * (6 - depth) + [403] * depth

    def test_many_at_once_do_not_outgrow_it(self, db: Database) -> None:
        """From every level of the tree."""
        town = Town(House(db, sub_projects=5))
        places = [
            town.tower,
            *(town.ask("POST", "/projects", self.wish(town, f"p{at}")).json["project"]["id"] for at in "123"),
        ]
        tokens = {place: town.token(project=place) for place in places}
        wishes = [self.wish(town, f"low {at}", parent_id=places[at % 4]) for at in range(12)]

        def ask(wish: dict[str, Any]) -> int:
            return town.status("POST", "/projects", wish, tokens[wish["project"]["parent_id"]])

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, wishes))
        assert sorted(answers) == [201] * 2 + [403] * 10

    def test_an_operator_may_keep_it_to_themselves(self, sqlite_db: Database) -> None:
        town = Town(House(sqlite_db, sub_projects=0))
        assert town.status("POST", "/projects", self.wish(town)) == 403
        assert town.house.ask("POST", "/projects", self.wish(town)).status == 201


class TestOwnerRole:
    def test_members_run_their_project_where_the_setting_says_so(self, sqlite_db: Database) -> None:
        town = Town(House(sqlite_db, owner_role="member"))
        token = town.token("bob")
        assert town.status("PUT", town.seat(town.cid, "member"), token=token) == 204
        assert town.status("GET", f"/users/{town.cid}", token=token) == 200
        assert town.status("PUT", town.seat(town.bob, "manager"), token=token) == 403, "not above their own"
        assert town.status("DELETE", town.seat(town.ada, "manager"), token=token) == 403
        assert town.status("PUT", town.seat(town.cid, "reader"), token=token) == 204
        assert town.house.ask("DELETE", town.seat(town.ada, "manager")).status == 204
        assert town.status("DELETE", town.seat(town.cid, "member"), token=token) == 204
        answer = town.ask("DELETE", town.seat(town.bob, "member"), token=token)
        assert (answer.status, "somebody else member" in answer.json["error"]["message"]) == (409, True)

    def test_another_word_is_refused_at_start(self, sqlite_db: Database) -> None:
        with pytest.raises(ValueError, match="owner_role"):
            House(sqlite_db, owner_role="king")
