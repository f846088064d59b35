"""Identity: names that read the same."""

import sqlalchemy as sa
from alembic import op

from croft.services.identity.model.likeness import likeness

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("identity_project", "identity_user", "identity_group"):
        op.add_column(name, sa.Column("likeness", sa.String(64), nullable=True))
        _fill(op.get_bind(), name)
        op.create_index(f"ix_{name}_domain_likeness", name, ["domain", "likeness"])


def _fill(conn: sa.Connection, name: str) -> None:
    """Names alike that are there already stay as they are."""
    table = sa.table(name, *map(sa.column, ("id", "name", "likeness")))
    for row in conn.execute(sa.select(table.c.id, table.c.name)).all():
        conn.execute(sa.update(table).where(table.c.id == row.id).values(likeness=likeness(row.name)))
