"""Plans of routers and floating addresses."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from uuid import UUID

from croft.drivers.fabric import ExternalPort, Floating, Router, RouterPort
from croft.drivers.fabric.ovn.rows import Home, Names, Plan, Row, Surroundings, columns, switch_port
from croft.drivers.fabric.ovn.switching import switch_home

TOP_PRIORITY = 100
"""Of the most wanted gateway host; each next one is wanted one less."""


def plan_router(names: Names, router: Router, around: Surroundings) -> Plan:
    legs = [_leg(names, router, port) for port in router.ports]
    plugs = [_plug(names, router, port.id, port.network, {}) for port in router.ports]
    routes = [_route(names, router, prefix, hop) for prefix, hop in router.routes]
    rest: list[Row] = []
    if external := router.external:
        hosts = external.hosts or around.gateways
        gateways = [_gateway(names, router, external, host, rank) for rank, host in enumerate(hosts)]
        legs.append(_external_leg(names, router, external, [gateway.uuid for gateway in gateways]))
        plugs.append(_plug(names, router, external.id, external.network, {"nat-addresses": "router"}))
        routes += [_route(names, router, _default(hop), hop, _leg_name(external.id)) for hop in external.next_hops]
        rest = gateways + _snat(names, router, external)
    root = Row(
        "Logical_Router",
        names.uuid("router", router.id),
        columns(
            name=router.id,
            enabled=router.up,
            ports=[leg.uuid for leg in legs],
            static_routes=[route.uuid for route in routes],
            options={"always_learn_from_arp_request": "false", "dynamic_neigh_routers": "true"},
            external_ids=names.tags("router", router.id, gen=router.gen, name=router.name),
        ),
    )
    return Plan("router", router.id, router.gen, root, (*legs, *plugs, *routes, *rest))


def plan_floating(names: Names, floating: Floating) -> Plan:
    distributed = bool(floating.port and floating.mac)
    root = Row(
        "NAT",
        names.uuid("floating", floating.id),
        columns(
            type="dnat_and_snat",
            external_ip=floating.external,
            logical_ip=floating.fixed,
            logical_port=floating.port if distributed else None,
            external_mac=floating.mac if distributed else None,
            options={},
            external_ids=names.tags("floating", floating.id, gen=floating.gen),
        ),
        homes=(_nat_home(names, floating.router),),
    )
    return Plan("floating", floating.id, floating.gen, root)


def _nat_home(names: Names, router: str) -> Home:
    return Home("Logical_Router", "nat", names.uuid("router", router), f"router {router}")


def _leg_name(port: str) -> str:
    return f"lrp-{port}"


def _default(hop: str) -> str:
    return "0.0.0.0/0" if ip_address(hop).version == 4 else "::/0"


def _leg(names: Names, router: Router, port: RouterPort) -> Row:
    advertised = {}
    if port.ra_mode:
        advertised = {"address_mode": port.ra_mode, "send_periodic": "true", "mtu": str(port.mtu)}
        resolver = next((address for address in port.dns if ip_address(address).version == 6), "")
        advertised |= {"rdnss": resolver} if resolver else {}
    return Row(
        "Logical_Router_Port",
        names.uuid("router", router.id, f"leg {port.id}"),
        columns(
            name=_leg_name(port.id),
            mac=port.mac,
            networks=port.addresses,
            ipv6_ra_configs=advertised,
            gateway_chassis=(),
            options={},
            external_ids=names.tags("router", router.id),
        ),
    )


def _external_leg(names: Names, router: Router, port: ExternalPort, gateways: list[UUID]) -> Row:
    return Row(
        "Logical_Router_Port",
        names.uuid("router", router.id, f"leg {port.id}"),
        columns(
            name=_leg_name(port.id),
            mac=port.mac,
            networks=port.addresses,
            ipv6_ra_configs={},
            gateway_chassis=gateways,
            options={"gateway_mtu": str(min(port.mtu, *(leg.mtu for leg in router.ports)))} if router.ports else {},
            external_ids=names.tags("router", router.id),
        ),
    )


def _gateway(names: Names, router: Router, port: ExternalPort, host: str, rank: int) -> Row:
    return Row(
        "Gateway_Chassis",
        names.uuid("router", router.id, f"gateway {port.id} {host}"),
        columns(
            name=f"{_leg_name(port.id)}_{host}",
            chassis_name=host,
            priority=TOP_PRIORITY - rank,
            external_ids=names.tags("router", router.id),
        ),
    )


def _plug(names: Names, router: Router, port: str, network: str, options: dict[str, str]) -> Row:
    return switch_port(
        names.uuid("router", router.id, f"plug {port}"),
        (switch_home(names, network),),
        name=port,
        type="router",
        addresses="router",
        options={"router-port": _leg_name(port)} | options,
        external_ids=names.tags("router", router.id),
    )


def _route(names: Names, router: Router, prefix: str, hop: str, output: str | None = None) -> Row:
    return Row(
        "Logical_Router_Static_Route",
        names.uuid("router", router.id, f"route {prefix} {hop} {output or ''}"),
        columns(ip_prefix=prefix, nexthop=hop, output_port=output, external_ids=names.tags("router", router.id)),
    )


def _snat(names: Names, router: Router, external: ExternalPort) -> list[Row]:
    interfaces = [ip_interface(address) for address in external.addresses]
    address = next((str(interface.ip) for interface in interfaces if interface.version == 4), None)
    if address is None:
        return []
    return [
        Row(
            "NAT",
            names.uuid("router", router.id, f"snat {prefix}"),
            columns(
                type="snat",
                external_ip=address,
                logical_ip=prefix,
                logical_port=None,
                external_mac=None,
                options={},
                external_ids=names.tags("router", router.id),
            ),
            homes=(_nat_home(names, router.id),),
        )
        for prefix in external.snat
    ]
