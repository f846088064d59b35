"""The embedded cloud on the real machine: whole after `up`, healed after kills, gone without a trace after `down`."""

from __future__ import annotations

import json
import os
import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from croft.machine import facts, forwarding, plumbing, processes
from croft.machine.commands import CommandFailed, run
from croft.machine.embedded import Embedded
from croft.machine.facts import Wishes
from croft.machine.layout import HostLayout
from croft.machine.progress import Silent, StepFailed
from tests.machine.conftest import MakeCloud, until

pytestmark = pytest.mark.engines


def healthy(cloud: Embedded) -> bool:
    return all(daemon.healthy for daemon in cloud.status())


def pids(cloud: Embedded) -> dict[str, int]:
    return {daemon.name: daemon.pid for daemon in cloud.status()}


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert processes.wait_gone([pid], 5) == []


def traces(cloud: Embedded) -> list[str]:
    """Everything on this machine that carries the cloud's name or path."""
    layout = cloud.layout
    words = (layout.tag, str(layout.state))
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    groups = [str(path) for path in Path("/sys/fs/cgroup").rglob(f"*{layout.tag}*")]
    return [
        *(f"process {pid}" for pid in processes.of_cloud(layout)),
        *(f"command {path}" for path in Path("/proc").glob("[0-9]*/cmdline") if says(path, words)),
        *(f"namespace {name}" for name in plumbing.namespaces(layout)),
        *(f"device {name}" for name in plumbing.links(None) if layout.tag in name),
        *(f"mount {line}" for line in mounts if any(word in line for word in words)),
        *(f"control group {name}" for name in groups),
        *(f"packet filter {line}" for line in run("nft", "list", "tables").splitlines() if layout.tag in line),
        *(f"file {path}" for path in Path("/run").glob(f"*{layout.tag}*")),
    ]


def says(path: Path, words: tuple[str, ...]) -> bool:
    try:
        line = path.read_bytes().decode(errors="replace")
    except OSError:
        return False
    return any(word in line for word in words)


def virsh(host: HostLayout, *words: str) -> str:
    return run("virsh", "--quiet", "--connect", host.libvirt_uri, *words)


def reaches(host: HostLayout, address: str) -> bool:
    """Whether the address is there to refuse a connection from this host."""
    program = f"import socket; socket.create_connection(('{address}', 9), 5)"
    try:
        run("nsenter", f"--net={host.netns}", sys.executable, "-c", program)
    except CommandFailed as failed:
        return "ConnectionRefusedError" in failed.output
    return True


@pytest.fixture
def guest(cloud: Embedded, tmp_path: Path) -> Iterator[str]:
    """A guest without an operating system on h1, plugged into the integration bridge."""
    name = f"guest-{uuid.uuid4().hex[:8]}"
    start_guest(cloud.layout.host(1), name, tmp_path)
    yield name
    if name in virsh(cloud.layout.host(1), "list", "--name").split():
        virsh(cloud.layout.host(1), "destroy", name)


def start_guest(host: HostLayout, name: str, directory: Path) -> None:
    definition = directory / "guest.xml"
    definition.write_text(f"""
        <domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory>
        <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
        <devices><interface type='bridge'><source bridge='br-int'/>
        <virtualport type='openvswitch'><parameters interfaceid='{uuid.uuid4()}'/></virtualport>
        <model type='virtio'/></interface></devices></domain>""")
    virsh(host, "create", str(definition))


def guest_processes(cloud: Embedded) -> list[int]:
    return [pid for pid in processes.of_cloud(cloud.layout) if processes.command(pid) == "qemu-system-x86"]


def test_after_up_everything_answers(cloud: Embedded) -> None:
    names = {daemon.name for daemon in cloud.status()}
    assert names >= {"ovn-nb", "ovn-sb", "ovn-northd", "h1-ovsdb", "h1-vswitchd", "h1-controller", "h1-libvirtd"}
    assert healthy(cloud)


def test_the_endpoints_are_real(cloud: Embedded) -> None:
    found = cloud.endpoints()
    (host,) = found.hosts
    assert run("virsh", "--quiet", "--connect", host.libvirt_uri, "hostname").strip() == "h1"
    assert run("ovs-vsctl", f"--db=unix:{host.ovsdb_socket}", "br-exists", "br-int") == ""
    assert "h1" in run("ovn-sbctl", f"--db={found.southbound}", "--bare", "--columns=name", "list", "Chassis")
    assert run("ovn-nbctl", f"--db={found.northbound}", "show") == ""
    assert found.outside_device in plumbing.links(None)
    assert host.netns.exists()


def test_up_again_touches_nothing_that_runs(cloud: Embedded) -> None:
    before = pids(cloud)
    cloud.up(Silent())
    assert pids(cloud) == before


@pytest.mark.parametrize(
    "name", ["ovn-nb", "ovn-sb", "ovn-northd", "h1-ovsdb", "h1-vswitchd", "h1-controller", "h1-libvirtd"]
)
def test_a_killed_daemon_comes_back_by_itself(cloud: Embedded, guest: str, name: str) -> None:
    """The tunnel address, gone with a killed vswitchd, is part of its health."""
    guests = guest_processes(cloud)
    kill(pids(cloud)[name])
    until(lambda: healthy(cloud), 30)
    assert guest_processes(cloud) == guests
    assert virsh(cloud.layout.host(1), "domstate", guest).strip() == "running"


def test_up_heals_a_cloud_whose_supervision_was_killed(cloud: Embedded, guest: str) -> None:
    guests = guest_processes(cloud)
    for pid in processes.of_cloud(cloud.layout):
        if processes.command(pid) in {"runsvdir", "runsv"}:
            kill(pid)
    cloud.up(Silent())
    until(lambda: healthy(cloud), 30)
    assert guest_processes(cloud) == guests
    running = [processes.command(pid) for pid in processes.of_cloud(cloud.layout)]
    for single in ("runsvdir", "ovs-vswitchd", "ovn-controller", "ovn-northd", "libvirtd"):
        assert running.count(single) == 1, single


def test_up_mends_torn_cables(cloud: Embedded) -> None:
    layout = cloud.layout
    run("ip", "link", "del", layout.outside_device)
    cloud.up(Silent())
    assert layout.outside_device in plumbing.links(None)
    bridged = run("ip", "-n", layout.namespace("fabric"), "-json", "link", "show", "master", "provider")
    assert {link["ifname"] for link in json.loads(bridged)} == {"outside", "ex-h1"}


def test_up_brings_everything_back_after_a_reboot(cloud: Embedded) -> None:
    """A reboot leaves the files and nothing else."""
    processes.stop(processes.of_cloud(cloud.layout), patience=0)
    plumbing.remove(cloud.layout)
    cloud.up(Silent())
    assert healthy(cloud)


def test_two_clouds_and_more_hosts_at_once(cloud: Embedded, make_cloud: MakeCloud) -> None:
    neighbour = make_cloud(hosts=2)
    neighbour.up(Silent())
    grown = Embedded(neighbour.layout, Wishes(hosts=3), serve=False)
    grown.up(Silent())
    assert [host.name for host in grown.endpoints().hosts] == ["h1", "h2", "h3"]
    assert healthy(grown)
    assert healthy(cloud)
    mine, theirs = facts.load(cloud.layout), facts.load(grown.layout)
    assert mine is not None
    assert theirs is not None
    assert mine.external_v4 != theirs.external_v4
    assert mine.external_v6 != theirs.external_v6
    first = grown.layout.host(1)
    for number in (2, 3):
        assert reaches(first, grown.layout.host(number).underlay_address)
    grown.down(Silent(), purge=True)
    assert traces(grown) == []
    assert healthy(cloud)


def test_down_stops_guests_and_leaves_nothing(make_cloud: MakeCloud, tmp_path: Path) -> None:
    cloud = make_cloud()
    cloud.up(Silent())
    start_guest(cloud.layout.host(1), "stubborn", tmp_path)
    assert traces(cloud)
    cloud.down(Silent())
    assert traces(cloud) == []
    assert facts.load(cloud.layout) is not None
    cloud.down(Silent(), purge=True)
    assert not cloud.layout.state.exists()


def test_down_cleans_up_after_a_crash(make_cloud: MakeCloud, tmp_path: Path) -> None:
    """Supervisor, libvirtd and databases killed, a guest still running, a driver's own namespace left over."""
    cloud = make_cloud()
    cloud.up(Silent())
    start_guest(cloud.layout.host(1), "left-over", tmp_path)
    run("ip", "netns", "add", cloud.layout.namespace("driver"))
    run("nft", "add", "table", "inet", cloud.layout.nftables_table)
    for pid in processes.of_cloud(cloud.layout):
        if processes.command(pid) != "qemu-system-x86":
            kill(pid)
    assert guest_processes(cloud)
    cloud.down(Silent(), purge=True)
    assert traces(cloud) == []


def test_down_of_nothing_is_fine(make_cloud: MakeCloud) -> None:
    cloud = make_cloud()
    cloud.down(Silent(), purge=True)
    assert traces(cloud) == []


def test_purge_refuses_a_directory_that_is_no_cloud(make_cloud: MakeCloud) -> None:
    cloud = make_cloud()
    cloud.layout.state.mkdir()
    precious = cloud.layout.state / "precious"
    precious.write_text("keep")
    with pytest.raises(StepFailed, match="does not look like"):
        cloud.down(Silent(), purge=True)
    assert [path.name for path in cloud.layout.state.iterdir()] == ["precious"]
    precious.unlink()


def test_forwarding_is_on_while_a_cloud_is_up(cloud: Embedded) -> None:
    device = cloud.layout.outside_device
    assert (forwarding.SETTINGS / f"ipv4/conf/{device}/forwarding").read_text().strip() == "1"
