"""Requests through the whole application without sockets: bodies, refusals, error dialects, logs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
import pytest

from croft.core.db import Database
from croft.core.errors import (
    Conflict,
    CroftError,
    Invalid,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    NotImplementedHere,
    PreconditionFailed,
    QuotaExceeded,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)
from croft.core.http import Microversions, Request, Response, Route, Service, Version, dialects, empty, reply
from croft.core.policy import Actor, Role, Rule
from tests.world import Answer, World

ERRORS = [
    (Invalid("m"), 400, "badRequest", "HTTPBadRequest"),
    (Unauthorized("m"), 401, "unauthorized", "Unauthorized"),
    (QuotaExceeded("a.b", 1, 1, 1), 403, "forbidden", "OverQuota"),
    (NotFound("m"), 404, "itemNotFound", "HTTPNotFound"),
    (MethodNotAllowed("m"), 405, "badMethod", "HTTPError"),
    (NotAcceptable("m"), 406, "computeFault", "HTTPError"),
    (Conflict("m"), 409, "conflictingRequest", "Conflict"),
    (PreconditionFailed("m"), 412, "computeFault", "HTTPError"),
    (TooLarge("m"), 413, "overLimit", "HTTPRequestEntityTooLarge"),
    (UnsupportedMedia("m"), 415, "badMediaType", "HTTPError"),
    (NotImplementedHere("m"), 501, "notImplemented", "HTTPNotImplemented"),
    (CroftError("m"), 500, "computeFault", "HTTPError"),
]


@pytest.mark.parametrize(("error", "status", "nova", "neutron"), ERRORS)
def test_each_api_words_an_error_in_its_own_way(error: CroftError, status: int, nova: str, neutron: str) -> None:
    def worded(dialect: dialects.Dialect) -> Any:
        body, kind = dialect(error, {"accept": "application/json"})
        assert kind == "application/json"
        return json.loads(body)

    says = error.message
    assert error.status == status
    assert worded(dialects.compute) == {nova: {"code": status, "message": says}}
    assert worded(dialects.identity) == {"error": {"code": status, "message": says, "title": error.title}}
    assert worded(dialects.network) == {"NeutronError": {"type": neutron, "message": says, "detail": ""}}
    assert worded(dialects.image)["code"] == f"{status} {error.title}"


def test_an_error_may_have_the_apis_own_name() -> None:
    body, _ = dialects.network(NotFound("m", kind="PortNotFound"), {})
    assert json.loads(body)["NeutronError"]["type"] == "PortNotFound"


def test_an_image_error_in_html_cannot_carry_a_script() -> None:
    body, kind = dialects.image(NotFound("<script>alert(1)</script>"), {"accept": "*/*"})
    assert kind == "text/html; charset=UTF-8"
    assert b"<script>" not in body
    assert b"&lt;script&gt;" in body


class Shape(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(max_length=3)]


class Trade:
    """Handlers of a service made for these tests."""

    def __init__(self) -> None:
        self.closed = False

    def echo(self, req: Request) -> Response:
        return reply({"name": req.decode(Shape).name, "base": req.base})

    def loose(self, req: Request) -> Response:
        return reply(req.decode(Any))  # type: ignore[arg-type]

    def show(self, req: Request) -> Response:
        facts = {"id": req.params["id"], "user": req.ctx.actor.user, "x": req.first("x", "none"), "v": str(req.version)}
        return reply(facts | {"limit": req.page().limit, "path": req.path, "client": req.client})

    def anonymous(self, req: Request) -> Response:
        return reply({"user": req.ctx.actor.user})

    def fail(self, req: Request) -> Response:
        raise {"away": Unavailable("The engine is away."), "bug": ValueError("secret")}[req.params["how"]]

    def stream(self, req: Request) -> Response:
        def chunks() -> Iterator[bytes]:
            try:
                yield b"one"
                yield b"two"
            finally:
                self.closed = True

        body = chunks()
        next(body)
        return Response(200, body, {"content-length": "6"})

    def service(self) -> Service:
        return Service(
            name="trade",
            type="trade",
            prefix="/trade",
            endpoint="/trade/v1",
            dialect=dialects.compute,
            rules=[Rule("trade.thing.show", Role.READER, "get_thing", "see things")],
            routes=[
                Route("POST", "/echo", self.echo, None),
                Route("POST", "/loose", self.loose, None),
                Route("GET", "/others/{id}", self.show, "trade.thing.show"),
                Route("GET", "/open", self.anonymous, None),
                Route("GET", "/things/{id}", self.show, "trade.thing.show"),
                Route("GET", "/fail/{how}", self.fail, None),
                Route("GET", "/stream", self.stream, None),
            ],
            request_id_header="x-trade-request-id",
            microversions=Microversions("trade", Version(1, 0), Version(1, 5)),
        )


@pytest.fixture
def trade() -> Trade:
    return Trade()


@pytest.fixture
def world(sqlite_db: Database, trade: Trade) -> World:
    return World(sqlite_db, [trade.service()])


def test_a_request_reaches_its_handler_with_all_it_needs(world: World) -> None:
    answer = world.call("GET", "/trade/things/7", query="x=1&x=2&limit=5")
    assert answer.json == {
        "id": "7",
        "user": "user-member-alpha",
        "x": "1",
        "v": "1.0",
        "limit": 5,
        "path": "/things/7",
        "client": "127.0.0.1",
    }
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    assert answer.headers["x-trade-request-id"] == answer.headers["x-openstack-request-id"]
    assert answer.headers["openstack-api-version"] == "trade 1.0"


def test_without_a_token_the_door_to_identity_is_named(world: World) -> None:
    answer = world.call("GET", "/trade/things/7", token=None)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Keystone uri="https://cloud.test:8443/identity"'


def test_refusals_carry_version_and_allow(world: World) -> None:
    assert world.call("PUT", "/trade/echo").headers["allow"] == "POST"
    refused = world.call("GET", "/trade/open", headers={"OpenStack-API-Version": "trade 9.9"})
    assert refused.status == 406
    assert "openstack-api-version" not in refused.headers
    assert world.call("GET", "/trade/nowhere").status == 404


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b'{"name": "abc"}', 200, ""),
        (b'{"name": "abcd"}', 400, "$.name"),
        (b'{"name": 5}', 400, "$.name"),
        (b"{}", 400, "name"),
        (b"", 400, "not JSON"),
        (b'{"name": ', 400, "not JSON"),
        (b'{"name": "\xff"}', 400, "not JSON"),
        (b"[" * 100_000, 400, ""),
        (rb'{"name": "a\u0000"}', 400, "zero byte"),
        (rb'{"name": "\\\u0000"}', 400, "zero byte"),
        (rb'{"name": "\\u00"}', 400, "$.name"),
    ],
)
def test_a_body_that_is_wrong_says_where(world: World, content: bytes, status: int, says: str) -> None:
    answer = world.call("POST", "/trade/echo", content=content)
    assert answer.status == status
    assert says in answer.body.decode()


def test_a_body_nested_too_deeply_is_400(world: World) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert world.call("POST", "/trade/loose", content=deep).status == 400


def test_an_application_credential_may_be_for_few_requests(sqlite_db: Database, trade: Trade) -> None:
    limited = Actor(user="u", project="p", roles=frozenset({"member"}), requests=(("trade", "GET", "/things/*"),))
    world = World(sqlite_db, [trade.service()], lambda token: limited)
    assert world.call("GET", "/trade/things/7", token="t").status == 200
    assert world.call("GET", "/trade/others/7", token="t").status == 403


def test_an_escaped_backslash_is_no_zero_byte(world: World) -> None:
    assert world.call("POST", "/trade/echo", content=rb'{"name": "\\n", "other": "\\u0000"}').status == 200


def test_a_zero_byte_in_the_query_is_400(world: World) -> None:
    assert world.call("GET", "/trade/things/7", query="x=%00").status == 400


def test_an_engine_that_is_away_is_503_and_a_bug_has_a_number(world: World, caplog: pytest.LogCaptureFixture) -> None:
    away = world.call("GET", "/trade/fail/away")
    assert (away.status, "away" in away.json["serviceUnavailable"]["message"]) == (503, True)
    bug = world.call("GET", "/trade/fail/bug")
    assert bug.status == 500
    assert b"secret" not in bug.body
    number = bug.json["computeFault"]["message"].rstrip(".").rsplit(" ", 1)[1]
    assert any(f"fault={number}" in record.getMessage() for record in caplog.records)


def test_an_open_route_has_nobody_behind_it(world: World) -> None:
    assert world.call("GET", "/trade/open").status == 500


def test_a_head_has_the_length_but_no_body_and_ends_a_stream(world: World, trade: Trade) -> None:
    whole = world.call("GET", "/trade/things/7")
    head = world.call("HEAD", "/trade/things/7")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(whole.body)))
    assert world.call("GET", "/trade/stream").body == b"two"
    trade.closed = False
    head = world.call("HEAD", "/trade/stream")
    assert (head.body, head.headers["content-length"], trade.closed) == (b"", "6", True)


def test_beside_the_services_there_is_a_health_page_and_a_table_of_contents(world: World) -> None:
    assert world.call("GET", "/healthz", token=None).json == {"status": "ok"}
    assert world.call("GET", "/", token=None).json == {"trade": "https://cloud.test:8443/trade/v1"}
    assert world.call("GET", "/nowhere", token=None).status == 404
    assert world.call("POST", "/healthz").status == 404


def test_without_a_database_the_health_page_says_so(trade: Trade) -> None:
    world = World(Database("sqlite:////no/such/folder/croft.db"), [trade.service()])
    assert world.call("GET", "/healthz", token=None).status == 503


def test_each_request_is_one_line(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "croft.http")
    answer = world.call("GET", "/trade/things/evil%0Aline", headers={"x-auth-token": "member:alpha"})
    path = world.call("GET", "/trade/nowhere\nforged")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert not any("\n" in line for line in lines)
    assert f"request={answer.headers['x-openstack-request-id']}" in lines[0]
    assert "user=user-member-alpha project=alpha" in lines[0]
    assert "member:alpha" not in " ".join(lines)
    assert path.status == 404
    caplog.clear()
    caplog.set_level(logging.WARNING, "croft.http")
    world.call("GET", "/trade/things/7")
    assert caplog.records == []


def test_a_long_or_odd_path_is_shortened_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "croft.http")
    world.call("GET", "/trade/" + "x" * 5000)
    assert len(caplog.records[0].getMessage()) < 500


def test_helpers_make_answers() -> None:
    assert reply({"a": 1}, 201, {"x": "y"}) == Response(201, b'{"a":1}', {"content-type": "application/json", "x": "y"})
    assert empty(headers={"x": "y"}) == Response(204, b"", {"x": "y"})
    headers: Mapping[str, str] = empty().headers
    assert headers == {}
    assert Answer(200, {}, b"1").json == 1
