"""KVM is believed only when a guest has come to life with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from croft.drivers.hypervisor import accel


def test_without_a_device_guests_are_emulated(tmp_path: Path) -> None:
    assert accel.choose(device=tmp_path / "kvm") == "qemu"


def test_a_device_that_is_none_is_not_believed(tmp_path: Path) -> None:
    script = tmp_path / "emulator"
    script.write_text("#!/bin/sh\necho could not access KVM >&2\nexit 1\n")
    script.chmod(0o755)
    assert accel.choose(device=Path("/dev/null"), emulator=str(script)) == "qemu"


def test_an_emulator_that_says_the_word_is_believed(tmp_path: Path) -> None:
    script = tmp_path / "emulator"
    script.write_text("#!/bin/sh\necho SeaBIOS; echo guest-runs; exec sleep 60\n")
    script.chmod(0o755)
    assert accel.choose(device=Path("/dev/null"), emulator=str(script)) == "kvm"


def test_a_silent_emulator_is_given_up_on(tmp_path: Path) -> None:
    script = tmp_path / "emulator"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    assert accel.choose(device=Path("/dev/null"), emulator=str(script), seconds=0.3) == "qemu"


def test_a_missing_emulator_means_no_kvm(tmp_path: Path) -> None:
    assert accel.choose(device=Path("/dev/null"), emulator=str(tmp_path / "none")) == "qemu"


@pytest.mark.engines
def test_the_boot_sector_really_boots() -> None:
    assert accel.comes_to_life("tcg")
