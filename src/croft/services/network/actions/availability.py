"""How full networks are, for operators."""

from __future__ import annotations

from croft.core.ctx import Ctx
from croft.core.db import Tx
from croft.services.network.model.addresses import address
from croft.services.network.model.query import Query
from croft.services.network.model.rows import Network, Subnet
from croft.services.network.store import networks, ports

Shown = tuple[Network, list[Subnet], dict[str, int], dict[str, int]]
"""A network, its subnets, and the used and all addresses of each."""


def list_availability(ctx: Ctx, query: Query, version: int | None) -> tuple[list[Shown], bool]:
    with ctx.read("network.availability.show") as tx:
        found, more = networks.NETWORKS.rows(tx, tx.scope, query)
        return [_shown(tx, row, version) for row in found], more


def show_availability(ctx: Ctx, id: str) -> Shown:
    with ctx.read("network.availability.show") as tx:
        return _shown(tx, networks.network(tx, tx.scope, id), None)


def _shown(tx: Tx, row: Network, version: int | None) -> Shown:
    subnets = [each for each in networks.subnets_of(tx, row.id) if version in {None, each.version}]
    totals = {each.id: sum(map(_size, each.pools)) for each in subnets}
    return row, subnets, ports.used_per_subnet(tx, row.id), totals


def _size(pool: tuple[str, str]) -> int:
    return int(address(pool[1])) - int(address(pool[0])) + 1
