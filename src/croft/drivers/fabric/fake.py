"""The fabric in memory: the same semantics as OVN, thousands of ports, and the accidents a test asks for.

Objects refer to each other as in the engine: what a lost network or group leaves behind in others no longer matches.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from croft.core.errors import Rejected
from croft.drivers.fabric import Floating, Kind, Network, Port, PortState, Router, Spec

Key = tuple[Kind, str]


@dataclass(frozen=True)
class Held:
    """What is stored: the spec as far as it is still true, and the subnets whose DHCP options the port uses."""

    spec: Spec
    dhcp: frozenset[str] = frozenset()


class FakeFabric:
    """`writes` counts what changed; `held` shows what is stored."""

    def __init__(self, hosts: Iterable[str] = ("host1",)) -> None:
        self.writes = 0
        self._lock = threading.RLock()
        self._held: dict[Key, Held] = {}
        self._of_kind: dict[Kind, dict[str, None]] = {kind: {} for kind in Kind}
        self._users: defaultdict[Key, set[Key]] = defaultdict(set)
        self._plugged: dict[str, str] = {}
        self._hosts = dict.fromkeys(hosts, True)
        self._watchers: list[Callable[[Kind, str], None]] = []

    def matches(self, spec: Spec) -> bool:
        with self._lock:
            held = self._held.get((spec.kind, spec.id))
            return held is not None and held == Held(spec, self._dhcp(spec))

    def ensure(self, spec: Spec) -> None:
        with self._lock:
            key = (spec.kind, spec.id)
            old = self._held.get(key)
            if old is not None and old.spec.gen > spec.gen:
                return
            for parent in _parents(spec):
                if parent not in self._held:
                    raise Rejected(f"The fabric has no {parent[0]} {parent[1]}.")
            new = Held(spec, self._dhcp(spec))
            if new == old:
                return
            self._store(key, new)
            if isinstance(spec, Network):
                self._forget_dhcp(spec)
            self.writes += 1
        if old is None and spec.kind is Kind.PORT and spec.id in self._plugged:
            self._tell(spec.id)

    def remove(self, kind: Kind, id: str) -> None:
        with self._lock:
            if self._drop((kind, id)):
                self.writes += 1

    def names(self, kind: Kind) -> list[str]:
        with self._lock:
            return list(self._of_kind[kind])

    def port(self, id: str) -> PortState | None:
        with self._lock:
            if (Kind.PORT, id) not in self._held:
                return None
            host = self._plugged.get(id, "")
            return PortState(up=bool(host), host=host)

    def hosts(self) -> dict[str, bool]:
        with self._lock:
            return dict(self._hosts)

    def watch(self, changed: Callable[[Kind, str], None]) -> None:
        with self._lock:
            self._watchers.append(changed)

    def close(self) -> None:
        with self._lock:
            self._watchers.clear()

    def held(self, kind: Kind, id: str) -> Spec | None:
        """What the engine holds, damage included."""
        with self._lock:
            held = self._held.get((kind, id))
            return held.spec if held else None

    def lose(self, kind: Kind, id: str) -> None:
        """The object vanishes without anyone having asked."""
        with self._lock:
            self._drop((kind, id))

    def plug(self, id: str, host: str) -> None:
        """A device with this port's id appears on a host; the port need not exist yet."""
        with self._lock:
            if self._plugged.get(id) == host:
                return
            self._plugged[id] = host
        self._tell(id)

    def unplug(self, id: str) -> None:
        with self._lock:
            if self._plugged.pop(id, None) is None:
                return
        self._tell(id)

    def set_host(self, name: str, alive: bool) -> None:
        with self._lock:
            self._hosts[name] = alive

    def _tell(self, id: str) -> None:
        with self._lock:
            watchers = list(self._watchers) if (Kind.PORT, id) in self._held else []
        for changed in watchers:
            changed(Kind.PORT, id)

    def _dhcp(self, spec: Spec) -> frozenset[str]:
        if not isinstance(spec, Port):
            return frozenset()
        network = self._held.get((Kind.NETWORK, spec.network))
        if network is None or not isinstance(network.spec, Network):
            return frozenset()
        return frozenset(subnet.id for subnet in network.spec.subnets if subnet.dhcp) & frozenset(spec.subnets)

    def _forget_dhcp(self, network: Network) -> None:
        """Options that are gone vanish from the ports; new ones are for the ports to take up."""
        served = {subnet.id for subnet in network.subnets if subnet.dhcp}
        for user in self._users[Kind.NETWORK, network.id]:
            held = self._held[user]
            if held.dhcp - served:
                self._held[user] = replace(held, dhcp=held.dhcp & served)

    def _store(self, key: Key, held: Held) -> None:
        self._unlink(key)
        self._held[key] = held
        self._of_kind[key[0]][key[1]] = None
        for parent in _parents(held.spec):
            self._users[parent].add(key)

    def _unlink(self, key: Key) -> None:
        if old := self._held.get(key):
            for parent in _parents(old.spec):
                if users := self._users.get(parent):
                    users.discard(key)

    def _drop(self, key: Key) -> bool:
        if key not in self._held:
            return False
        self._unlink(key)
        del self._held[key]
        del self._of_kind[key[0]][key[1]]
        for user in self._users.pop(key, set()):
            held = self._held[user]
            rest = _without(held.spec, key)
            if rest is None:
                self._drop(user)
            else:
                self._held[user] = replace(held, spec=rest)
        return True


def _parents(spec: Spec) -> set[Key]:
    """What must exist before this can."""
    match spec:
        case Port():
            return {(Kind.NETWORK, spec.network), *((Kind.GROUP, group) for group in spec.groups)}
        case Router():
            networks = {leg.network for leg in spec.ports} | ({spec.external.network} if spec.external else set())
            return {(Kind.NETWORK, network) for network in networks}
        case Floating():
            return {(Kind.ROUTER, spec.router)}
        case _:
            return set()


def _without(spec: Spec, lost: Key) -> Spec | None:
    """What is left of an object after a parent is gone; None when it went with it."""
    kind, id = lost
    if isinstance(spec, Port) and kind is Kind.GROUP:
        return replace(spec, groups=tuple(group for group in spec.groups if group != id))
    if isinstance(spec, Router):
        external = None if spec.external and spec.external.network == id else spec.external
        return replace(spec, ports=tuple(leg for leg in spec.ports if leg.network != id), external=external)
    return None
