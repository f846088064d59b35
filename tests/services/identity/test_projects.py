"""Projects, domains and tags."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.identity.house import DEMO_PASSWORD, House, project_scope


def test_a_project_is_what_was_asked_for(either: House) -> None:
    wish = {"name": "tower", "description": "tall", "tags": ["a", "b"], "enabled": False, "height": 7}
    made = either.made("project", **wish)
    shown = either.ask("GET", f"/projects/{made['id']}").json["project"]
    assert made == shown
    assert {key: shown[key] for key in wish} == wish
    assert (shown["domain_id"], shown["parent_id"], shown["is_domain"]) == ("default", "default", False)
    assert shown["links"]["self"] == f"https://cloud.test:8443/identity/v3/projects/{made['id']}"


def test_a_project_changes_only_where_it_was_told_to(either: House) -> None:
    made = either.made("project", name="tower", description="tall", height=7)
    answer = either.ask("PATCH", f"/projects/{made['id']}", {"project": {"description": "taller", "width": 2}})
    assert answer.json["project"] == made | {"description": "taller", "width": 2}
    either.ask("PATCH", f"/projects/{made['id']}", {"project": {"enabled": "off", "name": "spire"}})
    shown = either.ask("GET", f"/projects/{made['id']}").json["project"]
    assert (shown["enabled"], shown["name"], shown["description"]) == (False, "spire", "taller")


@pytest.mark.parametrize(
    "body", [{"parent_id": "0" * 32}, {"domain_id": "elsewhere"}, {"enabled": "perhaps"}, {"name": " "}]
)
def test_a_change_that_cannot_be_is_refused(house: House, body: dict[str, Any]) -> None:
    place = house.made("project", name="tower")["id"]
    assert house.ask("PATCH", f"/projects/{place}", {"project": body}).status == 400


def test_names_are_unique_in_a_domain_and_free_again_after_the_end(either: House) -> None:
    first = either.made("project", name="tower")["id"]
    assert either.ask("POST", "/projects", {"project": {"name": "tower"}}).status == 409
    second = either.made("project", name="spire")["id"]
    assert either.ask("PATCH", f"/projects/{second}", {"project": {"name": "tower"}}).status == 409
    assert either.ask("PATCH", f"/projects/{second}", {"project": {"name": "spire"}}).status == 200
    domain = either.made("domain", name="empire")["id"]
    either.made("project", name="tower", domain_id=domain)
    assert either.ask("DELETE", f"/projects/{first}").status == 204
    either.made("project", name="tower")


def test_a_deleted_project_is_gone_from_every_answer_at_once(either: House) -> None:
    person, place = either.resident()
    either.ask("PATCH", f"/users/{person}", {"user": {"default_project_id": place}})
    assert either.ask("DELETE", f"/projects/{place}").status == 204
    for method, path, body in (
        ("GET", f"/projects/{place}", None),
        ("DELETE", f"/projects/{place}", None),
        ("PATCH", f"/projects/{place}", {"project": {}}),
        ("GET", f"/projects/{place}/tags", None),
        ("PUT", f"/projects/{place}/users/{person}/roles/{either.role('member')}", None),
    ):
        assert either.ask(method, path, body).status == 404, (method, path)
    assert place not in str(either.ask("GET", "/projects").json)
    assert either.ask("GET", f"/users/{person}/projects").json["projects"] == []
    assert either.ask("GET", "/role_assignments", query=f"user.id={person}").json["role_assignments"] == []
    assert "default_project_id" not in either.ask("GET", f"/users/{person}").json["user"]
    assert "project" not in either.try_login("ada").json["token"]


def test_projects_nest_to_a_depth_and_go_leaves_first(house: House) -> None:
    chain = [house.made("project", name="p0")["id"]]
    for depth in range(1, 5):
        chain.append(house.made("project", name=f"p{depth}", parent_id=chain[-1])["id"])
    assert house.ask("POST", "/projects", {"project": {"name": "p5", "parent_id": chain[-1]}}).status == 403
    assert house.ask("DELETE", f"/projects/{chain[0]}").status == 403
    listed = house.ask("GET", "/projects", query=f"parent_id={chain[0]}").json["projects"]
    assert [each["id"] for each in listed] == [chain[1]]
    assert house.ask("POST", "/projects", {"project": {"name": "x", "parent_id": "0" * 32}}).status == 400
    domain = house.made("domain", name="empire")["id"]
    elsewhere = {"name": "x", "parent_id": chain[0], "domain_id": domain}
    assert house.ask("POST", "/projects", {"project": elsewhere}).status == 400
    for place in reversed(chain):
        assert house.ask("DELETE", f"/projects/{place}").status == 204


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=alpha", ["alpha"]),
        ("name=nothing", []),
        ("enabled=false", ["gamma"]),
        ("domain_id=default&enabled=true", ["admin", "alpha", "beta", "demo"]),
        ("enabled", ["admin", "alpha", "beta", "demo"]),
        ("tags=red", ["alpha", "beta"]),
        ("tags=red,big", ["alpha"]),
        ("tags-any=big,small", ["alpha", "gamma"]),
        ("not-tags=red", ["admin", "demo", "gamma"]),
        ("not-tags-any=red,small", ["admin", "demo"]),
        ("is_domain=true", ["Default"]),
    ],
)
def test_lists_are_narrowed_by_what_is_asked(house: House, query: str, names: list[str]) -> None:
    house.made("project", name="alpha", tags=["red", "big"])
    house.made("project", name="beta", tags=["red"])
    house.made("project", name="gamma", tags=["small"], enabled=False)
    found = house.ask("GET", "/projects", query=query).json["projects"]
    assert sorted(each["name"] for each in found) == names


def test_pages_follow_each_other_to_the_end(either: House) -> None:
    made = {either.made("project", name=f"p{number}")["id"] for number in range(5)}
    seen: list[str] = []
    query = "limit=2&enabled=true"
    while True:
        answer = either.ask("GET", "/projects", query=query).json
        assert len(answer["projects"]) <= 2
        seen += [each["id"] for each in answer["projects"]]
        if answer["links"]["next"] is None:
            break
        query = answer["links"]["next"].partition("?")[2]
    assert len(seen) == len(set(seen)) == 7
    assert made < set(seen)
    assert either.ask("GET", "/projects", query="limit=-1").status == 400


def test_a_slash_at_the_end_means_nothing(house: House) -> None:
    place = house.made("project", name="tower")["id"]
    for path in ("/projects", f"/projects/{place}", "/OS-TRUST/trusts", f"/projects/{place}/tags"):
        assert house.ask("GET", f"{path}/").body == house.ask("GET", path).body


def test_tags(house: House) -> None:
    place = house.made("project", name="tower")["id"]
    tags = f"/projects/{place}/tags"
    assert house.ask("PUT", f"{tags}/green").status == 201
    assert house.ask("PUT", f"{tags}/grün").status == 201
    assert house.ask("PUT", f"{tags}/green").status == 201
    assert house.ask("GET", tags).json == {"tags": ["green", "grün"]}
    assert house.ask("HEAD", f"{tags}/green").status == 204
    assert house.ask("GET", f"{tags}/red").status == 404
    assert house.ask("DELETE", f"{tags}/red").status == 404
    assert house.ask("DELETE", f"{tags}/green").status == 204
    assert house.ask("PUT", tags, {"tags": ["a", "a", "b"]}).json == {"tags": ["a", "b"]}
    assert house.ask("PUT", tags, {"tags": ["a,b"]}).status == 400
    assert house.ask("PUT", tags, {"tags": [f"t{number}" for number in range(81)]}).status == 400
    assert house.ask("PUT", f"{tags}/a,b").status == 400
    house.ask("PUT", tags, {"tags": [f"t{number}" for number in range(80)]})
    assert house.ask("PUT", f"{tags}/one-more").status == 400
    assert house.ask("DELETE", tags).status == 204
    assert house.ask("GET", tags).json == {"tags": []}


def test_what_is_immutable_stays_until_it_is_made_mutable(house: House) -> None:
    place = house.made("project", name="tower", options={"immutable": True})["id"]
    path = f"/projects/{place}"
    assert house.ask("PATCH", path, {"project": {"name": "spire"}}).status == 403
    assert house.ask("DELETE", path).status == 403
    assert house.ask("PUT", f"{path}/tags/x").status == 403
    change = {"name": "spire", "options": {"immutable": False}}
    assert house.ask("PATCH", path, {"project": change}).json["project"]["options"] == {"immutable": False}
    assert house.ask("PATCH", path, {"project": {"options": {"immutable": None}}}).json["project"]["options"] == {}
    assert house.ask("DELETE", path).status == 204


class TestDomains:
    def test_they_are_made_shown_changed_and_ended(self, either: House) -> None:
        made = either.made("domain", name="empire", description="far", tags=["old"])
        path = f"/domains/{made['id']}"
        assert either.ask("GET", path).json["domain"] == made
        assert either.ask("POST", "/domains", {"domain": {"name": "empire"}}).status == 409
        changed = either.ask("PATCH", path, {"domain": {"description": None, "name": "realm"}}).json["domain"]
        assert (changed["name"], changed["description"], changed["enabled"]) == ("realm", None, True)
        assert either.ask("DELETE", path).status == 403, "an enabled domain is not deleted"
        either.ask("PATCH", path, {"domain": {"enabled": False}})
        assert either.ask("DELETE", path).status == 204
        assert either.ask("GET", path).status == 404
        either.made("domain", name="realm")

    def test_an_end_takes_everything_inside_along(self, either: House) -> None:
        domain = either.made("domain", name="empire")["id"]
        made = {
            kind: either.made(kind, name=kind, domain_id=domain)["id"] for kind in ("user", "group", "project", "role")
        }
        either.ask("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
        assert either.ask("DELETE", f"/domains/{domain}").status == 204
        for kind, id in made.items():
            assert either.ask("GET", f"/{kind}s/{id}").status == 404, kind
        either.settle(30)
        with either.db.read() as tx:
            assert tx.conn.exec_driver_sql("SELECT count(*) FROM identity_project WHERE deleted > 0").scalar() == 0

    def test_an_end_takes_the_roles_its_groups_gave_elsewhere(self, either: House) -> None:
        domain = either.made("domain", name="empire")["id"]
        person, place = either.resident(role="reader")
        group = either.made("group", name="crew", domain_id=domain)["id"]
        either.ask("PUT", f"/groups/{group}/users/{person}")
        either.grant(group, "manager", place, who="groups")
        token = either.login("ada", scope=project_scope(place))
        either.ask("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
        assert either.ask("GET", "/projects", token=token).status == 200
        assert either.ask("DELETE", f"/domains/{domain}").status == 204
        assert either.ask("GET", "/projects", token=token).status == 403

    def test_lists(self, house: House) -> None:
        house.made("domain", name="empire", enabled=False)
        names = [each["name"] for each in house.ask("GET", "/domains").json["domains"]]
        assert sorted(names) == ["Default", "empire"]
        found = house.ask("GET", "/domains", query="enabled=false").json["domains"]
        assert [each["name"] for each in found] == ["empire"]
        assert house.ask("GET", "/domains", query="name=Default").json["domains"][0]["id"] == "default"

    def test_the_default_domain_stays(self, house: House) -> None:
        assert house.ask("PATCH", "/domains/default", {"domain": {"enabled": False}}).status == 403
        assert house.ask("PATCH", "/projects/default", {"project": {"enabled": False}}).status == 403
        assert house.ask("DELETE", "/domains/default").status == 403

    def test_an_id_may_be_chosen_once(self, house: House) -> None:
        id = "ab" * 16
        assert house.made("domain", name="empire", explicit_domain_id=id)["id"] == id
        again = {"name": "other", "explicit_domain_id": id}
        assert house.ask("POST", "/domains", {"domain": again}).status == 409
        bad = {"name": "other", "explicit_domain_id": "short"}
        assert house.ask("POST", "/domains", {"domain": bad}).status == 400

    def test_a_domain_is_also_a_project_that_acts_as_one(self, house: House) -> None:
        made = house.made("project", name="empire", is_domain=True)
        assert (made["domain_id"], made["parent_id"], made["is_domain"]) == (None, None, True)
        assert house.ask("GET", f"/domains/{made['id']}").json["domain"]["name"] == "empire"
        both = {"name": "x", "is_domain": True, "domain_id": "default"}
        assert house.ask("POST", "/projects", {"project": both}).status == 400
        assert house.ask("DELETE", f"/projects/{made['id']}").status == 403
        house.ask("PATCH", f"/projects/{made['id']}", {"project": {"enabled": False}})
        assert house.ask("DELETE", f"/projects/{made['id']}").status == 204
        assert house.ask("GET", f"/domains/{made['id']}").status == 404

    def test_what_names_a_missing_domain_is_not_made(self, house: House) -> None:
        for kind in ("project", "user", "group", "role"):
            wish = {kind: {"name": "x", "domain_id": "nowhere"}}
            assert house.ask("POST", f"/{kind}s", wish).status == 404, kind


class TestEyes:
    """Who sees which projects and domains."""

    def test_people_see_the_projects_they_are_in(self, either: House) -> None:
        _, place = either.resident()
        foreign = either.made("project", name="foreign")["id"]
        token = either.login("ada", scope=project_scope(place))
        assert either.ask("GET", f"/projects/{place}", token=token).status == 200
        unscoped = either.login("ada")
        assert either.ask("GET", f"/projects/{place}", token=unscoped).status == 200
        hidden = either.ask("GET", f"/projects/{foreign}", token=token)
        absent = either.ask("GET", f"/projects/{'0' * 32}", token=token)
        assert (hidden.status, absent.status) == (404, 404)
        assert hidden.json["error"]["message"].replace(foreign, "0" * 32) == absent.json["error"]["message"]
        for method, path in (("GET", "/projects"), ("GET", "/domains"), ("POST", "/projects"), ("POST", "/domains")):
            body = {"project": {"name": "x"}} if "projects" in path else {"domain": {"name": "x"}}
            answer = either.ask(method, path, body if method == "POST" else None, token=token)
            assert answer.status == 403, (method, path)
        assert either.ask("DELETE", f"/projects/{place}", token=token).status == 403

    def test_a_manager_lists_the_one_project_managed(self, house: House) -> None:
        token = house.login("croft", DEMO_PASSWORD)
        listed = house.ask("GET", "/projects", token=token).json["projects"]
        assert [each["name"] for each in listed] == ["demo"]
        assert house.ask("GET", "/projects", token=token, query="name=admin").json["projects"] == []

    def test_people_see_their_own_domain(self, house: House) -> None:
        house.made("user", name="ada")
        other = house.made("domain", name="empire")["id"]
        token = house.login("ada")
        assert house.ask("GET", "/domains/default", token=token).status == 200
        assert house.ask("GET", f"/domains/{other}", token=token).status == 404
