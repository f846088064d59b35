"""Asks an OVS or OVN daemon over its control socket, as `ovs-appctl` does, without starting a process."""

from __future__ import annotations

import json
import socket
from pathlib import Path


class NoAnswer(Exception):
    """Nobody listens there, or the daemon is stuck."""


def ask(control: Path, command: str, *parameters: str, timeout: float = 2) -> str:
    request = json.dumps({"id": 0, "method": command, "params": parameters}).encode()
    try:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(timeout)
            channel.connect(str(control))
            channel.sendall(request)
            answer = _read_object(channel)
    except OSError as error:
        raise NoAnswer(f"{control}: {error}") from error
    if answer.get("error") is not None:
        raise NoAnswer(f"{control}: {command}: {answer['error']}")
    return str(answer.get("result", ""))


def _read_object(channel: socket.socket) -> dict[str, object]:
    received = b""
    while chunk := channel.recv(65536):
        received += chunk
        try:
            answer = json.loads(received)
        except ValueError:
            continue
        if isinstance(answer, dict):
            return answer
    raise ConnectionError("closed before it answered")


def listens(path: Path, timeout: float = 1) -> bool:
    """Whether something accepts connections on this unix socket."""
    try:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(timeout)
            channel.connect(str(path))
    except OSError:
        return False
    return True
