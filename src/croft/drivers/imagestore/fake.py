"""Image bytes in memory, in blocks that cost nothing while they are zero."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import IO, cast

from croft.core.errors import Rejected
from croft.drivers.imagestore import CHUNK, Stored, check_name, even
from croft.drivers.imagestore.inspection import Inspection

PREFIX = "fake-image:"
_ZEROS = bytes(CHUNK)


class FakeImageStore:
    """`before(verb)` may be replaced by a test and raise."""

    def __init__(self) -> None:
        self._images: dict[str, tuple[Stored, list[bytes]]] = {}
        self._lock = threading.Lock()
        self.writes = 0
        self.before: Callable[[str], None] = lambda verb: None

    def write(self, name: str, chunks: Iterable[bytes]) -> Stored:
        check_name(name)
        self.before("write")
        md5, sha512 = hashlib.md5(usedforsecurity=False), hashlib.sha512()
        blocks: list[bytes] = []
        inspection = Inspection(even(chunks))
        for chunk in inspection:
            md5.update(chunk)
            sha512.update(chunk)
            blocks.append(_ZEROS if chunk == _ZEROS else chunk)
        size = sum(map(len, blocks))
        stored = Stored(size, md5.hexdigest(), sha512.hexdigest(), *inspection.verdict(_opened(blocks, size), size))
        with self._lock:
            self._images[name] = (stored, blocks)
            self.writes += 1
        return stored

    def observe(self, name: str) -> int | None:
        check_name(name)
        self.before("observe")
        held = self._images.get(name)
        return held[0].size if held else None

    def read(self, name: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        check_name(name)
        self.before("read")
        held = self._images.get(name)
        if held is None:
            raise Rejected(f"Image {name} has no data.")
        stored, blocks = held
        source = _opened(blocks, stored.size)
        source.seek(offset)
        return _pieces(source, stored.size - offset if length is None else length)

    def locator(self, name: str) -> str:
        check_name(name)
        return PREFIX + name

    def remove(self, name: str) -> None:
        check_name(name)
        self.before("remove")
        with self._lock:
            if self._images.pop(name, None) is not None:
                self.writes += 1

    def names(self) -> list[str]:
        self.before("names")
        with self._lock:
            return sorted(self._images)

    def lose(self, name: str) -> None:
        """Forgets an image as if somebody had deleted its file."""
        self._images.pop(name, None)

    def virtual_size(self, locator: str) -> int | None:
        """For `FakeBlock(image_size=…)`."""
        held = self._images.get(locator.removeprefix(PREFIX))
        return held[0].virtual_size if held else None


class _Blocks(io.RawIOBase):
    """Blocks of one size, the last perhaps shorter, as a file."""

    def __init__(self, blocks: list[bytes], size: int) -> None:
        self._blocks = blocks
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if self._at >= self._size:
            return 0
        block, start = divmod(self._at, CHUNK)
        piece = self._blocks[block][start : start + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _opened(blocks: list[bytes], size: int) -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(_Blocks(blocks, size)))


def _pieces(source: IO[bytes], length: int) -> Iterator[bytes]:
    while length > 0:
        piece = source.read(min(CHUNK, length))
        if not piece:
            return
        length -= len(piece)
        yield piece
