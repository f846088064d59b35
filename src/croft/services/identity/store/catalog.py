"""Regions, services and endpoints that operators added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.page import Page
from croft.services.identity.model import CatalogEndpoint, CatalogService, Region
from croft.services.identity.store import tables
from croft.services.identity.store.listing import listed

_R, _S, _E = tables.region, tables.service, tables.endpoint
_REGION = (_R.c.id, _R.c.parent, _R.c.description)
_SERVICE = (_S.c.id, _S.c.type, _S.c.name, _S.c.description, _S.c.enabled)
_ENDPOINT = (
    _E.c.id,
    _E.c.service,
    _E.c.interface,
    _E.c.region,
    _E.c.url,
    _E.c.enabled,
    _E.c.name,
    _E.c.description,
)
_ONE_REGION = sa.select(*_REGION).where(_R.c.id == sa.bindparam("id"))
_ONE_SERVICE = sa.select(*_SERVICE).where(_S.c.id == sa.bindparam("id"))
_ONE_ENDPOINT = sa.select(*_ENDPOINT).where(_E.c.id == sa.bindparam("id"))
_ALL_SERVICES = sa.select(*_SERVICE).order_by(_S.c.id)
_ALL_ENDPOINTS = sa.select(*_ENDPOINT).order_by(_E.c.id)
_IN_REGION = sa.select(_E.c.id).where(_E.c.region == sa.bindparam("id")).limit(1)
_CHILD = sa.select(_R.c.id).where(_R.c.parent == sa.bindparam("id")).limit(1)
_OF_SERVICE = sa.delete(_E).where(_E.c.service == sa.bindparam("id"))


def region(tx: Tx, id: str) -> Region | None:
    return tx.first(Region, _ONE_REGION, {"id": id})


def regions(tx: Tx, equal: Mapping[str, Any], page: Page) -> list[Region]:
    return listed(tx, Region, _REGION, equal, page)


def insert_region(tx: Tx, row: Region) -> None:
    tx.run(_R.insert(), {"id": row.id, "parent": row.parent, "description": row.description})


def update_region(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_R.update().where(_R.c.id == id).values(**values))


def region_in_use(tx: Tx, id: str) -> bool:
    """By an endpoint or by a region below it."""
    return tx.scalar(_IN_REGION, {"id": id}) is not None or tx.scalar(_CHILD, {"id": id}) is not None


def delete_region(tx: Tx, id: str) -> None:
    tx.run(_R.delete().where(_R.c.id == id))


def service(tx: Tx, id: str) -> CatalogService | None:
    return tx.first(CatalogService, _ONE_SERVICE, {"id": id})


def services(tx: Tx) -> list[CatalogService]:
    return tx.all(CatalogService, _ALL_SERVICES)


def insert_service(tx: Tx, row: CatalogService) -> None:
    tx.run(_S.insert(), {column.name: getattr(row, column.name) for column in _SERVICE})


def update_service(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_S.update().where(_S.c.id == id).values(**values))


def delete_service(tx: Tx, id: str) -> None:
    """With its endpoints."""
    tx.run(_OF_SERVICE, {"id": id})
    tx.run(_S.delete().where(_S.c.id == id))


def endpoint(tx: Tx, id: str) -> CatalogEndpoint | None:
    return tx.first(CatalogEndpoint, _ONE_ENDPOINT, {"id": id})


def endpoints(tx: Tx) -> list[CatalogEndpoint]:
    return tx.all(CatalogEndpoint, _ALL_ENDPOINTS)


def insert_endpoint(tx: Tx, row: CatalogEndpoint) -> None:
    tx.run(_E.insert(), {column.name: getattr(row, column.name) for column in _ENDPOINT})


def update_endpoint(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_E.update().where(_E.c.id == id).values(**values))


def delete_endpoint(tx: Tx, id: str) -> None:
    tx.run(_E.delete().where(_E.c.id == id))
