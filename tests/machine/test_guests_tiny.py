"""The tiny image as a tenant meets it: booted by QEMU with nothing but a disk, a network and an identity."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from croft.machine import guests
from croft.machine.progress import Silent
from tests.machine.guests_boot import IMAGES, Machine, identity, report, until

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
SIZE_LIMIT = 20_000_000
COUNT_RUNS = "#!/bin/sh\necho ran >> /root/runs\n"


@pytest.fixture(scope="module")
def image() -> guests.BuiltImage:
    return guests.build("tiny", IMAGES, Silent())


@pytest.fixture
def machine(image: guests.BuiltImage, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path, image.path, "root", image.min_ram_mib)
    yield machine
    machine.kill()


def test_image_is_small(image: guests.BuiltImage) -> None:
    size = image.path.stat().st_size
    report(f"tiny: {size / 1e6:.1f} MB")
    assert size <= SIZE_LIMIT


def test_config_drive_gives_hostname_key_and_user_data(machine: Machine) -> None:
    machine.start(config_drive=identity("croft-1.example", "u-1", machine.public_key, COUNT_RUNS))
    ready = machine.wait_console("TINY-READY host=croft-1 ip=10.0.2.15 ip6=fec0:")
    report(f"tiny: ready {ready:.1f} s after start (load {os.getloadavg()[0]:.1f})")
    assert machine.page().startswith("Hello from croft-1 at 10.0.2.15 ")
    assert machine.page().count("\n") == 1
    assert machine.ask("hostname") == "croft-1"
    machine.wait_console("TINY-USER-DATA exit=0")
    assert machine.ask("cat /root/runs") == "ran"


def test_ssh_takes_the_given_key_only(machine: Machine) -> None:
    machine.start(config_drive=identity("croft-1", "u-1", machine.public_key))
    machine.wait_console("TINY-READY")
    assert machine.ssh("true").returncode == 0
    refused = machine.ssh("true", key="other")
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_metadata_service_serves_as_well(machine: Machine) -> None:
    machine.start(metadata=identity("croft-2", "u-2", machine.public_key, COUNT_RUNS))
    machine.wait_console("TINY-READY host=croft-2 ip=169.254.169.15")
    machine.wait_console("TINY-USER-DATA exit=0")
    assert machine.ask("cat /root/runs") == "ran"


def test_without_any_identity_it_is_up_all_the_same(machine: Machine) -> None:
    machine.start()
    machine.wait_console("TINY-READY host=tiny")
    assert machine.page().startswith("Hello from tiny")


def test_reboot_keeps_files_and_identity(machine: Machine) -> None:
    machine.start(config_drive=identity("croft-1", "u-1", machine.public_key, COUNT_RUNS))
    machine.wait_console("TINY-USER-DATA exit=0")
    machine.wait_console("TINY-READY")
    host_key = machine.ask("dropbearkey -y -f /etc/dropbear/dropbear_ed25519_host_key")
    machine.ask("echo kept > /root/note; reboot")
    until("a second start", lambda: machine.console().count("TINY-READY") == 2, 90)
    assert machine.ask("cat /root/note /root/runs") == "kept\nran"
    assert machine.ask("dropbearkey -y -f /etc/dropbear/dropbear_ed25519_host_key") == host_key


def test_copy_of_a_disk_becomes_another_server(machine: Machine) -> None:
    machine.start(config_drive=identity("croft-1", "u-1", machine.public_key, COUNT_RUNS))
    machine.wait_console("TINY-USER-DATA exit=0")
    machine.wait_console("TINY-READY")
    host_key = machine.ask("dropbearkey -y -f /etc/dropbear/dropbear_ed25519_host_key")
    machine.press_power()
    machine.start(config_drive=identity("croft-3", "u-3", machine.public_key, COUNT_RUNS))
    machine.wait_console("TINY-READY host=croft-3")
    machine.wait_console("TINY-USER-DATA exit=0")
    assert machine.ask("cat /root/runs") == "ran\nran"
    assert machine.ask("dropbearkey -y -f /etc/dropbear/dropbear_ed25519_host_key") != host_key


def test_power_button_stops_it_cleanly(machine: Machine) -> None:
    machine.start(config_drive=identity("croft-1", "u-1", machine.public_key))
    machine.wait_console("TINY-READY")
    machine.ask("echo kept > /root/note")
    took = machine.press_power()
    report(f"tiny: off {took:.1f} s after the power button")
    assert "TINY-STOPPING" in machine.console()


def test_network_card_plugged_while_running_gets_an_address(machine: Machine) -> None:
    machine.start(config_drive=identity("croft-1", "u-1", machine.public_key))
    machine.wait_console("TINY-READY")
    network = {"type": "user", "id": "net1", "net": "198.18.7.0/24"}
    machine.qmp(
        {"execute": "netdev_add", "arguments": network},
        {"execute": "device_add", "arguments": {"driver": "virtio-net-pci", "netdev": "net1", "id": "card1"}},
    )
    until("an address on eth1", lambda: "198.18.7.15/24" in machine.ask("ip -4 -o addr show"), 30)
    machine.qmp({"execute": "device_del", "arguments": {"id": "card1"}})
    until("eth1 to go", lambda: "eth1" not in machine.ask("ip -o link show"), 30)
    until("its DHCP client to go", lambda: "eth1" not in machine.ask("ps -o args | grep '[u]dhcpc'"), 30)


def test_root_file_system_fills_the_disk(machine: Machine) -> None:
    machine.start(config_drive=identity("croft-1", "u-1", machine.public_key))
    machine.wait_console("TINY-READY")
    until("4 GiB", lambda: int(machine.ask("df -m / | awk 'NR == 2 { print $2 }'")) > 3800, 60)


def test_tools_for_network_tests_are_there(machine: Machine) -> None:
    machine.start(config_drive=identity("croft-1", "u-1", machine.public_key))
    machine.wait_console("TINY-READY")
    machine.ask("for tool in ping nc wget ip nslookup mkfs.ext4 sudo; do command -v $tool > /dev/null || exit 1; done")
    assert "Hello from croft-1" in machine.ask("wget -q -O - http://127.0.0.1/")
    assert "Hello from croft-1" in machine.ask("wget -q -O - 'http://[::1]/'")
    assert "0% packet loss" in machine.ask("ping -c 1 10.0.2.2")
