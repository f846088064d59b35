"""Stops guests before their hosts go: asked by ACPI, given a while, then unplugged."""

from __future__ import annotations

import time
from collections.abc import Sequence

from croft.machine.commands import CommandFailed, run
from croft.machine.layout import HostLayout
from croft.machine.progress import Progress

PATIENCE = 15.0
PRESS_AGAIN = 3.0
"""A guest that is still starting does not hear the first press of its power button."""


def stop_guests(hosts: Sequence[HostLayout], progress: Progress, patience: float = PATIENCE) -> None:
    """A host whose libvirtd does not answer is left to the process sweep, which ends QEMU by SIGTERM."""
    running = {host: guests for host in hosts if (guests := _running(host))}
    deadline, press = time.monotonic() + patience, 0.0
    while running and time.monotonic() < deadline:
        if time.monotonic() >= press:
            press = time.monotonic() + PRESS_AGAIN
            for host, guests in running.items():
                for guest in guests:
                    _virsh(host, "shutdown", guest)
        time.sleep(0.2)
        running = {host: guests for host in running if (guests := _running(host))}
    for host, guests in running.items():
        for guest in guests:
            progress.note(f"{guest} on {host.name} did not shut down in {patience:.0f} s; its plug is pulled")
            _virsh(host, "destroy", guest)


def _running(host: HostLayout) -> list[str]:
    return _virsh(host, "list", "--uuid").split()


def _virsh(host: HostLayout, *words: str) -> str:
    try:
        return run("virsh", "--quiet", "--connect", host.libvirt_uri, *words, timeout=20)
    except CommandFailed:
        return ""
