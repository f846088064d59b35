"""Networks, subnets, ports, routers, floating IPs and security groups."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_LIVE = sa.text("deleted IS NULL")
_SEGMENT = sa.text("physnet <> '' AND segment IS NOT NULL")


def upgrade() -> None:
    _network()
    _security_group()
    _subnet_pool()
    _floating_ip()
    _port()
    _router()
    _security_rule()
    _subnet()
    _allocation()
    _port_group()


def _network() -> None:
    op.create_table(
        "network",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False, server_default=""),
        sa.Column("description", sa.String(255), nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("gen", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("seen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("deleted", sa.BigInteger, nullable=True),
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
        sa.PrimaryKeyConstraint("id", name="pk_network"),
        sa.CheckConstraint("mtu >= 68", name="ck_network_mtu"),
    )
    op.create_index("ix_network_project", "network", ["project"])
    op.create_index(
        "uq_network_segment",
        "network",
        ["physnet", "segment"],
        unique=True,
        sqlite_where=_SEGMENT,
        postgresql_where=_SEGMENT,
    )


def _security_group() -> None:
    op.create_table(
        "security_group",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False, server_default=""),
        sa.Column("description", sa.String(255), nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("gen", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("seen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("deleted", sa.BigInteger, nullable=True),
        sa.Column("default_of", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_security_group"),
    )
    op.create_index("ix_security_group_project", "security_group", ["project"])
    op.create_index(
        "uq_security_group_default_of",
        "security_group",
        ["default_of"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )


def _subnet_pool() -> None:
    op.create_table(
        "subnet_pool",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False, server_default=""),
        sa.Column("description", sa.String(255), nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("prefixes", sa.Text, nullable=False),
        sa.Column("least", sa.Integer, nullable=False),
        sa.Column("usual", sa.Integer, nullable=False),
        sa.Column("most", sa.Integer, nullable=False),
        sa.Column("quota", sa.BigInteger, nullable=True),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subnet_pool"),
        sa.CheckConstraint("least <= usual AND usual <= most", name="ck_subnet_pool_lengths"),
    )
    op.create_index("ix_subnet_pool_project", "subnet_pool", ["project"])


def _floating_ip() -> None:
    op.create_table(
        "floating_ip",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False, server_default=""),
        sa.Column("description", sa.String(255), nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("gen", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("seen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("deleted", sa.BigInteger, nullable=True),
        sa.Column("network", sa.String(36), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("mac", sa.String(17), nullable=False),
        sa.Column("router", sa.String(36), nullable=True),
        sa.Column("port", sa.String(36), nullable=True),
        sa.Column("fixed", sa.String(45), nullable=True),
        sa.Column("dns_name", sa.String(255), nullable=False),
        sa.Column("dns_domain", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_floating_ip"),
        sa.CheckConstraint(
            "(port IS NULL) = (fixed IS NULL) AND (port IS NULL) = (router IS NULL)", name="ck_floating_ip_association"
        ),
        sa.ForeignKeyConstraint(["network"], ["network.id"], name="fk_floating_ip_network"),
    )
    op.create_index("ix_floating_ip_network", "floating_ip", ["network"])
    op.create_index("ix_floating_ip_project", "floating_ip", ["project"])
    op.create_index("ix_floating_ip_router", "floating_ip", ["router"])
    op.create_index(
        "uq_floating_ip_fixed",
        "floating_ip",
        ["port", "fixed"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )


def _port() -> None:
    op.create_table(
        "port",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False, server_default=""),
        sa.Column("description", sa.String(255), nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("gen", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("seen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("deleted", sa.BigInteger, nullable=True),
        sa.Column("network", sa.String(36), nullable=False),
        sa.Column("admin_up", sa.Boolean, nullable=False),
        sa.Column("mac", sa.String(17), nullable=False),
        sa.Column("device", sa.String(255), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("security", sa.Boolean, nullable=False),
        sa.Column("dns_name", sa.String(255), nullable=False),
        sa.Column("pairs", sa.Text, nullable=False),
        sa.Column("vnic", sa.String(32), nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("plugged", sa.Boolean, nullable=False),
        sa.Column("nic_tag", sa.String(64), nullable=False),
        sa.Column("up", sa.Boolean, nullable=False),
        sa.Column("at", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_port"),
        sa.ForeignKeyConstraint(["network"], ["network.id"], name="fk_port_network"),
    )
    op.create_index("ix_port_device", "port", ["device"])
    op.create_index("ix_port_network", "port", ["network"])
    op.create_index("ix_port_project", "port", ["project"])
    op.create_index("uq_port_mac", "port", ["network", "mac"], unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)


def _router() -> None:
    op.create_table(
        "router",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False, server_default=""),
        sa.Column("description", sa.String(255), nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("gen", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("seen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("deleted", sa.BigInteger, nullable=True),
        sa.Column("admin_up", sa.Boolean, nullable=False),
        sa.Column("external", sa.String(36), nullable=True),
        sa.Column("snat", sa.Boolean, nullable=False),
        sa.Column("routes", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_router"),
        sa.ForeignKeyConstraint(["external"], ["network.id"], name="fk_router_external"),
    )
    op.create_index("ix_router_external", "router", ["external"])
    op.create_index("ix_router_project", "router", ["project"])


def _security_rule() -> None:
    op.create_table(
        "security_rule",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("description", sa.String(255), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("group_id", sa.String(36), nullable=False),
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("ethertype", sa.String(4), nullable=False),
        sa.Column("protocol", sa.String(40), nullable=True),
        sa.Column("port_min", sa.Integer, nullable=True),
        sa.Column("port_max", sa.Integer, nullable=True),
        sa.Column("remote_prefix", sa.String(64), nullable=True),
        sa.Column("remote_group", sa.String(36), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_security_rule"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["security_group.id"], name="fk_security_rule_group_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_security_rule_group_id", "security_rule", ["group_id"])
    op.create_index("ix_security_rule_project", "security_rule", ["project"])
    op.create_index("ix_security_rule_remote_group", "security_rule", ["remote_group"])


def _subnet() -> None:
    op.create_table(
        "subnet",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False, server_default=""),
        sa.Column("description", sa.String(255), nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("network", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("cidr", sa.String(64), nullable=False),
        sa.Column("first", sa.String(32), nullable=False),
        sa.Column("last", sa.String(32), nullable=False),
        sa.Column("gateway", sa.String(45), nullable=True),
        sa.Column("dhcp", sa.Boolean, nullable=False),
        sa.Column("pools", sa.Text, nullable=False),
        sa.Column("dns", sa.Text, nullable=False),
        sa.Column("routes", sa.Text, nullable=False),
        sa.Column("ra_mode", sa.String(20), nullable=False),
        sa.Column("address_mode", sa.String(20), nullable=False),
        sa.Column("pool", sa.String(36), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subnet"),
        sa.ForeignKeyConstraint(["network"], ["network.id"], name="fk_subnet_network", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["pool"], ["subnet_pool.id"], name="fk_subnet_pool"),
        sa.UniqueConstraint("network", "cidr", name="uq_subnet_network"),
    )
    op.create_index("ix_subnet_pool", "subnet", ["pool", "first"])
    op.create_index("ix_subnet_project", "subnet", ["project"])


def _allocation() -> None:
    op.create_table(
        "allocation",
        sa.Column("network", sa.String(36), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("subnet", sa.String(36), nullable=False),
        sa.Column("slot", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("network", "address", name="pk_allocation"),
        sa.ForeignKeyConstraint(["subnet"], ["subnet.id"], name="fk_allocation_subnet", ondelete="CASCADE"),
    )
    op.create_index("ix_allocation_holder", "allocation", ["holder"])
    op.create_index("ix_allocation_subnet", "allocation", ["subnet", "slot"])


def _port_group() -> None:
    op.create_table(
        "port_group",
        sa.Column("port", sa.String(36), nullable=False),
        sa.Column("group_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("port", "group_id", name="pk_port_group"),
        sa.ForeignKeyConstraint(["group_id"], ["security_group.id"], name="fk_port_group_group_id"),
        sa.ForeignKeyConstraint(["port"], ["port.id"], name="fk_port_group_port", ondelete="CASCADE"),
    )
    op.create_index("ix_port_group_group_id", "port_group", ["group_id"])
