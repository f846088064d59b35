"""What a cloud chose once, at its first start, kept in `cloud.json`: engines, hosts, address, external ranges.

Choices are made under a machine-wide lock and announced in the run directory, so no two clouds choose the same."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from croft.machine import datapath
from croft.machine.commands import run
from croft.machine.layout import Layout
from croft.machine.progress import StepFailed

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8443
EXTERNAL_V4 = ipaddress.IPv4Network("198.18.0.0/15")
EXTERNAL_V6 = ipaddress.IPv6Network("2001:db8::/32")

AnyNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Facts:
    tag: str
    engines: str
    """`real` or `fake`."""
    hosts: int
    host: str
    """The address the API listens on."""
    port: int
    plain_http: bool
    region: str
    external_v4: str
    """A /24 of the benchmarking range, for floating IPs and router gateways."""
    external_v6: str
    """A /48 of the documentation range: its first /64 is the provider network, the rest are projects' own."""
    datapath: str = "netdev"
    """Open vSwitch's: `netdev` (userspace), or `system` where the kernel's works; looked at anew at each `up`."""

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.plain_http else 'https'}://{host}:{self.port}"


@dataclass(frozen=True)
class Wishes:
    """What the command line asked for; None leaves it as it was chosen before."""

    engines: str | None = None
    hosts: int | None = None
    host: str | None = None
    port: int | None = None
    plain_http: bool | None = None


def load(layout: Layout) -> Facts | None:
    try:
        text = layout.facts.read_text()
    except FileNotFoundError:
        return None
    return Facts(**json.loads(text))


def settle(layout: Layout, wishes: Wishes) -> Facts:
    """Reads the facts, applies what is newly wished, makes up what is missing, and keeps the result."""
    with _machine_lock():
        known = load(layout)
        facts = _amend(layout, known, wishes) if known else _choose(layout, wishes)
        if facts.engines == "real":
            facts = replace(facts, datapath=datapath.usable(layout))
        _refuse_taken(layout, facts)
        if facts != known:
            _write(layout.facts, facts)
        layout.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(layout.run / "cloud.json", facts)
    return facts


def _amend(layout: Layout, known: Facts, wishes: Wishes) -> Facts:
    if known.tag != layout.tag:
        raise StepFailed(
            f"{layout.state} was made under another path (tag {known.tag}, here {layout.tag})",
            advice="Move it back to where it was: disks and sockets are known by their full path.",
        )
    if wishes.engines not in (None, known.engines):
        raise StepFailed(
            f"this cloud runs with {known.engines} engines, not {wishes.engines}",
            advice="Use another state directory, or remove this cloud with `croft down --purge`.",
        )
    hosts = max(known.hosts, wishes.hosts or 0)
    if wishes.hosts is not None and wishes.hosts < known.hosts:
        raise StepFailed(
            f"this cloud has {known.hosts} hosts; {wishes.hosts} would abandon what runs on the others",
            advice=f"Ask for {known.hosts} or more.",
        )
    return replace(
        known,
        hosts=hosts,
        host=wishes.host or known.host,
        port=wishes.port or known.port,
        plain_http=known.plain_http if wishes.plain_http is None else wishes.plain_http,
    )


def _choose(layout: Layout, wishes: Wishes) -> Facts:
    real = wishes.engines != "fake"
    used = (_networks_in_use() if real else []) + _networks_of_others(layout)
    host = wishes.host or DEFAULT_HOST
    return Facts(
        tag=layout.tag,
        engines="real" if real else "fake",
        hosts=wishes.hosts or 1,
        host=host,
        port=wishes.port or _free_port(host, {facts.port for facts in others(layout)}),
        plain_http=bool(wishes.plain_http),
        region="RegionOne",
        external_v4=str(free_network(EXTERNAL_V4, 24, layout.number, used)),
        external_v6=str(free_network(EXTERNAL_V6, 48, layout.number, used)),
    )


def free_network(pool: AnyNetwork, length: int, start: int, used: list[AnyNetwork]) -> AnyNetwork:
    """The first network of this prefix length in the pool, counting round from `start`, that overlaps none in use."""
    count = 1 << (length - pool.prefixlen)
    size = 1 << (pool.max_prefixlen - length)
    taken = [network for network in used if network.version == pool.version]
    for offset in range(count):
        address = pool.network_address + ((start + offset) % count) * size
        candidate = ipaddress.ip_network((int(address), length)) if pool.version == 4 else _v6(int(address), length)
        if not any(candidate.overlaps(network) for network in taken):
            return candidate
    raise StepFailed(f"every /{length} of {pool} is in use on this machine", advice="Remove clouds no longer needed.")


def _v6(address: int, length: int) -> ipaddress.IPv6Network:
    return ipaddress.IPv6Network((address, length))


def _networks_in_use() -> list[AnyNetwork]:
    """Everything routed on this machine, default routes left out."""
    found: list[AnyNetwork] = []
    for family in ("-4", "-6"):
        routes = json.loads(run("ip", "-json", family, "route", "show", "table", "all") or "[]")
        for destination in (route.get("dst", "") for route in routes):
            if destination not in ("", "default"):
                network = ipaddress.ip_network(destination, strict=False)
                if network.prefixlen > 0:
                    found.append(network)
    return found


def others(layout: Layout) -> list[Facts]:
    """Facts of the clouds of this machine that are up, this one left out."""
    found = []
    for path in sorted(Path("/run").glob("croft-*/cloud.json")):
        try:
            facts = Facts(**json.loads(path.read_text()))
        except FileNotFoundError:
            continue
        if facts.tag != layout.tag:
            found.append(facts)
    return found


def _networks_of_others(layout: Layout) -> list[AnyNetwork]:
    return [ipaddress.ip_network(text) for facts in others(layout) for text in (facts.external_v4, facts.external_v6)]


def _refuse_taken(layout: Layout, facts: Facts) -> None:
    if facts.engines == "fake":
        return
    for other in others(layout):
        if other.engines == "real" and other.external_v4 == facts.external_v4:
            raise StepFailed(
                f"another cloud that is up (tag {other.tag}) uses this cloud's external range {facts.external_v4}",
                advice="Stop one of the two with `croft down`.",
            )


def _free_port(host: str, taken: set[int]) -> int:
    for port in range(DEFAULT_PORT, DEFAULT_PORT + 1000):
        if port not in taken and _bindable(host, port):
            return port
    raise StepFailed(f"no free port on {host} from {DEFAULT_PORT} on", advice="Name one with --listen HOST:PORT.")


def _bindable(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _write(path: Path, facts: Facts) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(asdict(facts), indent=2) + "\n")
    partial.replace(path)


@contextmanager
def _machine_lock() -> Iterator[None]:
    """Serialises choices between clouds; without root there is nothing to collide but the port."""
    if os.geteuid() != 0:
        yield
        return
    path = Path("/run/lock/croft")
    path.parent.mkdir(exist_ok=True)  # a container without an init has no /run/lock
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
