"""Finds and stops the processes of one cloud, also those whose supervisor is dead.

A process belongs to the cloud when it carries the cloud's mark in its environment or lives in one of its namespaces."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from croft.machine.layout import NETNS_DIR, Layout

MARK = "CROFT_CLOUD"
PROC = Path("/proc")


def marked(pid: int, mark: str) -> bool:
    """Whether the process was started with `mark` (`NAME=value`) in its environment."""
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return mark.encode() in environment.split(b"\0")


def command(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Running; a zombie is not."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def of_cloud(layout: Layout) -> list[int]:
    """Process ids, the caller and its ancestors left out."""
    namespaces = {path.stat().st_ino for path in _namespace_files(layout)}
    mine = _ancestors()
    return [
        pid
        for pid in sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
        if pid not in mine and alive(pid) and (marked(pid, f"{MARK}={layout.tag}") or _namespace_of(pid) in namespaces)
    ]


def _namespace_files(layout: Layout) -> Iterable[Path]:
    return NETNS_DIR.glob(f"{layout.namespace_prefix}*") if NETNS_DIR.is_dir() else ()


def _namespace_of(pid: int) -> int:
    try:
        return (PROC / str(pid) / "ns" / "net").stat().st_ino
    except OSError:
        return -1


def _ancestors() -> set[int]:
    found = set()
    pid = os.getpid()
    while pid > 1:
        found.add(pid)
        try:
            pid = int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
    return found


def stop(pids: Iterable[int], *, patience: float = 5) -> None:
    """SIGTERM, then SIGKILL to those still there after `patience` seconds; returns when all are gone."""
    waiting = [pid for pid in pids if _signal(pid, signal.SIGTERM)]
    waiting = wait_gone(waiting, patience)
    for pid in waiting:
        _signal(pid, signal.SIGKILL)
    left = wait_gone(waiting, 10)
    if left:
        raise TimeoutError(f"processes {left} do not go away")


def wait_gone(pids: Iterable[int], seconds: float) -> list[int]:
    """Those still alive after so many seconds."""
    deadline = time.monotonic() + seconds
    left = [pid for pid in pids if alive(pid)]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [pid for pid in left if alive(pid)]
    return left


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
