"""Making and changing the keys that tokens are sealed with (docs/adr/0009-sealed-tokens.md)."""

from __future__ import annotations

from croft.core.db import Database, Tx
from croft.services.identity.model.seals import Sealer, new_key
from croft.services.identity.store import epoch, keys
from croft.services.identity.store.keys import Key

_GRACE = 60
"""Seconds a process may go on sealing with the key before, until it has heard of the new one."""
_ORDER = {"primary": 0, "staged": 1, "older": 2}


def ensure_keys(tx: Tx) -> None:
    """A primary and a staged key, unless there are keys."""
    if not keys.all_(tx):
        _begin(tx, 0)


def _begin(tx: Tx, after: int) -> None:
    keys.insert(tx, Key(after + 1, new_key(), tx.now, tx.now, None))
    keys.insert(tx, Key(after + 2, new_key(), tx.now, None, None))
    epoch.bump(tx, epoch.KEYS)


def read_sealer(tx: Tx) -> Sealer:
    found = sorted(keys.all_(tx), key=lambda key: _ORDER[key.state])
    return Sealer([key.secret for key in found if key.ends is None or key.ends > tx.now])


def rotate_keys(db: Database, life: int) -> list[Key]:
    """The staged key begins to seal, a new one is staged. `life` is how long (s) a token lives at most."""
    with db.write() as tx:
        tx.lock("identity:keys")
        ensure_keys(tx)
        newest = keys.all_(tx)[0].number
        keys.rotate(tx, tx.now + life + _GRACE)
        keys.insert(tx, Key(newest + 1, new_key(), tx.now, None, None))
        epoch.bump(tx, epoch.KEYS)
        return keys.all_(tx)


def replace_keys(db: Database) -> list[Key]:
    """Every key is new, and every token of before is over: for the day a key got into wrong hands."""
    with db.write() as tx:
        tx.lock("identity:keys")
        newest = max((key.number for key in keys.all_(tx)), default=0)
        keys.clear(tx)
        _begin(tx, newest)
        epoch.bump(tx)
        return keys.all_(tx)


def list_keys(db: Database) -> list[Key]:
    with db.read() as tx:
        return keys.all_(tx)
