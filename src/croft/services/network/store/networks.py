"""SQL of networks, subnets and subnet pools."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from croft.core import work
from croft.core.db import Tx, one_of
from croft.core.errors import NotFound
from croft.core.policy import Scope
from croft.core.quota import limit
from croft.services.network.model.rows import DEADLINE, Network, Pool, Subnet
from croft.services.network.store import tables
from croft.services.network.store.listing import NOW, PROJECT, Listing, standard, status_filter
from croft.services.network.store.rows import raw

_network = tables.network
_subnet = tables.subnet
_pool = tables.subnet_pool
_SINCE = work.work.c.since
NETWORK = (
    sa.select(*_network.c, _SINCE)
    .select_from(_network.outerjoin(work.work, work.joined("network.network", _network.c.id)))
)  # fmt: skip
_BY_ID: sa.BindParameter[str] = sa.bindparam("id")
_ANY_NETWORK = NETWORK.where(_network.c.id == _BY_ID)
_ANY_SUBNET = sa.select(_subnet).where(_subnet.c.id == _BY_ID)
_ANY_POOL = sa.select(_pool).where(_pool.c.id == _BY_ID)
_SUBNETS_OF = sa.select(_subnet).where(_subnet.c.network == sa.bindparam("network")).order_by(_subnet.c.id)
_SUBNET_IDS = (
    sa.select(_subnet.c.network, _subnet.c.id).where(one_of(_subnet.c.network, "networks")).order_by(_subnet.c.id)
)
_EVERYBODYS = sa.select(_network.c.id).where(_network.c.shared, _network.c.deleted.is_(None))
_STATUS = sa.case((_SINCE < NOW - DEADLINE, "ERROR"), else_="ACTIVE")

NETWORKS: Listing[Network] = Listing(
    Network,
    _network,
    NETWORK.where(_network.c.deleted.is_(None)),
    sa.or_(_network.c.project == PROJECT, _network.c.shared, _network.c.external),
    {
        **standard(_network),
        "admin_state_up": _network.c.admin_up,
        "shared": _network.c.shared,
        "router:external": _network.c.external,
        "is_default": _network.c.is_default,
        "mtu": _network.c.mtu,
        "port_security_enabled": _network.c.port_security,
        "dns_domain": _network.c.dns_domain,
        "provider:network_type": _network.c.type,
        "provider:physical_network": _network.c.physnet,
        "provider:segmentation_id": _network.c.segment,
        "status": status_filter(_STATUS),
    },
    "NetworkNotFound",
)
SUBNETS: Listing[Subnet] = Listing(
    Subnet,
    _subnet,
    sa.select(_subnet),
    sa.or_(_subnet.c.project == PROJECT, _subnet.c.network.in_(_EVERYBODYS)),
    {
        **standard(_subnet),
        "network_id": _subnet.c.network,
        "ip_version": _subnet.c.version,
        "cidr": _subnet.c.cidr,
        "gateway_ip": _subnet.c.gateway,
        "enable_dhcp": _subnet.c.dhcp,
        "ipv6_ra_mode": _subnet.c.ra_mode,
        "ipv6_address_mode": _subnet.c.address_mode,
        "subnetpool_id": _subnet.c.pool,
        "shared": lambda texts: (
            _subnet.c.network.in_(_EVERYBODYS)
            if texts[0].lower() in {"true", "1"}
            else _subnet.c.network.not_in(_EVERYBODYS)
        ),
    },
    "SubnetNotFound",
)
POOLS: Listing[Pool] = Listing(
    Pool,
    _pool,
    sa.select(_pool),
    sa.or_(_pool.c.project == PROJECT, _pool.c.shared),
    {
        **standard(_pool),
        "ip_version": _pool.c.version,
        "default_prefixlen": _pool.c.usual,
        "min_prefixlen": _pool.c.least,
        "max_prefixlen": _pool.c.most,
        "default_quota": _pool.c.quota,
        "shared": _pool.c.shared,
        "is_default": _pool.c.is_default,
    },
    "SubnetPoolNotFound",
)


def any_network(tx: Tx, id: str) -> Network | None:
    return tx.first(Network, _ANY_NETWORK, {"id": id})


def network(tx: Tx, scope: Scope, id: str) -> Network:
    """One that the scope may see; `NotFound` otherwise."""
    row = any_network(tx, id)
    if row is None or row.deleted is not None:
        raise no_network(id)
    if not (scope.covers(row.project) or row.shared or row.external):
        raise no_network(id)
    return row


def no_network(id: str) -> NotFound:
    return NotFound(f"Network {id[:64]} could not be found.", kind="NetworkNotFound")


def any_subnet(tx: Tx, id: str) -> Subnet | None:
    return tx.first(Subnet, _ANY_SUBNET, {"id": id})


_IS_SHARED = sa.select(_network.c.shared).where(_network.c.id == _BY_ID)


def subnet(tx: Tx, scope: Scope, id: str) -> Subnet:
    row = any_subnet(tx, id)
    if row is None or not (scope.covers(row.project) or tx.scalar(_IS_SHARED, {"id": row.network})):
        raise no_subnet(id)
    return row


def no_subnet(id: str) -> NotFound:
    return NotFound(f"Subnet {id[:64]} could not be found.", kind="SubnetNotFound")


def subnets_of(tx: Tx, network: str) -> list[Subnet]:
    return tx.all(Subnet, _SUBNETS_OF, {"network": network})


def subnet_ids(tx: Tx, networks: Sequence[str]) -> dict[str, list[str]]:
    """Of networks the caller has already been allowed to see."""
    found: dict[str, list[str]] = {}
    for network_id, id in raw(tx, _SUBNET_IDS, {"networks": list(networks)}):
        found.setdefault(network_id, []).append(id)
    return found


_SUBNETS_BY_ID = sa.select(_subnet).where(one_of(_subnet.c.id, "ids"))


def any_subnets(tx: Tx, ids: Sequence[str]) -> dict[str, Subnet]:
    return {row.id: row for row in tx.all(Subnet, _SUBNETS_BY_ID, {"ids": list(ids)})} if ids else {}


def any_pool(tx: Tx, id: str) -> Pool | None:
    return tx.first(Pool, _ANY_POOL, {"id": id})


def pool(tx: Tx, scope: Scope, id: str) -> Pool:
    row = any_pool(tx, id)
    if row is None or not (scope.covers(row.project) or row.shared):
        raise NotFound(f"Subnet pool {id[:64]} could not be found.", kind="SubnetPoolNotFound")
    return row


_DEFAULT_POOL = sa.select(_pool).where(_pool.c.is_default, _pool.c.version == sa.bindparam("version"))


def default_pool(tx: Tx, version: int) -> Pool | None:
    """The cloud's own."""
    return tx.first(Pool, _DEFAULT_POOL, {"version": version})


_IN_POOL = sa.select(sa.func.count()).select_from(_subnet).where(_subnet.c.pool == _BY_ID)


def subnets_in_pool(tx: Tx, pool_id: str) -> int:
    return int(tx.scalar(_IN_POOL, {"id": pool_id}))


_RANGES_IN_POOL = sa.select(_subnet.c.first, _subnet.c.last).where(_subnet.c.pool == _BY_ID).order_by(_subnet.c.first)
_TOP_OF_RANGE = sa.select(sa.func.max(_subnet.c.last)).where(
    _subnet.c.pool == _BY_ID, _subnet.c.first >= sa.bindparam("low"), _subnet.c.first <= sa.bindparam("high")
)
_BEFORE = (
    sa.select(_subnet.c.last)
    .where(_subnet.c.pool == _BY_ID, _subnet.c.first <= sa.bindparam("high"))
    .order_by(_subnet.c.first.desc())
    .limit(1)
)


def any_ranges_in_pool(tx: Tx, pool_id: str) -> list[tuple[str, str]]:
    """Every prefix taken from the pool, as sortable text, in order: slow, for when it has been filled once."""
    return [(row[0], row[1]) for row in raw(tx, _RANGES_IN_POOL, {"id": pool_id})]


def any_top_of_range(tx: Tx, pool_id: str, low: str, high: str) -> str | None:
    """The last address taken within one of the pool's prefixes."""
    found: str | None = tx.scalar(_TOP_OF_RANGE, {"id": pool_id, "low": low, "high": high})
    return found


def any_taken_in_pool(tx: Tx, pool_id: str, low: str, high: str) -> bool:
    """Whether a prefix taken from the pool overlaps the given range."""
    last = tx.scalar(_BEFORE, {"id": pool_id, "high": high})
    return last is not None and last >= low


_SPACE_USED = sa.select(_subnet.c.cidr).where(_subnet.c.pool == _BY_ID, _subnet.c.project == sa.bindparam("project"))


def cidrs_from_pool(tx: Tx, project: str, pool_id: str) -> list[str]:
    return [row[0] for row in raw(tx, _SPACE_USED, {"id": pool_id, "project": project})]


_USABLE = (
    NETWORK.where(
        _network.c.deleted.is_(None),
        sa.not_(_network.c.external),
        sa.or_(_network.c.project == PROJECT, _network.c.shared),
    )
    .order_by(_network.c.id)
)  # fmt: skip
_DEFAULT_EXTERNAL = NETWORK.where(_network.c.deleted.is_(None), _network.c.external, _network.c.is_default).order_by(
    _network.c.id
)
_AUTO = NETWORK.where(_network.c.deleted.is_(None), _network.c.auto, _network.c.project == PROJECT)
_BY_NAME = NETWORK.where(
    _network.c.deleted.is_(None), _network.c.external, _network.c.name == sa.bindparam("name")
).order_by(_network.c.id)


def usable_networks(tx: Tx, project: str) -> list[Network]:
    """Those a project's servers may be in without naming one."""
    return tx.all(Network, _USABLE, {"project": project})


def any_default_external(tx: Tx) -> Network | None:
    return tx.first(Network, _DEFAULT_EXTERNAL)


def any_external_named(tx: Tx, name: str) -> Network | None:
    return tx.first(Network, _BY_NAME, {"name": name})


def auto_network(tx: Tx, project: str) -> Network | None:
    return tx.first(Network, _AUTO, {"project": project})


_COUNT = {
    table.name: sa.select(sa.func.count())
    .select_from(table)
    .where(table.c.project == PROJECT, *([table.c.deleted.is_(None)] if "deleted" in table.c else []))
    for table in (
        tables.network, tables.subnet, tables.subnet_pool, tables.port, tables.router, tables.floating_ip,
        tables.security_group, tables.security_rule,
    )
}  # fmt: skip


def count(tx: Tx, project: str, table: sa.Table) -> int:
    """How many a project holds of something: what quotas are checked against."""
    return int(tx.scalar(_COUNT[table.name], {"project": project}))


_WITH_SEGMENT = sa.select(_network.c.id).where(
    _network.c.physnet == sa.bindparam("physnet"),
    sa.func.coalesce(_network.c.segment, 0) == sa.bindparam("segment"),
    _network.c.deleted.is_(None),
)


def any_with_segment(tx: Tx, physnet: str, segment: int | None) -> str | None:
    found: str | None = tx.scalar(_WITH_SEGMENT, {"physnet": physnet, "segment": segment or 0})
    return found


_DOMAINS = sa.select(_network.c.id, _network.c.dns_domain).where(
    one_of(_network.c.id, "ids"), _network.c.dns_domain != ""
)


def any_domains(tx: Tx, ids: set[str]) -> dict[str, str]:
    """The DNS domains of networks that have one."""
    return {row[0]: row[1] for row in raw(tx, _DOMAINS, {"ids": sorted(ids)})} if ids else {}


_NAMES = sa.select(_network.c.id, _network.c.name, _network.c.mtu).where(one_of(_network.c.id, "ids"))


def any_names(tx: Tx, ids: set[str]) -> dict[str, tuple[str, int]]:
    """(name, MTU) of networks."""
    return {row[0]: (row[1], row[2]) for row in raw(tx, _NAMES, {"ids": sorted(ids)})} if ids else {}


def any_mtus(tx: Tx, ids: set[str]) -> dict[str, int]:
    return {id: mtu for id, (_, mtu) in any_names(tx, ids).items()}


_UNSEEN = sa.select(_network.c.id).where(one_of(_network.c.id, "ids"), _network.c.seen == 0)


def any_unseen(tx: Tx, ids: set[str]) -> list[str]:
    """Networks the fabric has never held."""
    return [row[0] for row in raw(tx, _UNSEEN, {"ids": sorted(ids)})] if ids else []


_CLOUDS_POOLS = sa.select(_pool.c.id).where(_pool.c.shared, _pool.c.version == 6)


def any_cloud_pools(tx: Tx) -> list[str]:
    """IPv6 pools whose prefixes the cloud routes."""
    return [row[0] for row in raw(tx, _CLOUDS_POOLS)]


_WITH_LIMITS = (
    sa.select(limit.c.project).where(limit.c.name.startswith("network.")).distinct().order_by(limit.c.project)
)


def any_projects_with_limits(tx: Tx) -> list[str]:
    return [row[0] for row in raw(tx, _WITH_LIMITS)]
