"""What every keeper of disks must do, over the fake and over qcow2 files."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from croft.core.errors import Rejected
from croft.drivers.block import Block, Volume
from croft.drivers.block.fake import FakeBlock
from croft.drivers.block.qcow2 import Qcow2Block

MIB = 1 << 20
NAMES = ("", "UPPER", "a/b", "..", "a b", "a" * 65, "a\n", "é")


class Bench(Protocol):
    driver: Block
    image: str
    """Locator of a raw image of 1 MiB that begins with `image`."""

    def poke(self, locator: str, data: bytes) -> None:
        """Writes at the start of a qcow2 disk."""

    def peek(self, locator: str, form: str, length: int) -> bytes:
        """Reads the first bytes of a disk."""


class FakeBench:
    image = "fake-image:1"

    def __init__(self) -> None:
        self.driver = FakeBlock(lambda locator: MIB if locator == self.image else None)
        self.poke = self.driver.poke

    def peek(self, locator: str, form: str, length: int) -> bytes:
        return self.driver.peek(locator, length)


class Qcow2Bench:
    def __init__(self, folder: Path) -> None:
        image = folder / "image"
        image.write_bytes(b"image".ljust(MIB, b"\0"))
        self.image = str(image)
        self.driver = Qcow2Block(folder / "volumes")
        self._scratch = folder / "scratch"

    def poke(self, locator: str, data: bytes) -> None:
        self._scratch.write_bytes(data)
        command = f"write -s {self._scratch} 0 {len(data)}"
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", command, locator], check=True, stdout=subprocess.DEVNULL)

    def peek(self, locator: str, form: str, length: int) -> bytes:
        words = [f"bs={length}", "count=1", f"if={locator}", f"of={self._scratch}"]
        subprocess.run(["qemu-img", "dd", "-f", form, "-O", "raw", *words], check=True)
        return self._scratch.read_bytes()[:length]


@pytest.fixture(params=["fake", "qcow2"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return FakeBench() if request.param == "fake" else Qcow2Bench(tmp_path)


def test_an_unknown_volume_is_absent_and_its_removal_succeeds(bench: Bench) -> None:
    assert bench.driver.observe("v1") is None
    bench.driver.remove("v1")
    assert bench.driver.names() == []


def test_a_blank_volume_has_its_size_and_is_listed(bench: Bench) -> None:
    made = bench.driver.ensure(Volume("v1", 8 * MIB))
    assert (made.name, made.size, made.format) == ("v1", 8 * MIB, "qcow2")
    assert bench.driver.ensure(Volume("v1", 8 * MIB)) == made == bench.driver.observe("v1")
    assert bench.driver.names() == ["v1"]


def test_a_removed_volume_leaves_nothing(bench: Bench) -> None:
    bench.driver.ensure(Volume("v1", MIB))
    bench.driver.ensure(Volume("v2", 0, content=b"x" * 512))
    bench.driver.remove("v1")
    bench.driver.remove("v2")
    bench.driver.remove("v2")
    assert bench.driver.names() == []
    assert bench.driver.observe("v1") is None


def test_a_volume_grows_keeps_its_bytes_and_never_shrinks(bench: Bench) -> None:
    made = bench.driver.ensure(Volume("v1", 2 * MIB))
    bench.poke(made.locator, b"precious" * 64)
    assert bench.driver.ensure(Volume("v1", 4 * MIB)).size == 4 * MIB
    assert bench.driver.ensure(Volume("v1", MIB)).size == 4 * MIB
    assert bench.peek(made.locator, "qcow2", 512) == b"precious" * 64


def test_a_volume_from_an_image_starts_with_its_bytes(bench: Bench) -> None:
    made = bench.driver.ensure(Volume("v1", 4 * MIB, image=bench.image))
    assert made.size == 4 * MIB
    bench.poke(made.locator, b"mine".ljust(512))
    again = bench.driver.ensure(Volume("v1", 4 * MIB, image=bench.image))
    assert bench.peek(again.locator, "qcow2", 512) == b"mine".ljust(512)


def test_a_volume_smaller_than_its_image_is_refused(bench: Bench) -> None:
    with pytest.raises(Rejected):
        bench.driver.ensure(Volume("v1", MIB // 2, image=bench.image))
    assert bench.driver.observe("v1") is None


def test_a_volume_from_an_absent_image_is_refused(bench: Bench) -> None:
    with pytest.raises(Rejected):
        bench.driver.ensure(Volume("v1", MIB, image=bench.image + "-not"))
    assert bench.driver.names() == []


def test_content_is_held_and_replaced_when_it_differs(bench: Bench) -> None:
    made = bench.driver.ensure(Volume("cd", 0, content=b"first".ljust(2048, b"\0")))
    assert (made.size, made.format) == (2048, "raw")
    assert bench.peek(made.locator, "raw", 512) == b"first".ljust(512, b"\0")
    made = bench.driver.ensure(Volume("cd", 0, content=b"second".ljust(4096, b"\0")))
    assert made.size == 4096
    assert bench.peek(made.locator, "raw", 512) == b"second".ljust(512, b"\0")
    assert bench.driver.observe("cd") == made
    assert bench.driver.names() == ["cd"]


@pytest.mark.parametrize("name", NAMES)
def test_other_names_are_refused_by_every_verb(bench: Bench, name: str) -> None:
    for verb in (bench.driver.observe, bench.driver.remove):
        with pytest.raises(Rejected):
            verb(name)
    with pytest.raises(Rejected):
        bench.driver.ensure(Volume(name, MIB))


def test_two_threads_making_the_same_volume_agree(bench: Bench) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: bench.driver.ensure(Volume("v1", MIB, image=bench.image)), range(4)))
    assert len(set(made)) == 1
    assert bench.driver.names() == ["v1"]


def test_an_idle_ensure_of_the_fake_writes_nothing() -> None:
    fake = FakeBlock()
    fake.ensure(Volume("v1", MIB))
    fake.ensure(Volume("cd", 0, content=b"x"))
    writes = fake.writes
    fake.ensure(Volume("v1", MIB))
    fake.ensure(Volume("cd", 0, content=b"x"))
    assert fake.writes == writes
