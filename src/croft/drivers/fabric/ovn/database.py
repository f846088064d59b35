"""One OVSDB connection: a replica in memory, kept fresh by a thread, and transactions one at a time.

Every failure leaves as `Unavailable` or `Rejected`. Nothing here knows networks.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import ovs.db.error
import ovs.db.idl
import ovs.jsonrpc
import ovs.poller
import ovs.stream
from ovs.db.data import Atom as OvsAtom
from ovs.db.idl import Idl, SchemaHelper, Transaction
from ovs.db.types import UuidType

from croft.core.errors import Rejected, Unavailable
from croft.drivers.fabric.ovn.rows import Atom, Column

Operation = dict[str, object]
Changed = Callable[[str, str, Any], None]
"""(event, table, row), in the thread that happens to read; must be quick and never call back."""

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

PULSE = 1.0
"""Seconds between looks at a connection that is silent or down."""

log = logging.getLogger(__name__)


class Replica(Idl):  # type: ignore[misc]
    """The IDL, telling of every change of a row."""

    def __init__(self, remote: str, schema: SchemaHelper, changed: Changed) -> None:
        super().__init__(remote, schema)
        self._changed = changed
        self._session.reconnect.set_backoff(100, 1000)

    def notify(self, event: str, row: Any, updates: Any = None) -> None:
        self._changed(event, row._table.name, row)

    @property
    def fresh(self) -> bool:
        return bool(self.state == Idl.IDL_S_MONITORING and self._session.is_connected())


class View:
    """The replica while its lock is held."""

    def __init__(self, replica: Replica, deadline: float) -> None:
        self._replica = replica
        self._deadline = deadline

    def rows(self, table: str) -> Mapping[UUID, Any]:
        rows: Mapping[UUID, Any] = self._replica.tables[table].rows
        return rows

    def row(self, table: str, uuid: UUID) -> Any:
        return self.rows(table).get(uuid)

    def is_root(self, table: str) -> bool:
        return bool(self._replica.tables[table].is_root)

    def commit(self, operations: Sequence[Operation]) -> None:
        transaction = Transaction(self._replica)
        for operation in operations:
            transaction.add_op(operation)
        try:
            status = self._settle(transaction)
        finally:
            transaction.abort()
        if status == Transaction.ERROR:
            raise _refusal(transaction.get_error())
        if status not in {Transaction.SUCCESS, Transaction.UNCHANGED}:
            raise Unavailable(f"The fabric's database asks to try again ({Transaction.status_to_string(status)}).")

    def _settle(self, transaction: Transaction) -> str:
        status: str = transaction.commit()
        while status == Transaction.INCOMPLETE:
            if time.monotonic() > self._deadline:
                raise Unavailable("The fabric's database did not answer in time.")
            turn(self._replica, self._deadline)
            status = transaction.commit()
        return status


class Database:
    def __init__(self, remote: str, schema: str, tables: Mapping[str, Sequence[str]], changed: Changed, timeout: float):
        self._remote, self._schema, self._tables = remote, schema, tables
        self._changed = changed
        self._timeout = timeout
        self._lock = threading.Lock()
        self._replica: Replica | None = None
        self._closed = threading.Event()
        self._bell, self._ringer = socket.socketpair()
        self._thread = threading.Thread(target=self._keep_fresh, name=f"ovsdb-{schema}", daemon=True)
        self._thread.start()

    @contextmanager
    def open(self) -> Iterator[View]:
        """The replica, connected and as fresh as the socket, for one thread at a time."""
        deadline = time.monotonic() + self._timeout
        if not self._lock.acquire(timeout=self._timeout):
            raise Unavailable(f"{self._schema} is busy.")
        try:
            replica = self._connected(deadline)
            yield View(replica, deadline)
        except (OSError, ovs.db.error.Error) as error:
            raise Unavailable(f"{self._schema}: {error}") from error
        finally:
            self._lock.release()

    def close(self) -> None:
        self._closed.set()
        self._ringer.close()
        self._thread.join(2 * PULSE)
        with self._lock:
            if self._replica:
                self._replica.close()
                self._replica = None
            self._bell.close()

    def _connected(self, deadline: float) -> Replica:
        if self._closed.is_set():
            raise Unavailable(f"{self._schema} was closed.")
        replica = self._replica
        if replica is None:
            replica = self._replica = Replica(self._remote, self._helper(deadline), self._changed)
        replica.run()
        while not replica.fresh:
            if time.monotonic() > deadline:
                raise Unavailable(f"{self._schema} at {self._remote} is not reachable.")
            turn(replica, deadline)
        return replica

    def _helper(self, deadline: float) -> SchemaHelper:
        helper = SchemaHelper(None, fetch_schema(self._remote, self._schema, deadline))
        for table, names in self._tables.items():
            helper.register_columns(table, list(names))
        return helper

    def _keep_fresh(self) -> None:
        """Answers probes and reads changes while nobody calls."""
        while not self._closed.is_set():
            poller = ovs.poller.Poller()
            with self._lock:
                try:
                    if self._replica is None:
                        helper = self._helper(time.monotonic() + PULSE)
                        self._replica = Replica(self._remote, helper, self._changed)
                    self._replica.run()
                    self._replica.wait(poller)
                except (OSError, ovs.db.error.Error, Unavailable) as error:
                    log.debug("%s is not reachable: %s", self._schema, error)
            poller.fd_wait(self._bell, ovs.poller.POLLIN)
            poller.timer_wait(int(PULSE * 1000))
            poller.block()


def turn(replica: Replica, deadline: float) -> None:
    """Waits for something to happen on the connection, at most until the deadline, and takes it in."""
    poller = ovs.poller.Poller()
    replica.wait(poller)
    poller.timer_wait(max(1, min(1000, int((deadline - time.monotonic()) * 1000))))
    poller.block()
    replica.run()


def fetch_schema(remotes: str, name: str, deadline: float) -> object:
    """From the first of the remotes that answers."""
    reason = "no remote"
    for remote in remotes.split(","):
        budget = max(1, int((deadline - time.monotonic()) * 1000))
        error, stream = ovs.stream.Stream.open_block(ovs.stream.Stream.open(remote), budget)
        if error:
            reason = f"{remote}: error {error}"
            continue
        connection = ovs.jsonrpc.Connection(stream)
        try:
            return _ask_schema(connection, name, deadline)
        except Unavailable as unavailable:
            reason = f"{remote}: {unavailable}"
        finally:
            connection.close()
    raise Unavailable(f"{name} is not reachable ({reason}).")


def _ask_schema(connection: Any, name: str, deadline: float) -> object:
    request = ovs.jsonrpc.Message.create_request("get_schema", [name])
    error = connection.send(request)
    while not error:
        connection.run()
        error, message = connection.recv()
        if message is not None and message.id == request.id and message.type == ovs.jsonrpc.Message.T_REPLY:
            return message.result
        if message is not None or time.monotonic() > deadline:
            break
        poller = ovs.poller.Poller()
        connection.wait(poller)
        connection.recv_wait(poller)
        poller.timer_wait(max(1, int((deadline - time.monotonic()) * 1000)))
        poller.block()
        error = 0
    raise Unavailable("no schema")


def _refusal(text: str) -> Rejected | Unavailable:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}
    code = answer.get("error", "") if isinstance(answer, dict) else ""
    if code in REFUSALS:
        return Rejected(f"{code}: {answer.get('details', '')}")
    return Unavailable(f"The fabric's database failed: {text}")


def value(row: Any, column: str) -> Column:
    """A column as plans write it; references are UUIDs."""
    datum = row._data[column]
    if datum.type.is_map():
        return {key.value: item.value for key, item in datum.values.items()}
    return frozenset(key.value for key in datum.values)


def tags(row: Any) -> dict[str, str]:
    return {key.value: item.value for key, item in row._data["external_ids"].values.items()}


def holds(row: Any, column: str, member: UUID) -> bool:
    return OvsAtom(UuidType, member) in row._data[column].values


def encode(column: Column) -> list[object]:
    """A column in OVSDB's JSON, in a fixed order."""
    if isinstance(column, Mapping):
        return ["map", [list(item) for item in sorted(column.items())]]
    return ["set", [_encode_atom(atom) for atom in sorted(column, key=str)]]


def _encode_atom(atom: Atom) -> object:
    return ["uuid", str(atom)] if isinstance(atom, UUID) else atom
