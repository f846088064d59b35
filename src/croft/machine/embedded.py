"""The embedded cloud as a whole: bring it up, take it down, look at it, and say where its engines are."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from croft.core import config
from croft.machine import facts as facts_module
from croft.machine import forwarding, libvirtd, ovn, packages, plumbing, processes
from croft.machine.facts import Facts, Wishes
from croft.machine.guest_stop import stop_guests
from croft.machine.layout import PHYSNET, HostLayout, Layout
from croft.machine.progress import Progress, StepFailed
from croft.machine.serving import serve_daemon
from croft.machine.supervisor import Daemon, DaemonStatus, Supervisor

MAX_STARTS = 6
"""A daemon seen with more process ids than this while waiting for it will not get ready."""


@dataclass(frozen=True)
class HostEndpoint:
    name: str
    libvirt_uri: str
    ovsdb_socket: Path
    netns: Path
    """The host's network namespace; drivers may make devices in it."""
    run: Path
    underlay_address: str


@dataclass(frozen=True)
class Endpoints:
    """Where the drivers find their engines."""

    hosts: tuple[HostEndpoint, ...]
    northbound: str
    southbound: str
    """OVSDB remotes: `unix:/…`."""
    physnet: str
    outside_device: str
    """The provider network's end in the root namespace: up, without addresses."""
    namespace_prefix: str
    """Drivers name their own namespaces so; `down` removes them all."""
    images: Path
    volumes: Path
    guests: Path
    run: Path


class Embedded:
    """With `serve=False` only the engines run: what the drivers' contract tests need."""

    def __init__(self, layout: Layout, wishes: Wishes = Wishes(), *, serve: bool = True) -> None:  # noqa: B008
        self.layout, self.wishes, self.serve = layout, wishes, serve
        self.supervisor = Supervisor(layout)

    def up(self, progress: Progress) -> Facts:
        """Makes whatever is missing; a second call finds everything in place."""
        self.layout.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked():
            known = facts_module.load(self.layout)
            engines = self.wishes.engines or (known.engines if known else "real")
            if engines == "real":
                packages.require_root()
            with progress.step("packages"):
                (packages.ensure if engines == "real" else packages.ensure_supervisor)(progress)
                if config.load(self.layout.state).people:
                    packages.ensure_people(progress)
            facts = facts_module.settle(self.layout, self.wishes)
            self._make_directories()
            if facts.engines == "real":
                with progress.step("namespaces and cables"):
                    plumbing.ensure(self.layout, facts.hosts)
                    forwarding.enable(self.layout.outside_device)
                    for host in self._hosts(facts):
                        libvirtd.configure(self.layout, host)
            daemons = self.daemons(facts)
            with progress.step(f"daemons ({len(daemons)})"):
                self.supervisor.up(daemons)
                self._wait_ready(daemons)
        return facts

    def down(self, progress: Progress, *, purge: bool = False) -> None:
        """Also cleans up after a cloud that is half started, crashed, or already partly gone."""
        started = self.layout.lock.exists()
        if purge and not started and self.layout.state.is_dir():
            self._refuse_foreign_directory()
        with self._locked() if started else nullcontext():
            self._take_down(progress, facts_module.load(self.layout))
            if purge and self.layout.state.is_dir():
                with progress.step("state removed"):
                    shutil.rmtree(self.layout.state)

    def status(self) -> list[DaemonStatus]:
        facts = facts_module.load(self.layout)
        if facts is None:
            return []
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self.supervisor.status, self.daemons(facts)))

    def endpoints(self) -> Endpoints:
        facts = facts_module.load(self.layout)
        if facts is None:
            raise StepFailed(f"there is no cloud in {self.layout.state}", advice="Start one with `croft up`.")
        return Endpoints(
            hosts=tuple(
                HostEndpoint(
                    name=host.name,
                    libvirt_uri=host.libvirt_uri,
                    ovsdb_socket=host.ovsdb_socket,
                    netns=host.netns,
                    run=host.run,
                    underlay_address=host.underlay_address,
                )
                for host in self._hosts(facts)
            ),
            northbound=f"unix:{self.layout.northbound_socket}",
            southbound=f"unix:{self.layout.southbound_socket}",
            physnet=PHYSNET,
            outside_device=self.layout.outside_device,
            namespace_prefix=self.layout.namespace_prefix,
            images=self.layout.images,
            volumes=self.layout.volumes,
            guests=self.layout.guests,
            run=self.layout.run,
        )

    def daemons(self, facts: Facts) -> list[Daemon]:
        found: list[Daemon] = []
        if facts.engines == "real":
            found += ovn.central_daemons(self.layout)
            for host in self._hosts(facts):
                found += ovn.chassis_daemons(self.layout, host, facts.datapath)
                found.append(libvirtd.daemon(self.layout, host))
        if self.serve:
            found.append(serve_daemon(self.layout, facts))
        return found

    def _hosts(self, facts: Facts) -> list[HostLayout]:
        if facts.engines != "real":
            return []
        return [self.layout.host(number) for number in range(1, facts.hosts + 1)]

    def _make_directories(self) -> None:
        layout = self.layout
        layout.state.chmod(0o700)
        for path in (layout.ca, layout.ovn, layout.log, layout.sv):
            path.mkdir(exist_ok=True, mode=0o700)
        for path in (layout.images, layout.volumes, layout.guests, layout.hosts):
            path.mkdir(exist_ok=True, mode=0o700)
        layout.central_run.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _wait_ready(self, daemons: Sequence[Daemon], seconds: float = 60) -> None:
        """Gives up early on a daemon that ends again and again."""
        deadline = time.monotonic() + seconds
        waiting = list(daemons)
        starts: dict[str, set[int]] = {daemon.name: set() for daemon in daemons}
        with ThreadPoolExecutor(8) as pool:
            while waiting:
                found = list(pool.map(self.supervisor.status, waiting))
                for status in found:
                    starts[status.name] |= {status.pid} - {0}
                    if not status.healthy and len(starts[status.name]) > MAX_STARTS:
                        raise self._not_ready([status.name], "ends again and again")
                waiting = [daemon for daemon, status in zip(waiting, found, strict=True) if not status.healthy]
                if waiting and time.monotonic() > deadline:
                    names = [daemon.name for daemon in waiting]
                    raise self._not_ready(names, f"not answering after {seconds:.0f} s")
                if waiting:
                    time.sleep(0.02)

    def _not_ready(self, names: Sequence[str], what: str) -> StepFailed:
        return StepFailed(
            f"{', '.join(names)}: {what}",
            advice=f"Read the log (`croft logs {names[0]}`), then run `croft up` again.",
            log=self.layout.daemon_log(names[0]),
        )

    def _take_down(self, progress: Progress, facts: Facts | None) -> None:
        hosts = self._hosts(facts) if facts else []
        with progress.step("control plane stopped"):
            self.supervisor.stop("serve")
        with progress.step("guests stopped"):
            stop_guests([host for host in hosts if host.libvirt_socket.exists()], progress)
        with progress.step("daemons stopped"):
            self.supervisor.down()
            processes.stop(processes.of_cloud(self.layout))
        if facts is None or facts.engines == "real":
            with progress.step("namespaces and cables removed"):
                plumbing.remove(self.layout)
        forwarding.restore_if_last(self.layout)
        shutil.rmtree(self.layout.run, ignore_errors=True)

    def _refuse_foreign_directory(self) -> None:
        if any(self.layout.state.iterdir()):
            raise StepFailed(
                f"{self.layout.state} does not look like a cloud's state directory",
                advice="Check --state; nothing was removed.",
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One `up` or `down` at a time."""
        with self.layout.lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as busy:
                raise StepFailed(
                    f"another `croft up` or `croft down` is at work on {self.layout.state}",
                    advice="Wait for it to end.",
                ) from busy
            yield
