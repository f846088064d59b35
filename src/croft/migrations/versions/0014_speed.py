"""Indexes: the newest servers of a project in order, so that a page reads no more rows than it shows."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_compute_server_project_created_id", "compute_server", ["project", "created", "id"])
    op.drop_index("ix_compute_server_project_id", "compute_server")
