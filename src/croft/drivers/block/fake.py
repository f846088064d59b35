"""Disks in memory: sizes, origins, and the few bytes that tests write."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from croft.core.errors import Rejected
from croft.drivers.block import Volume, VolumeState, check_name

PREFIX = "fake-volume:"


@dataclass
class _Disk:
    state: VolumeState
    image: str | None
    content: bytes | None
    written: bytes = b""
    """What a guest wrote, from offset 0."""


class FakeBlock:
    """`image_size(locator)` gives an image's virtual size, None where it is absent; without it any image will do.

    `before(verb)` may be replaced by a test and raise."""

    def __init__(self, image_size: Callable[[str], int | None] | None = None) -> None:
        self._disks: dict[str, _Disk] = {}
        self._image_size = image_size
        self._lock = threading.Lock()
        self.writes = 0
        self.before: Callable[[str], None] = lambda verb: None

    def observe(self, name: str) -> VolumeState | None:
        check_name(name)
        self.before("observe")
        disk = self._disks.get(name)
        return disk.state if disk else None

    def ensure(self, volume: Volume) -> VolumeState:
        check_name(volume.name)
        self.before("ensure")
        with self._lock:
            if volume.content is not None:
                return self._hold(volume, volume.content)
            disk = self._disks.get(volume.name)
            if disk is None:
                self._check_image(volume)
                state = VolumeState(volume.name, volume.size, PREFIX + volume.name, "qcow2")
                self._disks[volume.name] = disk = _Disk(state, volume.image, None)
                self.writes += 1
            elif volume.size > disk.state.size:
                disk.state = replace(disk.state, size=volume.size)
                self.writes += 1
            return disk.state

    def remove(self, name: str) -> None:
        check_name(name)
        self.before("remove")
        with self._lock:
            if self._disks.pop(name, None) is not None:
                self.writes += 1

    def names(self) -> list[str]:
        self.before("names")
        with self._lock:
            return sorted(self._disks)

    def lose(self, name: str) -> None:
        """Forgets a disk as if somebody had deleted its file."""
        self._disks.pop(name, None)

    def poke(self, locator: str, data: bytes) -> None:
        """Writes from the disk's first byte on, as a guest would."""
        self._disks[locator.removeprefix(PREFIX)].written = data

    def peek(self, locator: str, length: int) -> bytes:
        """The disk's first bytes, as a guest would read them."""
        disk = self._disks[locator.removeprefix(PREFIX)]
        held = disk.written or disk.content or b""
        return held[:length].ljust(min(length, disk.state.size), b"\0")

    def _hold(self, volume: Volume, content: bytes) -> VolumeState:
        disk = self._disks.get(volume.name)
        if disk is None or disk.content != content:
            state = VolumeState(volume.name, len(content), PREFIX + volume.name, "raw")
            self._disks[volume.name] = disk = _Disk(state, None, content)
            self.writes += 1
        return disk.state

    def _check_image(self, volume: Volume) -> None:
        if volume.image is None or self._image_size is None:
            return
        size = self._image_size(volume.image)
        if size is None:
            raise Rejected(f"There is no image at {volume.image}.")
        if volume.size < size:
            raise Rejected(f"A disk of {volume.size} bytes cannot hold an image of {size}.")
