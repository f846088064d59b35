"""Identity's tables."""

from __future__ import annotations

import sqlalchemy as sa

from croft.core.db import Json, metadata

project = sa.Table(
    "identity_project",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("domain", sa.String(64), nullable=False),
    sa.Column("parent", sa.String(64), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("is_domain", sa.Boolean, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.Column("options", Json, nullable=False),
    sa.Column("extra", Json, nullable=False),
    sa.Column("deleted", sa.BigInteger, nullable=True),
    sa.Column("slug", sa.String(63), nullable=True),
    sa.Column("likeness", sa.String(64), nullable=True),
    sa.UniqueConstraint("domain", "name"),
    sa.Index("ix_identity_project_domain_likeness", "domain", "likeness"),
    sa.Index("ix_identity_project_parent", "parent"),
    sa.Index("uq_identity_project_slug", "slug", unique=True),
)
freed_name = sa.Table(
    "identity_freed_name",
    metadata,
    sa.Column("domain", sa.String(64), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("slug", sa.String(63), nullable=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("domain", "name"),
    sa.Index("ix_identity_freed_name_slug", "slug"),
)
user = sa.Table(
    "identity_user",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("domain", sa.String(64), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("default_project", sa.String(64), nullable=True),
    sa.Column("options", Json, nullable=False),
    sa.Column("extra", Json, nullable=False),
    sa.Column("password", sa.String(72), nullable=True),
    sa.Column("history", Json, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed_at", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("password_at", sa.BigInteger, nullable=True),
    sa.Column("password_own", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("password_expires", sa.BigInteger, nullable=True),
    sa.Column("active_at", sa.BigInteger, nullable=True),
    sa.Column("second_failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("second_at", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("likeness", sa.String(64), nullable=True),
    sa.UniqueConstraint("domain", "name"),
    sa.Index("ix_identity_user_domain_likeness", "domain", "likeness"),
    sa.Index("ix_identity_user_password_expires", "password_expires"),
)
group = sa.Table(
    "identity_group",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("domain", sa.String(64), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("likeness", sa.String(64), nullable=True),
    sa.Index("ix_identity_group_domain_likeness", "domain", "likeness"),
    sa.UniqueConstraint("domain", "name"),
)


def _owner(table: str, column: str = "user") -> sa.Column[str]:
    """Goes with its user (or group)."""
    return sa.Column(column, sa.String(64), sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False)


membership = sa.Table(
    "identity_membership",
    metadata,
    _owner("identity_user"),
    _owner("identity_group", "group"),
    sa.PrimaryKeyConstraint("user", "group"),
    sa.Index("ix_identity_membership_group", "group"),
)
role = sa.Table(
    "identity_role",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("domain", sa.String(64), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("options", Json, nullable=False),
    sa.UniqueConstraint("domain", "name"),
)
implied = sa.Table(
    "identity_implied_role",
    metadata,
    _owner("identity_role", "prior"),
    _owner("identity_role", "implied"),
    sa.PrimaryKeyConstraint("prior", "implied"),
    sa.Index("ix_identity_implied_role_implied", "implied"),
)
assignment = sa.Table(
    "identity_assignment",
    metadata,
    sa.Column("actor_type", sa.String(8), nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("target_type", sa.String(8), nullable=False),
    sa.Column("target", sa.String(64), nullable=False),
    _owner("identity_role", "role"),
    sa.Column("inherited", sa.Boolean, nullable=False),
    sa.PrimaryKeyConstraint("actor_type", "actor", "target_type", "target", "role", "inherited"),
    sa.CheckConstraint("actor_type IN ('user', 'group')", name="actor_type"),
    sa.CheckConstraint("target_type IN ('project', 'domain', 'system')", name="target_type"),
    sa.Index("ix_identity_assignment_target", "target"),
    sa.Index("ix_identity_assignment_role", "role"),
)
key = sa.Table(
    "identity_key",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("secret", sa.String(64), nullable=False),
    sa.Column("made", sa.BigInteger, nullable=False),
    sa.Column("primary_from", sa.BigInteger, nullable=True),
    sa.Column("ends", sa.BigInteger, nullable=True),
    sa.CheckConstraint("ends IS NULL OR primary_from IS NOT NULL", name="cycle"),
)
change = sa.Table(
    "identity_change",
    metadata,
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.PrimaryKeyConstraint("number", "subject"),
)
revoked = sa.Table(
    "identity_revoked",
    metadata,
    sa.Column("subject", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Index("ix_identity_revoked_until", "until"),
)
epoch = sa.Table(
    "identity_epoch",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="single"),
)
application_credential = sa.Table(
    "identity_application_credential",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    _owner("identity_user"),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("roles", Json, nullable=False),
    sa.Column("unrestricted", sa.Boolean, nullable=False),
    sa.Column("expires_micro", sa.BigInteger, nullable=True),
    sa.Column("access_rules", Json, nullable=True),
    sa.Column("secret", sa.String(72), nullable=False),
    sa.UniqueConstraint("user", "name"),
    sa.Index("ix_identity_application_credential_project", "project"),
)
access_rule = sa.Table(
    "identity_access_rule",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    _owner("identity_user"),
    sa.Column("service", sa.String(64), nullable=False),
    sa.Column("method", sa.String(16), nullable=False),
    sa.Column("path", sa.String(225), nullable=False),
    sa.UniqueConstraint("user", "service", "method", "path"),
)
trust = sa.Table(
    "identity_trust",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    _owner("identity_user", "trustor"),
    _owner("identity_user", "trustee"),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("impersonation", sa.Boolean, nullable=False),
    sa.Column("roles", Json, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=True),
    sa.Column("remaining_uses", sa.Integer, nullable=True),
    sa.Column("redelegations", sa.Integer, nullable=False, server_default="0"),
    sa.Column("parent", sa.String(64), nullable=True),
    sa.CheckConstraint("remaining_uses >= 0", name="remaining_uses"),
    sa.Index("ix_identity_trust_trustor", "trustor"),
    sa.Index("ix_identity_trust_trustee", "trustee"),
    sa.Index("ix_identity_trust_project", "project"),
    sa.Index("ix_identity_trust_parent", "parent"),
)
credential = sa.Table(
    "identity_credential",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    _owner("identity_user"),
    sa.Column("project", sa.String(64), nullable=True),
    sa.Column("type", sa.String(255), nullable=False),
    sa.Column("blob", sa.Text, nullable=False),
    sa.Column("maker", sa.String(64), nullable=False),
    sa.Column("sealed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("used", sa.BigInteger, nullable=True),
    sa.Index("ix_identity_credential_user", "user"),
    sa.Index("ix_identity_credential_project", "project"),
)
knock = sa.Table(
    "identity_knock",
    metadata,
    sa.Column("network", sa.String(64), primary_key=True),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Index("ix_identity_knock_since", "since"),
)
known_network = sa.Table(
    "identity_known_network",
    metadata,
    _owner("identity_user"),
    sa.Column("network", sa.String(64), nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("failed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("user", "network"),
)
region = sa.Table(
    "identity_region",
    metadata,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("parent", sa.String(255), nullable=True),
    sa.Column("description", sa.Text, nullable=False),
)
service = sa.Table(
    "identity_service",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("type", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
)
endpoint = sa.Table(
    "identity_endpoint",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("service", sa.String(64), nullable=False),
    sa.Column("interface", sa.String(8), nullable=False),
    sa.Column("region", sa.String(255), nullable=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("name", sa.String(255), nullable=True),
    sa.Column("description", sa.Text, nullable=True),
    sa.Index("ix_identity_endpoint_service", "service"),
    sa.CheckConstraint("interface IN ('public', 'internal', 'admin')", name="interface"),
)
identity_provider = sa.Table(
    "identity_provider",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("domain", sa.String(64), nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("remote_ids", Json, nullable=False),
    sa.Column("authorization_ttl", sa.Integer, nullable=True),
)
mapping = sa.Table(
    "identity_mapping",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("rules", Json, nullable=False),
    sa.Column("schema_version", sa.String(5), nullable=False),
)
protocol = sa.Table(
    "identity_protocol",
    metadata,
    sa.Column("id", sa.String(64), nullable=False),
    _owner("identity_provider", "provider"),
    sa.Column("mapping", sa.String(64), nullable=False),
    sa.Column("remote_id_attribute", sa.String(64), nullable=True),
    sa.PrimaryKeyConstraint("provider", "id"),
    sa.Index("ix_identity_protocol_mapping", "mapping"),
)
service_provider = sa.Table(
    "identity_service_provider",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("auth_url", sa.String(256), nullable=False),
    sa.Column("sp_url", sa.String(256), nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("relay_state_prefix", sa.String(256), nullable=False),
)
outsider = sa.Table(
    "identity_outsider",
    metadata,
    sa.Column("user", sa.String(64), sa.ForeignKey("identity_user.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(255), nullable=False),
    sa.Column("gone", sa.BigInteger, nullable=True),
    sa.CheckConstraint("kind IN ('directory', 'provider')", name="kind"),
)
journey = sa.Table(
    "identity_journey",
    metadata,
    sa.Column("state", sa.String(64), primary_key=True),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("origin", sa.String(1024), nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Index("ix_identity_journey_expires", "expires"),
)
outside_group = sa.Table(
    "identity_outside_group",
    metadata,
    sa.Column("group", sa.String(64), sa.ForeignKey("identity_group.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("subject", sa.String(255), nullable=False),
)
