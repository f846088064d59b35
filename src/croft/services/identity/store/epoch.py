"""The identity epoch: one number that moves with every change to what tokens mean, in the same commit."""

from __future__ import annotations

import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.identity.store.tables import epoch

_READ = sa.select(epoch.c.value)
_BUMP = sa.text(
    "INSERT INTO identity_epoch (id, value) VALUES (1, 1) "
    "ON CONFLICT (id) DO UPDATE SET value = identity_epoch.value + 1"
)


def read(tx: Tx) -> int:
    """To be read before what is cached under it."""
    return tx.scalar(_READ) or 0


def bump(tx: Tx) -> None:
    """Ends every cached token in every process. The row stays locked until the commit: call it last."""
    tx.run(_BUMP)
