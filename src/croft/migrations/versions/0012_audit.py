"""The audit: from where, by what, refused or done; from here on lines are added, counted and, once old, dropped."""

import sqlalchemy as sa
from alembic import op

from croft.core.db import spoken

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

FIXED = (
    *("id", "at", "request", "user", "project", "action", "target", "name", "user_name", "credential", "trust"),
    *("trustor", "impersonator", "client", "agent", "path", "outcome", "status", "why"),
)
CHANGED = " OR ".join(f'NEW."{name}" <> OLD."{name}"' for name in FIXED)
RECENT = "OLD.at >= COALESCE((SELECT kept_from FROM audit_horizon WHERE id = 1), 0)"
NO = "the audit is append-only"

SQLITE = (
    f"CREATE TRIGGER audit_kept BEFORE UPDATE ON audit WHEN {CHANGED} OR NEW.times <= OLD.times "
    f"BEGIN SELECT RAISE(ABORT, '{NO}'); END",
    f"CREATE TRIGGER audit_held BEFORE DELETE ON audit WHEN {RECENT} BEGIN SELECT RAISE(ABORT, '{NO}'); END",
    "CREATE TRIGGER audit_onward BEFORE UPDATE ON audit_horizon WHEN NEW.kept_from < OLD.kept_from "
    f"BEGIN SELECT RAISE(ABORT, '{NO}'); END",
)
POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{NO}' USING ERRCODE = 'insufficient_privilege'; END $$",
    "CREATE OR REPLACE FUNCTION audit_hold() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN IF {RECENT} THEN RAISE EXCEPTION '{NO}' USING ERRCODE = 'insufficient_privilege'; END IF; "
    "RETURN OLD; END $$",
    f"CREATE TRIGGER audit_kept BEFORE UPDATE ON audit FOR EACH ROW WHEN ({CHANGED} OR NEW.times <= OLD.times) "
    "EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_held BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_hold()",
    "CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_onward BEFORE UPDATE ON audit_horizon FOR EACH ROW WHEN (NEW.kept_from < OLD.kept_from) "
    "EXECUTE FUNCTION audit_refuse()",
)


def upgrade() -> None:
    texts = {
        "user_name": 255,
        "credential": 64,
        "trust": 64,
        "trustor": 64,
        "impersonator": 64,
        "client": 64,
        "agent": 200,
        "path": 255,
        "outcome": 8,
        "why": 500,
    }
    for name, length in texts.items():
        default = "done" if name == "outcome" else ""
        op.add_column("audit", sa.Column(name, sa.String(length), nullable=False, server_default=default))
        if name == "outcome":
            op.add_column("audit", sa.Column("status", sa.Integer, nullable=False, server_default="0"))
    op.add_column("audit", sa.Column("times", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "audit_horizon",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("kept_from", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_horizon"),
    )
    for statement in spoken(op.get_bind(), SQLITE, POSTGRESQL):
        op.execute(statement)
