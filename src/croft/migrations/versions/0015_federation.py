"""Identity: what is written down about providers elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _providers()
    _mappings()
    _protocols()
    _service_providers()


def _providers() -> None:
    op.create_table(
        "identity_provider",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("remote_ids", sa.Text, nullable=False),
        sa.Column("authorization_ttl", sa.Integer, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identity_provider"),
    )


def _mappings() -> None:
    op.create_table(
        "identity_mapping",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("schema_version", sa.String(5), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_mapping"),
    )


def _protocols() -> None:
    op.create_table(
        "identity_protocol",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("mapping", sa.String(64), nullable=False),
        sa.Column("remote_id_attribute", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("provider", "id", name="pk_identity_protocol"),
        sa.ForeignKeyConstraint(
            ["provider"], ["identity_provider.id"], name="fk_identity_protocol_provider", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_identity_protocol_mapping", "identity_protocol", ["mapping"])


def _service_providers() -> None:
    op.create_table(
        "identity_service_provider",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("auth_url", sa.String(256), nullable=False),
        sa.Column("sp_url", sa.String(256), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("relay_state_prefix", sa.String(256), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_service_provider"),
    )
