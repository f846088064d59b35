"""Compute: flavors, key pairs, hosts, servers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _flavors()
    _keypairs_and_hosts()
    _servers()


def _flavors() -> None:
    op.create_table(
        "compute_flavor",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("vcpus", sa.Integer, nullable=False),
        sa.Column("memory_mib", sa.Integer, nullable=False),
        sa.Column("disk_gib", sa.Integer, nullable=False),
        sa.Column("ephemeral_gib", sa.Integer, nullable=False),
        sa.Column("swap_mib", sa.Integer, nullable=False),
        sa.Column("rxtx_factor", sa.String(40), nullable=False),
        sa.Column("is_public", sa.Boolean, nullable=False),
        sa.Column("extra_specs", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_compute_flavor"),
        sa.UniqueConstraint("name", name="uq_compute_flavor_name"),
        sa.CheckConstraint("vcpus > 0 AND memory_mib > 0 AND disk_gib >= 0", name="ck_compute_flavor_sizes"),
    )
    op.create_table(
        "compute_flavor_access",
        sa.Column("flavor", sa.String(255), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("flavor", "project", name="pk_compute_flavor_access"),
        sa.ForeignKeyConstraint(
            ["flavor"], ["compute_flavor.id"], name="fk_compute_flavor_access_flavor", ondelete="CASCADE"
        ),
    )


def _keypairs_and_hosts() -> None:
    op.create_table(
        "compute_keypair",
        sa.Column("number", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(8), nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(255), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_compute_keypair"),
        sa.UniqueConstraint("user", "name", name="uq_compute_keypair_user_name"),
    )
    op.create_table(
        "compute_host",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("disabled_reason", sa.String(255), nullable=True),
        sa.Column("forced_down", sa.Boolean, nullable=False),
        sa.Column("vcpus", sa.Integer, nullable=False),
        sa.Column("memory_mib", sa.Integer, nullable=False),
        sa.Column("disk_gib", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_compute_host"),
        sa.UniqueConstraint("name", name="uq_compute_host_name"),
        sa.UniqueConstraint("number", name="uq_compute_host_number"),
    )


def _servers() -> None:
    op.create_table(
        "compute_server",
        *_identity(),
        *_wishes(),
        *_facts(),
        sa.PrimaryKeyConstraint("id", name="pk_compute_server"),
        sa.CheckConstraint("power IN ('running', 'off')", name="ck_compute_server_power"),
        sa.CheckConstraint("seen <= gen", name="ck_compute_server_seen"),
    )
    op.create_index("ix_compute_server_project_id", "compute_server", ["project", "id"])
    op.create_index("ix_compute_server_load", "compute_server", ["host", "vcpus", "memory_mib", "disk_gib"])


def _identity() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("hostname", sa.String(63), nullable=False),
        sa.Column("description", sa.String(255), nullable=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("gen", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.BigInteger, nullable=True),
    ]


def _wishes() -> list[sa.Column[object]]:
    return [
        sa.Column("image", sa.String(36), nullable=False),
        sa.Column("image_format", sa.String(16), nullable=False),
        sa.Column("image_bytes", sa.BigInteger, nullable=False),
        sa.Column("flavor", sa.String(255), nullable=False),
        sa.Column("flavor_name", sa.String(255), nullable=False),
        sa.Column("vcpus", sa.Integer, nullable=False),
        sa.Column("memory_mib", sa.Integer, nullable=False),
        sa.Column("disk_gib", sa.Integer, nullable=False),
        sa.Column("ephemeral_gib", sa.Integer, nullable=False),
        sa.Column("swap_mib", sa.Integer, nullable=False),
        sa.Column("extra_specs", sa.Text, nullable=False),
        sa.Column("key_name", sa.String(255), nullable=True),
        sa.Column("key_type", sa.String(8), nullable=False),
        sa.Column("key_data", sa.Text, nullable=True),
        sa.Column("user_data", sa.Text, nullable=True),
        sa.Column("config_drive", sa.Boolean, nullable=False),
        sa.Column("zone", sa.String(255), nullable=False),
        sa.Column("wished_host", sa.String(64), nullable=False),
        sa.Column("access_ipv4", sa.String(15), nullable=False),
        sa.Column("access_ipv6", sa.String(45), nullable=False),
        sa.Column("disk_config", sa.String(6), nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("root_tag", sa.String(60), nullable=False),
        sa.Column("locked", sa.String(8), nullable=False),
        sa.Column("locked_reason", sa.String(255), nullable=True),
        sa.Column("reservation", sa.String(12), nullable=False),
        sa.Column("launch_index", sa.Integer, nullable=False),
        sa.Column("power", sa.String(8), nullable=False),
        sa.Column("boot", sa.Integer, nullable=False),
        sa.Column("gentle", sa.BigInteger, nullable=True),
        sa.Column("disk", sa.Integer, nullable=False),
        sa.Column("resize", sa.String(12), nullable=False),
        sa.Column("former", sa.Text, nullable=True),
    ]


def _facts() -> list[sa.Column[object]]:
    return [
        sa.Column("host", sa.String(64), nullable=False),
        sa.Column("seen_power", sa.String(8), nullable=False),
        sa.Column("booted", sa.Integer, nullable=False),
        sa.Column("seen_disk", sa.Integer, nullable=False),
        sa.Column("launched", sa.BigInteger, nullable=True),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("crashes", sa.Integer, nullable=False),
    ]
