"""What people may do with subnet pools."""

from __future__ import annotations

from typing import Any

from croft.core.ctx import Ctx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid
from croft.core.ids import new_id
from croft.services.network.actions import access
from croft.services.network.actions.access import given, said, tag_list, text
from croft.services.network.model import checks
from croft.services.network.model.addresses import merged, prefix
from croft.services.network.model.query import Query
from croft.services.network.model.rows import Pool
from croft.services.network.store import networks, rows, tables
from croft.services.network.wire.shapes import PoolCreate, PoolUpdate

_LEAST = {4: 8, 6: 64}
_MOST = {4: 32, 6: 128}


def create_pools(ctx: Ctx, wishes: list[PoolCreate]) -> list[Pool]:
    for wish in wishes:
        _ensure_allowed(ctx, wish)
    with ctx.write("network.pool.create", access.owner(ctx, wishes)) as tx:
        access.ensure_room(tx, tables.subnet_pool, len(wishes))
        made = []
        for wish in wishes:
            row = pool(tx, tx.project, wish)
            tx.audit(row.id, row.name)
            made.append(row)
        return made


def _ensure_allowed(ctx: Ctx, wish: PoolCreate | PoolUpdate) -> None:
    if isinstance(wish, PoolCreate) and wish.shared:
        access.ensure_may(ctx, "network.pool.share")
    if wish.is_default is True:
        access.ensure_may(ctx, "network.pool.prefer")


def pool(tx: Tx, project: str, wish: PoolCreate) -> Pool:
    prefixes = _prefixes(wish.prefixes.split(",") if isinstance(wish.prefixes, str) else wish.prefixes)
    version = prefix(prefixes[0]).version
    least = wish.min_prefixlen if isinstance(wish.min_prefixlen, int) else _LEAST[version]
    most = wish.max_prefixlen if isinstance(wish.max_prefixlen, int) else _MOST[version]
    usual = wish.default_prefixlen if isinstance(wish.default_prefixlen, int) else least
    _check_lengths(version, least, usual, most)
    if wish.is_default:
        _ensure_only_default(tx, version)
    row = Pool(
        id=new_id(),
        project=project,
        name=wish.name,
        description=text(wish.description),
        tags=tag_list(wish.tags),
        created=tx.now,
        updated=tx.now,
        revision=1,
        version=version,
        prefixes=prefixes,
        least=least,
        usual=usual,
        most=most,
        quota=wish.default_quota if isinstance(wish.default_quota, int) else None,
        shared=wish.shared,
        is_default=wish.is_default,
    )
    rows.insert(tx, tables.subnet_pool, row)
    return row


def _prefixes(asked: list[str]) -> list[str]:
    if not asked:
        raise Invalid("Invalid input for prefixes. Reason: a subnet pool needs at least one.")
    found = [checks.cidr(each, None) for each in asked]
    if len({version for version, _ in found}) != 1:
        raise Invalid("Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", kind="PrefixVersionMismatch")
    return merged(cidr for _, cidr in found)


def _check_lengths(version: int, least: int, usual: int, most: int) -> None:
    if most > _MOST[version]:
        raise Invalid(
            f"max_prefixlen={most}, a prefix of IPv{version} has at most {_MOST[version]} bits.",
            kind="UnsupportedMaxSubnetPoolPrefix",
        )
    if least > most:
        raise Invalid(
            f"Illegal prefix bounds: min_prefixlen={least}, max_prefixlen={most}.", kind="IllegalSubnetPoolPrefixBounds"
        )
    if not least <= usual <= most:
        raise Invalid(
            f"Illegal prefix bounds: default_prefixlen={usual} is not within {least} to {most}.",
            kind="IllegalSubnetPoolPrefixBounds",
        )


def _ensure_only_default(tx: Tx, version: int) -> None:
    tx.lock("pool:default")
    if networks.default_pool(tx, version) is not None:
        raise Conflict(f"A default subnet pool for IPv{version} exists already.", kind="DefaultSubnetPoolExists")


def list_pools(ctx: Ctx, query: Query) -> tuple[list[Pool], bool]:
    with ctx.read("network.pool.list") as tx:
        return networks.POOLS.rows(tx, tx.scope, query)


def show_pool(ctx: Ctx, id: str) -> Pool:
    with ctx.read("network.pool.show") as tx:
        return networks.pool(tx, tx.scope, id)


def update_pool(ctx: Ctx, id: str, wish: PoolUpdate) -> Pool:
    _ensure_allowed(ctx, wish)
    with ctx.write("network.pool.update") as tx:
        access.ensure_own(tx, networks.pool(tx, tx.scope, id).project, "subnet pool")
        tx.lock(f"pool:{id}")
        row = networks.pool(tx, tx.scope, id)
        changes: dict[str, Any] = said({"name": wish.name, "description": wish.description})
        for name, value in (
            ("least", wish.min_prefixlen),
            ("usual", wish.default_prefixlen),
            ("most", wish.max_prefixlen),
            ("quota", wish.default_quota),
            ("is_default", wish.is_default),
        ):
            if given(value):
                changes[name] = value
        if isinstance(wish.prefixes, list):
            changes["prefixes"] = _grown(row, wish.prefixes)
        lengths = [changes.get(name, getattr(row, name)) for name in ("least", "usual", "most")]
        _check_lengths(row.version, *lengths)
        if changes.get("is_default") and not row.is_default:
            _ensure_only_default(tx, row.version)
        rows.change(tx, tables.subnet_pool, id, changes, intent=False)
        tx.audit(id, row.name)
        return networks.pool(tx, tx.scope, id)


def _grown(row: Pool, asked: list[str]) -> list[str]:
    """A pool may only grow: subnets may lie in what it has."""
    found = _prefixes(asked)
    if prefix(found[0]).version != row.version or merged([*found, *row.prefixes]) != found:
        raise Invalid(
            f"Illegal update to prefixes: every prefix of {row.prefixes} must stay within {found}.",
            kind="IllegalSubnetPoolUpdate",
        )
    return found


def delete_pool(ctx: Ctx, id: str) -> None:
    with ctx.write("network.pool.delete") as tx:
        row = networks.pool(tx, tx.scope, id)
        access.ensure_own(tx, row.project, "subnet pool")
        tx.lock(f"pool:{id}")
        drop_pool(tx, row)
        tx.audit(id, row.name)


def drop_pool(tx: Tx, row: Pool) -> None:
    if networks.subnets_in_pool(tx, row.id):
        raise Conflict(
            f"Unable to complete operation on subnet pool {row.id}. Subnet pool has existing allocations.",
            kind="SubnetPoolInUse",
        )
    rows.any_drop(tx, tables.subnet_pool, row.id)
