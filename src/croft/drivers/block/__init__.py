"""The port to whatever keeps disks. A volume is named by us; its bytes are found by its locator."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from croft.core.errors import Rejected

_NAME = re.compile(r"[a-z0-9-]{1,64}")


def check_name(name: str) -> None:
    """Refuses a name that no volume can have."""
    if _NAME.fullmatch(name) is None:
        raise Rejected("A volume's name has 1 to 64 characters from a-z, 0-9 and -.")


@dataclass(frozen=True)
class Volume:
    """A wanted disk: blank, copied-on-write from an image, or holding the given bytes (a config drive)."""

    name: str
    size: int
    """Bytes; ignored when `content` is given. Never smaller than the image's virtual size."""
    image: str | None = None
    """Locator from the image store (`ImageStore.locator`)."""
    image_format: str = "raw"
    """`raw` or `qcow2`: as declared and checked at upload, never guessed."""
    content: bytes | None = None


@dataclass(frozen=True)
class VolumeState:
    name: str
    size: int
    """Virtual size in bytes."""
    locator: str
    format: str
    """`qcow2` or `raw`: what the hypervisor must be told."""


class Block(Protocol):
    """All verbs are idempotent. Names are `[a-z0-9-]{1,64}`; anything else is `Rejected`."""

    def observe(self, name: str) -> VolumeState | None: ...

    def ensure(self, volume: Volume) -> VolumeState:
        """Makes it, or grows it; never shrinks it, never loses bytes already written. Given `content` that differs
        from what is there replaces it. An interrupted call leaves nothing that `observe` would call a volume."""

    def remove(self, name: str) -> None: ...

    def names(self) -> list[str]: ...
