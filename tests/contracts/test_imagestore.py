"""What every image store must do, over the fake and over files."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from croft.core.errors import Rejected
from croft.drivers.imagestore import ImageStore, Stored
from croft.drivers.imagestore.fake import FakeImageStore
from croft.drivers.imagestore.file import FileImageStore

MIB = 1 << 20


@pytest.fixture(params=["fake", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ImageStore:
    return FakeImageStore() if request.param == "fake" else FileImageStore(tmp_path / "images")


@pytest.fixture(scope="session")
def qcow2(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A qcow2 of 16 MiB with data in it."""
    folder = tmp_path_factory.mktemp("qcow2")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", folder / "q", "16M"], check=True)
    subprocess.run(["qemu-io", "-c", "write -q -P 65 0 1M", "-c", "write -q -P 66 9M 1M", folder / "q"], check=True)
    return (folder / "q").read_bytes()


def patched(image: bytes, offset: int, packing: str, value: int) -> bytes:
    field = struct.pack(packing, value)
    return image[:offset] + field + image[offset + len(field) :]


def test_an_unknown_image_is_absent(store: ImageStore) -> None:
    assert store.observe("i1") is None
    assert store.names() == []
    store.remove("i1")
    with pytest.raises(Rejected):
        list(store.read("i1"))


def test_bytes_come_back_with_their_sums(store: ImageStore) -> None:
    chunks = [b"a" * 10, b"", b"b" * (3 * MIB + 7), b"c"]
    whole = b"".join(chunks)
    stored = store.write("i1", iter(chunks))
    assert stored == Stored(
        len(whole), hashlib.md5(whole).hexdigest(), hashlib.sha512(whole).hexdigest(), "raw", len(whole), ""
    )
    assert store.observe("i1") == len(whole)
    read = list(store.read("i1"))
    assert b"".join(read) == whole
    assert max(map(len, read)) <= MIB
    assert store.names() == ["i1"]


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 5), (8, 4), (2 * MIB - 3, 6), (3 * MIB, None), (3 * MIB, 100 * MIB), (99 * MIB, None)]
)
def test_a_part_is_read(store: ImageStore, offset: int, length: int | None) -> None:
    whole = bytes(range(256)) * (3 * MIB // 256) + b"the end"
    store.write("i1", [whole])
    end = None if length is None else offset + length
    assert b"".join(store.read("i1", offset, length)) == whole[offset:end]


def test_writing_again_replaces(store: ImageStore) -> None:
    store.write("i1", [b"a much longer first"])
    store.write("i1", [b"second"])
    assert b"".join(store.read("i1")) == b"second"
    assert store.names() == ["i1"]


def test_an_image_may_be_empty(store: ImageStore) -> None:
    stored = store.write("i1", [])
    assert (stored.size, stored.format, stored.unsafe) == (0, "raw", "")
    assert list(store.read("i1")) == []


def test_a_broken_stream_keeps_nothing_and_keeps_what_was(store: ImageStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half" * MIB
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        store.write("new", broken())
    assert store.observe("new") is None
    store.write("old", [b"whole"])
    with pytest.raises(ConnectionResetError):
        store.write("old", broken())
    assert b"".join(store.read("old")) == b"whole"
    assert store.names() == ["old"]


def test_a_removed_image_leaves_nothing(store: ImageStore) -> None:
    store.write("i1", [b"x"])
    store.remove("i1")
    store.remove("i1")
    assert store.observe("i1") is None
    assert store.names() == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\n", "a" * 65])
def test_other_names_are_refused(store: ImageStore, name: str) -> None:
    with pytest.raises(Rejected):
        store.write(name, [b"x"])
    with pytest.raises(Rejected):
        store.locator(name)
    with pytest.raises(Rejected):
        store.remove(name)


def test_a_sound_qcow2_is_known(store: ImageStore, qcow2: bytes) -> None:
    stored = store.write("i1", [qcow2])
    assert (stored.format, stored.virtual_size, stored.unsafe) == ("qcow2", 16 * MIB, "")


@pytest.mark.parametrize(
    "options", ["compat=0.10", "compression_type=zstd", "cluster_size=512", "preallocation=metadata"]
)
def test_flavors_of_qcow2_are_known(store: ImageStore, tmp_path: Path, options: str) -> None:
    path = tmp_path / "q"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "5M"], check=True)
    stored = store.write("i1", [path.read_bytes()])
    assert (stored.format, stored.virtual_size, stored.unsafe) == ("qcow2", 5 * MIB, "")


def test_a_compressed_qcow2_is_known(store: ImageStore, qcow2: bytes, tmp_path: Path) -> None:
    (tmp_path / "q").write_bytes(qcow2)
    convert = ["qemu-img", "convert", "-c", "-f", "qcow2", "-O", "qcow2", tmp_path / "q", tmp_path / "c"]
    subprocess.run(convert, check=True)
    stored = store.write("i1", [(tmp_path / "c").read_bytes()])
    assert (stored.format, stored.virtual_size, stored.unsafe) == ("qcow2", 16 * MIB, "")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda image: patched(image, 8, ">Q", 0x200), "backing file", id="backing file"),
        pytest.param(lambda image: patched(image, 72, ">Q", 0b100), "another file", id="external data file"),
        pytest.param(lambda image: patched(image, 72, ">Q", 0b10), "corrupt", id="marked corrupt"),
        pytest.param(lambda image: patched(image, 72, ">Q", 1 << 40), "features unknown", id="unknown feature"),
        pytest.param(lambda image: patched(image, 32, ">I", 1), "encrypted", id="encrypted"),
        pytest.param(lambda image: patched(image, 4, ">I", 9), "version 9", id="unknown version"),
        pytest.param(lambda image: patched(image, 24, ">Q", 1 << 62), "not credible", id="absurd virtual size"),
        pytest.param(lambda image: patched(image, 24, ">Q", 0), "not credible", id="no virtual size"),
        pytest.param(lambda image: patched(image, 24, ">Q", 1 << 40), "level-1", id="more than its table maps"),
        pytest.param(lambda image: patched(image, 20, ">I", 60), "Clusters", id="absurd clusters"),
        pytest.param(lambda image: patched(image, 36, ">I", 0xFFFFFFFF), "level-1", id="absurd table"),
        pytest.param(lambda image: patched(image, 40, ">Q", 1 << 50), "level-1", id="table beyond the end"),
        pytest.param(lambda image: image[:40], "cut short", id="cut in the header"),
        pytest.param(lambda image: image[:80], "level-1", id="cut after the header"),
        pytest.param(lambda image: image[:4096], "level-1", id="cut before its tables"),
        pytest.param(lambda image: image[: len(image) // 2], "ends before its", id="cut in the data"),
    ],
)
def test_an_unsafe_qcow2_is_kept_but_named(
    store: ImageStore, qcow2: bytes, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    stored = store.write("i1", [spoil(qcow2)])
    assert stored.format == "qcow2"
    assert reason in stored.unsafe


def test_a_qcow2_that_is_also_something_else_is_unsafe(store: ImageStore, qcow2: bytes) -> None:
    iso = qcow2[:0x8000] + b"\x01CD001\x01" + qcow2[0x8007:]
    assert store.write("i1", [iso]).unsafe


@pytest.mark.parametrize(
    ("start", "found"),
    [(b"QED\0", "qed"), (b"conectix", "vhd"), (b"LUKS\xba\xbe\x00\x01", "luks")],
)
def test_other_formats_are_told_from_raw(store: ImageStore, start: bytes, found: str) -> None:
    assert store.write("i1", [start.ljust(2 * MIB, b"\0")]).format == found


def test_a_partitioned_disk_is_raw(store: ImageStore) -> None:
    entry = b"\x80\0\0\0\x83\0\0\0" + struct.pack("<II", 2048, 2048)
    disk = (b"\0" * 446 + entry + b"\0" * 48 + b"\x55\xaa").ljust(2 * MIB, b"\0")
    stored = store.write("i1", [disk])
    assert (stored.format, stored.virtual_size, stored.unsafe) == ("raw", 2 * MIB, "")


def test_an_iso_is_an_iso(store: ImageStore) -> None:
    iso = (b"\0" * 0x8000 + b"\x01CD001\x01").ljust(MIB, b"\0")
    stored = store.write("i1", [iso])
    assert (stored.format, stored.unsafe) == ("iso", "")
