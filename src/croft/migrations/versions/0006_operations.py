"""Operations: what engines hold and no row accounts for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operations_orphan",
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("reported", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("engine", "name", name="pk_operations_orphan"),
    )
