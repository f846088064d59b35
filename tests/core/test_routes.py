"""Which route a request finds, in which version, and how lists are cut into pages."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from croft.core.db import Database
from croft.core.errors import Invalid, MethodNotAllowed, NotAcceptable, NotFound
from croft.core.http import Microversions, Request, Response, Route, Router, Version, empty
from croft.core.page import MAX_LIMIT, Page, after, parse_page


def nothing(req: Request) -> Response:
    return empty()


def routed(method: str, path: str, *routes: Route) -> tuple[str, dict[str, str]]:
    route, params = Router(routes).find(method, path, Version(2, 1))
    return route.path, params


def route(path: str, method: str = "GET", **more: Any) -> Route:
    return Route(method, path, nothing, None, **more)


DETAIL, ONE, DEEP = route("/servers/detail"), route("/servers/{id}"), route("/servers/{id}/tags/{tag}")


@pytest.mark.parametrize(
    ("path", "found", "params"),
    [
        ("/servers/detail", "/servers/detail", {}),
        ("/servers/detail/", "/servers/detail", {}),
        ("/servers/x", "/servers/{id}", {"id": "x"}),
        ("/servers/a%2Fb", "/servers/{id}", {"id": "a/b"}),
        ("/servers/%C3%A4", "/servers/{id}", {"id": "ä"}),
        ("/servers/detail/tags/x", "/servers/{id}/tags/{tag}", {"id": "detail", "tag": "x"}),
    ],
)
def test_what_is_written_out_wins_over_what_is_a_parameter(path: str, found: str, params: dict[str, str]) -> None:
    assert routed("GET", path, ONE, DETAIL, DEEP) == (found, params)


@pytest.mark.parametrize(
    "path", ["/", "/server", "/servers/x/tags", "/servers/x/y", "/servers/x/tags/y/z", "/servers/a%00"]
)
def test_a_path_that_leads_nowhere_is_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        routed("GET", path, ONE, DETAIL, DEEP)


def test_the_root_is_a_path_too() -> None:
    assert routed("GET", "/", route("/"))[0] == "/"


def test_another_method_is_told_which_there_are() -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        routed("PUT", "/servers/x", ONE, route("/servers/{id}", "DELETE"))
    assert caught.value.kind == "DELETE, GET"
    assert routed("HEAD", "/servers/x", ONE)[0] == ONE.path


def test_a_route_may_begin_and_end_with_a_version() -> None:
    old = Route("GET", "/x", nothing, "old", until=Version(2, 35))
    new = Route("GET", "/x", nothing, "new", since=Version(2, 40))
    router = Router([old, new])
    assert router.find("GET", "/x", Version(2, 35))[0] is old
    assert router.find("GET", "/x", Version(2, 40))[0] is new
    with pytest.raises(NotFound):
        router.find("GET", "/x", Version(2, 36))


NOVA = Microversions("compute", Version(2, 1), Version(2, 37), legacy="X-OpenStack-Nova-API-Version")


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({}, "2.1"),
        ({"openstack-api-version": "compute 2.10"}, "2.10"),
        ({"openstack-api-version": "volume 3.59, compute 2.12"}, "2.12"),
        ({"openstack-api-version": "volume 3.59"}, "2.1"),
        ({"openstack-api-version": "2.12"}, "2.1"),
        ({"openstack-api-version": "COMPUTE latest"}, "2.37"),
        ({"x-openstack-nova-api-version": "2.9"}, "2.9"),
        ({"x-openstack-nova-api-version": "2.9", "openstack-api-version": "compute 2.11"}, "2.11"),
    ],
)
def test_a_header_picks_the_version(headers: dict[str, str], version: str) -> None:
    assert str(NOVA.negotiate(headers)) == version


@pytest.mark.parametrize("text", ["2", "2.", "2.01", "02.1", "a.b", "2.1.1", "-2.1", "2.9999999999"])
def test_a_version_of_bad_form_is_400(text: str) -> None:
    with pytest.raises(Invalid):
        NOVA.negotiate({"openstack-api-version": f"compute {text}"})


@pytest.mark.parametrize("text", ["2.0", "2.38", "3.1", "1.1"])
def test_a_version_out_of_range_is_406(text: str) -> None:
    with pytest.raises(NotAcceptable, match=r"Minimum is 2\.1 and maximum is 2\.37"):
        NOVA.negotiate({"openstack-api-version": f"compute {text}"})


def test_the_answer_says_which_version_was_used() -> None:
    assert NOVA.headers(Version(2, 9)) == {
        "openstack-api-version": "compute 2.9",
        "vary": "OpenStack-API-Version, X-OpenStack-Nova-API-Version",
        "x-openstack-nova-api-version": "2.9",
    }
    plain = Microversions("volume", Version(3, 0), Version(3, 1))
    assert plain.headers(Version(3, 1)) == {"openstack-api-version": "volume 3.1", "vary": "OpenStack-API-Version"}


@pytest.mark.parametrize(
    ("limit", "size"), [(None, MAX_LIMIT), ("", MAX_LIMIT), ("0", MAX_LIMIT), ("7", 7), ("99999999999", MAX_LIMIT)]
)
def test_a_page_is_at_most_a_thousand(limit: str | None, size: int) -> None:
    assert parse_page(limit, "m") == Page(size, "m")


@pytest.mark.parametrize("limit", ["-1", "x", "1.5", "\u0661"])
def test_a_limit_is_a_whole_number(limit: str) -> None:
    with pytest.raises(Invalid):
        parse_page(limit, None)


def test_after_a_marker_comes_what_sorts_behind_it(sqlite_db: Database) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer), sa.Column("b", sa.Integer))
    table.metadata.create_all(sqlite_db.engine)
    rows = [(a, b) for a in (3, 2, 1) for b in (1, 2, 3)]
    with sqlite_db.write() as tx:
        tx.run(table.insert(), [{"a": a, "b": b} for a, b in reversed(rows)])
        keys = [(table.c.a, True), (table.c.b, False)]
        ordered = sa.select(table).order_by(table.c.a.desc(), table.c.b)
        for index, row in enumerate(rows):
            assert [tuple(each) for each in tx.rows(ordered.where(after(keys, row)))] == rows[index + 1 :]
