"""Namespaces, bridges and cables of one cloud. Everything is made only where missing, and removed by prefix.

root ──outside_device── provider bridge (fabric) ──ex── host N: br-ex ┐
                        underlay bridge (fabric) ──un── host N: br-phy┴─ br-int ── guests
                        underlay bridge          ──un── central: OVN databases
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from croft.machine.commands import run, succeeds
from croft.machine.layout import NETNS_DIR, Layout

UNDERLAY_MTU = 1600
PROVIDER_MTU = 1500
CENTRAL_ADDRESS = "172.31.0.254"
UNDERLAY_LENGTH = 24
FABRIC, CENTRAL = "fabric", "central"
OFFLOADS_OFF = ("tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off")
"""OVS in userspace sends frames as it reads them; with offloads on, TCP checksums are never filled in."""


@dataclass(frozen=True)
class Cable:
    """A veth pair: `near` in a namespace (None: the root's), `far` in the fabric, a member of `bridge`."""

    namespace: str | None
    near: str
    far: str
    bridge: str
    mtu: int


def cables(layout: Layout, hosts: int) -> list[Cable]:
    found = [
        Cable(layout.namespace(CENTRAL), "un", "un-central", "underlay", UNDERLAY_MTU),
        Cable(None, layout.outside_device, "outside", "provider", PROVIDER_MTU),
    ]
    for host in (layout.host(number) for number in range(1, hosts + 1)):
        found.append(Cable(host.namespace, "un", f"un-{host.name}", "underlay", UNDERLAY_MTU))
        found.append(Cable(host.namespace, "ex", f"ex-{host.name}", "provider", PROVIDER_MTU))
    return found


def ensure(layout: Layout, hosts: int) -> None:
    names = [FABRIC, CENTRAL, *(f"h{number}" for number in range(1, hosts + 1))]
    known = namespaces(layout)
    missing = [name for name in names if layout.namespace(name) not in known]
    for name in missing:
        run("ip", "netns", "add", layout.namespace(name))
        _silence_ipv6(layout.namespace(name))
        _ip_batch(layout.namespace(name), ["link set lo up"])
    fabric = layout.namespace(FABRIC)
    present = set(links(fabric))
    for bridge in {"underlay", "provider"} - present:
        _ip_batch(fabric, [f"link add {bridge} type bridge mcast_snooping 0 stp_state 0", f"link set {bridge} up"])
    for cable in cables(layout, hosts):
        if cable.far not in present:
            _lay(fabric, cable)
    _ip_batch(layout.namespace(CENTRAL), [f"addr replace {CENTRAL_ADDRESS}/{UNDERLAY_LENGTH} dev un"])


def _lay(fabric: str, cable: Cable) -> None:
    near = f"netns {cable.namespace} " if cable.namespace else ""
    run("ip", *f"link add {cable.near} {near}mtu {cable.mtu} type veth".split(),
        *f"peer name {cable.far} netns {fabric} mtu {cable.mtu}".split())  # fmt: skip
    _ip_batch(fabric, [f"link set {cable.far} master {cable.bridge} up"])
    _ip_batch(cable.namespace, [f"link set {cable.near} up"])
    for namespace, device in ((cable.namespace, cable.near), (fabric, cable.far)):
        run(*_inside(namespace), "ethtool", "-K", device, *OFFLOADS_OFF)


def remove(layout: Layout) -> None:
    """Deletes the devices first: a namespace still held by somebody would keep them alive, invisibly. The uplink
    driver's table goes too: what it translates for is gone."""
    if layout.outside_device in links(None):
        run("ip", "link", "del", layout.outside_device, check=False)
    for namespace in namespaces(layout):
        for device in links(namespace):
            if device != "lo":
                run("ip", "-n", namespace, "link", "del", device, check=False)
        run("ip", "netns", "del", namespace)
    succeeds("nft", "delete", "table", "inet", layout.nftables_table)


def namespaces(layout: Layout) -> list[str]:
    """Every namespace of this cloud, those made by drivers included."""
    if not NETNS_DIR.is_dir():
        return []
    return sorted(path.name for path in NETNS_DIR.glob(f"{layout.namespace_prefix}*"))


def links(namespace: str | None) -> list[str]:
    """Names of the devices in a namespace (None: the root's); none when the namespace is a dead leftover file."""
    inside = ("-n", namespace) if namespace else ()
    listed = run("ip", *inside, "-json", "link", "show", check=False)
    return [link["ifname"] for link in json.loads(listed or "[]")]


def _inside(namespace: str | None) -> tuple[str, ...]:
    return ("nsenter", f"--net={NETNS_DIR / namespace}") if namespace else ()


def _ip_batch(namespace: str | None, commands: Iterable[str]) -> None:
    inside = ("-n", namespace) if namespace else ()
    run("ip", *inside, "-batch", "-", stdin="\n".join(commands) + "\n")


def _silence_ipv6(namespace: str) -> None:
    """Devices made here take no IPv6 address of their own, so the machine says nothing on the cloud's networks."""
    run(*_inside(namespace), "sysctl", "--quiet", "--write", "net.ipv6.conf.default.disable_ipv6=1")
