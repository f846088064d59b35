"""The qcow2 driver's own promises: what is on disk, who may read it, and what remains after trouble."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from croft.core.errors import Rejected, Unavailable
from croft.drivers.block import Volume
from croft.drivers.block.qcow2 import Qcow2Block

MIB = 1 << 20


def info(path: str) -> dict[str, object]:
    done = subprocess.run(
        ["qemu-img", "info", "-f", "qcow2", "--output=json", path], check=True, capture_output=True, text=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_an_overlay_names_its_image_and_the_images_format(tmp_path: Path) -> None:
    image = tmp_path / "image"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "4M"], check=True)
    made = Qcow2Block(tmp_path / "v").ensure(Volume("v1", 8 * MIB, image=str(image), image_format="qcow2"))
    found = info(made.locator)
    assert found["virtual-size"] == 8 * MIB
    assert found["backing-filename-format"] == "qcow2"
    assert Path(str(found["backing-filename"])).samefile(image)


def test_a_volume_outlives_its_image_and_then_frees_its_bytes(tmp_path: Path) -> None:
    image, folder = tmp_path / "image", tmp_path / "v"
    image.write_bytes(b"image".ljust(MIB, b"\0"))
    block = Qcow2Block(folder)
    made = block.ensure(Volume("v1", MIB, image=str(image)))
    image.unlink()
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "read -q -P 105 0 1", made.locator], check=True)
    assert block.names() == ["v1"]
    block.remove("v1")
    assert list(folder.iterdir()) == []


def test_a_link_left_by_an_interrupted_call_does_not_matter(tmp_path: Path) -> None:
    image, folder = tmp_path / "image", tmp_path / "v"
    image.write_bytes(b"image".ljust(MIB, b"\0"))
    block = Qcow2Block(folder)
    (folder / "v1.origin").write_bytes(b"older")
    (folder / "v2.origin").write_bytes(b"older")
    assert block.names() == []
    block.ensure(Volume("v1", MIB, image=str(image)))
    assert sorted(path.name for path in folder.iterdir()) == ["v1.origin", "v1.qcow2", "v2.origin"]
    Qcow2Block(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["v1.origin", "v1.qcow2"]


def test_a_qcow2_header_in_a_raw_image_is_only_bytes(tmp_path: Path) -> None:
    image = tmp_path / "image"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "1T"], check=True)
    made = Qcow2Block(tmp_path / "v").ensure(Volume("v1", 8 * MIB, image=str(image), image_format="raw"))
    assert info(made.locator)["backing-filename-format"] == "raw"


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    block = Qcow2Block(tmp_path / "v")
    for volume in (Volume("v1", MIB), Volume("cd", 0, content=b"secret")):
        assert Path(block.ensure(volume).locator).stat().st_mode & 0o77 == 0
    assert (tmp_path / "v").stat().st_mode & 0o77 == 0


def test_what_an_interrupted_call_left_is_swept_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / ".v1.abcd.part").write_bytes(b"half")
    assert Qcow2Block(tmp_path).names() == []
    assert list(tmp_path.iterdir()) == []


def test_the_engines_own_reason_is_shown_and_nothing_left(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="qemu-img"):
        Qcow2Block(tmp_path).ensure(Volume("v1", 1 << 62))
    assert list(tmp_path.iterdir()) == []


def test_other_image_formats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"x" * 512)
    with pytest.raises(Rejected):
        Qcow2Block(tmp_path / "v").ensure(Volume("v1", MIB, image=str(tmp_path / "image"), image_format="vmdk"))
    with pytest.raises(Rejected):
        Qcow2Block(tmp_path / "v").ensure(Volume("v1", MIB, image=str(tmp_path / "image"), image_format="qcow2"))


def test_a_missing_engine_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable):
        Qcow2Block(tmp_path / "v").ensure(Volume("v1", MIB))
