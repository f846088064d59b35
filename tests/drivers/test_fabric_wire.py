"""Messages out of a byte stream, values out of OVSDB's JSON, and who of the hosts is alive."""

from __future__ import annotations

import json
import random
import socket
from uuid import UUID

import pytest

from croft.drivers.fabric.ovn.southbound import Liveness
from croft.drivers.fabric.ovn.wire import Framer, Kind, Stream, apply, decode, dial, encode, kinds, roots

ONE, TWO = UUID(int=1), UUID(int=2)
MESSAGES = [
    {"id": 1, "result": {"a": 'brace } and quote " and \\ backslash \\" {'}},
    {"id": None, "method": "update2", "params": ["größe 雲", {"x": [1, {"y": {}}]}]},
    {},
    {"id": 2, "result": "\\\\"},
]


@pytest.mark.parametrize("seed", range(30))
def test_messages_survive_any_cut(seed: int) -> None:
    dice = random.Random(seed)
    stream = "".join(json.dumps(message, ensure_ascii=False) for message in MESSAGES).encode()
    framer, got = Framer(), []
    while stream:
        cut = dice.randint(1, 1 + dice.choice([0, 3, 40]))
        got += framer.feed(stream[:cut])
        stream = stream[cut:]
    assert got == MESSAGES


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ("x", frozenset({"x"})),
        (True, frozenset({True})),
        (["uuid", str(ONE)], frozenset({ONE})),
        (["set", []], frozenset()),
        (["set", [["uuid", str(ONE)], ["uuid", str(TWO)]]], frozenset({ONE, TWO})),
        (["map", [["b", "2"], ["a", "1"]]], {"a": "1", "b": "2"}),
    ],
)
def test_values_come_and_go(wire: object, value: object) -> None:
    assert decode(wire) == value
    assert decode(encode(decode(wire))) == value


MANY, OPTIONAL, MAP = Kind(frozenset(), True), Kind(frozenset(), False), Kind({}, True)


@pytest.mark.parametrize(
    ("kind", "old", "change", "new"),
    [
        (MANY, {1, 2}, {2, 3}, {1, 3}),
        (MANY, set(), {1}, {1}),
        (OPTIONAL, {"a"}, {"b"}, {"b"}),
        (OPTIONAL, {"a"}, set(), set()),
        (OPTIONAL, set(), {"a"}, {"a"}),
    ],
)
def test_changes_of_sets_are_differences_and_of_single_values_the_new_one(
    kind: Kind, old: set[object], change: set[object], new: set[object]
) -> None:
    assert apply(kind, frozenset(old), frozenset(change)) == new  # type: ignore[arg-type]


def test_changes_of_maps_take_away_what_is_there_and_set_what_is_not() -> None:
    assert apply(MAP, {"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == {"b": "3", "c": "4"}


def test_a_schema_tells_defaults_and_roots() -> None:
    types = {
        "name": "string",
        "up": {"key": "boolean", "min": 0, "max": 1},
        "ports": {"key": {"type": "uuid"}, "min": 0, "max": "unlimited"},
        "options": {"key": "string", "value": "string", "min": 0, "max": "unlimited"},
        "number": {"key": {"type": "integer", "minInteger": 0}},
    }
    schema = {"tables": {"T": {"isRoot": True, "columns": {name: {"type": type_} for name, type_ in types.items()}}}}
    assert roots(schema) == {"T"}
    assert kinds(schema, {"T": types}) == {
        "T": {
            "name": Kind(frozenset({""}), False),
            "up": Kind(frozenset(), False),
            "ports": Kind(frozenset(), True),
            "options": Kind({}, True),
            "number": Kind(frozenset({0}), False),
        }
    }


@pytest.mark.parametrize("remote", ["ssl:198.18.0.1:6641", "nonsense", "tcp:"])
def test_what_cannot_be_dialled_is_an_os_error(remote: str) -> None:
    with pytest.raises(OSError):
        dial(remote, 0.1)


def test_a_host_that_stays_behind_longer_than_the_grace_is_dead_and_revives() -> None:
    now = 0.0
    liveness = Liveness(grace=10, clock=lambda: now)
    assert liveness.judge(0, {"a": 0, "b": 0}) == {"a": True, "b": True}
    now = 10
    assert liveness.wants_pulse()
    assert liveness.judge(1, {"a": 0, "b": 0}) == {"a": True, "b": True}, "they have just been asked"
    assert not liveness.wants_pulse()
    now = 21
    assert liveness.judge(1, {"a": 1, "b": 0}) == {"a": True, "b": False}
    now = 22
    assert liveness.judge(2, {"a": 1, "b": 0}) == {"a": True, "b": False}, "no grace for the dead"
    assert liveness.judge(2, {"a": 2, "b": 2, "c": -1}) == {"a": True, "b": True, "c": False}


def test_messages_that_come_together_wait_for_each_other() -> None:
    near, far = socket.socketpair()
    bell, ringer = socket.socketpair()
    stream = Stream(near, bell)
    far.sendall(b"".join(json.dumps(message).encode() for message in MESSAGES))
    assert [stream.receive(1) for _ in MESSAGES] == MESSAGES
    assert stream.receive(0.01) is None
    ringer.close()
    with pytest.raises(OSError, match="closed"):
        stream.receive(1)
    for end in (near, far, bell):
        end.close()
