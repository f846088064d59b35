"""Which prefix a subnet gets: its own wish, or the next free one of a subnet pool."""

from __future__ import annotations

from croft.core.ctx import WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid
from croft.services.network.model import checks
from croft.services.network.model.addresses import aligned, at, key, prefix
from croft.services.network.model.rows import Pool
from croft.services.network.store import networks
from croft.services.network.wire.shapes import SubnetCreate


def decide(tx: WriteTx, wish: SubnetCreate) -> tuple[int, str, str | None]:
    """(IP version, cidr, pool id) of a new subnet."""
    version = wish.ip_version if isinstance(wish.ip_version, int) else None
    pool = _pool(tx, wish, version)
    if isinstance(wish.cidr, str):
        found, cidr = checks.cidr(wish.cidr, version)
        if pool is None:
            if version is None:
                raise Invalid("Failed to parse request. Required attribute 'ip_version' not specified")
            return found, cidr, None
        _claim(tx, pool, cidr)
        return found, cidr, pool.id
    if pool is None:
        raise Invalid("Bad subnet request: a subnetpool must be specified in the absence of a cidr.", kind="BadRequest")
    length = wish.prefixlen if isinstance(wish.prefixlen, int) else pool.usual
    _check_length(pool, length)
    return pool.version, _next_prefix(tx, pool, length), pool.id


def _pool(tx: WriteTx, wish: SubnetCreate, version: int | None) -> Pool | None:
    named = wish.subnetpool_id if isinstance(wish.subnetpool_id, str) and wish.subnetpool_id else None
    if named and wish.use_default_subnetpool:
        raise Invalid("Bad subnet request: subnetpool_id and use_default_subnetpool cannot both be specified.")
    if named:
        pool: Pool | None = networks.pool(tx, tx.scope, named)
    elif wish.use_default_subnetpool:
        pool = networks.default_pool(tx, version or 4)
        if pool is None:
            raise Invalid(f"No default subnetpool found for IPv{version or 4}.", kind="NoDefaultSubnetPool")
    else:
        return None
    assert pool is not None
    if version is not None and pool.version != version:
        raise Invalid("Bad subnet request: Cannot allocate requested subnet: its IP version is not the pool's.")
    tx.lock(f"pool:{pool.id}")
    return pool


def _check_length(pool: Pool, length: int) -> None:
    if length < pool.least:
        raise Invalid(
            f"Unable to allocate subnet with prefix length {length}, minimum allowed prefix is {pool.least}.",
            kind="MinPrefixSubnetAllocationError",
        )
    if length > pool.most:
        raise Invalid(
            f"Unable to allocate subnet with prefix length {length}, maximum allowed prefix is {pool.most}.",
            kind="MaxPrefixSubnetAllocationError",
        )


def _claim(tx: WriteTx, pool: Pool, cidr: str) -> None:
    """A certain prefix of the pool; nobody may have taken any part of it."""
    net = prefix(cidr)
    _check_length(pool, net.prefixlen)
    low, high = int(net.network_address), int(net.broadcast_address)
    if not any(_bounds(each)[0] <= low and high <= _bounds(each)[1] for each in pool.prefixes):
        raise Invalid(
            f"Failed to allocate subnet: Cannot allocate requested subnet {cidr} from the available set of prefixes.",
            kind="SubnetAllocationError",
        )
    if networks.any_taken_in_pool(tx, pool.id, key(low), key(high)):
        raise Conflict(
            f"Failed to allocate subnet: {cidr} is taken from the available set of prefixes.",
            kind="SubnetAllocationError",
        )
    _check_quota(tx, pool, net.prefixlen)


def _next_prefix(tx: WriteTx, pool: Pool, length: int) -> str:
    _check_quota(tx, pool, length)
    for each in pool.prefixes:
        low, high = _bounds(each)
        top = networks.any_top_of_range(tx, pool.id, key(low), key(high))
        start = aligned(low if top is None else int(top, 16) + 1, length, pool.version)
        if start + _size(pool, length) - 1 <= high:
            return f"{at(start, pool.version)}/{length}"
    found = _gap(tx, pool, length)
    if found is None:
        raise Conflict(
            f"Failed to allocate subnet: Insufficient prefix space to allocate subnet size /{length}.",
            kind="SubnetAllocationError",
        )
    return f"{at(found, pool.version)}/{length}"


def _gap(tx: Tx, pool: Pool, length: int) -> int | None:
    """The first hole, once the pool has been used to its end."""
    taken = [(int(first, 16), int(last, 16)) for first, last in networks.any_ranges_in_pool(tx, pool.id)]
    for each in pool.prefixes:
        low, high = _bounds(each)
        start = aligned(low, length, pool.version)
        for first, last in taken:
            if first > start + _size(pool, length) - 1:
                break
            if last >= start:
                start = aligned(last + 1, length, pool.version)
        if start + _size(pool, length) - 1 <= high:
            return start
    return None


def _size(pool: Pool, length: int) -> int:
    return 1 << ((32 if pool.version == 4 else 128) - length)


def _bounds(text: str) -> tuple[int, int]:
    net = prefix(text)
    return int(net.network_address), int(net.broadcast_address)


def _check_quota(tx: WriteTx, pool: Pool, length: int) -> None:
    """A pool may limit each project's share: addresses for IPv4, /64s for IPv6."""
    if pool.quota is None:
        return
    unit = 32 if pool.version == 4 else 64
    lengths = [prefix(cidr).prefixlen for cidr in networks.cidrs_from_pool(tx, tx.project, pool.id)]
    used = sum(1 << max(0, unit - each) for each in (*lengths, length))
    if used > pool.quota:
        raise Conflict("Per-tenant subnet pool prefix quota exceeded.", kind="SubnetPoolQuotaExceeded")
