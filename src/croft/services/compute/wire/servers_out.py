"""A server as Nova shows it. Plain dicts, built once per server: a list of 1,000 must stay cheap."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Raw
from msgspec.json import encode

from croft.core.clock import iso as _iso
from croft.core.clock import iso_bare as _iso_bare
from croft.core.http import Version
from croft.services.compute.model import ZONE, Server
from croft.services.compute.store.views import Seen
from croft.services.network.actions import ServerPort

iso = lru_cache(4096)(_iso)
iso_bare = lru_cache(4096)(_iso_bare)
_FOLDERS = re.compile(r"(?<![\w.:/])/(?:[^\s/'\"]+/)+")
_PROGRESSING = frozenset({"ACTIVE", "BUILD", "REBUILD", "REBOOT", "HARD_REBOOT", "RESIZE", "VERIFY_RESIZE"})


class Reader:
    """How one request sees servers: its version, its links, and whether it may see hosts."""

    def __init__(self, version: Version, base: str, *, operator: bool) -> None:
        self.version = version
        self.operator = operator
        self._servers = f"{base}/v2.1/servers/"
        self._flavors = f"{base}/flavors/"
        self._images = f"{base}/images/"
        self._minor = version.minor
        self._flavor_links: dict[str, Raw] = {}
        self._image_links: dict[str, Raw] = {}
        whole = encode([{"rel": "self", "href": self._servers}, {"rel": "bookmark", "href": f"{base}/servers/"}])
        start, middle, end = whole.partition(b'"},')
        self._link_parts = start, middle + end[:-3], end[-3:]

    def href(self, id: str) -> str:
        return self._servers + id

    def links(self, id: str) -> Raw:
        """Encoded at once: two of them come with each server of a list."""
        start, middle, end = self._link_parts
        name = id.encode()
        return Raw(start + name + middle + name + end)

    def brief(self, server: Server) -> dict[str, Any]:
        return {"id": server.id, "name": server.name, "links": self.links(server.id)}

    def show(self, seen: Seen) -> dict[str, Any]:
        """`GET /servers/{id}`; server groups are not offered, so none has any."""
        return self.detail(seen) | ({"server_groups": []} if self._minor >= 71 else {})

    def detail(self, seen: Seen) -> dict[str, Any]:
        """Each of `/servers/detail`."""
        server = seen.server
        shown = self._core(seen)
        shown["addresses"] = addresses(seen.ports, extended=True)
        shown["config_drive"] = "True" if server.config_drive else ""
        shown["key_name"] = server.key_name
        shown["os-extended-volumes:volumes_attached"] = ()
        shown["OS-EXT-AZ:availability_zone"] = ZONE if server.host else server.zone
        shown["OS-EXT-STS:power_state"] = seen.states.power_state
        shown["OS-EXT-STS:task_state"] = seen.states.task_state
        shown["OS-EXT-STS:vm_state"] = seen.states.vm_state
        shown["OS-SRV-USG:launched_at"] = iso_bare(server.launched) if server.launched is not None else None
        shown["OS-SRV-USG:terminated_at"] = None
        groups = _groups(seen.ports)
        if groups:
            shown["security_groups"] = [{"name": name} for name in groups]
        if self.operator:
            self._add_host(shown, seen)
        return shown

    def core(self, seen: Seen) -> dict[str, Any]:
        """What a change of a server answers: before 2.75 without the extensions."""
        if self._minor >= 75:
            return self.show(seen)
        shown = self._core(seen) | {"addresses": addresses(seen.ports, extended=False)}
        return shown | ({"server_groups": []} if self._minor >= 71 else {})

    def rebuilt(self, seen: Seen, password: str) -> dict[str, Any]:
        shown = self.core(seen) | {"adminPass": password}
        shown.pop("OS-EXT-SRV-ATTR:user_data", None)
        if self._minor >= 54:
            shown["key_name"] = seen.server.key_name
        if self._minor >= 57:
            shown["user_data"] = seen.server.user_data
        return shown

    def _core(self, seen: Seen) -> dict[str, Any]:
        server, states, minor = seen.server, seen.states, self._minor
        shown: dict[str, Any] = {
            "id": server.id,
            "name": server.name,
            "status": states.status,
            "tenant_id": server.project,
            "user_id": server.user,
            "metadata": server.metadata,
            "hostId": host_id(server.project, server.host),
            "image": self._image(server.image),
            "flavor": self._flavor(server),
            "created": iso(server.created),
            "updated": iso(server.updated),
            "accessIPv4": server.access_ipv4,
            "accessIPv6": server.access_ipv6,
            "OS-DCF:diskConfig": server.disk_config,
            "links": self.links(server.id),
        }
        if states.status in _PROGRESSING:
            shown["progress"] = 0
        if states.status == "ERROR":
            shown["fault"] = {
                "code": 500,
                "created": iso(server.note.noted or server.updated),
                "message": (states.fault if self.operator else without_folders(states.fault))[:255],
            }
        if minor >= 9:
            shown["locked"] = bool(server.locked)
        if minor >= 19:
            shown["description"] = server.description
        if minor >= 26:
            shown["tags"] = server.tags
        if minor >= 63:
            shown["trusted_image_certificates"] = None
        if minor >= 73:
            shown["locked_reason"] = server.locked_reason
        return shown

    def _add_host(self, shown: dict[str, Any], seen: Seen) -> None:
        server = seen.server
        host = server.host or None
        shown |= {
            "OS-EXT-SRV-ATTR:host": host,
            "OS-EXT-SRV-ATTR:hypervisor_hostname": host,
            "OS-EXT-SRV-ATTR:instance_name": f"croft-{server.id}",
        }
        if self._minor >= 3:
            shown |= {
                "OS-EXT-SRV-ATTR:reservation_id": server.reservation,
                "OS-EXT-SRV-ATTR:launch_index": server.launch_index,
                "OS-EXT-SRV-ATTR:hostname": server.hostname,
                "OS-EXT-SRV-ATTR:kernel_id": "",
                "OS-EXT-SRV-ATTR:ramdisk_id": "",
                "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
                "OS-EXT-SRV-ATTR:user_data": server.user_data,
            }
        if self._minor >= 16:
            shown["host_status"] = ("UP" if seen.host_up else "DOWN") if host else ""

    def _image(self, id: str) -> Raw:
        found = self._image_links.get(id)
        if found is None:
            found = Raw(encode({"id": id, "links": [{"rel": "bookmark", "href": self._images + id}]}))
            self._image_links[id] = found
        return found

    def _flavor(self, server: Server) -> dict[str, Any] | Raw:
        if self._minor >= 47:
            return {
                "original_name": server.flavor_name,
                "vcpus": server.vcpus,
                "ram": server.memory_mib,
                "disk": server.disk_gib,
                "ephemeral": server.ephemeral_gib,
                "swap": server.swap_mib,
                "extra_specs": server.extra_specs,
            }
        found = self._flavor_links.get(server.flavor)
        if found is None:
            link = {"rel": "bookmark", "href": self._flavors + server.flavor}
            found = self._flavor_links[server.flavor] = Raw(encode({"id": server.flavor, "links": [link]}))
        return found


def addresses(ports: Sequence[ServerPort], *, extended: bool) -> dict[str, list[dict[str, Any]]]:
    """By network name; floating addresses beside the fixed ones they lead to."""
    found: dict[str, list[dict[str, Any]]] = {}
    for port in ports:
        if port.fixed:
            entries = found.setdefault(port.network_name, [])
            for address, _, version in port.fixed:
                entries.append(_address(address, version, port.mac, "fixed", extended=extended))
            for _, address in port.floating:
                entries.append(_address(address, 4, port.mac, "floating", extended=extended))
    return found


def without_folders(text: str) -> str:
    """An engine's words without where its files lie."""
    return _FOLDERS.sub("", text)


def _address(address: str, version: int, mac: str, kind: str, *, extended: bool) -> dict[str, Any]:
    if not extended:
        return {"addr": address, "version": version}
    return {"addr": address, "version": version, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": mac}


def _groups(ports: Sequence[ServerPort]) -> Iterable[str]:
    names = [name for port in ports for _, name in port.groups]
    return dict.fromkeys(names) if len(names) > 1 else names


@lru_cache(4096)
def host_id(project: str, host: str) -> str:
    """Opaque: the same host looks different to each project."""
    return hashlib.sha224((project + host).encode()).hexdigest() if host else ""


def interface(port: ServerPort, version: Version) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "port_id": port.id,
        "net_id": port.network,
        "mac_addr": port.mac,
        "port_state": "ACTIVE" if port.up else "DOWN",
        "fixed_ips": [{"ip_address": ip, "subnet_id": subnet} for ip, subnet, _ in port.fixed],
    }
    return shown | ({"tag": port.tag or None} if version.minor >= 70 else {})
