"""Brings a database to this release's schema. Alembic is only imported when there is something to do."""

from __future__ import annotations

from importlib import resources

import sqlalchemy as sa

from croft.core.db import Database
from croft.core.errors import CroftError

_PACKAGE = "croft.migrations"


def head() -> str:
    """The newest revision: the number of the last file `migrations/versions/NNNN_what.py`."""
    files = (entry.name for entry in (resources.files(_PACKAGE) / "versions").iterdir())
    return max(name.partition("_")[0] for name in files if name[:4].isdigit())


def current(db: Database) -> str | None:
    with db.engine.connect() as conn:
        if not sa.inspect(conn).has_table("alembic_version"):
            return None
        return conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def migrate(db: Database, to: str = "") -> tuple[str | None, str]:
    """Walks from the revision found to the head (or `to`) in one transaction; returns both. Refuses a newer one."""
    before, after = current(db), to or head()
    if before == after:
        return before, after
    if before is not None and before > after:
        raise CroftError(
            f"The database is at revision {before}, this program knows {after}. Install the release that wrote it."
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _PACKAGE.replace(".", ":"))
    with db.write() as tx:
        tx.lock("croft:migrate")
        config.attributes["connection"] = tx.conn
        command.upgrade(config, after)
    return before, after
