"""Identity: keys that tokens are sealed with, what changed, and what was revoked. Tokens have rows no more."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("identity_token")
    _key()
    _change()
    _revoked()


def _key() -> None:
    op.create_table(
        "identity_key",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("primary_from", sa.BigInteger, nullable=True),
        sa.Column("ends", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_identity_key"),
        sa.CheckConstraint("ends IS NULL OR primary_from IS NOT NULL", name="ck_identity_key_cycle"),
    )


def _change() -> None:
    op.create_table(
        "identity_change",
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", "subject", name="pk_identity_change"),
    )


def _revoked() -> None:
    op.create_table(
        "identity_revoked",
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_identity_revoked"),
    )
    op.create_index("ix_identity_revoked_until", "identity_revoked", ["until"])
