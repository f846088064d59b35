"""Plans of networks and ports: switches, DHCP options, anti-spoofing, names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from ipaddress import ip_address, ip_interface, ip_network
from uuid import UUID

from croft.drivers.fabric import MetadataPort, Network, Port, Subnet
from croft.drivers.fabric.ovn.filtering import drop_group
from croft.drivers.fabric.ovn.rows import Home, Names, Plan, Row, Surroundings, columns, switch_port

LEASE = 43200
METADATA = "169.254.169.254/32"
STANDSTILL = 32000
"""Above every filter's priority."""


def options_uuid(names: Names, subnet: str) -> UUID:
    return names.uuid("network", "", f"dhcp {subnet}")


def switch_home(names: Names, network: str, column: str = "ports") -> Home:
    return Home("Logical_Switch", column, names.uuid("network", network), f"network {network}")


def plan_network(names: Names, network: Network) -> Plan:
    tags = names.tags("network", network.id)
    halt = [_standstill(names, network, direction) for direction in ("from-lport", "to-lport") if not network.up]
    options = [_dhcp(names, network, subnet) for subnet in network.subnets if _served(subnet)]
    plugs = [_localnet(names, network)] if network.physnet else []
    if network.metadata:
        plugs.append(_localport(names, network, network.metadata))
    domain = network.dns_domain.rstrip(".").lower()
    root = Row(
        "Logical_Switch",
        names.uuid("network", network.id),
        columns(
            name=network.id,
            acls=[acl.uuid for acl in halt],
            other_config={},
            external_ids=tags | {"croft:gen": str(network.gen), "croft:name": network.name, "croft:domain": domain},
        ),
    )
    return Plan("network", network.id, network.gen, root, (*halt, *options, *plugs))


def plan_port(names: Names, port: Port, around: Surroundings) -> Plan:
    homes = [switch_home(names, port.network)]
    shared = drop_group(names) if port.security else ()
    if shared:
        homes.append(Home("Port_Group", "ports", shared[0].uuid, "default filter"))
    homes += [Home("Port_Group", "ports", names.uuid("group", id), f"group {id}") for id in port.groups]
    v4, v6 = _options(names, port, around, 4), _options(names, port, around, 6)
    root = switch_port(
        names.uuid("port", port.id),
        tuple(homes),
        groups=True,
        name=port.id,
        type="",
        addresses=_addresses(port),
        port_security=_security(port),
        enabled=port.up,
        dhcpv4_options=v4,
        dhcpv6_options=v6,
        external_ids=names.tags("port", port.id, gen=port.gen),
    )
    records = _records(port, around.domain)
    return Plan("port", port.id, port.gen, root, (_dns(names, port, records),) if records else (), shared)


def _served(subnet: Subnet) -> bool:
    return subnet.dhcp and (ip_network(subnet.cidr).version == 4 or subnet.mode.startswith("dhcpv6"))


def _standstill(names: Names, network: Network, direction: str) -> Row:
    return Row(
        "ACL",
        names.uuid("network", network.id, f"standstill {direction}"),
        columns(
            direction=direction,
            priority=STANDSTILL,
            match="1",
            action="drop",
            log=False,
            external_ids=names.tags("network", network.id),
        ),
    )


def _localnet(names: Names, network: Network) -> Row:
    return switch_port(
        names.uuid("network", network.id, "localnet"),
        (switch_home(names, network.id),),
        name=f"localnet-{network.id}",
        type="localnet",
        addresses="unknown",
        options={"network_name": network.physnet},
        tag=network.vlan or None,
        external_ids=names.tags("network", network.id),
    )


def _localport(names: Names, network: Network, metadata: MetadataPort) -> Row:
    return switch_port(
        names.uuid("network", network.id, "metadata"),
        (switch_home(names, network.id),),
        name=metadata.id,
        type="localport",
        addresses=" ".join((metadata.mac, *metadata.addresses)),
        external_ids=names.tags("network", network.id),
    )


def _dhcp(names: Names, network: Network, subnet: Subnet) -> Row:
    v4 = ip_network(subnet.cidr).version == 4
    options = _dhcpv4(names, network, subnet) if v4 else _dhcpv6(names, network, subnet)
    return Row(
        "DHCP_Options",
        options_uuid(names, subnet.id),
        columns(cidr=subnet.cidr, options=options, external_ids=names.tags("network", network.id)),
    )


def _dhcpv4(names: Names, network: Network, subnet: Subnet) -> dict[str, str]:
    metadata = _inside(subnet.cidr, network.metadata.addresses if network.metadata else ())
    options = {
        "server_id": subnet.gateway or metadata or str(ip_network(subnet.cidr)[1]),
        "server_mac": _server_mac(names, network),
        "lease_time": str(LEASE),
        "mtu": str(network.mtu),
    }
    routes = [(METADATA, metadata)] if metadata else []
    routes += subnet.routes
    if subnet.gateway:
        options["router"] = subnet.gateway
        if routes:
            routes.append(("0.0.0.0/0", subnet.gateway))
    if routes:
        options["classless_static_route"] = _braced(f"{prefix},{hop}" for prefix, hop in routes)
    return options | _resolvers(network, subnet, "domain_name")


def _dhcpv6(names: Names, network: Network, subnet: Subnet) -> dict[str, str]:
    options = {"server_id": _server_mac(names, network)}
    if subnet.mode == "dhcpv6-stateless":
        options["dhcpv6_stateless"] = "true"
    return options | _resolvers(network, subnet, "domain_search")


def _resolvers(network: Network, subnet: Subnet, domain_option: str) -> dict[str, str]:
    version = ip_network(subnet.cidr).version
    servers = [address for address in subnet.dns if ip_address(address).version == version]
    options = {"dns_server": _braced(servers)} if servers else {}
    if domain := network.dns_domain.rstrip("."):
        options[domain_option] = f'"{domain}"'
    return options


def _braced(values: Iterable[str]) -> str:
    return "{" + ", ".join(values) + "}"


def _server_mac(names: Names, network: Network) -> str:
    """The DHCP server's: nobody else's, and the same on every host."""
    return ":".join(f"{byte:02x}" for byte in b"\x02" + names.uuid("network", network.id, "dhcp server").bytes[:5])


def _inside(cidr: str, addresses: Iterable[str]) -> str | None:
    return next((address for address in addresses if ip_address(address) in ip_network(cidr)), None)


def _addresses(port: Port) -> list[str]:
    """Where the switch forwards to; `unknown`: also whatever nobody claims, for ports without anti-spoofing."""
    others = {mac for mac, _ in port.allowed_pairs} - {port.mac}
    return [" ".join((port.mac, *port.addresses)), *others, *([] if port.security else ["unknown"])]


def _security(port: Port) -> list[str]:
    """What the guest may say it is. A MAC alone would mean any address: without one, only 0.0.0.0, enough for DHCP.
    The link-local IPv6 address is implied where any IPv6 address is."""
    if not port.security:
        return []
    allowed: defaultdict[str, dict[str, None]] = defaultdict(dict)
    allowed[port.mac].update(dict.fromkeys(port.addresses))
    for mac, prefix in port.allowed_pairs:
        allowed[mac][_shortest(prefix)] = None
    return [" ".join((mac, *(addresses or ["0.0.0.0"]))) for mac, addresses in allowed.items()]


def _shortest(prefix: str) -> str:
    interface = ip_interface(prefix)
    return str(interface.ip) if interface.network.num_addresses == 1 else str(interface.network)


def _options(names: Names, port: Port, around: Surroundings, version: int) -> UUID | None:
    wanted = (
        options_uuid(names, subnet)
        for address, subnet in zip(port.addresses, port.subnets, strict=False)
        if ip_address(address).version == version
    )
    return next((uuid for uuid in wanted if uuid in around.options), None)


def _records(port: Port, domain: str) -> dict[str, str]:
    if not port.hostname or not port.addresses:
        return {}
    host = port.hostname.lower()
    answer = " ".join(port.addresses)
    return {host: answer} | ({f"{host}.{domain}": answer} if domain else {})


def _dns(names: Names, port: Port, records: dict[str, str]) -> Row:
    return Row(
        "DNS",
        names.uuid("port", port.id, "dns"),
        columns(records=records, external_ids=names.tags("port", port.id)),
        homes=(switch_home(names, port.network, "dns_records"),),
    )
