"""`make shell`: a Python prompt inside a cloud, beside the running one. Looking is safe; `run` does a worker's work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from croft.app import Croft, fake_engines, real_engines
from croft.cli.serve import read_config
from croft.core.clock import SystemClock
from croft.core.ctx import Ctx
from croft.core.db import Database, metadata
from croft.core.policy import Actor
from croft.core.work import Result
from croft.machine import facts
from croft.machine.layout import Layout

HELP = """find("tiny")      rows of any table that hold this id, name or text
why("ID")         its work rows: tries, note, next look
run(KIND, "ID")   one look by its reconciler, in this thread (real engines only)
ctx               an operator's powers: actions.list_servers(ctx, …), ctx.read("…")
croft, db         the composition root and the database"""


def look_up(db: Database, text: str) -> list[dict[str, Any]]:
    """Rows of any table with a column that is, or a name that contains, the text."""
    found: list[dict[str, Any]] = []
    with db.read() as tx:
        for table in metadata.sorted_tables:
            words = [column for column in table.c if isinstance(column.type, sa.String | sa.Text)]
            conditions = [column == text for column in words]
            conditions += [column.contains(text, autoescape=True) for column in words if column.name == "name"]
            if conditions:
                rows = tx.rows(sa.select(table).where(sa.or_(*conditions)).limit(50))
                found += [{"table": table.name} | dict(row._mapping) for row in rows]
    return found


def namespace(state: Path) -> dict[str, Any]:
    """What the prompt knows."""
    config = read_config(Layout(state))
    db = Database(config.database_url, SystemClock())
    real = config.engines != "fake" and facts.load(Layout(state)) is not None  # `croft dev` keeps none
    croft = Croft(config, db, real_engines(Layout(state)) if real else fake_engines())
    operator = Actor(user="operator", user_name="operator", roles=frozenset({"admin"}))

    def run(kind: str, id: str) -> Result:
        if not real:
            raise RuntimeError("The fake engines live in the server's own process; run() would not see them.")
        return croft.loop.reconcilers[kind].reconcile(id)

    return {
        "croft": croft,
        "db": db,
        "ctx": Ctx(db, croft.policy, croft.quotas, operator, "req-shell"),
        "find": lambda text: look_up(db, text),
        "why": lambda id: [row for row in look_up(db, id) if row["table"] == "work"],
        "run": run,
    }


if __name__ == "__main__":
    globals().update(namespace(Path(sys.argv[1])))
    print(HELP)
