"""The tables of the network service. Rows asked to be deleted keep what they hold until the fabric let go of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from croft.core import db
from croft.core.db import metadata

Table = sa.Table
_LIVE = sa.text("deleted IS NULL")


class Json(db.Json):
    """The same, decoded without detours: lists of ports have thousands of these."""

    cache_ok = True

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Any]:
        return _decoded


def _decoded(value: str | None) -> Any:
    return None if value is None else _decode(value)


_decode = msgspec.json.Decoder().decode


def _standard() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False, server_default=""),
        sa.Column("description", sa.String(255), nullable=False, server_default=""),
        sa.Column("tags", Json, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
    ]


def _intent() -> list[sa.Column[object]]:
    return [
        sa.Column("gen", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("seen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("deleted", sa.BigInteger, nullable=True),
    ]


network = sa.Table(
    "network",
    metadata,
    *_standard(),
    *_intent(),
    sa.Column("admin_up", sa.Boolean, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("external", sa.Boolean, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("auto", sa.Boolean, nullable=False),
    sa.Column("port_security", sa.Boolean, nullable=False),
    sa.Column("mtu", sa.Integer, nullable=False),
    sa.Column("dns_domain", sa.String(255), nullable=False),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("physnet", sa.String(64), nullable=False),
    sa.Column("segment", sa.Integer, nullable=True),
    sa.CheckConstraint("mtu >= 68", name="mtu"),
    sa.Index("ix_network_project", "project"),
    sa.Index(
        "uq_network_segment",
        "physnet",
        "segment",
        unique=True,
        sqlite_where=sa.text("physnet <> '' AND segment IS NOT NULL"),
        postgresql_where=sa.text("physnet <> '' AND segment IS NOT NULL"),
    ),
)

subnet_pool = sa.Table(
    "subnet_pool",
    metadata,
    *_standard(),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("prefixes", Json, nullable=False),
    sa.Column("least", sa.Integer, nullable=False),
    sa.Column("usual", sa.Integer, nullable=False),
    sa.Column("most", sa.Integer, nullable=False),
    sa.Column("quota", sa.BigInteger, nullable=True),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.CheckConstraint("least <= usual AND usual <= most", name="lengths"),
    sa.Index("ix_subnet_pool_project", "project"),
)

subnet = sa.Table(
    "subnet",
    metadata,
    *_standard(),
    sa.Column("network", sa.String(36), sa.ForeignKey("network.id", ondelete="CASCADE"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("cidr", sa.String(64), nullable=False),
    sa.Column("first", sa.String(32), nullable=False),
    sa.Column("last", sa.String(32), nullable=False),
    sa.Column("gateway", sa.String(45), nullable=True),
    sa.Column("dhcp", sa.Boolean, nullable=False),
    sa.Column("pools", Json, nullable=False),
    sa.Column("dns", Json, nullable=False),
    sa.Column("routes", Json, nullable=False),
    sa.Column("ra_mode", sa.String(20), nullable=False),
    sa.Column("address_mode", sa.String(20), nullable=False),
    sa.Column("pool", sa.String(36), sa.ForeignKey("subnet_pool.id"), nullable=True),
    sa.UniqueConstraint("network", "cidr", name="uq_subnet_network"),
    sa.Index("ix_subnet_project", "project"),
    sa.Index("ix_subnet_pool", "pool", "first"),
)

port = sa.Table(
    "port",
    metadata,
    *_standard(),
    *_intent(),
    sa.Column("network", sa.String(36), sa.ForeignKey("network.id"), nullable=False),
    sa.Column("admin_up", sa.Boolean, nullable=False),
    sa.Column("mac", sa.String(17), nullable=False),
    sa.Column("device", sa.String(255), nullable=False),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("security", sa.Boolean, nullable=False),
    sa.Column("dns_name", sa.String(255), nullable=False),
    sa.Column("pairs", Json, nullable=False),
    sa.Column("vnic", sa.String(32), nullable=False),
    sa.Column("profile", Json, nullable=False),
    sa.Column("plugged", sa.Boolean, nullable=False),
    sa.Column("nic_tag", sa.String(64), nullable=False),
    sa.Column("up", sa.Boolean, nullable=False),
    sa.Column("at", sa.String(255), nullable=False),
    sa.Index("ix_port_project", "project"),
    sa.Index("ix_port_network", "network"),
    sa.Index("ix_port_device", "device"),
    sa.Index("uq_port_mac", "network", "mac", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)

allocation = sa.Table(
    "allocation",
    metadata,
    sa.Column("network", sa.String(36), primary_key=True),
    sa.Column("address", sa.String(45), primary_key=True),
    sa.Column("subnet", sa.String(36), sa.ForeignKey("subnet.id", ondelete="CASCADE"), nullable=False),
    sa.Column("slot", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.String(36), nullable=False),
    sa.Index("ix_allocation_subnet", "subnet", "slot"),
    sa.Index("ix_allocation_holder", "holder"),
)

security_group = sa.Table(
    "security_group",
    metadata,
    *_standard(),
    *_intent(),
    sa.Column("default_of", sa.String(64), nullable=True),
    sa.Index("ix_security_group_project", "project"),
    sa.Index("uq_security_group_default_of", "default_of", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)

security_rule = sa.Table(
    "security_rule",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("description", sa.String(255), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("group_id", sa.String(36), sa.ForeignKey("security_group.id", ondelete="CASCADE"), nullable=False),
    sa.Column("direction", sa.String(8), nullable=False),
    sa.Column("ethertype", sa.String(4), nullable=False),
    sa.Column("protocol", sa.String(40), nullable=True),
    sa.Column("port_min", sa.Integer, nullable=True),
    sa.Column("port_max", sa.Integer, nullable=True),
    sa.Column("remote_prefix", sa.String(64), nullable=True),
    sa.Column("remote_group", sa.String(36), nullable=True),
    sa.Index("ix_security_rule_group_id", "group_id"),
    sa.Index("ix_security_rule_remote_group", "remote_group"),
    sa.Index("ix_security_rule_project", "project"),
)

port_group = sa.Table(
    "port_group",
    metadata,
    sa.Column("port", sa.String(36), sa.ForeignKey("port.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("group_id", sa.String(36), sa.ForeignKey("security_group.id"), primary_key=True),
    sa.Index("ix_port_group_group_id", "group_id"),
)

router = sa.Table(
    "router",
    metadata,
    *_standard(),
    *_intent(),
    sa.Column("admin_up", sa.Boolean, nullable=False),
    sa.Column("external", sa.String(36), sa.ForeignKey("network.id"), nullable=True),
    sa.Column("snat", sa.Boolean, nullable=False),
    sa.Column("routes", Json, nullable=False),
    sa.Index("ix_router_project", "project"),
    sa.Index("ix_router_external", "external"),
)

floating_ip = sa.Table(
    "floating_ip",
    metadata,
    *_standard(),
    *_intent(),
    sa.Column("network", sa.String(36), sa.ForeignKey("network.id"), nullable=False),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("mac", sa.String(17), nullable=False),
    sa.Column("router", sa.String(36), nullable=True),
    sa.Column("port", sa.String(36), nullable=True),
    sa.Column("fixed", sa.String(45), nullable=True),
    sa.Column("dns_name", sa.String(255), nullable=False),
    sa.Column("dns_domain", sa.String(255), nullable=False),
    sa.CheckConstraint("(port IS NULL) = (fixed IS NULL) AND (port IS NULL) = (router IS NULL)", name="association"),
    sa.Index("ix_floating_ip_project", "project"),
    sa.Index("ix_floating_ip_network", "network"),
    sa.Index("ix_floating_ip_router", "router"),
    sa.Index("uq_floating_ip_fixed", "port", "fixed", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)

starter = sa.Table(
    "network_starter",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("gen", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
)

QUOTA_NAMES = {
    "network": "network",
    "subnet": "subnet",
    "subnet_pool": "subnetpool",
    "port": "port",
    "router": "router",
    "floating_ip": "floatingip",
    "security_group": "security_group",
    "security_rule": "security_group_rule",
}
"""Neutron's resource name of each table that a quota counts."""
COUNTED = {QUOTA_NAMES[table.name]: table for table in metadata.tables.values() if table.name in QUOTA_NAMES}
