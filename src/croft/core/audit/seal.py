"""What makes the record append-only in the database itself: lines are added, counted up, and dropped once old enough.

Migration 0012 has these statements too; a test holds both to the same words.
"""

from __future__ import annotations

import sqlalchemy as sa

from croft.core.db import spoken

_FIXED = (
    *("id", "at", "request", "user", "project", "action", "target", "name", "user_name", "credential", "trust"),
    *("trustor", "impersonator", "client", "agent", "path", "outcome", "status", "why"),
)
_CHANGED = " OR ".join(f'NEW."{name}" <> OLD."{name}"' for name in _FIXED)
_RECENT = "OLD.at >= COALESCE((SELECT kept_from FROM audit_horizon WHERE id = 1), 0)"
_NO = "the audit is append-only"

SQLITE = (
    f"CREATE TRIGGER audit_kept BEFORE UPDATE ON audit WHEN {_CHANGED} OR NEW.times <= OLD.times "
    f"BEGIN SELECT RAISE(ABORT, '{_NO}'); END",
    f"CREATE TRIGGER audit_held BEFORE DELETE ON audit WHEN {_RECENT} BEGIN SELECT RAISE(ABORT, '{_NO}'); END",
    "CREATE TRIGGER audit_onward BEFORE UPDATE ON audit_horizon WHEN NEW.kept_from < OLD.kept_from "
    f"BEGIN SELECT RAISE(ABORT, '{_NO}'); END",
)
POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_NO}' USING ERRCODE = 'insufficient_privilege'; END $$",
    "CREATE OR REPLACE FUNCTION audit_hold() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN IF {_RECENT} THEN RAISE EXCEPTION '{_NO}' USING ERRCODE = 'insufficient_privilege'; END IF; "
    "RETURN OLD; END $$",
    f"CREATE TRIGGER audit_kept BEFORE UPDATE ON audit FOR EACH ROW WHEN ({_CHANGED} OR NEW.times <= OLD.times) "
    "EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_held BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_hold()",
    "CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_onward BEFORE UPDATE ON audit_horizon FOR EACH ROW WHEN (NEW.kept_from < OLD.kept_from) "
    "EXECUTE FUNCTION audit_refuse()",
)


def attach(metadata: sa.MetaData) -> None:
    """Seals the tables wherever they are made."""

    @sa.event.listens_for(metadata, "after_create")
    def _sealed(_target: object, conn: sa.Connection, tables: list[sa.Table], **_words: object) -> None:
        if any(table.name == "audit" for table in tables):
            for statement in spoken(conn, SQLITE, POSTGRESQL):
                conn.exec_driver_sql(statement)
