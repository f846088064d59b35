"""Which ends of requests the audit gets to know where no committed transaction tells: refused writes, and logins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from croft.core import audit
from croft.core.audit.ledger import Ledger
from croft.core.errors import CroftError
from croft.core.policy import Actor

if TYPE_CHECKING:
    from croft.core.http.service import Matched

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSALS = frozenset({401, 403, 404, 409, 429})
"""What says no to somebody who may ask; a request that makes no sense (400) was no attempt at anything."""
STRANGER = Actor("")


def came_in(ledger: Ledger, matched: Matched) -> None:
    """After a login. One that cannot be written down is none."""
    trail, actor = matched.trail, matched.trail.actor
    if trail.refusal is not None:
        refused(ledger, matched, trail.refusal)
    if actor is None or trail.written:
        return
    ledger.add(
        audit.values_of(
            actor,
            matched.origin,
            project=actor.project,
            request=matched.request_id,
            action=trail.action,
            target=actor.user,
            name=actor.user_name,
        )
    )
    trail.written = True


def refused(ledger: Ledger, matched: Matched, error: CroftError) -> None:
    """After a refused write, whose own transaction is gone. A stranger's is only one if it was a login."""
    trail, actor = matched.trail, matched.actor
    reads = matched.arrival.method in SAFE and not trail.writes
    if error.status not in REFUSALS or reads or (actor is None and trail.meant is None):
        return
    target, name = trail.meant() if trail.meant else (trail.target, trail.name)
    values = audit.values_of(
        actor or STRANGER,
        matched.origin,
        project=actor.project if actor else "",
        request=matched.request_id,
        action=trail.action or matched.route.action or "",
        target=target or next(reversed(matched.params.values()), ""),
        name=name,
    )
    values |= {"outcome": audit.REFUSED, "status": error.status, "why": audit.clean(error.message, 500)}
    trail.written = ledger.add_quietly(values)
