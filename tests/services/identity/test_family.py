"""Projects within projects: what is asked of a project's line, and that nothing open lies below something closed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.identity.house import House, project_scope


@pytest.fixture
def line(house: House) -> list[str]:
    """Ids of a project, one below it, and two below that one."""
    top = house.made("project", name="top")["id"]
    middle = house.made("project", name="middle", parent_id=top)["id"]
    return [top, middle, *(house.made("project", name=name, parent_id=middle)["id"] for name in ("left", "right"))]


def shown(house: House, id: str, query: str, token: str = "") -> dict[str, Any]:
    return dict(house.ask("GET", f"/projects/{id}", query=query, token=token).json["project"])


def test_a_projects_line_is_told_as_ids(house: House, line: list[str]) -> None:
    top, middle, left, right = line
    assert shown(house, left, "parents_as_ids")["parents"] == {middle: {top: {"default": None}}}
    assert shown(house, top, "subtree_as_ids")["subtree"] == {middle: {left: None, right: None}}
    assert shown(house, left, "subtree_as_ids=1")["subtree"] is None
    plain = shown(house, middle, "parents_as_ids=0&subtree_as_ids=false")
    assert not {"parents", "subtree"} & set(plain)


def test_a_projects_line_is_told_in_full(house: House, line: list[str]) -> None:
    top, middle, left, right = line
    found = shown(house, middle, "parents_as_list&subtree_as_list")
    assert [each["project"]["id"] for each in found["parents"]] == [top, "default"]
    assert {each["project"]["id"] for each in found["subtree"]} == {left, right}
    assert found["parents"][0]["project"]["links"]["self"].endswith(f"/projects/{top}")


@pytest.mark.parametrize("kind", ["parents", "subtree"])
def test_ids_and_lists_are_asked_for_one_at_a_time(house: House, line: list[str], kind: str) -> None:
    answer = house.ask("GET", f"/projects/{line[1]}", query=f"{kind}_as_list&{kind}_as_ids")
    assert answer.status == 400


def test_people_see_only_the_relatives_they_work_in(house: House, line: list[str]) -> None:
    top, middle, left, right = line
    user = house.made("user", name="ada")["id"]
    for place in (middle, left):
        house.grant(user, "member", place)
    token = house.login("ada", scope=project_scope(middle))
    found = shown(house, middle, "parents_as_list&subtree_as_ids", token)
    assert (found["parents"], found["subtree"]) == ([], {left: None})
    house.ask("PUT", f"/OS-INHERIT/projects/{top}/users/{user}/roles/{house.role('reader')}/inherited_to_projects")
    assert shown(house, middle, "subtree_as_ids", token)["subtree"] == {left: None, right: None}


def enable(house: House, id: str, *, on: bool, kind: str = "project") -> int:
    return house.ask("PATCH", f"/{kind}s/{id}", {kind: {"enabled": on}}).status


def test_what_has_open_projects_below_it_stays_open(house: House, line: list[str]) -> None:
    top, middle, left, right = line
    assert [enable(house, id, on=False) for id in (top, middle)] == [403, 403]
    assert [enable(house, id, on=False) for id in (left, right, middle, top)] == [200] * 4
    assert [enable(house, id, on=True) for id in (left, middle)] == [403, 403]
    assert [enable(house, id, on=True) for id in (top, middle, left)] == [200] * 3


def test_nothing_is_made_below_something_closed(house: House, line: list[str]) -> None:
    _, _, left, _ = line
    enable(house, left, on=False)
    assert house.ask("POST", "/projects", {"project": {"name": "under", "parent_id": left}}).status == 400
    domain = house.made("domain", name="empire")["id"]
    tower = house.made("project", name="tower", domain_id=domain)["id"]
    assert enable(house, domain, on=False, kind="domain") == 200
    for place in ({"parent_id": tower}, {"domain_id": domain}, {"parent_id": domain}):
        assert house.ask("POST", "/projects", {"project": {"name": "under"} | place}).status == 400, place


def test_a_project_with_others_below_it_is_not_deleted(house: House, line: list[str]) -> None:
    top, middle, left, right = line
    assert house.ask("DELETE", f"/projects/{top}").status == 403
    assert [house.ask("DELETE", f"/projects/{id}").status for id in (left, right, middle, top)] == [204] * 4


def test_limits_come_along_with_the_line(house: House, line: list[str]) -> None:
    top, middle, left, _ = line
    service = house.ask("POST", "/services", {"service": {"type": "metering"}}).json["service"]["id"]
    place = {"service_id": service, "resource_name": "meters"}
    house.ask("POST", "/registered_limits", {"registered_limits": [place | {"default_limit": 1}]})
    for project, value in ((top, 7), (left, 8)):
        wish = place | {"project_id": project, "resource_limit": value}
        assert house.ask("POST", "/limits", {"limits": [wish]}).status == 201
    found = shown(house, middle, "parents_as_list&subtree_as_list&include_limits")
    lines = {each["project"]["id"]: each["project"]["limits"] for each in found["parents"] + found["subtree"]}
    values = {id: [limit["resource_limit"] for limit in held] for id, held in lines.items()}
    assert (values[top], values["default"], values[left]) == ([7], [], [8])
    assert "limits" not in shown(house, middle, "parents_as_list")["parents"][0]["project"]


def test_a_project_never_becomes_a_domain(house: House, line: list[str]) -> None:
    for id, other in ((line[2], True), ("default", False)):
        assert house.ask("PATCH", f"/projects/{id}", {"project": {"is_domain": other}}).status == 400
        assert house.ask("PATCH", f"/projects/{id}", {"project": {"is_domain": not other}}).status == 200
