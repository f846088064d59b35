"""Identity: second factors, ages of passwords, who knocks too often."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _passwords()
    _credentials()
    _knocks()
    _known_networks()


def _passwords() -> None:
    """Inactivity of the users there are counts from now; how old their passwords are is not known."""
    for column in (
        sa.Column("password_at", sa.BigInteger, nullable=True),
        sa.Column("password_own", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("password_expires", sa.BigInteger, nullable=True),
        sa.Column("active_at", sa.BigInteger, nullable=True),
        sa.Column("second_failed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("second_at", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("identity_user", column)
    op.create_index("ix_identity_user_password_expires", "identity_user", ["password_expires"])
    user = sa.table("identity_user", sa.column("active_at"))
    op.execute(sa.update(user).values(active_at=int(time.time())))


def _credentials() -> None:
    sealed = sa.Column("sealed", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("identity_credential", sealed)
    op.add_column("identity_credential", sa.Column("used", sa.BigInteger, nullable=True))


def _knocks() -> None:
    op.create_table(
        "identity_knock",
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("network", name="pk_identity_knock"),
    )
    op.create_index("ix_identity_knock_since", "identity_knock", ["since"])


def _known_networks() -> None:
    op.create_table(
        "identity_known_network",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("failed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user", "network", name="pk_identity_known_network"),
        sa.ForeignKeyConstraint(
            ["user"], ["identity_user.id"], name="fk_identity_known_network_user", ondelete="CASCADE"
        ),
    )
