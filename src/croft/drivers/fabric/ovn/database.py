"""One OVSDB connection: a replica in memory, kept by a thread, and transactions one at a time.

Every failure leaves as `Unavailable` or `Rejected`. Nothing here knows networks.
"""

from __future__ import annotations

import itertools
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec

from croft.core.errors import Rejected, Unavailable
from croft.drivers.fabric.ovn.wire import Kind, Row, Stream, apply, decode, dial, kinds, roots

Operation = dict[str, object]
Changed = Callable[[str, UUID, Row | None, Row | None], None]
"""(table, row, before, after), in the reading thread with the replica locked: must be quick and never call back."""

REFUSALS = {
    "constraint violation",
    "referential integrity violation",
    "domain error",
    "range error",
    "syntax error",
    "unknown column",
    "unknown table",
    "duplicate uuid",
    "duplicate uuid-name",
}
"""RFC 7047's codes for "no"; the others ("timed out", "I/O error", …) mean "not now"."""

BACKOFF = (0.1, 1.0)
"""Seconds before the first and the later attempts to connect again."""

PATIENCE = 1.0
"""Seconds a caller waits for a database that was last seen failing."""

log = logging.getLogger(__name__)


class Database:
    def __init__(
        self, remotes: str, name: str, tables: Mapping[str, Sequence[str]], changed: Changed, timeout: float
    ) -> None:
        self._remotes, self._name, self._tables = remotes.split(","), name, tables
        self._changed = changed
        self._timeout = timeout
        self._writing = threading.Lock()
        self._state = threading.Condition(threading.Lock())
        self._rows: dict[str, dict[UUID, Row]] = {table: {} for table in tables}
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._roots: frozenset[str] = frozenset()
        self._channel: socket.socket | None = None
        """The connection, while the replica is as fresh as it."""
        self._failure = ""
        self._numbers = itertools.count(1)
        self._replies: dict[int, dict[str, Any] | None] = {}
        self._closed = threading.Event()
        self._bell, self._ringer = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"ovsdb-{name}", daemon=True)
        self._thread.start()

    @contextmanager
    def read(self) -> Iterator[View]:
        with self._state:
            self._wait_fresh()
            yield View(self._rows, self._roots)

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Nobody else of this process writes meanwhile."""
        if not self._writing.acquire(timeout=self._timeout):
            raise Unavailable(f"{self._name} is busy.")
        try:
            with self._state:
                self._wait_fresh()
                yield Writer(self._rows, self._roots, self._transact)
        finally:
            self._writing.release()

    def close(self) -> None:
        self._closed.set()
        self._ringer.close()
        self._thread.join(self._timeout)
        self._bell.close()

    def _wait_fresh(self) -> None:
        patience = PATIENCE if self._failure else self._timeout
        self._state.wait_for(lambda: self._channel is not None or self._closed.is_set(), patience)
        if self._channel is None:
            raise Unavailable(f"{self._name} is not reachable ({self._failure or 'no answer'}).")

    def _transact(self, operations: Sequence[Operation]) -> None:
        """Called with the replica locked; lets go of it while waiting."""
        channel = self._channel
        if channel is None:
            raise Unavailable(f"The connection to {self._name} was lost.")
        number = next(self._numbers)
        self._replies[number] = None
        try:
            _send(channel, "transact", [self._name, *operations], number)
            self._state.wait_for(lambda: self._replies[number] or self._channel is not channel, self._timeout)
        except OSError as error:
            raise Unavailable(f"{self._name}: {error}") from error
        finally:
            reply = self._replies.pop(number)
        if reply is None:
            raise Unavailable(f"{self._name} did not answer in time, or the connection was lost.")
        _check(self._name, reply)

    def _run(self) -> None:
        remotes = itertools.cycle(self._remotes)
        backoff = BACKOFF[0]
        while not self._closed.is_set():
            try:
                with dial(next(remotes), self._timeout) as channel:
                    stream = Stream(channel, self._bell)
                    self._subscribe(stream)
                    backoff = BACKOFF[0]
                    self._pump(stream)
            except (OSError, msgspec.DecodeError, Unavailable) as error:
                self._lose(str(error))
            self._closed.wait(backoff)
            backoff = BACKOFF[1]
        self._lose("closed")

    def _lose(self, reason: str) -> None:
        with self._state:
            if self._channel is not None or reason != self._failure:
                log.info("%s is not reachable: %s", self._name, reason)
            self._channel, self._failure = None, reason
            self._state.notify_all()

    def _subscribe(self, stream: Stream) -> None:
        schema = self._ask(stream, "get_schema", [self._name])
        wanted = {table: [{"columns": list(columns)}] for table, columns in self._tables.items()}
        dump = self._ask(stream, "monitor_cond", [self._name, "replica", wanted])
        with self._state:
            self._kinds, self._roots = kinds(schema, self._tables), roots(schema)
            before = self._rows
            self._rows = {table: {} for table in self._tables}
            for table, uuid, _, row in self._apply(dump):
                self._changed(table, uuid, before[table].pop(uuid, None), row)
            for table, lost in before.items():
                for uuid, row in lost.items():
                    self._changed(table, uuid, row, None)
            self._channel, self._failure = stream.channel, ""
            self._state.notify_all()

    def _ask(self, stream: Stream, method: str, parameters: list[object]) -> Any:
        """During the greeting: nothing but the answer, and echoes, can come before it."""
        number = next(self._numbers)
        _send(stream.channel, method, parameters, number)
        deadline = time.monotonic() + self._timeout
        while (rest := deadline - time.monotonic()) > 0:
            message = stream.receive(rest) or {}
            if message.get("method") == "echo":
                _reply(stream.channel, message)
            elif message.get("id") == number:
                if message.get("error") is not None:
                    raise Unavailable(f"{method}: {message['error']}")
                return message["result"]
        raise Unavailable(f"{method} was not answered")

    def _pump(self, stream: Stream) -> None:
        while True:
            if message := stream.receive(self._timeout):
                with self._state:
                    self._handle(stream.channel, message)

    def _handle(self, channel: socket.socket, message: dict[str, Any]) -> None:
        method, number = message.get("method"), message.get("id")
        if method == "update2":
            for news in self._apply(message["params"][1]):
                self._changed(*news)
        elif method == "echo":
            _reply(channel, message)
        elif method is None and number in self._replies:
            self._replies[number] = message
            self._state.notify_all()

    def _apply(self, updates: dict[str, Any]) -> list[tuple[str, UUID, Row | None, Row | None]]:
        """Takes a whole update in before anyone hears of it."""
        news = []
        for table, rows in updates.items():
            for id, update in rows.items():
                uuid = UUID(id)
                before = self._rows[table].pop(uuid, None)
                after = self._after(self._kinds[table], before, update)
                if after is not None:
                    self._rows[table][uuid] = after
                news.append((table, uuid, before, after))
        return news

    def _after(self, kinds: dict[str, Kind], before: Row | None, update: dict[str, Any]) -> Row | None:
        if "delete" in update:
            return None
        if "modify" in update:
            if before is None:
                raise Unavailable("the server changed a row it never showed")
            changes = {column: decode(value) for column, value in update["modify"].items()}
            return {**before, **{name: apply(kinds[name], before[name], change) for name, change in changes.items()}}
        told = update.get("insert") or update.get("initial") or {}
        return {name: decode(told[name]) if name in told else kind.default for name, kind in kinds.items()}


class View:
    """The replica while it is locked."""

    def __init__(self, rows: Mapping[str, Mapping[UUID, Row]], roots: frozenset[str]) -> None:
        self._rows, self._roots = rows, roots

    def rows(self, table: str) -> Mapping[UUID, Row]:
        return self._rows[table]

    def row(self, table: str, uuid: UUID) -> Row | None:
        return self._rows[table].get(uuid)

    def is_root(self, table: str) -> bool:
        return table in self._roots


class Writer(View):
    def __init__(
        self,
        rows: Mapping[str, Mapping[UUID, Row]],
        roots: frozenset[str],
        transact: Callable[[Sequence[Operation]], None],
    ) -> None:
        super().__init__(rows, roots)
        self.commit = transact
        """All or nothing. When it returns, the replica shows it."""


def _send(channel: socket.socket, method: str, parameters: list[object], number: int) -> None:
    channel.sendall(msgspec.json.encode({"method": method, "params": parameters, "id": number}))


def _reply(channel: socket.socket, message: dict[str, Any]) -> None:
    channel.sendall(msgspec.json.encode({"result": message["params"], "error": None, "id": message["id"]}))


def _check(name: str, reply: dict[str, Any]) -> None:
    if reply.get("error") is not None:
        raise Unavailable(f"{name}: {reply['error']}")
    for answer in reply["result"]:
        code = answer.get("error") if isinstance(answer, dict) else None
        if code in REFUSALS:
            raise Rejected(f"{code}: {answer.get('details', '')}")
        if code is not None:
            raise Unavailable(f"{name}: {code}: {answer.get('details', '')}")
