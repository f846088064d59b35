"""runit under fire: any part killed, nothing doubled, everything back."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from croft.machine import processes
from croft.machine.layout import Layout
from croft.machine.supervisor import Daemon, Supervisor
from tests.machine.conftest import read, until

pytestmark = pytest.mark.engines


class Rig:
    """A supervisor over one daemon that writes its pid to a file each time it starts."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.supervisor = Supervisor(layout)
        self.starts = layout.state / "starts"
        self.daemon = self.make("sleep 1000")

    def make(self, command: str) -> Daemon:
        return Daemon(name="clock", argv=("sh", "-c", f'echo $$ >>"{self.starts}"; exec {command}'))

    def up(self) -> None:
        self.supervisor.up([self.daemon])
        until(lambda: self.supervisor.status(self.daemon).healthy and self.running())

    def running(self) -> list[int]:
        """Every living process that is, or was, this daemon."""
        return [int(pid) for pid in read(self.starts).split() if processes.alive(int(pid))]

    def supervising(self, command: str) -> list[int]:
        return [pid for pid in processes.of_cloud(self.layout) if processes.command(pid) == command]

    def kill(self, pids: list[int]) -> None:
        assert pids
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert processes.wait_gone(pids, 5) == []


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    layout = Layout(tmp_path)
    layout.run.mkdir(parents=True, exist_ok=True)
    made = Rig(layout)
    try:
        made.up()
        yield made
    finally:
        made.supervisor.down()
        left = processes.wait_gone(processes.of_cloud(layout), 1)
        processes.stop(left)
        shutil.rmtree(layout.run, ignore_errors=True)
    assert left == []


def test_a_killed_daemon_comes_back(rig: Rig) -> None:
    killed = rig.running()
    rig.kill(killed)
    until(lambda: rig.running() and rig.running() != killed)
    assert len(rig.running()) == 1


def test_a_killed_runsv_comes_back_without_doubling_its_daemon(rig: Rig) -> None:
    before = rig.running()
    rig.kill(rig.supervising("runsv"))
    until(lambda: rig.supervising("runsv") and rig.running() and rig.running() != before)
    assert len(rig.running()) == 1
    until(lambda: rig.supervisor.status(rig.daemon).pid == rig.running()[0])


def test_up_heals_a_killed_runsvdir_without_doubling_anything(rig: Rig) -> None:
    rig.kill(rig.supervising("runsvdir"))
    rig.up()
    assert len(rig.running()) == 1
    assert len(rig.supervising("runsvdir")) == 1
    assert len(rig.supervising("runsv")) == 1


def test_up_heals_when_the_whole_supervision_was_killed(rig: Rig) -> None:
    rig.kill(rig.supervising("runsvdir") + rig.supervising("runsv") + rig.supervising("svlogd"))
    rig.up()
    until(lambda: len(rig.running()) == 1)
    assert len(rig.supervising("runsvdir")) == 1


def test_up_again_changes_nothing(rig: Rig) -> None:
    before = processes.of_cloud(rig.layout)
    rig.up()
    assert processes.of_cloud(rig.layout) == before


def test_a_changed_daemon_is_restarted(rig: Rig) -> None:
    before = rig.running()
    rig.daemon = rig.make("sleep 2000")
    rig.up()
    assert rig.running() != before
    assert len(rig.running()) == 1


def test_a_stopped_daemon_stays_stopped_until_up(rig: Rig) -> None:
    rig.supervisor.stop("clock")
    assert rig.running() == []
    status = rig.supervisor.status(rig.daemon)
    assert (status.state, status.pid) == ("down", 0)
    rig.up()


def test_a_daemon_that_does_not_answer_is_not_healthy(rig: Rig) -> None:
    stuck = Daemon(name="clock", argv=rig.daemon.argv, ready=lambda: False)
    assert rig.supervisor.status(stuck).state == "not answering"


def test_a_process_id_left_in_the_record_of_another_boot_is_not_the_daemon(rig: Rig) -> None:
    rig.supervisor.down()
    record = rig.layout.sv / "clock" / "supervise" / "status"
    stale = bytearray(record.read_bytes())
    stale[12:16] = os.getpid().to_bytes(4, "little")
    record.write_bytes(stale)
    assert rig.supervisor.status(rig.daemon).state == "down"


def test_down_leaves_no_process(rig: Rig) -> None:
    rig.supervisor.down()
    assert processes.of_cloud(rig.layout) == []
    assert rig.running() == []


def test_a_daemon_waits_for_the_socket_it_needs(rig: Rig) -> None:
    late = rig.layout.run / "late.sock"
    waiting = Daemon(name="waiting", argv=("sleep", "1000"), after=(late,))
    rig.supervisor.up([rig.daemon, waiting])
    until(lambda: rig.supervisor.status(waiting).running)
    pid = rig.supervisor.pid("waiting")
    assert processes.command(pid) != "sleep"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(late))
        until(lambda: processes.command(rig.supervisor.pid("waiting")) == "sleep")


def test_its_output_is_kept_in_its_log(rig: Rig) -> None:
    rig.daemon = Daemon(name="clock", argv=("sh", "-c", "echo out; echo err >&2; exec sleep 1000"))
    rig.supervisor.up([rig.daemon])
    until(lambda: {"out", "err"} <= {line.split()[-1] for line in read(log(rig)).splitlines()})


def log(rig: Rig) -> Path:
    return rig.layout.daemon_log("clock")
