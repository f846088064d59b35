"""Image bytes as files in one directory: written beside, made durable, then renamed into place."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from croft.core.errors import Rejected, Unavailable
from croft.drivers.imagestore import CHUNK, Stored, check_name, even
from croft.drivers.imagestore.inspection import Inspection

_PART = ".part"
_ZEROS = bytes(CHUNK)


class FileImageStore:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with _translated():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for stray in directory.glob(f".*{_PART}"):
                stray.unlink(missing_ok=True)

    def write(self, name: str, chunks: Iterable[bytes]) -> Stored:
        path = self._path(name)
        part = self._directory / f".{name}.{secrets.token_hex(4)}{_PART}"
        with _translated():
            file = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b")
        try:
            with file:
                stored = _fill(file, chunks)
            with _translated():
                part.replace(path)
                self._settle()
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return stored

    def observe(self, name: str) -> int | None:
        path = self._path(name)
        with _translated():
            try:
                return path.stat().st_size
            except FileNotFoundError:
                return None

    def read(self, name: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        path = self._path(name)
        with _translated():
            try:
                file = path.open("rb")
            except FileNotFoundError:
                raise Rejected(f"Image {name} has no data.")
        return _pieces(file, offset, length)

    def locator(self, name: str) -> str:
        return str(self._path(name))

    def remove(self, name: str) -> None:
        path = self._path(name)
        with _translated():
            path.unlink(missing_ok=True)
            self._settle()

    def names(self) -> list[str]:
        with _translated():
            return sorted(path.name for path in self._directory.iterdir() if not path.name.startswith("."))

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._directory / name

    def _settle(self) -> None:
        """Makes a rename or removal survive a power cut."""
        handle = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _fill(file: IO[bytes], chunks: Iterable[bytes]) -> Stored:
    """Writes, sums and inspects in one pass; the two sums are taken side by side, as they cost more than the rest."""
    md5, sha512, size = hashlib.md5(usedforsecurity=False), hashlib.sha512(), 0
    inspection = Inspection(even(chunks))
    with ThreadPoolExecutor(1) as beside:
        summing: Future[None] | None = None
        for chunk in inspection:
            if summing:
                summing.result()
            summing = beside.submit(md5.update, chunk)
            sha512.update(chunk)
            with _translated():
                if chunk == _ZEROS:
                    file.seek(CHUNK, os.SEEK_CUR)
                else:
                    file.write(chunk)
            size += len(chunk)
    with _translated():
        file.truncate(size)
        file.flush()
        os.fsync(file.fileno())
        return Stored(size, md5.hexdigest(), sha512.hexdigest(), *inspection.verdict(file, size))


def _pieces(file: IO[bytes], offset: int, length: int | None) -> Iterator[bytes]:
    with file:
        left = CHUNK if length is None else length
        with _translated():
            file.seek(offset)
        while left > 0:
            with _translated():
                piece = file.read(min(CHUNK, left))
            if not piece:
                return
            left -= 0 if length is None else len(piece)
            yield piece


@contextmanager
def _translated() -> Iterator[None]:
    """Engine trouble in the port's terms; never put around the client's own stream."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"The image store failed: {error.strerror}.") from error
