"""What lists have in common: filters by a part of a text, pages, links."""

from __future__ import annotations

import pytest

from croft.core.db import Database
from tests.services.identity.house import House

NAMES = ["Tower", "towers", "watchtower", "Öre", "a%b", "a_b", "ab"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name__contains=tower", {"towers", "watchtower"}),
        ("name__icontains=TOWER", {"Tower", "towers", "watchtower"}),
        ("name__startswith=tower", {"towers"}),
        ("name__istartswith=tower", {"Tower", "towers"}),
        ("name__endswith=tower", {"watchtower"}),
        ("name__iendswith=tower", {"Tower", "watchtower"}),
        ("name__endswith=a_very_long_watchtower", set()),
        ("name__icontains=öR", {"Öre"}),
        ("name__contains=%25", {"a%b"}),
        ("name__contains=_", {"a_b"}),
        ("name__startswith=a&name__endswith=b", {"a%b", "a_b", "ab"}),
        ("name__unheard=x&domain_id=default", {*NAMES, "admin", "demo"}),
        ("enabled__contains=x&name__contains=", {*NAMES, "admin", "demo"}),
    ],
)
def test_projects_are_found_by_a_part_of_their_name(either: House, query: str, found: set[str]) -> None:
    for name in NAMES:
        either.made("project", name=name)
    rows = either.ask("GET", "/projects", query=query.replace("ö", "%C3%B6")).json["projects"]
    assert {row["name"] for row in rows} == found


def test_every_list_of_people_and_places_takes_such_filters(house: House) -> None:
    for kind in ("user", "group", "role", "domain"):
        house.made(kind, name="Gardeners")
        rows = house.ask("GET", f"/{kind}s", query="name__icontains=garden").json[f"{kind}s"]
        assert [row["name"] for row in rows] == ["Gardeners"], kind


def test_our_own_services_are_found_by_a_part_too(house: House) -> None:
    for query, found in (("type__startswith=comp", 1), ("name__endswith=NOVA", 0), ("name__iendswith=NOVA", 1)):
        assert len(house.ask("GET", "/services", query=query).json["services"]) == found, query


def test_a_manager_must_still_say_the_whole_name(house: House) -> None:
    assert house.ask("GET", "/users", query="name__startswith=a", token=house.demo()).status == 403


def test_a_full_page_is_truncated_and_names_the_next(house: House) -> None:
    for name in NAMES:
        house.made("group", name=name)
    seen, query = [], "limit=3&domain_id=default"
    while query:
        page = house.ask("GET", "/groups", query=query).json
        seen += [row["name"] for row in page["groups"]]
        assert page["links"]["previous"] is None
        assert page["links"]["self"].endswith(query)
        assert page.get("truncated", False) == (page["links"]["next"] is not None)
        query = (page["links"]["next"] or "").partition("?")[2]
    assert sorted(seen) == sorted(NAMES)


def test_what_is_listed_is_shown_alike(house: House) -> None:
    there = {"auth_url": "https://there.test/v3", "sp_url": "https://there.test/sso"}
    wishes = {"identity_providers": {"identity_provider": {}}, "service_providers": {"service_provider": there}}
    for kind, wish in wishes.items():
        assert house.ask("PUT", f"/OS-FEDERATION/{kind}/campus", wish).status == 201
        (listed,) = house.ask("GET", f"/OS-FEDERATION/{kind}").json[kind]
        assert house.ask("GET", f"/OS-FEDERATION/{kind}/campus").json[kind.removesuffix("s")] == listed


@pytest.mark.parametrize("path", ["/services", "/endpoints", "/regions", "/auth/projects", "/users/{admin}/projects"])
def test_lists_that_come_whole_have_pages_too(house: House, path: str) -> None:
    house.ask("PUT", "/regions/north")
    admin, key = house.named("user", "admin"), path.rpartition("/")[2]
    house.grant(admin, "member", house.named("project", "demo"))
    path = path.format(admin=admin)
    seen, query = [], "limit=1"
    while query:
        page = house.ask("GET", path, query=query).json
        seen += [row["id"] for row in page[key]]
        query = (page["links"]["next"] or "").partition("?")[2]
    assert sorted(seen) == sorted(row["id"] for row in house.ask("GET", path).json[key])
    assert len(seen) > 1


def test_users_are_found_by_when_their_password_expires(db: Database) -> None:
    house = House(db, password_expires_days=10)
    group = house.made("group", name="crew")["id"]
    for name in ("ada", "bob"):
        house.ask("PUT", f"/groups/{group}/users/{house.made('user', name=name)['id']}")
        house.clock.advance(60)  # type: ignore[attr-defined]
    first = house.ask("GET", "/users", query="name=ada").json["users"][0]["password_expires_at"]
    for path in ("/users", f"/groups/{group}/users"):
        for word, found in (("lt", []), ("lte", ["ada"]), ("eq", ["ada"]), ("gt", ["bob"]), ("neq", ["bob"])):
            rows = house.ask("GET", path, query=f"password_expires_at={word}:{first}").json["users"]
            assert [row["name"] for row in rows if row["name"] in {"ada", "bob"}] == found, (path, word)
        for wrong in ("soon", "lt:soon", "near:2030-01-01T00:00:00Z", ""):
            assert house.ask("GET", path, query=f"password_expires_at={wrong}").status == 400, wrong


def test_people_and_groups_are_sorted_as_asked(house: House) -> None:
    for name in ("bob", "ada", "cyd"):
        house.made("user", name=name)
        house.made("group", name=name)
    for kind in ("users", "groups"):
        whole = house.ask("GET", f"/{kind}", query="sort_key=name").json[kind]
        names = [row["name"] for row in whole]
        assert names == sorted(names)
        down = house.ask("GET", f"/{kind}", query="sort_key=name&sort_dir=desc").json[kind]
        assert down == whole[::-1]
        first = house.ask("GET", f"/{kind}", query="sort_key=name&sort_dir=desc&limit=2").json
        rest = house.ask("GET", f"/{kind}", query=first["links"]["next"].partition("?")[2] + "&limit=100").json
        assert first[kind] == down[:2]
        assert rest[kind][:1] == down[2:3]
        for wrong in ("sort_key=odd", "sort_key=name&sort_dir=up", "sort_key=name&marker=nothing"):
            assert house.ask("GET", f"/{kind}", query=wrong).status == 400, wrong


def test_keys_have_no_pages(house: House) -> None:
    user, token = house.named("user", "croft"), house.demo()
    path, wish = f"/users/{user}/credentials/OS-EC2", {"tenant_id": house.named("project", "demo")}
    for _ in range(2):
        house.ask("POST", path, wish, token=token)
    assert len(house.ask("GET", path, query="limit=1", token=token).json["credentials"]) == 2
