"""The asynchronous edge over a real server and real sockets: large, broken, slow and vanishing clients."""

from __future__ import annotations

import asyncio
import http.client
import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from croft.core.db import Database
from croft.core.errors import Invalid, NotFound
from croft.core.http import Application, Request, Response, Route, Service, dialects, empty, reply
from croft.core.http.asgi import SLOW, Asgi, _arrival
from tests.world import World

MIB = 1 << 20
PATIENCE = 0.5


@dataclass
class Depot:
    """A service that takes and gives streams, and remembers how each ended."""

    taken: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    given: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    grinding: list[str] = field(default_factory=list)
    ground: threading.Event = field(default_factory=threading.Event)

    def echo(self, req: Request) -> Response:
        return reply({"size": len(req.content), "what": req.decode(dict[str, Any])})

    def glance(self, req: Request) -> Response:
        return reply({"thread": threading.current_thread().name, "size": len(req.content)})

    def take(self, req: Request) -> Response:
        size = 0
        try:
            for chunk in req.chunks:
                size += len(chunk)
        except Invalid as error:
            self.broken.append(error.message)
            self.ended.set()
            raise
        self.taken.append(size)
        return empty()

    def grind(self, req: Request) -> Response:
        self.grinding.append(req.request_id)
        assert self.ground.wait(20)
        return empty()

    def refuse(self, req: Request) -> Response:
        raise NotFound("There is no such thing.")

    def give(self, req: Request) -> Response:
        def chunks() -> Iterator[bytes]:
            try:
                for _ in range(int(req.first("mib", "1"))):
                    self.given += 1
                    yield bytes(MIB)
                if req.first("fail"):
                    raise OSError("the disk is gone")
            finally:
                self.ended.set()

        return Response(200, chunks(), {"content-type": "application/octet-stream"})

    def service(self) -> Service:
        return Service(
            name="depot",
            type="depot",
            prefix="/depot",
            endpoint="/depot",
            dialect=dialects.compute,
            rules=[],
            routes=[
                Route("POST", "/echo", self.echo, None, limit=1000),
                Route("PUT", "/take", self.take, None, stream=True),
                Route("PUT", "/refuse", self.refuse, None, stream=True),
                Route("GET", "/give", self.give, None),
                Route("GET", "/glance", self.glance, None, quick=True),
                Route("POST", "/grind", self.grind, None, slow=True),
            ],
        )


@dataclass
class Running:
    port: int
    depot: Depot
    asgi: Asgi
    application: Application
    thread: threading.Thread

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def raw(self, head: str, *, receive_buffer: int = 0) -> socket.socket:
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(20)
        client.connect(("127.0.0.1", self.port))
        client.sendall(f"{head}\r\nHost: depot.test\r\n".encode())
        return client


@pytest.fixture
def server(sqlite_db: Database) -> Iterator[Running]:
    depot = Depot()
    application = World(sqlite_db, [depot.service()]).application
    asgi = Asgi(application, threads=4, patience=PATIENCE, queue=20)
    config = uvicorn.Config(
        asgi,  # type: ignore[arg-type]
        host="127.0.0.1",
        port=0,
        http="httptools",
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        until(lambda: running.started)
        yield Running(running.servers[0].sockets[0].getsockname()[1], depot, asgi, application, thread)
    finally:
        running.should_exit = True
        thread.join(20)
        asgi.close()


def until(true: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def request(server: Running, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    with closing(server.connect()) as connection:
        connection.request(method, path, body)
        with connection.getresponse() as answer:
            return answer.status, answer.read()


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_a_body_comes_in_and_an_answer_goes_out(server: Running) -> None:
    assert request(server, "POST", "/depot/echo", b'{"a": 1}') == (200, b'{"size":8,"what":{"a":1}}')
    chunked = iter([b'{"a"', b": 1}"])
    assert request(server, "POST", "/depot/echo", chunked) == (200, b'{"size":8,"what":{"a":1}}')


def test_one_connection_serves_many_requests(server: Running) -> None:
    connection = server.connect()
    for _ in range(3):
        connection.request("POST", "/depot/echo", b"{}")
        assert connection.getresponse().read() == b'{"size":2,"what":{}}'
    connection.request("GET", "/depot/give")
    assert len(connection.getresponse().read()) == MIB
    connection.request("GET", "/depot/nowhere")
    assert connection.getresponse().read().startswith(b'{"itemNotFound"')
    connection.close()


def test_a_glance_at_a_database_next_to_us_is_not_handed_to_another_thread(server: Running) -> None:
    said = json.loads(request(server, "GET", "/depot/glance")[1])
    assert said == {"thread": server.thread.name, "size": 0}
    server.application.near = False
    assert json.loads(request(server, "GET", "/depot/glance")[1])["thread"].startswith("http")


def test_what_asks_may_have_a_body_all_the_same(server: Running) -> None:
    assert json.loads(request(server, "GET", "/depot/glance", b"12")[1])["size"] == 2
    assert json.loads(request(server, "GET", "/depot/glance", iter([b"1", b"23"]))[1])["size"] == 3


def test_only_a_database_of_this_process_is_near(db: Database) -> None:
    assert World(db, []).application.near == db.exclusive


def test_a_flood_of_slow_requests_keeps_nobody_else_waiting(server: Running) -> None:
    with ThreadPoolExecutor(12) as clients:
        answers = [clients.submit(request, server, "POST", "/depot/grind") for _ in range(12)]
        until(lambda: len(server.depot.grinding) >= SLOW)
        assert request(server, "POST", "/depot/echo", b"{}")[0] == 200
        assert len(server.depot.grinding) == SLOW, "few at once"
        server.depot.ground.set()
        assert [answer.result(20)[0] for answer in answers] == [204] * 12


def test_who_would_wait_absurdly_long_is_told_to_come_back(server: Running) -> None:
    most = SLOW * 21
    with ThreadPoolExecutor(most) as clients:
        answers = [clients.submit(request, server, "POST", "/depot/grind") for _ in range(most)]
        until(lambda: server.asgi._queued == most)
        with closing(server.connect()) as connection:
            connection.request("POST", "/depot/grind")
            with connection.getresponse() as answer:
                assert (answer.status, answer.headers["retry-after"]) == (503, "10")
                assert b"Try again" in answer.read()
        server.depot.ground.set()
        assert [answer.result(20)[0] for answer in answers] == [204] * most
    assert request(server, "POST", "/depot/grind")[0] == 204, "and then there is room again"


@pytest.mark.parametrize("body", [b"{broken", b"", b"[1]", b'{"a": "\xff"}'])
def test_broken_json_is_400(server: Running, body: bytes) -> None:
    assert request(server, "POST", "/depot/echo", body)[0] == 400


def test_a_body_announced_too_large_is_refused_before_it_comes(server: Running) -> None:
    with server.raw("POST /depot/echo HTTP/1.1") as client:
        client.sendall(b"Content-Length: 99999999999\r\n\r\n")
        answer = client.recv(4096)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in answer.lower()


def test_a_body_that_turns_out_too_large_is_refused_on_the_way(server: Running) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100_000):
            sent += 1
            yield bytes(1000)

    connection = server.connect()
    try:
        connection.request("POST", "/depot/echo", endless())
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server has closed before the client looked at the answer
    finally:
        connection.close()
    assert sent < 90_000


def test_a_body_that_is_just_too_large_is_413(server: Running) -> None:
    assert request(server, "POST", "/depot/echo", b'"' + b"x" * 1000)[0] == 413
    assert request(server, "POST", "/depot/echo", iter([b'"' + b"x" * 1000]))[0] == 413


def test_a_client_that_leaves_in_mid_body_is_forgotten(server: Running) -> None:
    with server.raw("POST /depot/echo HTTP/1.1") as client:
        client.sendall(b"Content-Length: 100\r\n\r\nhalf")
    assert request(server, "POST", "/depot/echo", b"{}")[0] == 200


def test_a_client_too_slow_with_its_body_is_refused(server: Running) -> None:
    with server.raw("POST /depot/echo HTTP/1.1") as client:
        client.sendall(b"Content-Length: 100\r\n\r\nhalf")
        assert client.recv(4096).startswith(b"HTTP/1.1 400")


def test_an_upload_streams_in_constant_memory(server: Running) -> None:
    request(server, "PUT", "/depot/take", (bytes(MIB) for _ in range(8)))
    before = peak()
    assert request(server, "PUT", "/depot/take", (bytes(MIB) for _ in range(300)))[0] == 204
    assert server.depot.taken == [8 * MIB, 300 * MIB]
    assert peak() - before < 60 * MIB


def test_a_download_streams_in_constant_memory(server: Running) -> None:
    request(server, "GET", "/depot/give?mib=8")
    before = peak()
    connection = server.connect()
    connection.request("GET", "/depot/give?mib=300")
    answer, size = connection.getresponse(), 0
    while piece := answer.read(MIB):
        size += len(piece)
    connection.close()
    assert size == 300 * MIB
    assert peak() - before < 60 * MIB


def test_an_upload_refused_at_once_still_lets_the_client_read_why(server: Running) -> None:
    status, content = request(server, "PUT", "/depot/refuse", (bytes(MIB) for _ in range(30)))
    assert status == 404
    assert b"no such thing" in content


def test_an_upload_that_breaks_off_is_told_to_its_taker(server: Running) -> None:
    with server.raw("PUT /depot/take HTTP/1.1") as client:
        client.sendall(b"Content-Length: 1000\r\n\r\nhalf")
    assert server.depot.ended.wait(20)
    assert server.depot.broken == ["The upload broke off."]


def test_an_upload_that_stalls_is_given_up(server: Running) -> None:
    with server.raw("PUT /depot/take HTTP/1.1") as client:
        client.sendall(b"Content-Length: 1000\r\n\r\nhalf")
        assert client.recv(4096).startswith(b"HTTP/1.1 400")
    assert server.depot.broken == ["The upload stalled and was given up."]


def test_a_download_whose_client_leaves_is_ended(server: Running) -> None:
    with server.raw("GET /depot/give?mib=100000 HTTP/1.1") as client:
        client.sendall(b"\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert server.depot.ended.wait(20)
    assert server.depot.given < 1000


def test_a_download_nobody_takes_is_cut_off(server: Running) -> None:
    with server.raw("GET /depot/give?mib=100000 HTTP/1.1", receive_buffer=4096) as client:
        client.sendall(b"\r\n")
        assert server.depot.ended.wait(20)
    assert server.depot.given < 1000


def test_a_download_that_fails_ends_too_early_for_all_to_see(server: Running) -> None:
    with pytest.raises(http.client.IncompleteRead):
        request(server, "GET", "/depot/give?mib=2&fail=yes")
    assert request(server, "POST", "/depot/echo", b"{}")[0] == 200


def test_other_protocols_are_not_spoken(server: Running) -> None:
    with server.raw("GET /depot/give HTTP/1.1") as client:
        client.sendall(
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert not client.recv(4096).startswith(b"HTTP/1.1 101")


def scripted(db: Database, depot: Depot, scope: dict[str, Any], *messages: dict[str, Any]) -> list[Any]:
    """What the application says to messages that come in exactly so."""
    said: list[Any] = []
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    async def send(message: Any) -> None:
        said.append(message)

    asgi = Asgi(World(db, [depot.service()]).application)
    asyncio.run(asgi(scope, receive, send))
    asgi.close()
    return said


def arriving(method: str, path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "scheme": "https",
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"seen.test:1"), (b"transfer-encoding", b"chunked")],
        "client": None,
    }


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_what_is_not_http_is_not_answered(sqlite_db: Database) -> None:
    assert scripted(sqlite_db, Depot(), {"type": "lifespan"}) == []


def test_a_body_in_pieces_is_put_together(sqlite_db: Database) -> None:
    echo = arriving("POST", "/depot/echo")
    said = scripted(sqlite_db, Depot(), echo, part(b'{"a"'), part(b""), part(b": 1}", more=False))
    assert said[1]["body"] == b'{"size":8,"what":{"a":1}}'
    assert scripted(sqlite_db, Depot(), echo, part(b"half"), {"type": "http.disconnect"}) == []
    for pieces in ([part(b"x" * 900), part(b"x" * 900)], [part(b"x" * 1001, more=False)]):
        assert scripted(sqlite_db, Depot(), echo, *pieces)[0]["status"] == 413


def test_a_stream_may_have_empty_pieces(sqlite_db: Database) -> None:
    depot = Depot()
    said = scripted(sqlite_db, depot, arriving("PUT", "/depot/take"), part(b"12"), part(b""), part(b"3", more=False))
    assert (said[0]["status"], depot.taken) == (204, [3])


def test_links_are_made_of_what_the_client_called_or_what_is_configured() -> None:
    assert _arrival(arriving("GET", "/"), "").base == "https://seen.test:1"
    assert _arrival(arriving("GET", "/"), "https://public.test").base == "https://public.test"
    assert _arrival(arriving("GET", "/"), "").client == "-"
