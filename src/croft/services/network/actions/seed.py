"""What the network service needs before anybody can use it: the outside network and the cloud's subnet pools."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from croft.core.db import Database, Tx
from croft.services.network.actions.networks import new_network
from croft.services.network.actions.pools import pool
from croft.services.network.actions.subnets import new_subnet
from croft.services.network.model import checks
from croft.services.network.model.addresses import address, overlapping, prefix
from croft.services.network.store import networks
from croft.services.network.wire.shapes import NetworkCreate, PoolCreate, SubnetCreate

PUBLIC = "public"


class Seed(msgspec.Struct, frozen=True):
    """`gateway_*` are the operator's addresses on the outside network; the pools are what projects' own networks are
    numbered from: private IPv4 in /24s, routed IPv6 in /64s."""

    external_cidr_v4: str
    gateway_v4: str
    external_cidr_v6: str
    gateway_v6: str
    physnet: str
    v4_pool: str = "10.0.0.0/8"
    v6_pool: str = ""
    dns: tuple[str, ...] = ()
    """Resolvers of either IP version that guests of ready-made networks are told of."""


def seed(db: Database, wish: Seed) -> None:
    """Idempotent: what is there already stays as it is."""
    with db.write() as tx:
        for name, version, prefixes, length in (
            ("default-v4", 4, wish.v4_pool, 24),
            ("default-v6", 6, wish.v6_pool, 64),
        ):
            if prefixes and networks.default_pool(tx, version) is None:
                asked = PoolCreate(
                    name=name, prefixes=[prefixes], default_prefixlen=length, shared=True, is_default=True,
                    min_prefixlen=8 if version == 4 else 64, max_prefixlen=29 if version == 4 else 64,
                )  # fmt: skip
                pool(tx, "", asked)
        if networks.any_external_named(tx, PUBLIC) is None:
            _public(tx, wish)


def _public(tx: Tx, wish: Seed) -> None:
    asked = NetworkCreate(
        name=PUBLIC,
        external=True,
        is_default=True,
        network_type="flat" if wish.physnet else UNSET,
        physical_network=wish.physnet or UNSET,
    )
    network = new_network(tx, "", asked)
    for version, cidr, gateway in (
        (4, wish.external_cidr_v4, wish.gateway_v4),
        (6, wish.external_cidr_v6, wish.gateway_v6),
    ):
        if cidr:
            plan = SubnetCreate(
                network_id=network.id,
                name=f"{PUBLIC}-v{version}",
                gateway_ip=gateway or None,
                enable_dhcp=False,
                dns_nameservers=[each for each in wish.dns if address(each).version == version],
            )
            new_subnet(tx, "", network, plan, (*checks.cidr(cidr, version), _pool_around(tx, cidr)))


def _pool_around(tx: Tx, cidr: str) -> str | None:
    """The default pool that the outside network is cut from, so that no project gets the same prefix."""
    net = prefix(cidr)
    found = networks.default_pool(tx, net.version)
    around = found is not None and any(overlapping(cidr, each) for each in found.prefixes)
    return found.id if found is not None and around else None
