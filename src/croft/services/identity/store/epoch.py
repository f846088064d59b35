"""What changed, in order: a number that moves with every change to what tokens mean, the subjects each change touched,
and what was revoked. All in the commit of the change itself.

A subject is an id (user, project, domain, credential, trust), a token's audit id, or one of the words below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from croft.core.db import Tx, one_of
from croft.services.identity.model import Token
from croft.services.identity.store import tables

EVERYTHING, CATALOG, ROLES, KEYS = "*", "catalog", "roles", "keys"
KEPT = 4096
"""Changes kept for processes to read; one that is further behind forgets everything."""
LONGEST = 366 * 86400
"""Seconds that no token lives longer than, and so that a revocation must be remembered."""
_ASKEW = 60
"""Seconds by which the clocks of a site's processes may differ."""
_C, _R = tables.change, tables.revoked
_READ = sa.select(tables.epoch.c.value)
_BUMP = sa.text(
    "INSERT INTO identity_epoch (id, value) VALUES (1, 1) "
    "ON CONFLICT (id) DO UPDATE SET value = identity_epoch.value + 1 RETURNING value"
)
_SINCE = sa.select(_C.c.subject).where(_C.c.number > sa.bindparam("since"))
_NOTE = sa.insert(_C)
_TRIM = sa.delete(_C).where(_C.c.number <= sa.bindparam("before"))
_REVOKE = sa.text(
    "INSERT INTO identity_revoked (subject, number, at, until) VALUES (:subject, :number, :at, :until) "
    "ON CONFLICT (subject) DO UPDATE SET number = excluded.number, at = excluded.at, until = excluded.until"
)
_STALE = sa.select(_R.c.subject).where(_R.c.until <= sa.bindparam("now")).limit(50).with_for_update(skip_locked=True)
_SWEEP = sa.delete(_R).where(_R.c.subject.in_(_STALE.scalar_subquery()))
_REVOKED = (
    sa.select(_R.c.subject)
    .where(
        one_of(_R.c.subject, "subjects"),
        sa.or_(_R.c.number > sa.bindparam("born"), _R.c.at > sa.bindparam("lately")),
    )
    .limit(1)
)


def read(tx: Tx) -> int:
    """To be read before what is remembered as of it."""
    return tx.scalar(_READ) or 0


@dataclass
class _Changes:
    """Of one transaction. Written when it ends: the number is locked until the commit, so that numbers are in the order
    of commits, and whoever locks it last waits for nobody who waits for it."""

    subjects: dict[str, None] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)

    def __call__(self, tx: Tx) -> None:
        number: int = tx.scalar(_BUMP)
        for each in self.subjects:
            tx.run(_NOTE, {"number": number, "subject": each})
        if number % 256 == 0:
            tx.run(_TRIM, {"before": number - KEPT})
        for subject, until in self.ended.items():
            tx.run(_REVOKE, {"subject": subject, "number": number, "at": tx.now, "until": until})
        if self.ended:
            tx.run(_SWEEP, {"now": tx.now})
        tx.changed = True


def _changes(tx: Tx) -> _Changes:
    for each in tx.at_end:
        if isinstance(each, _Changes):
            return each
    made = _Changes()
    tx.at_end.append(made)
    return made


def bump(tx: Tx, *subjects: str) -> None:
    """Has every process forget what it knows of these, or everything, with the commit."""
    _changes(tx).subjects.update(dict.fromkeys(subjects or (EVERYTHING,)))


def end(tx: Tx, subject: str, until: int | None = None) -> None:
    """Ends for good, with the commit, every token of a subject that was born before it."""
    found = _changes(tx)
    found.subjects[subject] = None
    found.ended[subject] = until or tx.now + LONGEST


def revoked(tx: Tx, token: Token, subjects: Iterable[str]) -> bool:
    """Whether any of its subjects was ended after the token was born: by the number, and, since numbers begin to repeat
    themselves where a database was brought back from a copy, by the clock too."""
    values = {"subjects": list(subjects), "born": token.born, "lately": token.issued + _ASKEW}
    return tx.scalar(_REVOKED, values) is not None


def since(tx: Tx, seen: int, now: int) -> frozenset[str]:
    """The subjects of every change after `seen`."""
    if not 0 <= now - seen < KEPT:
        return frozenset({EVERYTHING})
    return frozenset(row[0] for row in tx.rows(_SINCE, {"since": seen}))
