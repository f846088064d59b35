"""Identity: unified limits, endpoint filtering, and what is only kept: policies, consumers, domains' configuration."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _registered_limit()
    _limit()
    _endpoint_group()
    _endpoint_group_project()
    _project_endpoint()
    _policy()
    _consumer()
    _domain_config()
    _trust()


def _registered_limit() -> None:
    op.create_table(
        "identity_registered_limit",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("region", sa.String(255), nullable=False),
        sa.Column("resource", sa.String(255), nullable=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identity_registered_limit"),
        sa.UniqueConstraint(
            "service", "region", "resource", name="uq_identity_registered_limit_service_region_resource"
        ),
    )


def _limit() -> None:
    op.create_table(
        "identity_limit",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("target", sa.String(64), nullable=False),
        sa.Column("is_domain", sa.Boolean, nullable=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("registered", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_limit"),
        sa.UniqueConstraint("registered", "target", name="uq_identity_limit_registered_target"),
        sa.ForeignKeyConstraint(["registered"], ["identity_registered_limit.id"], name="fk_identity_limit_registered"),
    )
    op.create_index("ix_identity_limit_target", "identity_limit", ["target"])


def _endpoint_group() -> None:
    op.create_table(
        "identity_endpoint_group",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("filters", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_endpoint_group"),
    )


def _endpoint_group_project() -> None:
    op.create_table(
        "identity_endpoint_group_project",
        sa.Column("group", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("group", "project", name="pk_identity_endpoint_group_project"),
        sa.ForeignKeyConstraint(
            ["group"],
            ["identity_endpoint_group.id"],
            name="fk_identity_endpoint_group_project_group",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_identity_endpoint_group_project_project", "identity_endpoint_group_project", ["project"])


def _project_endpoint() -> None:
    op.create_table(
        "identity_project_endpoint",
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("endpoint", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("project", "endpoint", name="pk_identity_project_endpoint"),
    )
    op.create_index("ix_identity_project_endpoint_endpoint", "identity_project_endpoint", ["endpoint"])


def _policy() -> None:
    op.create_table(
        "identity_policy",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("blob", sa.Text, nullable=False),
        sa.Column("extra", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_policy"),
    )


def _consumer() -> None:
    op.create_table(
        "identity_consumer",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("extra", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_consumer"),
    )


def _domain_config() -> None:
    op.create_table(
        "identity_domain_config",
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("domain", name="pk_identity_domain_config"),
        sa.ForeignKeyConstraint(
            ["domain"], ["identity_project.id"], name="fk_identity_domain_config_domain", ondelete="CASCADE"
        ),
    )


def _trust() -> None:
    """Trusts made by trusts."""
    op.add_column("identity_trust", sa.Column("redelegations", sa.Integer, nullable=False, server_default="0"))
    op.add_column("identity_trust", sa.Column("parent", sa.String(64), nullable=True))
    op.create_index("ix_identity_trust_parent", "identity_trust", ["parent"])
