"""Real guests under libvirt: what only a booted system and a plugged network card can show."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from croft.core.errors import EngineError
from croft.drivers.block import Volume
from croft.drivers.block.qcow2 import Qcow2Block
from croft.drivers.hypervisor import Disk, Guest, GuestState, Nic, Power
from croft.machine import guests
from croft.machine.embedded import Endpoints
from croft.machine.progress import Silent
from tests.contracts.libvirt_bench import LibvirtBench
from tests.machine.guests_boot import IMAGES

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


def until(true: Callable[[], bool], seconds: float = 60) -> float:
    begin = time.monotonic()
    while not true():
        assert time.monotonic() < begin + seconds, f"not so within {seconds} s"
        time.sleep(0.1)
    return time.monotonic() - begin


@pytest.fixture(scope="module")
def bench(machine: Endpoints) -> Iterator[LibvirtBench]:
    bench = LibvirtBench(machine)
    yield bench
    bench.driver.close()


@pytest.fixture(scope="module")
def image(machine: Endpoints) -> Path:
    """Where an image lies in a cloud: on the volumes' file system, which the cache need not be on."""
    return Path(shutil.copy(guests.build("tiny", IMAGES, Silent()).path, machine.images / "tiny.qcow2"))


@contextmanager
def tiny(bench: LibvirtBench, machine: Endpoints, image: Path, **wishes: object) -> Iterator[Guest]:
    """A guest booted from the tiny image, with one network card that nothing answers on."""
    guest = Guest(str(uuid4()), 1, 1, "tiny", 1, 128, nics=(new_nic(),))
    root = Qcow2Block(machine.volumes).ensure(Volume(guest.id, 1 << 30, image=str(image), image_format="qcow2"))
    guest = replace(guest, disks=(Disk(root.locator),), **wishes)  # type: ignore[arg-type]
    try:
        bench.driver.ensure(bench.host, guest)
        yield guest
    finally:
        bench.driver.remove(bench.host, guest.id)


@pytest.fixture(scope="module")
def booted(bench: LibvirtBench, machine: Endpoints, image: Path) -> Iterator[Guest]:
    with tiny(bench, machine, image) as guest:
        until(lambda: "TINY" in bench.driver.console(bench.host, guest.id, None))
        yield guest


def new_nic() -> Nic:
    port = str(uuid4())
    return Nic(port, "fa:16:3e:" + ":".join(port[start : start + 2] for start in (0, 2, 4)))


def observed(bench: LibvirtBench, guest: Guest) -> GuestState:
    state = bench.driver.observe(bench.host, guest.id)
    assert state is not None
    return state


def plugged(machine: Endpoints, port: str) -> bool:
    """Whether the host's bridge has an interface for this fabric port."""
    words = ["--bare", "--columns=name", "find", "Interface", f"external_ids:iface-id={port}"]
    command = ["ovs-vsctl", f"--db=unix:{machine.hosts[0].ovsdb_socket}", *words]
    return bool(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def test_disks_and_cards_come_and_go_while_it_runs(bench: LibvirtBench, machine: Endpoints, booted: Guest) -> None:
    more = replace(booted, gen=2, disks=(*booted.disks, bench.disk()), nics=(*booted.nics, new_nic()))
    bench.driver.ensure(bench.host, more)
    state = observed(bench, booted)
    assert (len(state.disks), state.nics) == (2, tuple(nic.port for nic in more.nics))
    assert plugged(machine, more.nics[1].port)
    bench.driver.ensure(bench.host, replace(booted, gen=3))
    until(lambda: (len(observed(bench, booted).disks), len(observed(bench, booted).nics)) == (1, 1))
    until(lambda: not plugged(machine, more.nics[1].port))
    assert observed(bench, booted).boot == 1


def test_the_console_shows_the_boot(bench: LibvirtBench, booted: Guest) -> None:
    whole = bench.driver.console(bench.host, booted.id, None)
    assert "TINY" in whole
    last = bench.driver.console(bench.host, booted.id, 3)
    assert last.count("\n") <= 3
    assert whole.endswith(last) or bench.driver.console(bench.host, booted.id, None).endswith(last)


def test_a_guest_outlives_its_libvirtd_and_is_found_again(
    bench: LibvirtBench, machine: Endpoints, booted: Guest
) -> None:
    heard: list[str] = []
    bench.driver.watch(lambda host, name: heard.append(name))
    guest_pid = (machine.hosts[0].run / f"libvirt/qemu/croft-{booted.id}.pid").read_text()
    os.kill(int((machine.hosts[0].run / "libvirt/libvirtd.pid").read_text()), signal.SIGKILL)

    def answers() -> bool:
        try:
            return observed(bench, booted).power == Power.RUNNING
        except EngineError:
            return False

    until(answers)
    assert (machine.hosts[0].run / f"libvirt/qemu/croft-{booted.id}.pid").read_text() == guest_pid
    other = Guest(str(uuid4()), 1, 1, "other", 1, 64, (bench.disk(),))
    try:
        bench.driver.ensure(bench.host, other)
        until(lambda: other.id in heard)
    finally:
        bench.driver.remove(bench.host, other.id)


def test_shutdown_is_asked_of_the_guest_and_nothing_is_left_of_it(
    bench: LibvirtBench, machine: Endpoints, image: Path
) -> None:
    with tiny(bench, machine, image) as guest:
        until(lambda: "TINY-READY" in bench.driver.console(bench.host, guest.id, None), 120)
        assert plugged(machine, guest.nics[0].port)

        def off() -> bool:
            """Asked again at each look: before its ACPI daemon runs, a guest does not hear."""
            bench.driver.ensure(bench.host, replace(guest, gen=2, power=Power.SHUTDOWN))
            return observed(bench, guest).power == Power.OFF

        until(off)
        assert "TINY-STOPPING" in bench.driver.console(bench.host, guest.id, None)
        assert not plugged(machine, guest.nics[0].port)
        bench.driver.ensure(bench.host, replace(guest, gen=3))
        assert plugged(machine, guest.nics[0].port)
    assert not plugged(machine, guest.nics[0].port)
    kept = [path for place in (machine.guests.parent, machine.run) for path in place.rglob("*")]
    assert [path.parent for path in kept if guest.id in path.name] == [machine.volumes] * 2


def test_a_guest_that_cannot_start_says_why(bench: LibvirtBench) -> None:
    guest = Guest(str(uuid4()), 1, 1, "lost", 1, 64, (Disk("/nonexistent/disk.qcow2"),))
    try:
        with pytest.raises(EngineError, match=r"disk\.qcow2"):
            bench.driver.ensure(bench.host, guest)
    finally:
        bench.driver.remove(bench.host, guest.id)
