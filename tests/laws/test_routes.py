"""The laws of every route: strangers are turned away, foreign things do not exist, bad input is a clear 4xx."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from croft.core import audit
from croft.core.http import Route, Service
from croft.core.page import Page
from croft.core.policy import ALL, Role
from tests.cloud import Cloud, Statements
from tests.laws.specimen import specimens
from tests.world import contents

MISSING = "00000000-0000-7000-8000-000000000000"
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
BAD_BODIES = {
    "not JSON": b"{broken",
    "not an object": b"[]",
    "a string": b'"text"',
    "null": b"null",
    "wrong shape": b'{"unheard-of": {"a": [1, {"b": null}]}}',
    "wrong inside": b'{"server":7,"network":7,"subnet":7,"port":7,"router":7,"image":7,"auth":7,"user":7,"project":7}',
    "not UTF-8": b'{"server": "\xff\xfe"}',
    "nested": b"[" * 50_000,
}


SAYS_NOTHING = {"/v2.1/os-quota-sets/{project}/defaults"}
"""The same answer for every project, with the id that was asked for."""


def routes(cloud: Cloud) -> Iterator[tuple[Service, Route]]:
    for service in cloud.world.services:
        for route in service.routes:
            yield service, route


def filled(service: Service, route: Route, value: str = MISSING) -> str:
    return service.prefix + re.sub(r"\{[^}]+\}", value, route.path)


def newest(service: Service) -> dict[str, str]:
    """The header that asks for the newest microversion a route may need."""
    return {"OpenStack-API-Version": f"{service.microversions.name} latest"} if service.microversions else {}


def headers_for(service: Service, route: Route) -> dict[str, str]:
    return newest(service) if route.until is None else {}


def refusals(cloud: Cloud) -> int:
    """Of changes, as the audit counts them."""
    cloud.world.application.ledger.settle()
    with cloud.world.db.read() as tx:
        lines = audit.entries(tx, ALL, Page(), audit.Narrow(outcome=audit.REFUSED))
    return sum(each.times for each in lines)


def test_without_a_token_it_is_401(sqlite_cloud: Cloud) -> None:
    world, wrong = sqlite_cloud.world, []
    for service, route in routes(sqlite_cloud):
        if route.action is None:
            continue
        for token in (None, "forged-token"):
            answer = world.call(
                route.method, filled(service, route), {}, token=token, headers=headers_for(service, route)
            )
            if answer.status != 401:
                wrong.append((route.method, route.path, answer.status))
    assert wrong == []


@pytest.mark.parametrize("role", ["none", "other", "reader"])
def test_those_who_may_not_are_refused_and_change_nothing(sqlite_cloud: Cloud, role: str) -> None:
    world, wrong, refused = sqlite_cloud.world, [], 0
    rank = Role.READER if role == "reader" else Role.NONE
    before = contents(sqlite_cloud.world.db)
    for service, route in routes(sqlite_cloud):
        actions = [route.action, *route.several] if route.action else []
        if not actions or any(world.policy.rules[action].least <= rank for action in actions):
            continue
        answer = world.call(
            route.method, filled(service, route), {}, token=f"{role}:alpha", headers=headers_for(service, route)
        )
        if answer.status not in {400, 403, 404, 415}:
            wrong.append((route.method, route.path, answer.status))
        refused += answer.status in {403, 404} and route.method in CHANGING
    assert wrong == []
    assert refusals(sqlite_cloud) == refused > 40
    assert contents(sqlite_cloud.world.db) == before


def test_another_projects_things_do_not_exist(sqlite_cloud: Cloud) -> None:
    """Every route with a parameter, asked for alpha's things by a member of beta."""
    world, wrong = sqlite_cloud.world, []
    made = {specimen.kind: specimen.create(world) for specimen in reversed(specimens())}
    world.settle(10)
    before = contents(sqlite_cloud.world.db)
    for service, route in routes(sqlite_cloud):
        if route.action is None or "{" not in route.path or route.path in SAYS_NOTHING:
            continue
        for kind, id in made.items():
            if kind.split(".")[0] != service.name:
                continue
            answer = world.call(
                route.method, filled(service, route, id), {}, token="member:beta", headers=headers_for(service, route)
            )
            if answer.status < 400 and (route.method in CHANGING or id.encode() in answer.body):
                wrong.append((route.method, route.path, kind, answer.status, answer.body[:200]))
    assert wrong == []
    world.settle(10)
    assert contents(sqlite_cloud.world.db) == before


def test_quick_routes_read_little_and_change_nothing(sqlite_cloud: Cloud) -> None:
    """The event loop, and with it everybody, waits for as long as one runs."""
    world, wrong, shown = sqlite_cloud.world, [], 0
    ids = [MISSING, *(specimen.create(world) for specimen in reversed(specimens()))]
    world.settle(10)
    for service, route in routes(sqlite_cloud):
        if not route.quick:
            continue
        if route.method != "GET" or route.slow or route.stream:
            wrong.append((route.method, route.path, "is no plain read"))
        for id in ids:
            with Statements(world.db) as counted:
                answer = world.call("GET", filled(service, route, id), headers=headers_for(service, route))
            shown += answer.status == 200
            if counted.changes or len(counted.sent) > 10:
                wrong.append((route.path, id, counted.sent))
    assert wrong == []
    assert shown > 4


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_bad_body_is_400_in_the_dialect(sqlite_cloud: Cloud, body: str) -> None:
    world, wrong = sqlite_cloud.world, []
    before = contents(sqlite_cloud.world.db)
    for service, route in routes(sqlite_cloud):
        if route.method not in {"POST", "PUT", "PATCH"} or route.stream:
            continue
        answer = world.call(
            route.method,
            filled(service, route),
            content=BAD_BODIES[body],
            token="admin:alpha",
            headers=headers_for(service, route) | {"content-type": "application/json"},
        )
        reads_no_body = answer.status in {404, 204, 202, 409} and route.method == "PUT"
        refused = 400 <= answer.status < 500 or answer.status == 501
        if not (refused or reads_no_body) or (not answer.body and answer.status >= 400):
            wrong.append((route.method, route.path, answer.status, answer.body[:200]))
    assert wrong == []
    assert contents(sqlite_cloud.world.db) == before


ODD_IDS = ["..", "a" * 300, "%00", "'; DROP TABLE work; --", "é", "-1", "0", "null", "%2e%2e%2f"]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_odd_id_is_never_a_server_error(sqlite_cloud: Cloud, odd: str) -> None:
    world, wrong = sqlite_cloud.world, []
    for service, route in routes(sqlite_cloud):
        if "{" not in route.path:
            continue
        answer = world.call(
            route.method, filled(service, route, odd), {}, token="admin:alpha", headers=headers_for(service, route)
        )
        if answer.status >= 500 and answer.status != 501:
            wrong.append((route.method, route.path, answer.status, answer.body[:200]))
    assert wrong == []


ODD_QUERIES = [
    "limit=-1",
    "limit=x",
    "marker=nope",
    "sort_key=nope",
    "sort=nope:up",
    "name=%FF",
    "status=%27",
    "fields=x",
]


@pytest.mark.parametrize("query", ODD_QUERIES)
def test_an_odd_query_is_never_a_server_error(sqlite_cloud: Cloud, query: str) -> None:
    world, wrong = sqlite_cloud.world, []
    for service, route in routes(sqlite_cloud):
        if route.method != "GET" or "{" in route.path:
            continue
        answer = world.call(
            "GET", filled(service, route), token="admin:alpha", query=query, headers=headers_for(service, route)
        )
        if answer.status >= 500 and answer.status != 501:
            wrong.append((route.path, answer.status, answer.body[:200]))
    assert wrong == []
