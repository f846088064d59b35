"""Serial console logs: files that QEMU appends to, kept short by us, since nothing else bounds them.

A thread looks every few seconds and drops the older part of any log above the limit. QEMU appends (O_APPEND), so a
log may be cut under it; what it writes in the moment of the cut may be lost."""

from __future__ import annotations

import os
import threading
from pathlib import Path

LIMIT = 1 << 20
"""Bytes; above it the older half is dropped."""
_PERIOD = 5.0
_ENDING = ".console"


class Consoles:
    def __init__(self, directory: Path, limit: int = LIMIT) -> None:
        self._directory = directory
        self._limit = limit
        self._closed = threading.Event()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._sweep, name="consoles", daemon=True)
        self._thread.start()

    def path(self, guest: str) -> Path:
        return self._directory / (guest + _ENDING)

    def read(self, guest: str, lines: int | None) -> str:
        try:
            with self.path(guest).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - self._limit))
                text = log.read(self._limit).decode(errors="replace")
        except FileNotFoundError:
            return ""
        if lines is None:
            return text
        kept = text.removesuffix("\n").split("\n") if text else []
        return "\n".join(kept[len(kept) - min(lines, len(kept)) :]) + ("\n" if lines and text.endswith("\n") else "")

    def remove(self, guest: str) -> None:
        self.path(guest).unlink(missing_ok=True)

    def trim(self) -> None:
        """Cuts every log that has grown above the limit."""
        for entry in os.scandir(self._directory):
            if entry.name.endswith(_ENDING) and entry.stat().st_size > self._limit:
                _halve(Path(entry.path), self._limit // 2)

    def close(self) -> None:
        self._closed.set()
        self._thread.join(_PERIOD)

    def _sweep(self) -> None:
        while not self._closed.wait(_PERIOD):
            try:
                self.trim()
            except FileNotFoundError:
                continue


def _halve(path: Path, keep: int) -> None:
    with path.open("r+b") as log:
        log.seek(-keep, os.SEEK_END)
        log.readline()
        rest = log.read(keep)
        log.truncate(0)
    with path.open("ab") as log:
        log.write(rest)
