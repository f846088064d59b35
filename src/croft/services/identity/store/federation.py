"""Identity providers, protocols, mappings and service providers."""

from __future__ import annotations

from collections.abc import Mapping as Values
from typing import Any, TypeVar

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.page import Page
from croft.services.identity.model.federation import IdentityProvider, Mapping, Protocol, ServiceProvider
from croft.services.identity.store import tables
from croft.services.identity.store.listing import listed

Kind = IdentityProvider | Mapping | ServiceProvider
K = TypeVar("K", bound=IdentityProvider | Mapping | ServiceProvider)
_TABLES: dict[type[Any], sa.Table] = {
    IdentityProvider: tables.identity_provider,
    Mapping: tables.mapping,
    ServiceProvider: tables.service_provider,
}
_COLUMNS = {kind: tuple(table.c[name] for name in kind.__struct_fields__) for kind, table in _TABLES.items()}
_P = tables.protocol
_PROTOCOL = tuple(_P.c[name] for name in Protocol.__struct_fields__)
_ONE_PROTOCOL = sa.select(*_PROTOCOL).where(_P.c.provider == sa.bindparam("of"), _P.c.id == sa.bindparam("called"))
_PROTOCOLS = sa.select(*_PROTOCOL).where(_P.c.provider == sa.bindparam("of")).order_by(_P.c.id)
_READ_BY = sa.select(_P.c.provider).where(_P.c.mapping == sa.bindparam("called")).limit(1)


def show(tx: Tx, kind: type[K], id: str) -> K | None:
    return tx.first(kind, sa.select(*_COLUMNS[kind]).where(_TABLES[kind].c.id == id))


def list_(tx: Tx, kind: type[K], equal: Values[str, Any], page: Page) -> list[K]:
    return listed(tx, kind, _COLUMNS[kind], equal, page)


def insert(tx: Tx, row: Kind) -> None:
    tx.run(_TABLES[type(row)].insert(), {name: getattr(row, name) for name in row.__struct_fields__})


def update(tx: Tx, kind: type[K], id: str, values: Values[str, Any]) -> None:
    if values:
        tx.run(_TABLES[kind].update().where(_TABLES[kind].c.id == id).values(**values))


def delete(tx: Tx, kind: type[K], id: str) -> None:
    tx.run(_TABLES[kind].delete().where(_TABLES[kind].c.id == id))


def protocol(tx: Tx, provider: str, id: str) -> Protocol | None:
    return tx.first(Protocol, _ONE_PROTOCOL, {"of": provider, "called": id})


def protocols(tx: Tx, provider: str) -> list[Protocol]:
    return tx.all(Protocol, _PROTOCOLS, {"of": provider})


def mapping_in_use(tx: Tx, mapping: str) -> bool:
    return tx.scalar(_READ_BY, {"called": mapping}) is not None


def insert_protocol(tx: Tx, row: Protocol) -> None:
    tx.run(_P.insert(), {name: getattr(row, name) for name in row.__struct_fields__})


def update_protocol(tx: Tx, row: Protocol, values: Values[str, Any]) -> None:
    tx.run(_P.update().where(_P.c.provider == row.provider, _P.c.id == row.id).values(**values))


def delete_protocol(tx: Tx, row: Protocol) -> None:
    tx.run(_P.delete().where(_P.c.provider == row.provider, _P.c.id == row.id))
