"""The port to whatever keeps image bytes. Writing streams; nothing is visible under a name before it is whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from croft.core.errors import Rejected

CHUNK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


def check_name(name: str) -> None:
    """Refuses a name that no image can have."""
    if _NAME.fullmatch(name) is None:
        raise Rejected("An image's name has 1 to 64 letters, digits and hyphens.")


def even(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks of exactly 1 MiB; the last may be shorter."""
    held = bytearray()
    for chunk in chunks:
        if len(chunk) == CHUNK and not held:
            yield bytes(chunk)
            continue
        for start in range(0, len(chunk), CHUNK):
            held += chunk[start : start + CHUNK]
            if len(held) >= CHUNK:
                yield bytes(held[:CHUNK])
                del held[:CHUNK]
    if held:
        yield bytes(held)


@dataclass(frozen=True)
class Stored:
    """What was kept: bytes, MD5 (Glance's `checksum`), SHA-512 (`os_hash_value`), and what a format inspector found.

    `format` is the detected one (`qcow2`, `raw`, `iso`, `vmdk`, …), `virtual_size` in bytes, `unsafe` an empty string
    or why no guest may ever use these bytes (backing file, external data file, truncated header …)."""

    size: int
    md5: str
    sha512: str
    format: str
    virtual_size: int
    unsafe: str = ""


class ImageStore(Protocol):
    """Names are image ids. `Unavailable` when the store is full or away."""

    def write(self, name: str, chunks: Iterable[bytes]) -> Stored:
        """Takes the bytes in constant memory, replacing what was there. If `chunks` raises, nothing is kept."""

    def observe(self, name: str) -> int | None:
        """Size in bytes, or None."""

    def read(self, name: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Chunks of at most 1 MiB; `Rejected` when absent."""

    def locator(self, name: str) -> str:
        """How the block driver finds the bytes (for files a path)."""

    def remove(self, name: str) -> None: ...

    def names(self) -> list[str]: ...
