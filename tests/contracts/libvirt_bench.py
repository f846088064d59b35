"""Libvirt on the first host of a machine, for the hypervisor's contract. Imported only where libvirt is."""

from __future__ import annotations

import os
import signal
from uuid import uuid4

import libvirt

from croft.drivers.block import Volume
from croft.drivers.block.qcow2 import Qcow2Block
from croft.drivers.hypervisor import Disk, accel
from croft.drivers.hypervisor.libvirt import LibvirtHypervisor
from croft.drivers.hypervisor.libvirt.domain import Style
from croft.machine.embedded import Endpoints


class LibvirtBench:
    """The first host of a machine of its own; QEMU sits at "no bootable device", which is life enough."""

    def __init__(self, machine: Endpoints) -> None:
        first = machine.hosts[0]
        self.host, self._run, self._uri = first.name, first.run, first.libvirt_uri
        self._block = Qcow2Block(machine.volumes)
        hosts = {host.name: host.libvirt_uri for host in machine.hosts}
        state = machine.guests.parent
        logs = {host.name: state / "hosts" / host.name / "libvirt/log/qemu" for host in machine.hosts}
        self.driver = LibvirtHypervisor(hosts, machine.guests, Style("contracts", accel.choose()), logs)

    def disk(self) -> Disk:
        return Disk(self._block.ensure(Volume(str(uuid4()), 8 << 20)).locator)

    def kill(self, guest: str) -> None:
        os.kill(int((self._run / f"libvirt/qemu/croft-{guest}.pid").read_text()), signal.SIGKILL)

    def lose(self, guest: str) -> None:
        connection = libvirt.open(self._uri)
        domain = connection.lookupByName(f"croft-{guest}")
        domain.destroy()
        domain.undefine()
        connection.close()
