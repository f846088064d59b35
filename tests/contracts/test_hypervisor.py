"""What every hypervisor must do, over the fake and, marked `engines`, over libvirt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol
from uuid import uuid4

import pytest

from croft.core.errors import Unavailable
from croft.drivers.hypervisor import Disk, Guest, GuestState, Hypervisor, Nic, Power
from croft.drivers.hypervisor.fake import FakeHypervisor
from croft.machine.embedded import Endpoints


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.05)


class Bench(Protocol):
    """A hypervisor with one host, and what a test may do behind its back."""

    driver: Hypervisor
    host: str

    def disk(self) -> Disk: ...
    def kill(self, guest: str) -> None: ...
    def lose(self, guest: str) -> None: ...


class FakeBench:
    host = "h1"

    def __init__(self) -> None:
        self.driver = FakeHypervisor([self.host])
        self.kill = self.driver.crash
        self.lose = self.driver.lose

    def disk(self) -> Disk:
        return Disk(f"fake-volume:{uuid4()}")


@pytest.fixture(scope="session")
def libvirt_bench(machine: Endpoints) -> Iterator[Bench]:
    from tests.contracts.libvirt_bench import LibvirtBench

    bench = LibvirtBench(machine)
    yield bench
    bench.driver.close()


@pytest.fixture(params=["fake", pytest.param("libvirt", marks=pytest.mark.engines)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        yield FakeBench()
    else:
        yield request.getfixturevalue("libvirt_bench")


@pytest.fixture
def new_guest(bench: Bench) -> Iterator[Callable[..., Guest]]:
    made: list[str] = []

    def build(**wishes: object) -> Guest:
        guest = replace(Guest(str(uuid4()), 1, 1, "Zoë <&> 'box'", 1, 128, (bench.disk(),)), **wishes)  # type: ignore[arg-type]
        made.append(guest.id)
        return guest

    yield build
    for name in made:
        bench.driver.remove(bench.host, name)


def observed(bench: Bench, guest: Guest) -> GuestState:
    state = bench.driver.observe(bench.host, guest.id)
    assert state is not None
    return state


def test_an_unknown_guest_is_absent_and_its_removal_succeeds(bench: Bench) -> None:
    absent = str(uuid4())
    assert bench.driver.observe(bench.host, absent) is None
    bench.driver.remove(bench.host, absent)
    assert bench.driver.console(bench.host, absent, 10) == ""


def test_a_guest_runs_as_specified_and_is_listed(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest()
    bench.driver.ensure(bench.host, guest)
    assert observed(bench, guest) == GuestState(
        guest.id, 1, 1, Power.RUNNING, 1, 128, disks=(guest.disks[0].source,), nics=()
    )
    assert guest.id in bench.driver.names(bench.host)
    bench.driver.ensure(bench.host, guest)
    assert observed(bench, guest).power == Power.RUNNING


def test_a_removed_guest_leaves_nothing(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest()
    bench.driver.ensure(bench.host, guest)
    bench.driver.remove(bench.host, guest.id)
    assert bench.driver.observe(bench.host, guest.id) is None
    assert guest.id not in bench.driver.names(bench.host)
    assert bench.driver.console(bench.host, guest.id, None) == ""
    bench.driver.remove(bench.host, guest.id)


def test_a_guest_may_be_defined_without_running(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest(power=Power.OFF)
    bench.driver.ensure(bench.host, guest)
    assert observed(bench, guest).power == Power.OFF
    bench.driver.ensure(bench.host, replace(guest, gen=2, power=Power.RUNNING))
    assert observed(bench, guest).power == Power.RUNNING


def test_off_pulls_the_plug(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest()
    bench.driver.ensure(bench.host, guest)
    bench.driver.ensure(bench.host, replace(guest, gen=2, power=Power.OFF))
    state = observed(bench, guest)
    assert (state.power, state.gen) == (Power.OFF, 2)


def test_an_older_intent_is_ignored(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest(gen=5)
    bench.driver.ensure(bench.host, guest)
    bench.driver.ensure(bench.host, replace(guest, gen=4, power=Power.OFF, vcpus=2))
    state = observed(bench, guest)
    assert (state.gen, state.power, state.vcpus) == (5, Power.RUNNING, 1)


def test_a_killed_guest_is_seen_crashed_and_starts_again(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest()
    bench.driver.ensure(bench.host, guest)
    bench.kill(guest.id)
    until(lambda: observed(bench, guest).power == Power.CRASHED)
    bench.driver.ensure(bench.host, guest)
    assert observed(bench, guest).power == Power.RUNNING


def test_a_crashed_guest_that_is_wanted_off_is_off(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest()
    bench.driver.ensure(bench.host, guest)
    bench.kill(guest.id)
    until(lambda: observed(bench, guest).power == Power.CRASHED)
    bench.driver.ensure(bench.host, replace(guest, gen=2, power=Power.OFF))
    assert observed(bench, guest).power == Power.OFF


def test_a_lost_guest_is_absent_and_can_be_made_again(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest()
    bench.driver.ensure(bench.host, guest)
    bench.lose(guest.id)
    assert bench.driver.observe(bench.host, guest.id) is None
    bench.driver.ensure(bench.host, guest)
    assert observed(bench, guest).power == Power.RUNNING


def test_a_new_boot_restarts_and_the_same_boot_does_not(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest()
    starts: list[str] = []
    bench.driver.watch(lambda host, name: starts.append(name))
    bench.driver.ensure(bench.host, guest)
    until(lambda: guest.id in starts)
    starts.clear()
    bench.driver.ensure(bench.host, replace(guest, gen=2))
    assert observed(bench, guest).boot == 1
    assert guest.id not in starts
    bench.driver.ensure(bench.host, replace(guest, gen=3, boot=2))
    state = observed(bench, guest)
    assert (state.boot, state.power, state.gen) == (2, Power.RUNNING, 3)
    until(lambda: guest.id in starts)


def test_a_running_guest_takes_and_gives_back_disks(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest()
    bench.driver.ensure(bench.host, guest)
    more = replace(guest, gen=2, disks=(*guest.disks, bench.disk(), replace(bench.disk(), serial="data-2")))
    bench.driver.ensure(bench.host, more)
    state = observed(bench, guest)
    assert state.disks == tuple(disk.source for disk in more.disks)
    assert (state.power, state.boot) == (Power.RUNNING, 1)


def test_hardware_that_cannot_be_plugged_waits_for_the_next_boot(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest()
    bench.driver.ensure(bench.host, guest)
    bigger = replace(guest, gen=2, memory_mib=160, vcpus=2)
    bench.driver.ensure(bench.host, bigger)
    assert (observed(bench, guest).memory_mib, observed(bench, guest).power) == (128, Power.RUNNING)
    bench.driver.ensure(bench.host, replace(bigger, gen=3, boot=2))
    state = observed(bench, guest)
    assert (state.memory_mib, state.vcpus, state.boot) == (160, 2, 2)


def test_a_shutdown_of_a_stopped_guest_changes_nothing(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guest = new_guest(power=Power.OFF)
    bench.driver.ensure(bench.host, guest)
    bench.driver.ensure(bench.host, replace(guest, gen=2, power=Power.SHUTDOWN))
    assert observed(bench, guest).power == Power.OFF


def test_watchers_hear_of_starts_and_crashes(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    heard: list[tuple[str, str]] = []
    bench.driver.watch(lambda host, name: heard.append((host, name)))
    guest = new_guest()
    bench.driver.ensure(bench.host, guest)
    until(lambda: (bench.host, guest.id) in heard)
    heard.clear()
    bench.kill(guest.id)
    until(lambda: (bench.host, guest.id) in heard)


def test_capacity_counts_what_runs(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    before = bench.driver.capacity(bench.host)
    assert before.vcpus >= 1
    assert before.memory_mib >= 128
    assert before.kind in {"kvm", "qemu"}
    bench.driver.ensure(bench.host, new_guest())
    bench.driver.ensure(bench.host, new_guest(power=Power.OFF))
    assert bench.driver.capacity(bench.host).running == before.running + 1


def test_an_unknown_host_is_unavailable(bench: Bench) -> None:
    with pytest.raises(Unavailable):
        bench.driver.observe("nowhere", str(uuid4()))


def test_many_threads_at_once(bench: Bench, new_guest: Callable[..., Guest]) -> None:
    guests = [new_guest(power=Power.OFF) for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda guest: bench.driver.ensure(bench.host, guest), guests * 2))
        states = list(pool.map(lambda guest: observed(bench, guest).power, guests))
    assert states == [Power.OFF] * 12
    assert {guest.id for guest in guests} <= set(bench.driver.names(bench.host))


class TestFakeOnly:
    """What tests of services rely on beyond the port."""

    def test_shutdown_is_done_at_the_next_look(self) -> None:
        fake = FakeHypervisor(["h1"])
        guest = Guest("g", 1, 1, "g", 1, 128)
        fake.ensure("h1", guest)
        fake.ensure("h1", replace(guest, gen=2, power=Power.SHUTDOWN))
        state = fake.observe("h1", "g")
        assert state is not None
        assert state.power == Power.OFF

    def test_a_deaf_guest_runs_on(self) -> None:
        fake = FakeHypervisor(["h1"])
        fake.deaf.add("g")
        guest = Guest("g", 1, 1, "g", 1, 128)
        fake.ensure("h1", guest)
        fake.ensure("h1", replace(guest, gen=2, power=Power.SHUTDOWN))
        state = fake.observe("h1", "g")
        assert state is not None
        assert state.power == Power.RUNNING

    def test_ports_are_plugged_and_unplugged_with_their_guest(self) -> None:
        seen: list[tuple[str, str, bool]] = []
        fake = FakeHypervisor(["h1"], plugged=lambda port, host, up: seen.append((port, host, up)))
        guest = Guest("g", 1, 1, "g", 1, 128, nics=(Nic("p1", "fa:16:3e:00:00:01"),))
        fake.ensure("h1", guest)
        fake.ensure("h1", replace(guest, gen=2, nics=(*guest.nics, Nic("p2", "fa:16:3e:00:00:02"))))
        fake.crash("g")
        assert seen == [("p1", "h1", True), ("p2", "h1", True), ("p1", "h1", False), ("p2", "h1", False)]

    def test_an_idle_ensure_writes_nothing(self) -> None:
        fake = FakeHypervisor(["h1"])
        guest = Guest("g", 1, 1, "g", 1, 128)
        fake.ensure("h1", guest)
        writes = fake.writes
        fake.ensure("h1", guest)
        assert fake.writes == writes

    def test_a_host_that_is_down_answers_nothing(self) -> None:
        fake = FakeHypervisor(["h1", "h2"])
        fake.down.add("h1")
        assert fake.names("h2") == []
        with pytest.raises(Unavailable):
            fake.names("h1")

    def test_the_console_keeps_the_last_lines_over_boots(self) -> None:
        fake = FakeHypervisor(["h1"])
        guest = Guest("g", 1, 1, "g", 1, 128)
        fake.ensure("h1", guest)
        fake.say("g", "hello")
        fake.ensure("h1", replace(guest, gen=2, boot=2))
        assert fake.console("h1", "g", None) == "boot 1\ng login:\nhello\nboot 2\ng login:\n"
        assert fake.console("h1", "g", 1) == "g login:\n"
        assert fake.console("h1", "g", 0) == ""

    def test_a_watcher_may_call_back_from_another_thread(self) -> None:
        fake = FakeHypervisor(["h1"])
        done = threading.Event()

        def look(host: str, name: str) -> None:
            thread = threading.Thread(target=lambda: (fake.observe(host, name), done.set()))
            thread.start()
            thread.join(5)

        fake.watch(look)
        fake.ensure("h1", Guest("g", 1, 1, "g", 1, 128))
        assert done.is_set()
