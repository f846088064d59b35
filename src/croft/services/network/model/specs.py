"""From rows to the complete specs of the fabric, the uplink and the metadata endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from croft.drivers import fabric
from croft.drivers.metadata import Endpoint
from croft.drivers.uplink import Gateway, Route
from croft.services.network.model.addresses import inside
from croft.services.network.model.rows import (
    COMPUTE,
    GATEWAY,
    INTERFACE,
    Fixed,
    Floating,
    Group,
    Network,
    Port,
    Router,
    Rule,
    Subnet,
)
from croft.services.network.model.rules import fabric_protocol

METADATA_ADDRESS = "169.254.169.254/32"


def network_spec(
    network: Network, subnets: Sequence[Subnet], metadata: Port | None, held: Sequence[Fixed]
) -> fabric.Network:
    """`metadata` is the port that `held` gives addresses to."""
    localport = None
    if metadata is not None and held:
        localport = fabric.MetadataPort(metadata.id, metadata.mac, tuple(each.address for each in held))
    return fabric.Network(
        id=network.id,
        gen=network.gen,
        name=network.name,
        mtu=network.mtu,
        subnets=tuple(_subnet(each) for each in subnets),
        metadata=localport,
        physnet=network.physnet,
        vlan=(network.segment or 0) if network.type == "vlan" else 0,
        dns_domain=network.dns_domain,
        up=network.admin_up,
    )


def _subnet(row: Subnet) -> fabric.Subnet:
    routes = tuple((each[0], each[1]) for each in row.routes)
    mode = row.address_mode or row.ra_mode
    return fabric.Subnet(row.id, row.cidr, row.gateway, row.dhcp, tuple(row.dns), routes, mode)


def uplink_gateway(network: Network, subnets: Sequence[Subnet]) -> Gateway | None:
    """What the operator's side of an external network looks like; None where there is none."""
    if not (network.external and network.physnet):
        return None
    addresses = tuple(f"{each.gateway}/{each.length}" for each in subnets if each.gateway)
    nat = tuple(each.cidr for each in subnets if each.version == 4)
    return Gateway(network.id, network.physnet, addresses, nat) if addresses else None


def endpoint(
    network: Network, metadata: Port | None, held: Sequence[Fixed], subnets: Mapping[str, Subnet]
) -> Endpoint | None:
    if metadata is None or not held:
        return None
    own = tuple(f"{each.address}/{subnets[each.subnet].length}" for each in held)
    return Endpoint(network.id, metadata.id, metadata.mac, (*own, METADATA_ADDRESS), network.mtu)


def port_spec(port: Port, held: Sequence[Fixed], groups: Sequence[str]) -> fabric.Port:
    return fabric.Port(
        id=port.id,
        gen=port.gen,
        network=port.network,
        mac=port.mac,
        addresses=tuple(each.address for each in held),
        subnets=tuple(each.subnet for each in held),
        allowed_pairs=tuple((pair[0], pair[1]) for pair in port.pairs),
        groups=tuple(groups) if port.security else (),
        security=port.security,
        hostname=port.dns_name,
        up=port.admin_up,
    )


def group_spec(group: Group, rules: Iterable[Rule]) -> fabric.Group:
    return fabric.Group(group.id, group.gen, tuple(_rule(each) for each in rules))


def _rule(row: Rule) -> fabric.Rule:
    return fabric.Rule(
        row.direction,
        row.ethertype,
        fabric_protocol(row.protocol, row.ethertype),
        row.port_min,
        row.port_max,
        _remote_prefix(row),
        row.remote_group or "",
    )


def _remote_prefix(row: Rule) -> str:
    if not row.remote_prefix or row.remote_prefix in {"0.0.0.0/0", "::/0"}:
        return ""
    if "/" in row.remote_prefix:
        return row.remote_prefix
    return f"{row.remote_prefix}/{32 if row.ethertype == 'IPv4' else 128}"


def router_spec(
    router: Router,
    ports: Sequence[Port],
    held: Mapping[str, Sequence[Fixed]],
    subnets: Mapping[str, Subnet],
    mtus: Mapping[str, int],
) -> fabric.Router:
    legs, external = [], None
    inner = [subnets[each.subnet] for port in ports if port.owner == INTERFACE for each in held.get(port.id, ())]
    for port in ports:
        addresses = tuple(f"{each.address}/{subnets[each.subnet].length}" for each in held.get(port.id, ()))
        if not addresses:
            continue
        if port.owner == GATEWAY:
            outer = [subnets[each.subnet] for each in held[port.id]]
            hops = tuple(each.gateway for each in outer if each.gateway)
            snat = tuple(each.cidr for each in inner if each.version == 4) if router.snat else ()
            external = fabric.ExternalPort(
                port.id, port.network, port.mac, addresses, hops, snat, mtu=mtus[port.network]
            )
        else:
            inside_of = [subnets[each.subnet] for each in held[port.id]]
            dns = tuple(dict.fromkeys(server for each in inside_of for server in each.dns))
            mode = _ra_mode(inside_of)
            legs.append(fabric.RouterPort(port.id, port.network, port.mac, addresses, mode, mtus[port.network], dns))
    routes = tuple((each[0], each[1]) for each in router.routes)
    return fabric.Router(router.id, router.gen, router.name, tuple(legs), external, routes, router.admin_up)


def _ra_mode(subnets: Iterable[Subnet]) -> str:
    return next((each.ra_mode.replace("dhcpv6-", "dhcpv6_") for each in subnets if each.ra_mode), "")


def routed_prefixes(
    router: Router,
    ports: Sequence[Port],
    held: Mapping[str, Sequence[Fixed]],
    subnets: Mapping[str, Subnet],
    pools: Iterable[str],
) -> set[str]:
    """The IPv6 prefixes the world may reach through a router: only such as its own project took from one of the
    cloud's own `pools`, since those alone are known to be nobody else's."""
    clouds = set(pools)
    inner = (subnets[each.subnet] for port in ports if port.owner == INTERFACE for each in held.get(port.id, ()))
    own = (each for each in inner if each.project == router.project)
    return {each.cidr for each in own if each.version == 6 and each.pool in clouds}


def external_v6(ports: Sequence[Port], held: Mapping[str, Sequence[Fixed]], subnets: Mapping[str, Subnet]) -> set[str]:
    """The router's IPv6 addresses in its external network."""
    return {
        each.address
        for port in ports
        if port.owner == GATEWAY
        for each in held.get(port.id, ())
        if subnets[each.subnet].version == 6
    }


def routes(prefixes: Iterable[str], addresses: Iterable[str]) -> set[Route]:
    via = min(addresses, default=None)
    return {Route(each, via) for each in prefixes} if via else set()


def floating_spec(floating: Floating, port: Port | None) -> fabric.Floating | None:
    """Distributed for servers' ports; central where the fabric never sees the port plugged (a shared address)."""
    if floating.port is None or floating.fixed is None or floating.router is None or port is None:
        return None
    distributed = port.owner.startswith(COMPUTE)
    return fabric.Floating(
        id=floating.id,
        gen=floating.gen,
        router=floating.router,
        external=floating.address,
        fixed=floating.fixed,
        port=port.id if distributed else "",
        mac=floating.mac if distributed else "",
    )


def subnet_of(address: str, subnets: Iterable[Subnet]) -> Subnet | None:
    return next((each for each in subnets if inside(address, each.cidr)), None)
