"""Objects of every class that bear our tag and come from no row."""

from __future__ import annotations

from croft.app import Engines
from croft.drivers.block import Volume
from croft.drivers.fabric import Floating, Group, Kind, Network, Port, Router
from croft.drivers.hypervisor import Guest
from croft.drivers.metadata import Endpoint
from croft.drivers.uplink import Gateway, Route

ID = "00000000-0000-7000-8000-00000000dead"
PARENT = "00000000-0000-7000-8000-00000000beef"
PREFIX = "2001:db8:0:dead::/64"
MAC = "fa:16:3e:00:de:ad"
GUEST = Guest(ID, gen=1, boot=1, name="stray", vcpus=1, memory_mib=64)


def _network(engines: Engines) -> str:
    engines.fabric.ensure(Network(ID, 1, "stray", 1442))
    return ID


def _router(engines: Engines) -> str:
    engines.fabric.ensure(Router(ID, 1, "stray"))
    return ID


def _port(engines: Engines) -> str:
    """In a network that is somebody's."""
    engines.fabric.ensure(Port(ID, 1, sorted(engines.fabric.names(Kind.NETWORK))[0], MAC))
    return ID


def _group(engines: Engines) -> str:
    engines.fabric.ensure(Group(ID, 1))
    return ID


def _floating(engines: Engines) -> str:
    engines.fabric.ensure(Router(PARENT, 1, "stray"))
    engines.fabric.ensure(Floating(ID, 1, PARENT, "198.18.0.9", "10.0.0.9"))
    return ID


def _guest(engines: Engines) -> str:
    engines.hypervisor.ensure("h2", GUEST)
    return f"h2/{ID}"


def _volume(engines: Engines) -> str:
    engines.block.ensure(Volume(f"{ID}-root-1", 1 << 20))
    return f"{ID}-root-1"


def _image(engines: Engines) -> str:
    engines.imagestore.write(ID, [b"disk"])
    return ID


def _gateway(engines: Engines) -> str:
    engines.uplink.ensure(Gateway(ID, "physnet2", ("2001:db8:dead::1/64",)))
    return ID


def _route(engines: Engines) -> str:
    """By an address in the external network that no router has."""
    engines.uplink.route(Route(PREFIX, "2001:db8::dead"))
    return PREFIX


def _endpoint(engines: Engines) -> str:
    engines.metadata.ensure(Endpoint(ID, PARENT, MAC, ("10.0.0.2/24", "169.254.169.254/32")))
    return ID


REMOVED = {
    "fabric.network": _network,
    "fabric.router": _router,
    "fabric.port": _port,
    "fabric.group": _group,
    "fabric.floating": _floating,
    "uplink.route": _route,
    "metadata": _endpoint,
}
"""Rebuilt from rows at any time: their loss hurts nobody."""
KEPT = {"hypervisor:h2": _guest, "block": _volume, "imagestore": _image, "uplink.gateway": _gateway}
