"""OVSDB on the wire (RFC 7047 and ovsdb-server(7)'s update2): addresses, messages in a byte stream, values.

Python's own client parses JSON character by character and trips over non-ASCII names split between two reads.
"""

from __future__ import annotations

import re
import select
import socket
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from croft.drivers.fabric.ovn.rows import Atom, Column

TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("|\\?\Z)|[{}]', re.DOTALL)
"""A string, perhaps still without its end, or a brace."""

ZERO = UUID(int=0)
DEFAULTS: dict[str, Atom] = {"string": "", "integer": 0, "boolean": False, "uuid": ZERO}

KEEPALIVE = ((socket.TCP_KEEPIDLE, 5), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))

Row = Mapping[str, Column]


@dataclass(frozen=True)
class Kind:
    """What a column holds when nothing is said, and whether changes come as differences."""

    default: Column
    many: bool


def dial(remote: str, seconds: float) -> socket.socket:
    """`unix:PATH` or `tcp:HOST:PORT`, IPv6 hosts in brackets. Later sends and receives have the same time."""
    scheme, _, rest = remote.partition(":")
    if scheme == "unix":
        channel = socket.socket(socket.AF_UNIX)
        try:
            channel.settimeout(seconds)
            channel.connect(rest)
        except OSError:
            channel.close()
            raise
        return channel
    host, _, port = rest.rpartition(":")
    if scheme != "tcp" or not port.isdecimal():
        raise OSError(f"cannot dial {remote}: only unix:PATH and tcp:HOST:PORT are known")
    channel = socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        channel.setsockopt(socket.IPPROTO_TCP, option, value)
    return channel


class Stream:
    """Messages as they come over a connection; one waits here while the one before is looked at."""

    def __init__(self, channel: socket.socket, bell: socket.socket) -> None:
        self.channel, self._bell = channel, bell
        self._framer = Framer()
        self._waiting: deque[dict[str, Any]] = deque()
        self._poll = select.poll()
        for end in (channel, bell):
            self._poll.register(end, select.POLLIN)

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """The next message; None when none came in time. An OSError when the bell rang or the other side hung up."""
        if not self._waiting:
            ready = {descriptor for descriptor, _ in self._poll.poll(seconds * 1000)}
            if self._bell.fileno() in ready:
                raise ConnectionAbortedError("closed")
            if ready:
                self._waiting.extend(self._framer.feed(self._read()))
        return self._waiting.popleft() if self._waiting else None

    def _read(self) -> bytes:
        chunk = self.channel.recv(1 << 20)
        if not chunk:
            raise ConnectionResetError("the server hung up")
        return chunk


class Framer:
    """Cuts a stream of JSON objects, which nothing separates, into messages."""

    def __init__(self) -> None:
        self._buffer = b""
        self._scanned = 0
        self._depth = 0

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        self._buffer += chunk
        messages, begin = [], 0
        scanned = len(self._buffer)
        for match in TOKEN.finditer(self._buffer, self._scanned):
            token = match[0]
            if token == b"{":
                self._depth += 1
            elif token == b"}":
                self._depth -= 1
                if self._depth == 0:
                    messages.append(msgspec.json.decode(self._buffer[begin : match.end()], type=dict[str, Any]))
                    begin = match.end()
            elif match[1] != b'"':
                scanned = match.start()
                break
        self._scanned = scanned - begin
        self._buffer = self._buffer[begin:]
        return messages


def kinds(schema: Mapping[str, Any], tables: Mapping[str, Iterable[str]]) -> dict[str, dict[str, Kind]]:
    described = schema["tables"]
    return {
        table: {column: _kind(described[table]["columns"][column]["type"]) for column in columns}
        for table, columns in tables.items()
    }


def roots(schema: Mapping[str, Any]) -> frozenset[str]:
    """Tables whose rows live without being referred to."""
    return frozenset(name for name, table in schema["tables"].items() if table.get("isRoot"))


def _kind(type_: Any) -> Kind:
    if isinstance(type_, str):
        return Kind(frozenset({DEFAULTS[type_]}), many=False)
    if "value" in type_:
        return Kind({}, many=True)
    key = type_["key"] if isinstance(type_["key"], str) else type_["key"]["type"]
    optional = type_.get("min", 1) == 0
    return Kind(frozenset() if optional else frozenset({DEFAULTS[key]}), many=type_.get("max", 1) != 1)


def apply(kind: Kind, old: Column, change: Column) -> Column:
    """An update2 `modify`: columns that may hold several come as what differs, the others as they are now."""
    if isinstance(old, Mapping):
        assert isinstance(change, Mapping)
        gone = {key for key, value in change.items() if old.get(key) == value}
        return {key: value for key, value in (old | change).items() if key not in gone}  # type: ignore[operator]
    if not kind.many:
        return change
    assert not isinstance(change, Mapping)
    return old ^ change


def decode(value: Any) -> Column:
    if isinstance(value, list):
        tag, body = value
        if tag == "set":
            return frozenset(_atom(item) for item in body)
        if tag == "map":
            return {str(_atom(key)): str(_atom(item)) for key, item in body}
    return frozenset({_atom(value)})


def _atom(value: Any) -> Atom:
    atom: Atom = UUID(value[1]) if isinstance(value, list) else value
    return atom


def encode(column: Column) -> list[object]:
    """In a fixed order."""
    if isinstance(column, Mapping):
        return ["map", [list(item) for item in sorted(column.items())]]
    return ["set", [["uuid", str(atom)] if isinstance(atom, UUID) else atom for atom in sorted(column, key=str)]]
