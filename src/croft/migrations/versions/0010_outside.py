"""Identity: people who come from elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _outsiders()
    _groups()
    _journeys()


def _outsiders() -> None:
    op.create_table(
        "identity_outsider",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("gone", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("user", name="pk_identity_outsider"),
        sa.ForeignKeyConstraint(["user"], ["identity_user.id"], name="fk_identity_outsider_user", ondelete="CASCADE"),
        sa.CheckConstraint("kind IN ('directory', 'provider')", name="ck_identity_outsider_kind"),
    )


def _groups() -> None:
    op.create_table(
        "identity_outside_group",
        sa.Column("group", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("group", name="pk_identity_outside_group"),
        sa.ForeignKeyConstraint(
            ["group"], ["identity_group.id"], name="fk_identity_outside_group_group", ondelete="CASCADE"
        ),
    )


def _journeys() -> None:
    op.create_table(
        "identity_journey",
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(1024), nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("state", name="pk_identity_journey"),
    )
    op.create_index("ix_identity_journey_expires", "identity_journey", ["expires"])
