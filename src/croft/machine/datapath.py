"""Which Open vSwitch datapath this machine can run: the kernel's where it really works, else the userspace one."""

from __future__ import annotations

from croft.machine.commands import run, succeeds
from croft.machine.layout import Layout

USERSPACE, KERNEL = "netdev", "system"
MODULES = ("openvswitch", "geneve", "nf_conntrack")


def usable(layout: Layout) -> str:
    """The kernel's needs its modules, and is tried: a datapath and a tunnel are made in a namespace of their own."""
    if not all(succeeds("modprobe", "--quiet", module) for module in MODULES):
        return USERSPACE
    namespace = layout.namespace("probe")
    inside = ("nsenter", f"--net=/run/netns/{namespace}")
    run("ip", "netns", "del", namespace, check=False)
    run("ip", "netns", "add", namespace)
    try:
        works = succeeds(*inside, "ovs-dpctl", "add-dp", "probe") and succeeds(
            *inside, "ip", "link", "add", "probe-tunnel", "type", "geneve", "external"
        )
        succeeds(*inside, "ovs-dpctl", "del-dp", "probe")
    finally:
        run("ip", "netns", "del", namespace)
    return KERNEL if works else USERSPACE
