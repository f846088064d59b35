"""Who knocks in vain: failed logins by network, and the networks that each user has come in from."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from croft.core.db import Tx
from croft.services.identity.store import tables

KEPT = 16
"""Networks remembered of one user."""
_T, _K = tables.knock, tables.known_network
_ONE = sa.select(_T.c.failed, _T.c.since).where(_T.c.network == sa.bindparam("network"))
_COUNT = sa.text(
    "INSERT INTO identity_knock (network, failed, since) VALUES (:network, 1, :now) "
    "ON CONFLICT (network) DO UPDATE SET "
    "failed = CASE WHEN identity_knock.since <= :before THEN 1 ELSE identity_knock.failed + 1 END, "
    "since = CASE WHEN identity_knock.since <= :before THEN :now ELSE identity_knock.since END"
)
_STALE = sa.select(_T.c.network).where(_T.c.since <= sa.bindparam("before")).limit(50).with_for_update(skip_locked=True)
_SWEEP = sa.delete(_T).where(_T.c.network.in_(_STALE.scalar_subquery()))
_PLACE = sa.and_(_K.c.user == sa.bindparam("of"), _K.c.network == sa.bindparam("at"))
_KNOWN = sa.select(_K.c.failed, _K.c.failed_at, _K.c.seen).where(_PLACE)
_FAILED = (
    sa.update(_K)
    .where(_PLACE, sa.or_(_K.c.failed < sa.bindparam("most"), _K.c.failed_at <= sa.bindparam("before")))
    .values(
        failed=sa.case((_K.c.failed < sa.bindparam("most"), _K.c.failed + 1), else_=1), failed_at=sa.bindparam("when")
    )
)
_SEEN = sa.text(
    'INSERT INTO identity_known_network ("user", network, seen, failed, failed_at) VALUES (:of, :at, :now, 0, 0) '
    'ON CONFLICT ("user", network) DO UPDATE SET seen = :now, failed = 0'
)
_FORGIVEN = sa.update(_K).where(_K.c.user == sa.bindparam("of")).values(failed=0)
_NEWEST = (
    sa.select(_K.c.network)
    .where(_K.c.user == sa.bindparam("of"))
    .order_by(_K.c.seen.desc(), _K.c.network)
    .limit(KEPT)
    .scalar_subquery()
)
_FORGET = sa.delete(_K).where(
    _K.c.user == sa.bindparam("of"), sa.or_(_K.c.network.not_in(_NEWEST), _K.c.seen <= sa.bindparam("before"))
)


class Knock(msgspec.Struct, frozen=True):
    failed: int
    since: int


class Known(msgspec.Struct, frozen=True):
    """A network from which a user has logged in, and the wrong passwords from there since."""

    failed: int
    failed_at: int
    seen: int


def show(tx: Tx, network: str) -> Knock | None:
    return tx.first(Knock, _ONE, {"network": network})


def count(tx: Tx, network: str, seconds: int) -> None:
    """One more failed login. A count older than `seconds` begins anew; some of such age are dropped, so that the table
    stays as small as one span's failures."""
    before = tx.now - seconds
    tx.run(_COUNT, {"network": network, "now": tx.now, "before": before})
    tx.run(_SWEEP, {"before": before})


def known(tx: Tx, user: str, network: str) -> Known | None:
    return tx.first(Known, _KNOWN, {"of": user, "at": network})


def count_failure(tx: Tx, user: str, network: str, most: int, seconds: int) -> None:
    """As `users.count_failure`, for one known network."""
    values = {"of": user, "at": network, "most": most, "before": tx.now - seconds, "when": tx.now}
    tx.run(_FAILED, values)


def forgive(tx: Tx, user: str) -> None:
    """Begins every count of the user's anew."""
    tx.run(_FORGIVEN, {"of": user})


def remember(tx: Tx, user: str, network: str, seconds: int) -> None:
    """The user has come in from there: begins its count anew, and forgets what is older than `seconds` or too many."""
    tx.run(_SEEN, {"of": user, "at": network, "now": tx.now})
    tx.run(_FORGET, {"of": user, "before": tx.now - seconds})
