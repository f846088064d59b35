"""Logins by browser that are under way: one row from departure to arrival, and no longer than ten minutes."""

from __future__ import annotations

import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.identity.store import tables

LONGEST = 600
MOST = 20_000
"""At once; more are somebody's flood."""
_T = tables.journey
_INSERT = sa.insert(_T)
_COUNT = sa.select(sa.func.count()).select_from(_T)
_SWEEP = sa.delete(_T).where(_T.c.expires <= sa.bindparam("now"))
_TAKE = sa.delete(_T).where(_T.c.state == sa.bindparam("is_state")).returning(_T.c.provider, _T.c.origin, _T.c.expires)


def depart(tx: Tx, state: str, provider: str, origin: str) -> bool:
    """False when too many are under way."""
    tx.run(_SWEEP, {"now": tx.now})
    if tx.scalar(_COUNT) >= MOST:
        return False
    tx.run(_INSERT, {"state": state, "provider": provider, "origin": origin, "expires": tx.now + LONGEST})
    return True


def arrive(tx: Tx, state: str) -> tuple[str, str] | None:
    """(provider, origin), once."""
    rows = tx.rows(_TAKE, {"is_state": state})
    return (rows[0].provider, rows[0].origin) if rows and rows[0].expires > tx.now else None
