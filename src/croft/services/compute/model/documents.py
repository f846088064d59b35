"""What a guest is told about itself: the documents of the metadata address and of the config drive. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Protocol

from croft.services.compute.model.host import ZONE
from croft.services.compute.model.server import Server

VERSIONS = (
    "2012-08-10",
    "2013-04-04",
    "2013-10-17",
    "2015-10-15",
    "2016-06-30",
    "2016-10-06",
    "2017-02-22",
    "2018-08-27",
    "latest",
)
"""Of the OpenStack tree; each serves all documents."""
EC2_VERSIONS = ("1.0", "2007-08-29", "2008-02-01", "2008-09-01", "2009-04-04", "latest")


class NicFacts(Protocol):
    """Of a port, what its guest may know."""

    @property
    def id(self) -> str: ...
    @property
    def network(self) -> str: ...
    @property
    def mac(self) -> str: ...
    @property
    def mtu(self) -> int: ...
    @property
    def tag(self) -> str: ...
    @property
    def fixed(self) -> Sequence[tuple[str, str, int]]: ...
    @property
    def floating(self) -> Sequence[tuple[str, str]]: ...
    @property
    def groups(self) -> Sequence[tuple[str, str]]: ...


class SubnetFacts(Protocol):
    @property
    def cidr(self) -> str: ...
    @property
    def gateway(self) -> str | None: ...
    @property
    def dhcp(self) -> bool: ...
    @property
    def mode(self) -> str | None: ...
    @property
    def dns(self) -> Sequence[str]: ...


def meta_data(server: Server, ports: Sequence[NicFacts], random_seed: bytes) -> dict[str, Any]:
    document: dict[str, Any] = {
        "uuid": server.id,
        "hostname": server.hostname,
        "name": server.name,
        "launch_index": server.launch_index,
        "availability_zone": ZONE,
        "project_id": server.project,
        "meta": server.metadata,
        "random_seed": base64.b64encode(random_seed).decode(),
        "devices": _devices(server, ports),
    }
    if server.key_name and server.key_data:
        document["public_keys"] = {server.key_name: server.key_data + "\n"}
        document["keys"] = [{"name": server.key_name, "type": server.key_type, "data": server.key_data + "\n"}]
    return document


def _devices(server: Server, ports: Sequence[NicFacts]) -> list[dict[str, Any]]:
    """The tagged ones."""
    found: list[dict[str, Any]] = [
        {"type": "nic", "bus": "pci", "address": "none", "mac": port.mac, "tags": [port.tag]}
        for port in ports
        if port.tag
    ]
    if server.root_tag:
        disk = {"type": "disk", "bus": "virtio", "address": "none", "serial": serial(server)}
        found.append(disk | {"tags": [server.root_tag]})
    return found


def serial(server: Server) -> str:
    """The root disk's, as the guest sees it; virtio cuts serials to 20 characters."""
    return server.id.replace("-", "")[-20:]


def network_data(ports: Sequence[NicFacts], subnets: Mapping[str, SubnetFacts]) -> dict[str, Any]:
    links: list[dict[str, Any]] = []
    networks: list[dict[str, Any]] = []
    servers: dict[str, None] = {}
    for port in ports:
        link = "tap" + port.id[:11]
        links.append({"id": link, "vif_id": port.id, "type": "ovs", "mtu": port.mtu, "ethernet_mac_address": port.mac})
        for address, subnet_id, version in port.fixed:
            subnet = subnets.get(subnet_id)
            if subnet is None:
                continue
            servers |= dict.fromkeys(subnet.dns)
            networks.append(
                {"id": f"network{len(networks)}", "link": link, "network_id": port.network}
                | _addressing(address, version, subnet)
            )
    return {"links": links, "networks": networks, "services": [{"type": "dns", "address": each} for each in servers]}


def _addressing(address: str, version: int, subnet: SubnetFacts) -> dict[str, Any]:
    if version == 4 and subnet.dhcp:
        return {"type": "ipv4_dhcp"}
    if version == 6 and subnet.mode:
        return {"type": "ipv6_slaac" if subnet.mode == "slaac" else f"ipv6_{subnet.mode}"}
    whole = ip_network(subnet.cidr)
    zero = "0.0.0.0" if version == 4 else "::"
    routes = [{"network": zero, "netmask": zero, "gateway": subnet.gateway}] if subnet.gateway else []
    return {"type": f"ipv{version}", "ip_address": address, "netmask": str(whole.netmask), "routes": routes}


def ec2(server: Server, ports: Sequence[NicFacts]) -> dict[str, Any]:
    """The tree below `meta-data`; inner dicts are directories."""
    fixed = [address for port in ports for address, _, version in port.fixed if version == 4]
    floating = [address for port in ports for _, address in port.floating]
    groups = dict.fromkeys(name for port in ports for _, name in port.groups)
    tree: dict[str, Any] = {
        "ami-id": "ami-" + server.image.replace("-", "")[-17:],
        "ami-launch-index": str(server.launch_index),
        "block-device-mapping": {"ami": "vda", "root": "/dev/vda"},
        "hostname": server.hostname,
        "instance-action": "none",
        "instance-id": "i-" + server.id.replace("-", "")[-17:],
        "instance-type": server.flavor_name,
        "local-hostname": server.hostname,
        "local-ipv4": fixed[0] if fixed else "",
        "placement": {"availability-zone": ZONE},
        "public-hostname": server.hostname,
        "public-ipv4": floating[0] if floating else "",
        "reservation-id": server.reservation,
        "security-groups": "\n".join(groups),
    }
    if server.key_name and server.key_data:
        tree["public-keys"] = {f"0={server.key_name}": {"openssh-key": server.key_data + "\n"}}
    return tree


def user_data(server: Server) -> bytes | None:
    return base64.b64decode(server.user_data) if server.user_data else None
