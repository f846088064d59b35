"""The metadata server against guests who mean no good, over loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from croft.drivers.metadata import Answer, Question, server
from croft.drivers.metadata.server import MetadataServer
from tests.contracts.guests import eventually

Address = tuple[str, int]


def reply(question: Question) -> Answer:
    if question.path == "/bug":
        raise KeyError("a secret")
    return Answer(200, "application/json", f"{question.network}:{question.path}".encode())


@pytest.fixture
def address() -> Iterator[Address]:
    metadata = MetadataServer(reply)
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    metadata.listen("blue", listener)
    yield address
    metadata.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)


def talk(address: Address, question: bytes) -> bytes:
    with socket.create_connection(address, timeout=server.QUESTION_SECONDS + 3) as connection:
        connection.sendall(question)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("question", "status", "body"),
    [
        (b"GET /a%20b/?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", 200, b"blue:/a b/"),
        (b"GET / HTTP/1.0\n\n", 200, b"blue:/"),
        (b"HEAD / HTTP/1.1\r\n\r\n", 200, b""),
        (b"PUT /latest/api/token HTTP/1.1\r\n\r\n", 405, b"Only GET\n"),
        (b"GET a HTTP/1.1\r\n\r\n", 400, b"Bad request\n"),
        (b"GET / HTTP/2\r\n\r\n", 400, b"Bad request\n"),
        (b"\0\xff\r\n\r\n", 400, b"Bad request\n"),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", 400, b"Bad request\n"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000, 400, b"Bad request\n"),
        (b"GET /bug HTTP/1.1\r\n\r\n", 500, b"Internal error\n"),
    ],
)
def test_a_question_gets_one_answer_and_the_connection_ends(
    address: Address, question: bytes, status: int, body: bytes
) -> None:
    head, _, got = talk(address, question).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in head
    assert got == body


def test_a_question_may_come_in_pieces(address: Address) -> None:
    with socket.create_connection(address, timeout=3) as connection:
        for piece in (b"GET /a", b"/b HTTP/1.1\r\n", b"Host: x\r\n", b"\r\n"):
            connection.sendall(piece)
        assert connection.recv(1000).endswith(b"blue:/a/b")


def test_the_slow_are_cut_off_and_keep_nobody_else_waiting(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "QUESTION_SECONDS", 1.0)
    slow = [socket.create_connection(address, timeout=5) for _ in range(server.PER_NETWORK - 1)]
    for connection in slow:
        connection.sendall(b"GET / HTT")
    assert b"blue:/quick" in talk(address, b"GET /quick HTTP/1.1\r\n\r\n")
    for connection in slow:
        assert connection.recv(100) == b""
        connection.close()


def test_a_network_holds_few_connections_at_a_time(address: Address) -> None:
    idle = [socket.create_connection(address, timeout=5) for _ in range(server.PER_NETWORK)]
    assert talk(address, b"") == b"", "one too many is closed"
    for connection in idle:
        connection.close()
    eventually(lambda: b"200 OK" in try_talk(address), 5, "room again")


def try_talk(address: Address) -> bytes:
    try:
        return talk(address, b"GET / HTTP/1.1\r\n\r\n")
    except ConnectionError:
        return b""
