"""The HTTP side of metadata: one loop reads the questions of all sockets, a few threads answer them.

Those who ask are untrusted guests: a question is one GET of at most 8 KiB, asked within 5 s, on a connection that ends
with the answer; a network holds few connections at a time, so none can starve the others.
"""

from __future__ import annotations

import logging
import re
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

from croft.drivers.metadata import Answer, Question

QUESTION_BYTES = 8192
QUESTION_SECONDS = 5.0
ANSWER_SECONDS = 5.0
PER_NETWORK = 32
IN_ALL = 1024
THREADS = 8

REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) (/[!-~]{0,2000}) HTTP/1\.[01]\r?\n")
END = re.compile(rb"\r?\n\r?\n")

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Connection:
    socket: socket.socket
    network: str
    client: str
    deadline: float
    received: bytearray = field(default_factory=bytearray)


class MetadataServer:
    def __init__(self, answer: Callable[[Question], Answer]) -> None:
        self._answer = answer
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._lock = threading.Lock()
        self._comers: list[tuple[str, socket.socket]] = []
        self._leavers: list[tuple[socket.socket, threading.Event]] = []
        self._open: Counter[str] = Counter()
        self._reading: set[Connection] = set()
        self._closed = False
        self._pool = ThreadPoolExecutor(THREADS, "metadata-answer")
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._loop, name="metadata-loop", daemon=True)
        self._thread.start()

    def listen(self, network: str, listener: socket.socket) -> None:
        """Takes over a listening socket."""
        listener.setblocking(False)
        with self._lock:
            self._comers.append((network, listener))
        self._ringer.send(b"!")

    def leave(self, listener: socket.socket) -> None:
        """The socket is closed when this returns."""
        gone = threading.Event()
        with self._lock:
            self._leavers.append((listener, gone))
        self._ringer.send(b"!")
        gone.wait(QUESTION_SECONDS)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._ringer.send(b"!")
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for end in (self._bell, self._ringer):
            end.close()

    def _loop(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select(1.0):
                if key.fileobj is self._bell:
                    self._bell.recv(4096)
                elif isinstance(key.data, Connection):
                    self._read(key.data)
                else:
                    self._accept(key.fileobj, key.data)
            self._move_listeners()
            self._expire()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket) and key.fileobj is not self._bell:
                key.fileobj.close()
        self._selector.close()

    def _move_listeners(self) -> None:
        with self._lock:
            comers, self._comers = self._comers, []
            leavers, self._leavers = self._leavers, []
        for network, listener in comers:
            self._selector.register(listener, selectors.EVENT_READ, network)
        for listener, gone in leavers:
            self._selector.unregister(listener)
            listener.close()
            gone.set()

    def _accept(self, listener: object, network: str) -> None:
        assert isinstance(listener, socket.socket)
        try:
            accepted, peer = listener.accept()
        except OSError as error:
            log.debug("no connection after all in network %s: %s", network, error)
            return
        with self._lock:
            full = self._open[network] >= PER_NETWORK or self._open.total() >= IN_ALL
            self._open[network] += not full
        if full:
            accepted.close()
            return
        accepted.setblocking(False)
        connection = Connection(accepted, network, peer[0], time.monotonic() + QUESTION_SECONDS)
        self._reading.add(connection)
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _read(self, connection: Connection) -> None:
        try:
            chunk = connection.socket.recv(QUESTION_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        connection.received += chunk
        complete = END.search(connection.received) is not None
        if complete or len(connection.received) > QUESTION_BYTES:
            self._stop_reading(connection)
            self._pool.submit(self._reply, connection)
        elif not chunk:
            self._stop_reading(connection)
            self._end(connection)

    def _expire(self) -> None:
        now = time.monotonic()
        for connection in [late for late in self._reading if late.deadline < now]:
            self._stop_reading(connection)
            self._end(connection)

    def _stop_reading(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        self._reading.discard(connection)

    def _end(self, connection: Connection) -> None:
        connection.socket.close()
        with self._lock:
            self._open[connection.network] -= 1
            if not self._open[connection.network]:
                del self._open[connection.network]

    def _reply(self, connection: Connection) -> None:
        try:
            connection.socket.settimeout(ANSWER_SECONDS)
            connection.socket.sendall(self._respond(connection))
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            log.debug("%s in network %s went away: %s", connection.client, connection.network, error)
        finally:
            self._end(connection)

    def _respond(self, connection: Connection) -> bytes:
        line = REQUEST_LINE.match(connection.received)
        if line is None or len(connection.received) > QUESTION_BYTES:
            return _render(Answer(400, "text/plain", b"Bad request\n"))
        method, target = line[1].decode("ascii"), line[2].decode("ascii")
        if method not in {"GET", "HEAD"}:
            return _render(Answer(405, "text/plain", b"Only GET\n"))
        path = unquote(target.split("?", 1)[0])
        try:
            answer = self._answer(Question(connection.network, connection.client, path))
        except Exception:
            log.exception("metadata question %s of %s in %s failed", path, connection.client, connection.network)
            answer = Answer(500, "text/plain", b"Internal error\n")
        return _render(answer, body=method == "GET")


def _render(answer: Answer, body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        f"Content-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (answer.body if body else b"")
