"""Brings a server to what people asked for: a host, its ports there, its disks, its guest; and back to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from croft.core import work
from croft.core.db import Database
from croft.core.errors import Rejected
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.drivers.block import Block, Volume
from croft.drivers.hypervisor import Disk, Guest, GuestState, Hypervisor, Nic, Power
from croft.drivers.imagestore import ImageStore
from croft.services.compute import store
from croft.services.compute.model import (
    AcceptOff,
    Ensure,
    Hold,
    Need,
    Server,
    Settled,
    decide,
    documents,
    hardware,
    place,
)
from croft.services.compute.model.server import ASK_AGAIN, CALM, DEADLINE, KIND, RESYNC
from croft.services.compute.reconcile import drive
from croft.services.compute.store.views import ports_of, told
from croft.services.network import actions as network

GIB, MIB = 1 << 30, 1 << 20
STEPS = 4
"""Looks at the guest in one run: each follows something done to it."""


@dataclass(frozen=True)
class Plan:
    """A server's row and its ports, read at one moment."""

    server: Server
    ports: Sequence[network.ServerPort]


class ServerReconciler:
    kind, resync, deadline = KIND, RESYNC, DEADLINE

    def __init__(self, db: Database, hypervisor: Hypervisor, block: Block, imagestore: ImageStore) -> None:
        self.db, self.hypervisor, self.block, self.imagestore = db, hypervisor, block, imagestore

    def reconcile(self, id: str) -> Result:
        found = self._read(id)
        if found is None:
            return Gone()
        if found.server.deleted is not None:
            return self._remove(found)
        if not found.server.host:
            found = self._place(found.server)
        return self._guest(found, self._disks(found.server))

    def _read(self, id: str) -> Plan | None:
        with self.db.read() as tx:
            server = store.servers.any_server(tx, id)
            return Plan(server, ports_of(tx, server)) if server else None

    def _place(self, server: Server) -> Plan:
        """Chooses the host, once, and binds the ports there."""
        need = Need(server.vcpus, server.memory_mib, server.disk_gib, server.zone, server.wished_host)
        with self.db.write() as tx:
            tx.lock("placement")
            chosen = place(need, store.hosts.any_hosts(tx), store.servers.loads(tx), tx.now)
            if chosen is not None and store.servers.any_place(tx, server.id, chosen):
                network.bind(tx, server.id, chosen)
        read = self._read(server.id)
        if chosen is None or read is None:
            raise Rejected("No valid host was found. There are not enough hosts available.")
        return read

    def _disks(self, server: Server) -> tuple[Disk, ...]:
        made = [self._disk(volume, server) for volume in volumes(server)]
        if server.config_drive:
            name = f"{server.id}-config"
            state = self.block.observe(name) or self.block.ensure(Volume(name, 0, content=self._drive(server)))
            made.append(Disk(state.locator, state.format, "config-2", readonly=True))
        return tuple(made)

    def _disk(self, volume: Volume, server: Server) -> Disk:
        state = self.block.observe(volume.name)
        if state is None or state.size < volume.size:
            image = self.imagestore.locator(volume.image) if volume.image is not None else None
            state = self.block.ensure(replace(volume, image=image))
        return Disk(state.locator, state.format, documents.serial(server) if volume.image is not None else "")

    def _drive(self, server: Server) -> bytes:
        with self.db.read() as tx:
            found = told(tx, server)
        return drive.build(found)

    def _guest(self, found: Plan, disks: tuple[Disk, ...]) -> Result:
        server = found.server
        state = self.hypervisor.observe(server.host, server.id)
        known = state.nics if state else ()
        for port in found.ports:
            if not port.ready and port.id not in known:
                return Wait(f"Waiting for network port {port.id}.", 60)
        guest = _wanted(found, disks)
        facts: dict[str, Any] = {}
        for _ in range(STEPS):
            match decide(server, guest, state, self.db.clock.now()):
                case Settled():
                    return self._settled(found, state, facts)
                case AcceptOff():
                    return self._accept_off(server)
                case Hold(why, again):
                    self._write(server, _power(state))
                    return Wait(why, again)
                case Ensure(power, why, again, restart):
                    self.hypervisor.ensure(server.host, replace(guest, power=power))
                    if why:
                        self._write(server, facts | _power(state))
                        return Wait(why, again)
                    state = self.hypervisor.observe(server.host, server.id)
                    died = power == Power.RUNNING and state is not None and state.power == Power.CRASHED
                    if restart or died:
                        facts |= self._crash(server)
                    if died:
                        self._write(server, facts | _power(state))
                        return Wait("The guest crashed as soon as it was started.", ASK_AGAIN)
                    if state and power == state.power == Power.RUNNING and hardware(state) != hardware(guest):
                        return Wait("Waiting for the guest to let go of a device.", 10)
        self._write(server, facts | _power(state))
        return Wait("Waiting for the guest to come to rest.", ASK_AGAIN)

    def _crash(self, server: Server) -> dict[str, Any]:
        """One more in a row, by which the next start waits longer."""
        now = self.db.clock.now()
        calm = now - server.started >= CALM
        return {"started": now, "crashes": 1 if calm else server.crashes + 1}

    def _settled(self, found: Plan, state: GuestState | None, facts: dict[str, Any]) -> Result:
        server = found.server
        for number in range(server.seen_disk, server.disk):
            if number:
                self.block.remove(root_name(server.id, number))
        facts = facts | _power(state) | {"seen_disk": server.disk}
        if state and state.power == Power.RUNNING:
            facts["booted"] = server.boot
        if server.launched is None:
            facts["launched"] = self.db.clock.now()
        if server.resize == "reverting":
            facts |= {"resize": "", "former": None}
        self._write(server, facts)
        return Done()

    def _accept_off(self, server: Server) -> Result:
        with self.db.write() as tx:
            store.servers.any_accept_off(tx, server)
        return self.reconcile(server.id)

    def _write(self, server: Server, facts: dict[str, Any]) -> None:
        """Only what differs; nothing at all when nothing does."""
        changed = {name: value for name, value in facts.items() if getattr(server, name) != value}
        settled = "seen_disk" in facts
        if changed or (settled and server.seen < server.gen):
            with self.db.write() as tx:
                store.servers.any_facts(tx, server, changed, settled=settled)

    def _remove(self, found: Plan) -> Result:
        server = found.server
        with self.db.read() as tx:
            reachable = bool(server.host) and store.hosts.any_registered(tx, server.host)
        if found.ports:
            with self.db.write() as tx:
                network.unplug(tx, server.id)
        if reachable:
            self.hypervisor.remove(server.host, server.id)
        for name in every_volume(server):
            self.block.remove(name)
        with self.db.write() as tx:
            network.unplug(tx, server.id)
            store.servers.any_drop(tx, server.id)
            for homeless in store.servers.any_homeless(tx):
                work.wake(tx, KIND, homeless)
        return Gone()

    def explain(self, id: str) -> Explanation | None:
        found = self._read(id)
        if found is None:
            return None
        server = found.server
        disks = tuple(Disk(volume.name) for volume in volumes(server))
        want = asdict(_wanted(found, disks)) | {"host": server.host or None, "deleted": server.deleted is not None}
        have = self.hypervisor.observe(server.host, id) if server.host else None
        names = [name for name in every_volume(server) if self.block.observe(name)]
        return Explanation(want, {"guest": asdict(have) if have else None, "volumes": names})


def root_name(id: str, number: int) -> str:
    return f"{id}-root-{number}"


def volumes(server: Server) -> list[Volume]:
    """The disks that hold what the guest writes, in its order. `image` is the image's id, not yet its locator."""
    size = max(server.disk_gib * GIB, server.image_bytes)
    found = [Volume(root_name(server.id, server.disk), size, server.image, server.image_format)]
    if server.ephemeral_gib:
        found.append(Volume(f"{server.id}-ephemeral", server.ephemeral_gib * GIB))
    if server.swap_mib:
        found.append(Volume(f"{server.id}-swap", server.swap_mib * MIB))
    return found


def every_volume(server: Server) -> list[str]:
    roots = [root_name(server.id, number) for number in range(max(server.seen_disk, 1), server.disk + 1)]
    return [*roots, *(f"{server.id}-{kind}" for kind in ("ephemeral", "swap", "config"))]


def _wanted(found: Plan, disks: tuple[Disk, ...]) -> Guest:
    server = found.server
    return Guest(
        id=server.id,
        gen=server.gen,
        boot=server.boot,
        name=server.name,
        vcpus=server.vcpus,
        memory_mib=server.memory_mib,
        disks=disks,
        nics=tuple(Nic(port.id, port.mac, port.mtu) for port in found.ports),
        power=Power.RUNNING if server.power == "running" else Power.OFF,
    )


def _power(state: GuestState | None) -> dict[str, Any]:
    return {"seen_power": state.power.value if state else ""}
