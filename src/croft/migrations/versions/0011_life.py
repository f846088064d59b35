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
    _requests()
    _comments()
    _lives()
    _notices()


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


def _requests() -> None:
    op.create_table(
        "tenancy_request",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("user_name", sa.String(255), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("quota", sa.Text, nullable=False),
        sa.Column("co_owners", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.String(12), nullable=False),
        sa.Column("decided", sa.BigInteger, nullable=True),
        sa.Column("decider", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenancy_request"),
        sa.CheckConstraint("kind IN ('project', 'quota', 'extension')", name="ck_tenancy_request_kind"),
        sa.CheckConstraint("decision IN ('', 'approved', 'declined', 'withdrawn')", name="ck_tenancy_request_decision"),
    )
    op.create_index("ix_tenancy_request_user", "tenancy_request", ["user", "decision"])
    op.create_index("ix_tenancy_request_decision", "tenancy_request", ["decision", "id"])
    op.create_index("ix_tenancy_request_project", "tenancy_request", ["project"])


def _comments() -> None:
    op.create_table(
        "tenancy_comment",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("request", sa.String(36), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("user_name", sa.String(255), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenancy_comment"),
        sa.ForeignKeyConstraint(
            ["request"], ["tenancy_request.id"], name="fk_tenancy_comment_request", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_tenancy_comment_request", "tenancy_comment", ["request"])


def _lives() -> None:
    op.create_table(
        "tenancy_life",
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("gen", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=True),
        sa.Column("archived", sa.BigInteger, nullable=True),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("project", name="pk_tenancy_life"),
    )
    op.create_index("ix_tenancy_life_archived", "tenancy_life", ["archived"])


def _notices() -> None:
    op.create_table(
        "tenancy_notice",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenancy_notice"),
        sa.UniqueConstraint("project", "kind", "due", name="uq_tenancy_notice_project_kind_due"),
    )
