"""Each way to give a role: to a user or group, on a project, a domain or the system, there or below."""

from __future__ import annotations

import pytest

from tests.services.identity.house import House

PLACES = ["/projects/{project}", "/domains/{domain}", "/system"]
BELOW = ["/OS-INHERIT/projects/{project}", "/OS-INHERIT/domains/{domain}"]


@pytest.mark.parametrize("who", ["user", "group"])
@pytest.mark.parametrize("place", [*PLACES, *BELOW])
def test_a_role_is_given_looked_up_and_taken(house: House, place: str, who: str) -> None:
    person, role = house.made(who, name="ada")["id"], house.role("member")
    ids = {"project": house.named("project", "demo"), "domain": house.made("domain", name="empire")["id"]}
    tail = "/inherited_to_projects" if place in BELOW else ""
    many = f"{place.format(**ids)}/{who}s/{person}/roles"
    one = f"{many}/{role}{tail}"
    assert house.ask("GET", one).status == 404
    assert [house.ask("PUT", one).status for _ in range(2)] == [204, 204]
    assert [house.ask(verb, one).status for verb in ("GET", "HEAD")] == [204, 204]
    listed = house.ask("GET", many + tail).json
    assert [row["id"] for row in listed["roles"]] == [role]
    assert listed["links"]["self"].endswith(many + tail)
    assert house.ask("HEAD", many + tail).status == 200
    assert [house.ask("DELETE", one).status for _ in range(2)] == [204, 404]
    assert house.ask("GET", many + tail).json["roles"] == []


@pytest.mark.parametrize("place", [*PLACES, *BELOW])
def test_a_role_is_given_only_to_somebody_somewhere(house: House, place: str) -> None:
    person, role = house.made("user", name="ada")["id"], house.role("member")
    tail = "/inherited_to_projects" if place in BELOW else ""
    there = place.format(project=house.named("project", "demo"), domain="default")
    wrong = [f"{there}/users/nobody/roles/{role}", f"{there}/users/{person}/roles/nothing"]
    if place != "/system":
        wrong.append(f"{place.format(project='nowhere', domain='nowhere')}/users/{person}/roles/{role}")
    assert [house.ask("PUT", path + tail).status for path in wrong] == [404] * len(wrong)


def test_looking_up_a_tag_and_a_member(house: House) -> None:
    project, group = house.made("project", name="tower", tags=["tall"])["id"], house.made("group", name="crew")["id"]
    user = house.made("user", name="ada")["id"]
    house.ask("PUT", f"/groups/{group}/users/{user}")
    for there, not_there in (
        (f"/projects/{project}/tags/tall", f"/projects/{project}/tags/small"),
        (f"/groups/{group}/users/{user}", f"/groups/{group}/users/nobody"),
    ):
        assert [house.ask(verb, there).status for verb in ("GET", "HEAD")] == [204, 204]
        assert [house.ask(verb, not_there).status for verb in ("GET", "HEAD")] == [404, 404]


def test_a_users_tokens_are_ended_at_once_by_the_user_or_an_operator(either: House) -> None:
    house = either
    ada, _ = house.resident("ada")
    bob, _ = house.resident("bob", project="shed")
    mine, also, other = house.login("ada"), house.login("ada"), house.login("bob")
    assert house.ask("DELETE", f"/users/{bob}/tokens", token=mine).status == 404
    assert house.valid(other)
    assert house.ask("DELETE", f"/users/{ada}/tokens", token=mine).status == 204
    assert not house.valid(mine)
    assert not house.valid(also)
    assert house.ask("DELETE", f"/users/{bob}/tokens").status == 204
    assert not house.valid(other)
    assert house.valid(house.login("ada"))
    assert house.ask("DELETE", "/users/nobody/tokens").status == 404
