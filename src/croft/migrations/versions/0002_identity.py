"""Identity: projects, people, roles, tokens, credentials, the catalog."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _places()
    _people()
    _roles()
    _tokens()
    _delegation()
    _catalog()


def _places() -> None:
    op.create_table(
        "identity_project",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("parent", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("is_domain", sa.Boolean, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("extra", sa.Text, nullable=False),
        sa.Column("deleted", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identity_project"),
        sa.UniqueConstraint("domain", "name", name="uq_identity_project_domain_name"),
    )
    op.create_index("ix_identity_project_parent", "identity_project", ["parent"])


def _people() -> None:
    op.create_table(
        "identity_group",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identity_group"),
        sa.UniqueConstraint("domain", "name", name="uq_identity_group_domain_name"),
    )
    op.create_table(
        "identity_user",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("default_project", sa.String(64), nullable=True),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("extra", sa.Text, nullable=False),
        sa.Column("password", sa.String(72), nullable=True),
        sa.Column("history", sa.Text, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("failed_at", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_identity_user"),
        sa.UniqueConstraint("domain", "name", name="uq_identity_user_domain_name"),
    )
    op.create_table(
        "identity_membership",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("group", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("user", "group", name="pk_identity_membership"),
        sa.ForeignKeyConstraint(
            ["group"], ["identity_group.id"], name="fk_identity_membership_group", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user"], ["identity_user.id"], name="fk_identity_membership_user", ondelete="CASCADE"),
    )
    op.create_index("ix_identity_membership_group", "identity_membership", ["group"])


def _roles() -> None:
    op.create_table(
        "identity_role",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("options", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_role"),
        sa.UniqueConstraint("domain", "name", name="uq_identity_role_domain_name"),
    )
    op.create_table(
        "identity_assignment",
        sa.Column("actor_type", sa.String(8), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("target_type", sa.String(8), nullable=False),
        sa.Column("target", sa.String(64), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("inherited", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint(
            "actor_type", "actor", "target_type", "target", "role", "inherited", name="pk_identity_assignment"
        ),
        sa.CheckConstraint("actor_type IN ('user', 'group')", name="ck_identity_assignment_actor_type"),
        sa.CheckConstraint("target_type IN ('project', 'domain', 'system')", name="ck_identity_assignment_target_type"),
        sa.ForeignKeyConstraint(["role"], ["identity_role.id"], name="fk_identity_assignment_role", ondelete="CASCADE"),
    )
    op.create_index("ix_identity_assignment_role", "identity_assignment", ["role"])
    op.create_index("ix_identity_assignment_target", "identity_assignment", ["target"])
    op.create_table(
        "identity_implied_role",
        sa.Column("prior", sa.String(64), nullable=False),
        sa.Column("implied", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("prior", "implied", name="pk_identity_implied_role"),
        sa.ForeignKeyConstraint(
            ["implied"], ["identity_role.id"], name="fk_identity_implied_role_implied", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["prior"], ["identity_role.id"], name="fk_identity_implied_role_prior", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_identity_implied_role_implied", "identity_implied_role", ["implied"])


def _tokens() -> None:
    op.create_table(
        "identity_epoch",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_epoch"),
        sa.CheckConstraint("id = 1", name="ck_identity_epoch_single"),
    )
    op.create_table(
        "identity_token",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("methods", sa.Text, nullable=False),
        sa.Column("audit", sa.Text, nullable=False),
        sa.Column("scope_type", sa.String(8), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("issued", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("application_credential", sa.String(64), nullable=True),
        sa.Column("trust", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_identity_token"),
        sa.ForeignKeyConstraint(["user"], ["identity_user.id"], name="fk_identity_token_user", ondelete="CASCADE"),
    )
    op.create_index("ix_identity_token_expires", "identity_token", ["expires"])
    op.create_index("ix_identity_token_user", "identity_token", ["user"])


def _delegation() -> None:
    _identity_access_rule()
    _identity_application_credential()
    _identity_credential()
    _identity_trust()


def _identity_access_rule() -> None:
    op.create_table(
        "identity_access_rule",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("path", sa.String(225), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_access_rule"),
        sa.ForeignKeyConstraint(
            ["user"], ["identity_user.id"], name="fk_identity_access_rule_user", ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "user", "service", "method", "path", name="uq_identity_access_rule_user_service_method_path"
        ),
    )


def _identity_application_credential() -> None:
    op.create_table(
        "identity_application_credential",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("unrestricted", sa.Boolean, nullable=False),
        sa.Column("expires_micro", sa.BigInteger, nullable=True),
        sa.Column("access_rules", sa.Text, nullable=True),
        sa.Column("secret", sa.String(72), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_application_credential"),
        sa.ForeignKeyConstraint(
            ["user"], ["identity_user.id"], name="fk_identity_application_credential_user", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("user", "name", name="uq_identity_application_credential_user_name"),
    )
    op.create_index("ix_identity_application_credential_project", "identity_application_credential", ["project"])


def _identity_credential() -> None:
    op.create_table(
        "identity_credential",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=True),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("blob", sa.Text, nullable=False),
        sa.Column("maker", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_credential"),
        sa.ForeignKeyConstraint(["user"], ["identity_user.id"], name="fk_identity_credential_user", ondelete="CASCADE"),
    )
    op.create_index("ix_identity_credential_project", "identity_credential", ["project"])
    op.create_index("ix_identity_credential_user", "identity_credential", ["user"])


def _identity_trust() -> None:
    op.create_table(
        "identity_trust",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("trustor", sa.String(64), nullable=False),
        sa.Column("trustee", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("impersonation", sa.Boolean, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=True),
        sa.Column("remaining_uses", sa.Integer, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identity_trust"),
        sa.CheckConstraint("remaining_uses >= 0", name="ck_identity_trust_remaining_uses"),
        sa.ForeignKeyConstraint(
            ["trustee"], ["identity_user.id"], name="fk_identity_trust_trustee", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["trustor"], ["identity_user.id"], name="fk_identity_trust_trustor", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_identity_trust_project", "identity_trust", ["project"])
    op.create_index("ix_identity_trust_trustee", "identity_trust", ["trustee"])
    op.create_index("ix_identity_trust_trustor", "identity_trust", ["trustor"])


def _catalog() -> None:
    op.create_table(
        "identity_endpoint",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("interface", sa.String(8), nullable=False),
        sa.Column("region", sa.String(255), nullable=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("name", sa.String(255), nullable=True),
        sa.Column("description", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identity_endpoint"),
        sa.CheckConstraint("interface IN ('public', 'internal', 'admin')", name="ck_identity_endpoint_interface"),
    )
    op.create_index("ix_identity_endpoint_service", "identity_endpoint", ["service"])
    op.create_table(
        "identity_region",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("parent", sa.String(255), nullable=True),
        sa.Column("description", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_region"),
    )
    op.create_table(
        "identity_service",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_service"),
    )
