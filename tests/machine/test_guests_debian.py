"""The debian-12 image as a tenant meets it: cloud-init does what OpenStack promises, from either source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from croft.machine import guests
from croft.machine.progress import Silent
from tests.machine.guests_boot import IMAGES, Machine, identity, report, until

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1200)]
USER_DATA = "#!/bin/sh\necho ran >> /root/runs\necho USER-DATA-RAN > /dev/console\n"
BOOT_SECONDS = 400


@pytest.fixture(scope="module")
def image() -> guests.BuiltImage:
    return guests.build("debian-12", IMAGES, Silent())


@pytest.fixture
def machine(image: guests.BuiltImage, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path, image.path, "debian", 1024)
    yield machine
    machine.kill()


def wait_for_login(machine: Machine, what: str) -> None:
    login = machine.wait_console(" login:", BOOT_SECONDS)
    until("ssh", lambda: machine.ssh("true").returncode == 0, BOOT_SECONDS)
    ran = machine.wait_console("USER-DATA-RAN", BOOT_SECONDS)
    report(f"debian-12, {what}: login {login:.0f} s, user-data done {ran:.0f} s (load {os.getloadavg()[0]:.1f})")


def test_config_drive_makes_a_whole_server(machine: Machine, image: guests.BuiltImage) -> None:
    report(f"debian-12: {image.path.stat().st_size / 1e6:.0f} MB")
    machine.start(config_drive=identity("croft-d1", "d-1", machine.public_key, USER_DATA))
    wait_for_login(machine, "config drive")
    assert machine.ask("cloud-init status --wait").splitlines()[-1] == "status: done"
    assert machine.ask("hostname; sudo cat /root/runs; cloud-id") == "croft-d1\nran\nconfigdrive"
    assert "Permission denied (publickey)" in machine.ssh("true", key="other").stderr
    addresses = machine.ask("ip -o addr")
    assert "10.0.2.15/24" in addresses
    assert "fec0::" in addresses
    assert int(machine.ask("df -m --output=size / | tail -n 1")) > 3700
    assert machine.ask("systemctl is-system-running --wait") == "running"
    assert len(machine.ask("cat /etc/machine-id")) == 32
    took = machine.press_power()
    report(f"debian-12: off {took:.1f} s after the power button")


def test_metadata_service_and_a_second_network_card(machine: Machine) -> None:
    machine.start(metadata=identity("croft-d2", "d-2", machine.public_key, USER_DATA))
    wait_for_login(machine, "metadata service")
    assert machine.ask("cloud-init status --wait").splitlines()[-1] == "status: done"
    assert machine.ask("hostname; sudo cat /root/runs; cloud-id") == "croft-d2\nran\nopenstack"
    machine.qmp(
        {"execute": "netdev_add", "arguments": {"type": "user", "id": "net1", "net": "198.18.7.0/24"}},
        {"execute": "device_add", "arguments": {"driver": "virtio-net-pci", "netdev": "net1", "id": "card1"}},
    )
    until("an address on the second card", lambda: "198.18.7.15/24" in machine.ask("ip -4 -o addr show"), 60)
