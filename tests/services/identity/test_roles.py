"""Roles, who holds them where, and a project's manager lending them out."""

from __future__ import annotations

from typing import Any

import pytest

from croft.services import identity
from tests.services.identity.house import DEMO_PASSWORD, House, project_scope


def test_a_role_is_made_shown_changed_and_ended(either: House) -> None:
    made = either.made("role", name="gardener", description="digs")
    path = f"/roles/{made['id']}"
    assert either.ask("GET", path).json["role"] == made
    assert (made["domain_id"], made["options"]) == (None, {})
    assert either.ask("POST", "/roles", {"role": {"name": "gardener"}}).status == 409
    changed = either.ask("PATCH", path, {"role": {"description": "plants"}}).json["role"]
    assert changed == made | {"description": "plants"}
    other = either.made("role", name="other")["id"]
    assert either.ask("PATCH", f"/roles/{other}", {"role": {"name": "gardener"}}).status == 409
    assert either.ask("PATCH", path, {"role": {"domain_id": "default"}}).status == 400
    assert either.ask("DELETE", path).status == 204
    assert either.ask("GET", path).status == 404


def test_the_seeded_roles_cannot_be_lost_by_mistake(house: House) -> None:
    names = [each["name"] for each in house.ask("GET", "/roles").json["roles"]]
    assert sorted(names) == ["admin", "manager", "member", "reader", "service"]
    for name in names:
        assert house.ask("DELETE", f"/roles/{house.role(name)}").status == 403
        assert house.ask("PATCH", f"/roles/{house.role(name)}", {"role": {"name": "x"}}).status == 403


class TestImplied:
    def test_the_ladder_is_as_it_says(self, house: House) -> None:
        inferences = house.ask("GET", "/role_inferences").json["role_inferences"]
        steps = {each["prior_role"]["name"]: [role["name"] for role in each["implies"]] for each in inferences}
        assert steps == {"admin": ["manager"], "manager": ["member"], "member": ["reader"]}
        listed = house.ask("GET", f"/roles/{house.role('admin')}/implies").json["role_inference"]
        assert [each["name"] for each in listed["implies"]] == ["manager"]

    def test_they_are_made_counted_and_ended(self, either: House) -> None:
        person, place = either.resident(role="service")
        prior, implied = either.role("service"), either.made("role", name="extra")["id"]
        path = f"/roles/{prior}/implies/{implied}"
        token = either.login("ada", scope=project_scope(place))
        who = identity.authenticator(either.db)
        assert who(token).roles == {"service"}
        for _ in range(2):
            made = either.ask("PUT", path)
            assert (made.status, made.json["role_inference"]["implies"]["name"]) == (201, "extra")
        assert either.ask("GET", path).status == 200
        assert either.ask("HEAD", path).status == 204
        assert who(token).roles == {"service", "extra"}
        assert either.ask("DELETE", path).status == 204
        assert either.ask("DELETE", path).status == 404
        assert either.ask("GET", path).status == 404
        assert who(token).roles == {"service"}
        assert person

    def test_a_circle_ends(self, house: House) -> None:
        _, place = house.resident(role="service")
        one, two = house.role("service"), house.made("role", name="extra")["id"]
        house.ask("PUT", f"/roles/{one}/implies/{two}")
        house.ask("PUT", f"/roles/{two}/implies/{one}")
        token = house.try_login("ada", scope=project_scope(place)).json["token"]
        assert sorted(role["name"] for role in token["roles"]) == ["extra", "service"]

    def test_nothing_leads_up_to_admin(self, house: House) -> None:
        assert house.ask("PUT", f"/roles/{house.role('reader')}/implies/{house.role('admin')}").status == 403

    def test_a_domains_own_role_gives_what_it_implies_and_never_itself(self, house: House) -> None:
        domain = house.made("domain", name="empire")["id"]
        own = house.made("role", name="knight", domain_id=domain)["id"]
        assert house.ask("PUT", f"/roles/{house.role('reader')}/implies/{own}").status == 403
        assert house.ask("PUT", f"/roles/{own}/implies/{house.role('member')}").status == 201
        person, place = house.resident(role="reader")
        house.ask("PUT", f"/projects/{place}/users/{person}/roles/{own}")
        token = house.try_login("ada", scope=project_scope(place)).json["token"]
        assert [role["name"] for role in token["roles"]] == ["member", "reader"]
        assert "knight" not in str(house.ask("GET", "/roles").json)
        listed = house.ask("GET", "/roles", query=f"domain_id={domain}").json["roles"]
        assert [each["name"] for each in listed] == ["knight"]
        assert house.ask("PUT", f"/system/users/{person}/roles/{own}").status == 403


GRANTS = [
    ("projects", "users"),
    ("projects", "groups"),
    ("domains", "users"),
    ("domains", "groups"),
    ("system", "users"),
]


@pytest.mark.parametrize("inherited", [False, True], ids=["direct", "inherited"])
@pytest.mark.parametrize(("where", "who"), GRANTS)
def test_grants(either: House, where: str, who: str, inherited: bool) -> None:
    if where == "system" and inherited:
        return
    target = {"projects": either.named("project", "demo"), "domains": "default", "system": ""}[where]
    actor = either.made(who[:-1], name="ada")["id"]
    place = "/system" if where == "system" else f"/{where}/{target}"
    base, tail = (f"/OS-INHERIT{place}", "/inherited_to_projects") if inherited else (place, "")
    one = f"{base}/{who}/{actor}/roles/{either.role('member')}{tail}"
    all_ = f"{base}/{who}/{actor}/roles{tail}"
    assert either.ask("GET", one).status == 404
    for _ in range(2):
        assert either.ask("PUT", one).status == 204
    assert either.ask("HEAD", one).status == 204
    assert [each["name"] for each in either.ask("GET", all_).json["roles"]] == ["member"]
    other = place if inherited else f"/OS-INHERIT{place}"
    if where != "system":
        assert (
            either.ask("GET", f"{other}/{who}/{actor}/roles{'' if inherited else '/inherited_to_projects'}").json[
                "roles"
            ]
            == []
        )
    assert either.ask("DELETE", one).status == 204
    assert either.ask("DELETE", one).status == 404
    assert either.ask("PUT", one.replace(actor, "0" * 32)).status == 404
    assert either.ask("PUT", one.replace(either.role("member"), "0" * 32)).status == 404
    if target:
        assert either.ask("PUT", one.replace(target, "0" * 32)).status == 404


def test_inherited_roles_count_below_and_not_at_the_place_itself(either: House) -> None:
    person = either.made("user", name="ada")["id"]
    top = either.made("project", name="top")["id"]
    low = either.made("project", name="low", parent_id=top)["id"]
    lowest = either.made("project", name="lowest", parent_id=low)["id"]
    role = either.role("reader")
    either.ask("PUT", f"/OS-INHERIT/projects/{top}/users/{person}/roles/{role}/inherited_to_projects")
    assert either.try_login("ada", scope=project_scope(top)).status == 401
    for place in (low, lowest):
        assert either.try_login("ada", scope=project_scope(place)).status == 201
    listed = either.ask("GET", "/auth/projects", token=either.login("ada")).json["projects"]
    assert {each["id"] for each in listed} == {low, lowest}
    either.ask("PUT", f"/OS-INHERIT/domains/default/users/{person}/roles/{role}/inherited_to_projects")
    assert either.try_login("ada", scope=project_scope(top)).status == 201
    assert either.try_login("ada", scope={"domain": {"id": "default"}}).status == 401


class TestManager:
    """Lending without an operator."""

    @pytest.fixture
    def place(self, house: House) -> str:
        return house.named("project", "demo")

    @pytest.mark.parametrize("role", ["reader", "member", "manager"])
    def test_gives_and_takes_the_projects_roles(self, house: House, place: str, role: str) -> None:
        token, person = house.demo(), house.made("user", name="ada")["id"]
        path = f"/projects/{place}/users/{person}/roles/{house.role(role)}"
        assert house.ask("PUT", path, token=token).status == 204
        assert house.try_login("ada", scope=project_scope(place)).status == 201
        assert house.ask("HEAD", path, token=token).status == 204
        assert house.ask("DELETE", path, token=token).status == 204
        assert house.try_login("ada", scope=project_scope(place)).status == 401

    @pytest.mark.parametrize("role", ["admin", "service"])
    def test_gives_and_takes_nothing_beyond(self, house: House, place: str, role: str) -> None:
        token, person = house.demo(), house.made("user", name="ada")["id"]
        path = f"/projects/{place}/users/{person}/roles/{house.role(role)}"
        assert house.ask("PUT", path, token=token).status == 403
        house.grant(person, role, place)
        assert house.ask("DELETE", path, token=token).status == 403

    def test_a_role_of_the_same_name_elsewhere_is_not_lent(self, house: House, place: str) -> None:
        domain = house.made("domain", name="empire")["id"]
        own = house.made("role", name="member", domain_id=domain)["id"]
        house.ask("PUT", f"/roles/{own}/implies/{house.role('manager')}")
        path = f"/projects/{place}/users/{house.made('user', name='ada')['id']}/roles/{own}"
        assert house.ask("PUT", path, token=house.demo()).status == 403

    def test_reaches_no_other_place(self, house: House, place: str) -> None:
        token, person, role = house.demo(), house.made("user", name="ada")["id"], house.role("reader")
        group, foreign = house.made("group", name="crew")["id"], house.named("project", "admin")
        for path, status in (
            (f"/projects/{foreign}/users/{person}/roles/{role}", 404),
            (f"/projects/{'0' * 32}/users/{person}/roles/{role}", 404),
            (f"/domains/default/users/{person}/roles/{role}", 404),
            (f"/system/users/{person}/roles/{role}", 403),
            (f"/projects/{place}/groups/{group}/roles/{role}", 403),
            (f"/OS-INHERIT/projects/{place}/users/{person}/roles/{role}/inherited_to_projects", 403),
            (f"/OS-INHERIT/domains/default/users/{person}/roles/{role}/inherited_to_projects", 404),
        ):
            for method in ("PUT", "DELETE"):
                assert house.ask(method, path, token=token).status == status, (method, path)
        assert house.ask("GET", f"/projects/{foreign}/users/{person}/roles", token=token).status == 404
        held = f"/projects/{foreign}/users/{house.named('user', 'admin')}/roles/{house.role('admin')}"
        assert house.ask("HEAD", held).status == 204
        assert house.ask("HEAD", held, token=token).status == 404
        assert len(house.ask("GET", "/role_assignments").json["role_assignments"]) == 4

    def test_a_member_lends_nothing(self, house: House, place: str) -> None:
        person = house.made("user", name="ada")["id"]
        house.grant(person, "member", place)
        token = house.login("ada", scope=project_scope(place))
        path = f"/projects/{place}/users/{person}/roles/{house.role('manager')}"
        assert house.ask("PUT", path, token=token).status == 403
        assert house.ask("GET", "/role_assignments", token=token).status == 403

    def test_lists_the_projects_people(self, house: House, place: str) -> None:
        token, person = house.demo(), house.made("user", name="ada")["id"]
        house.grant(person, "reader", place)
        query = f"scope.project.id={place}&include_names"
        found = house.ask("GET", "/role_assignments", token=token, query=query).json["role_assignments"]
        assert {(each["user"]["name"], each["role"]["name"]) for each in found} == {
            ("croft", "member"),
            ("croft", "manager"),
            ("ada", "reader"),
        }
        assert house.ask("GET", "/role_assignments", token=token).json["role_assignments"] != []
        for narrow in (
            f"scope.project.id={house.named('project', 'admin')}",
            "scope.system=all",
            "scope.domain.id=default",
        ):
            assert house.ask("GET", "/role_assignments", token=token, query=narrow).status == 404


class TestAssignments:
    """`/v3/role_assignments`."""

    def ask(self, house: House, **query: str) -> list[dict[str, Any]]:
        text = "&".join(f"{name.replace('__', '.')}={value}" for name, value in query.items())
        return list(house.ask("GET", "/role_assignments", query=text).json["role_assignments"])

    def test_what_was_assigned_is_listed_with_its_link(self, either: House) -> None:
        person, place = either.resident(role="member")
        found = self.ask(either, user__id=person)
        role = either.role("member")
        link = f"https://cloud.test:8443/identity/v3/projects/{place}/users/{person}/roles/{role}"
        assert found == [
            {
                "user": {"id": person},
                "role": {"id": role},
                "scope": {"project": {"id": place}},
                "links": {"assignment": link},
            }
        ]
        for query in ({"role__id": role, "user__id": person}, {"scope__project__id": place}):
            assert self.ask(either, **query) == found
        assert either.ask("GET", link.partition("/v3")[2]).status == 204

    def test_names_come_along_on_request(self, house: House) -> None:
        person, place = house.resident(role="member")
        group = house.made("group", name="crew")["id"]
        house.grant(group, "reader", "default", where="domains", who="groups")
        one = self.ask(house, user__id=person, include_names="true")[0]
        home = {"id": "default", "name": "Default"}
        assert one["user"] == {"id": person, "name": "ada", "domain": home}
        assert one["scope"] == {"project": {"id": place, "name": "tower", "domain": home}}
        assert one["role"] == {"id": house.role("member"), "name": "member"}
        other = self.ask(house, group__id=group, include_names="1")[0]
        assert other["group"]["name"] == "crew"
        assert other["scope"] == {"domain": home}

    def test_the_system_is_a_scope(self, house: House) -> None:
        found = self.ask(house, scope__system="all")
        assert [each["scope"] for each in found] == [{"system": {"all": True}}]

    def test_effective_follows_groups_implications_and_inheritance(self, either: House) -> None:
        person = either.made("user", name="ada")["id"]
        group = either.made("group", name="crew")["id"]
        either.ask("PUT", f"/groups/{group}/users/{person}")
        top = either.made("project", name="top")["id"]
        low = either.made("project", name="low", parent_id=top)["id"]
        role = either.role("member")
        either.ask("PUT", f"/OS-INHERIT/projects/{top}/groups/{group}/roles/{role}/inherited_to_projects")
        assert self.ask(either, user__id=person) == []
        found = self.ask(either, user__id=person, effective="true", include_names="true")
        assert [(each["role"]["name"], each["scope"]["project"]["id"]) for each in found] == [
            ("member", low),
            ("reader", low),
        ]
        assert found[0]["scope"]["OS-INHERIT:inherited_to"] == "projects"
        assert found[0]["links"]["membership"].endswith(f"/groups/{group}/users/{person}")
        assert found[0]["links"]["assignment"].endswith("/inherited_to_projects")
        assert found[1]["links"]["prior_role"].endswith(f"/roles/{role}/implies/{either.role('reader')}")
        assert self.ask(either, scope__project__id=low, effective="") == self.ask(
            either, user__id=person, effective="true"
        )
        assert self.ask(either, scope__project__id=top, effective="1") == []
        assert len(self.ask(either, scope__project__id=top, effective="1", include_subtree="true")) == 2
        assert len(self.ask(either, role__id=role, user__id=person, effective="1")) == 1
        assert len(self.ask(either, **{"scope.OS-INHERIT:inherited_to": "projects"})) == 1
        assert self.ask(either, scope__domain__id="default", effective="1") == []
        inherited = {"scope.OS-INHERIT:inherited_to": "projects", "effective": "1"}
        assert len(self.ask(either, **inherited)) == 2

    def test_a_whole_tree(self, house: House) -> None:
        person = house.made("user", name="ada")["id"]
        top = house.made("project", name="top")["id"]
        low = house.made("project", name="low", parent_id=top)["id"]
        for place in (top, low):
            house.grant(person, "reader", place)
        assert len(self.ask(house, scope__project__id=top)) == 1
        assert len(self.ask(house, scope__project__id=top, include_subtree="1")) == 2

    @pytest.mark.parametrize(
        "query",
        [
            "scope.project.id=a&scope.domain.id=b",
            "user.id=a&group.id=b",
            "include_subtree=true",
            "effective&group.id=a",
        ],
    )
    def test_questions_that_contradict_themselves_are_refused(self, house: House, query: str) -> None:
        assert house.ask("GET", "/role_assignments", query=query).status == 400


def test_losing_the_last_role_ends_application_credentials(house: House) -> None:
    person, place = house.resident()
    token = house.login("ada", scope=project_scope(place))
    body = {"application_credential": {"name": "robot"}}
    assert house.ask("POST", f"/users/{person}/application_credentials", body, token=token).status == 201
    house.grant(person, "service", place)
    house.revoke(person, "service", place)
    mine = f"/users/{person}/application_credentials"
    assert len(house.ask("GET", mine, token=token).json["application_credentials"]) == 1
    house.revoke(person, "member", place)
    house.grant(person, "member", place)
    assert house.ask("GET", mine, token=token).json["application_credentials"] == []


def test_a_tenant_cannot_become_operator(house: House) -> None:
    token = house.login("croft", DEMO_PASSWORD)
    me, place = house.named("user", "croft"), house.named("project", "demo")
    admin = house.role("admin")
    attempts = [
        ("PUT", f"/projects/{place}/users/{me}/roles/{admin}", None),
        ("PUT", f"/system/users/{me}/roles/{admin}", None),
        ("PUT", f"/domains/default/users/{me}/roles/{admin}", None),
        ("PUT", f"/roles/{house.role('member')}/implies/{admin}", None),
        ("PATCH", f"/roles/{house.role('member')}", {"role": {"name": "admin"}}),
        ("PATCH", f"/users/{house.named('user', 'admin')}", {"user": {"password": "mine"}}),
        ("POST", "/roles", {"role": {"name": "admin", "domain_id": "default"}}),
        ("POST", "/groups", {"group": {"name": "x"}}),
    ]
    for method, path, body in attempts:
        assert house.ask(method, path, body, token=token).status in {403, 404}, path
    assert not identity.authenticator(house.db)(token).is_admin
