"""Tenancy's tables."""

from __future__ import annotations

import sqlalchemy as sa

from croft.core.db import Json, metadata

request = sa.Table(
    "tenancy_request",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("user", sa.String(64), nullable=False),
    sa.Column("user_name", sa.String(255), nullable=False),
    sa.Column("domain", sa.String(64), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("quota", Json, nullable=False),
    sa.Column("co_owners", Json, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("decision", sa.String(12), nullable=False),
    sa.Column("decided", sa.BigInteger, nullable=True),
    sa.Column("decider", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.CheckConstraint("kind IN ('project', 'quota', 'extension')", name="kind"),
    sa.CheckConstraint("decision IN ('', 'approved', 'declined', 'withdrawn')", name="decision"),
    sa.Index("ix_tenancy_request_user", "user", "decision"),
    sa.Index("ix_tenancy_request_decision", "decision", "id"),
    sa.Index("ix_tenancy_request_project", "project"),
)
comment = sa.Table(
    "tenancy_comment",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("request", sa.String(36), sa.ForeignKey("tenancy_request.id", ondelete="CASCADE"), nullable=False),
    sa.Column("user", sa.String(64), nullable=False),
    sa.Column("user_name", sa.String(255), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Index("ix_tenancy_comment_request", "request"),
)
life = sa.Table(
    "tenancy_life",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("gen", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=True),
    sa.Column("archived", sa.BigInteger, nullable=True),
    sa.Column("why", sa.Text, nullable=False),
    sa.Index("ix_tenancy_life_archived", "archived"),
)
notice = sa.Table(
    "tenancy_notice",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("due", sa.BigInteger, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("project", "kind", "due"),
)
