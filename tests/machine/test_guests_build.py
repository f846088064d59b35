"""Building images: cached, atomic, one at a time; and the parts that need no root."""

from __future__ import annotations

import struct
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from croft.machine.commands import CommandFailed
from croft.machine.guests import modules
from croft.machine.guests.build import build
from croft.machine.guests.debian import NotOffered, Package, without_credentials
from croft.machine.progress import Progress, Silent, StepFailed


class Recipe:
    """Makes an image of a few bytes; counts, and fails on request."""

    NAME, MIN_DISK_GIB, MIN_RAM_MIB, ADMIN_USER = "small", 2, 64, "me"
    SOURCES = ("disk.py", "files/tiny")

    def __init__(self) -> None:
        self.version, self.made, self.failure, self.offered = "1", 0, "", "1"

        self.meet: threading.Barrier | None = None

    def refresh(self) -> None:
        """What was `offered` in secret becomes what is known."""
        self.version = self.offered or self.version

    def material(self) -> tuple[Package, ...]:
        if not self.version:
            raise NotOffered("part")
        return (Package("part", self.version, ()),)

    def make(self, packages: tuple[Package, ...], scratch: Path, target: Path, progress: Progress) -> None:
        self.made += 1
        (scratch / "half").write_text("half")
        target.write_text(packages[0].version)
        if self.meet is not None:
            with suppress(threading.BrokenBarrierError):
                self.meet.wait(1)
        if self.failure:
            raise CommandFailed(("qemu-img", "convert"), 1, self.failure)


def test_same_recipe_and_packages_build_once(tmp_path: Path) -> None:
    recipe = Recipe()
    first = build("small", tmp_path, Silent(), {"small": recipe})
    second = build("small", tmp_path, Silent(), {"small": recipe})
    assert recipe.made == 1
    assert first == second
    assert (first.path.read_text(), first.min_disk_gib, first.min_ram_mib) == ("1", 2, 64)
    assert first.properties["os_admin_user"] == "me"


def test_new_package_version_builds_anew_and_replaces(tmp_path: Path) -> None:
    recipe = Recipe()
    old = build("small", tmp_path, Silent(), {"small": recipe})
    recipe.version = recipe.offered = "2"
    new = build("small", tmp_path, Silent(), {"small": recipe})
    assert old.version != new.version
    assert new.path.read_text() == "2"
    assert list(tmp_path.glob("*.qcow2")) == [new.path]


def test_old_or_missing_package_lists_are_refreshed_before_building(tmp_path: Path) -> None:
    old, never = Recipe(), Recipe()
    old.offered = "2"
    assert build("small", tmp_path / "old", Silent(), {"small": old}).path.read_text() == "2"
    never.version = ""
    assert build("small", tmp_path / "never", Silent(), {"small": never}).path.read_text() == "1"


def test_what_apt_never_offers_is_said(tmp_path: Path) -> None:
    recipe = Recipe()
    recipe.version = recipe.offered = ""
    with pytest.raises(StepFailed, match="apt does not offer"):
        build("small", tmp_path, Silent(), {"small": recipe})


def test_failed_build_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    recipe = Recipe()
    recipe.failure = "No space left on device"
    with pytest.raises(StepFailed, match="No space left on device"):
        build("small", tmp_path, Silent(), {"small": recipe})
    assert [path.name for path in tmp_path.iterdir()] == [".small.lock"]
    recipe.failure = ""
    assert build("small", tmp_path, Silent(), {"small": recipe}).path.read_text() == "1"


def test_what_a_killed_build_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".build-small-dead").mkdir()
    (tmp_path / ".build-small-dead" / "disk.raw").write_text("old")
    build("small", tmp_path, Silent(), {"small": Recipe()})
    assert not (tmp_path / ".build-small-dead").exists()


def test_builds_at_once_share_one_result(tmp_path: Path) -> None:
    recipe, found = Recipe(), []
    recipe.meet = threading.Barrier(2)

    def work() -> None:
        found.append(build("small", tmp_path, Silent(), {"small": recipe}).path)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recipe.made == 1
    assert len(found) == 4
    assert len(set(found)) == 1


def test_relative_working_directory_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert build("small", Path("here"), Silent(), {"small": Recipe()}).path.parent == tmp_path / "here"


def test_unknown_image_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(StepFailed) as failed:
        build("huge", tmp_path, Silent(), {"small": Recipe()})
    assert "small" in failed.value.advice


def module(folder: Path, name: str, depends: str, signature: bytes = b"") -> None:
    data = b"\x7fELF...\0license=GPL\0depends=" + depends.encode() + b"\0retpoline=Y\0"
    if signature:
        trailer = struct.pack(">BBBBB3xI", 0, 0, 2, 0, 0, len(signature))
        data += signature + trailer + b"~Module signature appended~\n"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.ko").write_bytes(data)


def test_modules_come_after_what_they_depend_on(tmp_path: Path) -> None:
    module(tmp_path / "a", "virtio-net", "virtio,failover")
    module(tmp_path / "b", "virtio", "virtio_ring")
    module(tmp_path / "b", "virtio_ring", "")
    module(tmp_path / "c", "failover", "")
    ordered = modules.load_order(tmp_path, ["virtio_net", "virtio"])
    assert [each.name for each in ordered] == ["virtio_ring", "virtio", "failover", "virtio-net"]
    table = modules.dependency_table(ordered)
    assert "virtio-net.ko: virtio.ko failover.ko virtio_ring.ko\n" in table
    assert "virtio_ring.ko:\n" in table


def test_missing_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="no module virtio_new"):
        modules.load_order(tmp_path, ["virtio_new"])


def test_signature_is_cut_off_exactly(tmp_path: Path) -> None:
    module(tmp_path, "plain", "")
    module(tmp_path, "signed", "", signature=b"S" * 300)
    plain, signed = (modules.read_module(tmp_path / f"{name}.ko") for name in ("plain", "signed"))
    assert signed.data == plain.data


def test_a_guest_learns_the_mirror_but_not_its_password() -> None:
    lines = ["deb http://mirror.test/debian bookworm main", "deb https://me:s3cret@mirror.test/a@b bookworm main"]
    told = without_credentials(lines)
    assert told.splitlines()[0] == lines[0]
    assert told.splitlines()[1] == "deb https://mirror.test/a@b bookworm main"
