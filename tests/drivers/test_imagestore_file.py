"""The file image store's own promises: constant memory, nothing half-written, nothing readable by others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from croft.core.errors import Unavailable
from croft.drivers.imagestore.file import FileImageStore

MIB = 1 << 20
LARGE = f"""
import resource, sys
from pathlib import Path
from croft.drivers.imagestore.file import FileImageStore
store = FileImageStore(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
stored = store.write("big", (bytes({MIB}) for _ in range(2048)))
read = sum(map(len, store.read("big")))
print(stored.size, read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_two_gib_pass_in_constant_memory(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LARGE, tmp_path], check=True, capture_output=True, text=True)
    size, read, grown_kib = map(int, done.stdout.split())
    assert size == read == 2048 * MIB
    assert grown_kib < 32 * 1024
    assert (tmp_path / "big").stat().st_blocks * 512 < MIB, "zeros are kept as holes"


def test_what_an_interrupted_write_left_is_swept_at_the_next_start(tmp_path: Path) -> None:
    FileImageStore(tmp_path).write("whole", [b"x"])
    (tmp_path / ".i1.abcd.part").write_bytes(b"half")
    store = FileImageStore(tmp_path)
    assert store.names() == ["whole"]
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_a_broken_stream_leaves_no_file_at_all(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * MIB
        raise TimeoutError("the client is too slow")

    with pytest.raises(TimeoutError):
        FileImageStore(tmp_path).write("i1", broken())
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    store = FileImageStore(tmp_path / "images")
    store.write("i1", [b"x"])
    assert (tmp_path / "images").stat().st_mode & 0o77 == 0
    assert Path(store.locator("i1")).stat().st_mode & 0o77 == 0


def test_a_directory_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    store = FileImageStore(tmp_path / "images")
    (tmp_path / "images").rmdir()
    with pytest.raises(Unavailable):
        store.write("i1", [b"x"])
    with pytest.raises(Unavailable):
        store.names()


def test_a_full_store_is_unavailable_and_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileImageStore(tmp_path)
    opened = os.open

    def full(path: object, *rest: int) -> int:
        return opened("/dev/full", os.O_RDWR) if str(path).endswith(".part") else opened(str(path), *rest)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(Unavailable):
        store.write("i1", [b"x" * MIB])
    assert store.names() == []
