"""Tenancy: slugs, requests, starters, expiry."""

import sqlalchemy as sa
from alembic import op

from croft.services.identity.model.slugs import stem, wishes

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identity_project", sa.Column("slug", sa.String(63), nullable=True))
    _give_slugs(op.get_bind())
    op.create_index("uq_identity_project_slug", "identity_project", ["slug"], unique=True)
    _freed_names()
    _starters()


def _give_slugs(conn: sa.Connection) -> None:
    """Older projects first: they get the plain ones."""
    project = sa.table("identity_project", *map(sa.column, ("id", "name", "is_domain", "deleted", "slug")))
    own = sa.select(project.c.id, project.c.name).where(project.c.is_domain.is_(sa.false())).order_by(project.c.id)
    taken: set[str] = set()
    for id, name in conn.execute(own).all():
        slug = next(each for many in wishes(stem(name)) for each in many if each not in taken)
        taken.add(slug)
        conn.execute(sa.update(project).where(project.c.id == id).values(slug=slug))


def _freed_names() -> None:
    op.create_table(
        "identity_freed_name",
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("slug", sa.String(63), nullable=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("domain", "name", name="pk_identity_freed_name"),
    )
    op.create_index("ix_identity_freed_name_slug", "identity_freed_name", ["slug"])


def _starters() -> None:
    op.create_table(
        "network_starter",
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("gen", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("project", name="pk_network_starter"),
    )
