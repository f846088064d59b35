"""Endpoint groups and which endpoints which project gets; policies, consumers and domains' configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from croft.core.db import Json, Tx, metadata
from croft.core.page import Page
from croft.services.identity.model.extras import Consumer, EndpointGroup, StoredPolicy
from croft.services.identity.store.listing import listed

group = sa.Table(
    "identity_endpoint_group",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("filters", Json, nullable=False),
)
group_project = sa.Table(
    "identity_endpoint_group_project",
    metadata,
    sa.Column("group", sa.String(64), sa.ForeignKey("identity_endpoint_group.id", ondelete="CASCADE"), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.PrimaryKeyConstraint("group", "project"),
    sa.Index("ix_identity_endpoint_group_project_project", "project"),
)
project_endpoint = sa.Table(
    "identity_project_endpoint",
    metadata,
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("endpoint", sa.String(64), nullable=False),
    sa.PrimaryKeyConstraint("project", "endpoint"),
    sa.Index("ix_identity_project_endpoint_endpoint", "endpoint"),
)
policy = sa.Table(
    "identity_policy",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("type", sa.String(255), nullable=False),
    sa.Column("blob", sa.Text, nullable=False),
    sa.Column("extra", Json, nullable=False),
)
consumer = sa.Table(
    "identity_consumer",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("extra", Json, nullable=False),
)
domain_config = sa.Table(
    "identity_domain_config",
    metadata,
    sa.Column("domain", sa.String(64), sa.ForeignKey("identity_project.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("config", Json, nullable=False),
)
_G, _M, _E, _P, _C, _D = group, group_project, project_endpoint, policy, consumer, domain_config
_GROUP = (_G.c.id, _G.c.name, _G.c.description, _G.c.filters)
_ONE_GROUP = sa.select(*_GROUP).where(_G.c.id == sa.bindparam("id"))
_GROUPS_OF = sa.select(*_GROUP).join_from(_G, _M).where(_M.c.project == sa.bindparam("project")).order_by(_G.c.id)
_OF_GROUP = sa.select(_M.c.project).where(_M.c.group == sa.bindparam("group")).order_by(_M.c.project)
_ENDPOINTS_OF = sa.select(_E.c.endpoint).where(_E.c.project == sa.bindparam("project")).order_by(_E.c.endpoint)
_OF_ENDPOINT = sa.select(_E.c.project).where(_E.c.endpoint == sa.bindparam("endpoint")).order_by(_E.c.project)
_POLICY = (_P.c.id, _P.c.type, _P.c.blob, _P.c.extra)
_ONE_POLICY = sa.select(*_POLICY).where(_P.c.id == sa.bindparam("id"))
_CONSUMER = (_C.c.id, _C.c.description, _C.c.extra)
_ONE_CONSUMER = sa.select(*_CONSUMER).where(_C.c.id == sa.bindparam("id"))
_CONFIG = sa.select(_D.c.config).where(_D.c.domain == sa.bindparam("domain"))


def show_group(tx: Tx, id: str) -> EndpointGroup | None:
    return tx.first(EndpointGroup, _ONE_GROUP, {"id": id})


def groups(tx: Tx, wanted: Mapping[str, Any], page: Page) -> list[EndpointGroup]:
    return listed(tx, EndpointGroup, _GROUP, wanted, page)


def insert_group(tx: Tx, row: EndpointGroup) -> None:
    tx.run(_G.insert(), {column.name: getattr(row, column.name) for column in _GROUP})


def update_group(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_G.update().where(_G.c.id == id).values(**values))


def delete_group(tx: Tx, id: str) -> None:
    tx.run(_G.delete().where(_G.c.id == id))


def groups_of(tx: Tx, project: str) -> list[EndpointGroup]:
    return tx.all(EndpointGroup, _GROUPS_OF, {"project": project})


def projects_of_group(tx: Tx, group: str) -> list[str]:
    return [row[0] for row in tx.rows(_OF_GROUP, {"group": group})]


def add_group(tx: Tx, group: str, project: str) -> None:
    tx.run(_M.insert(), {"group": group, "project": project})


def remove_group(tx: Tx, group: str, project: str) -> bool:
    return tx.run(_M.delete().where(_M.c.group == group, _M.c.project == project)) > 0


def endpoints_of(tx: Tx, project: str) -> list[str]:
    """Those given to it one by one."""
    return [row[0] for row in tx.rows(_ENDPOINTS_OF, {"project": project})]


def projects_of_endpoint(tx: Tx, endpoint: str) -> list[str]:
    return [row[0] for row in tx.rows(_OF_ENDPOINT, {"endpoint": endpoint})]


def add_endpoint(tx: Tx, project: str, endpoint: str) -> None:
    tx.run(_E.insert(), {"project": project, "endpoint": endpoint})


def remove_endpoint(tx: Tx, project: str, endpoint: str) -> bool:
    return tx.run(_E.delete().where(_E.c.project == project, _E.c.endpoint == endpoint)) > 0


def forget_endpoints(tx: Tx, endpoints: Sequence[str]) -> None:
    """Endpoints that are gone."""
    if endpoints:
        tx.run(_E.delete().where(_E.c.endpoint.in_(list(endpoints))))


def forget(tx: Tx, project: str) -> None:
    """A project that is gone."""
    for table in (_M, _E):
        tx.run(table.delete().where(table.c.project == project))


def show_policy(tx: Tx, id: str) -> StoredPolicy | None:
    return tx.first(StoredPolicy, _ONE_POLICY, {"id": id})


def policies(tx: Tx, wanted: Mapping[str, Any], page: Page) -> list[StoredPolicy]:
    return listed(tx, StoredPolicy, _POLICY, wanted, page)


def insert_policy(tx: Tx, row: StoredPolicy) -> None:
    tx.run(_P.insert(), {column.name: getattr(row, column.name) for column in _POLICY})


def update_policy(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    tx.run(_P.update().where(_P.c.id == id).values(**values))


def delete_policy(tx: Tx, id: str) -> None:
    tx.run(_P.delete().where(_P.c.id == id))


def show_consumer(tx: Tx, id: str) -> Consumer | None:
    return tx.first(Consumer, _ONE_CONSUMER, {"id": id})


def consumers(tx: Tx, page: Page) -> list[Consumer]:
    return listed(tx, Consumer, _CONSUMER, {}, page)


def insert_consumer(tx: Tx, row: Consumer) -> None:
    tx.run(_C.insert(), {column.name: getattr(row, column.name) for column in _CONSUMER})


def update_consumer(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    tx.run(_C.update().where(_C.c.id == id).values(**values))


def delete_consumer(tx: Tx, id: str) -> None:
    tx.run(_C.delete().where(_C.c.id == id))


def show_config(tx: Tx, domain: str) -> dict[str, dict[str, Any]]:
    """Empty when there is none."""
    return tx.scalar(_CONFIG, {"domain": domain}) or {}


def put_config(tx: Tx, domain: str, config: Mapping[str, Any]) -> None:
    """Replaces it; an empty one is none."""
    tx.run(_D.delete().where(_D.c.domain == domain))
    if config:
        tx.run(_D.insert(), {"domain": domain, "config": config})
