"""kill -9 of anything, at any time: guests run on, and the world becomes what was asked for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.cloud import MARKS, RunningCloud, Ssh, answers, eventually

pytestmark = MARKS


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def first(cloud: RunningCloud) -> tuple[str, str]:
    """(server id, floating IP) of the first server, answering."""
    sdk = cloud.sdk()
    server = sdk.compute.find_server("first", ignore_missing=False)
    port = next(sdk.network.ports(device_id=server.id))
    address = next(sdk.network.ips(port_id=port.id)).floating_ip_address
    eventually("the first server answers", lambda: answers(address))
    return server.id, address


def booted(cloud: RunningCloud, address: str) -> float:
    """The first server's seconds of uptime."""
    ssh = Ssh(cloud.state / "first-key")
    return float(eventually("ssh", lambda: ssh(address, "cat /proc/uptime", timeout=15)).split()[0])


def make(cloud: RunningCloud, name: str) -> Any:
    sdk = cloud.sdk()
    return sdk.compute.create_server(
        name=name,
        image_id=sdk.image.find_image("tiny").id,
        flavor_id=sdk.compute.find_flavor("m1.tiny").id,
        networks="auto",
    )


def becomes_active(cloud: RunningCloud, id: str) -> None:
    eventually("ACTIVE", lambda: cloud.sdk().compute.get_server(id).status == "ACTIVE", seconds=180, pause=1)


def remove(cloud: RunningCloud, id: str) -> None:
    def gone() -> bool:
        return all(server.id != id for server in cloud.sdk().compute.servers())

    cloud.sdk().compute.delete_server(id)
    eventually("gone", gone, seconds=90, pause=0.5)


def host_of(cloud: RunningCloud, id: str) -> str:
    return str(cloud.sdk("croft-admin").compute.get_server(id).hypervisor_hostname)


def test_the_control_plane_dies_in_the_middle_of_a_creation(cloud: RunningCloud) -> None:
    _, address = first(cloud)
    uptime = booted(cloud, address)
    server = make(cloud, "survivor")
    kill(cloud.pid("serve"))
    eventually("the guests run on", lambda: booted(cloud, address) >= uptime)
    becomes_active(cloud, server.id)
    names = [name for host in cloud.hosts for name in cloud.virsh(host, "list", "--all", "--name").split()]
    assert sum(server.id in name for name in names) == 1
    kill(cloud.pid("serve"))
    eventually("the API is back", lambda: cloud.status()["healthy"], seconds=60, pause=1)
    remove(cloud, server.id)
    assert booted(cloud, address) > uptime


DAEMONS: list[tuple[str, Callable[[str], str]]] = [
    ("libvirtd", lambda host: f"{host}-libvirtd"),
    ("ovn-controller", lambda host: f"{host}-controller"),
]


@pytest.mark.parametrize(("daemon", "name"), DAEMONS, ids=[each[0] for each in DAEMONS])
def test_a_hosts_daemon_dies(cloud: RunningCloud, daemon: str, name: Callable[[str], str]) -> None:
    id, address = first(cloud)
    uptime = booted(cloud, address)
    kill(cloud.pid(name(host_of(cloud, id))))
    server = make(cloud, f"after-{daemon}")
    eventually("all daemons are back", lambda: cloud.status()["healthy"], seconds=60, pause=1)
    becomes_active(cloud, server.id)
    eventually("the guest never stopped", lambda: booted(cloud, address) > uptime)
    remove(cloud, server.id)


def test_a_killed_guest_comes_back(cloud: RunningCloud) -> None:
    id, address = first(cloud)
    host = host_of(cloud, id)
    uptime = booted(cloud, address)
    listed = [line for line in processes() if id in line and "qemu-system" in line]
    assert len(listed) == 1
    kill(int(listed[0].split()[0]))
    eventually("it was started again", lambda: booted(cloud, address) < uptime, seconds=120)
    assert cloud.sdk().compute.get_server(id).status == "ACTIVE"
    assert host_of(cloud, id) == host


def processes() -> list[str]:
    import subprocess

    return subprocess.run(
        ["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_down_and_up_again_brings_the_guests_back(cloud: RunningCloud) -> None:
    _, address = first(cloud)
    cloud.croft("down")
    assert not answers(address)
    said = cloud.croft("up").stdout
    assert "It answers" in said
    eventually("it answers", lambda: answers(address))
