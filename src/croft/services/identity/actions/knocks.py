"""Limits for those who knock in vain: per client network, and per user as seen from strangers and from known networks.

Everything is counted in the database, so it holds for every process. A user's login that strangers closed stays open to
the networks the user has come in from before: nobody can be kept out for ever by somebody else's wrong passwords.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property

from croft.core import audit
from croft.core.db import Tx
from croft.core.errors import TooManyRequests
from croft.core.log import pairs
from croft.services.identity.model import Settings
from croft.services.identity.model.addresses import NOWHERE, network_of, read_networks, within
from croft.services.identity.model.rows import Login
from croft.services.identity.store import knocks, users

log = logging.getLogger("croft.identity")
REMEMBERED = 30 * 86_400
"""Seconds a network counts as known without a login from it."""
_DAY = 86_400
_NOBODY = "-"


@dataclass(frozen=True)
class Visit:
    """A request that wants in: from where, under which number, and what it has shown before."""

    address: str = NOWHERE
    request: str = "-"
    receipt: str = ""
    origin: audit.Origin = audit.NOWHERE

    @cached_property
    def network(self) -> str:
        return network_of(self.address)


class Knocks:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._exempt = read_networks(settings.address_exempt)

    def admit(self, tx: Tx, visit: Visit) -> None:
        """Turns away who has failed too often, before any work is done and whomever it names."""
        if not self._limits(visit):
            return
        found = knocks.show(tx, visit.network)
        if found is None or found.failed < self._settings.address_attempts:
            return
        left = found.since + self._settings.address_seconds - tx.now
        if left > 0:
            raise TooManyRequests(
                f"Too many logins from your address have failed. Try again in {left} seconds, or ask an operator.", left
            )

    def _limits(self, visit: Visit) -> bool:
        if not self._settings.address_attempts or visit.network == NOWHERE:
            return False
        return not within(visit.network, self._exempt)

    def locked(self, tx: Tx, login: Login | None, visit: Visit) -> bool:
        """Whether the user's login is closed to this network; asks the same of the database when there is no user."""
        most = self._settings.lockout_attempts
        known = knocks.known(tx, login.user if login else _NOBODY, visit.network)
        if login is None or not most or login.options.get("ignore_lockout_failure_attempts"):
            return False
        failed, when = (login.failed, login.failed_at) if known is None else (known.failed, known.failed_at)
        return failed >= most and tx.now < when + self._settings.lockout_seconds

    def count(self, tx: Tx, visit: Visit, user: str | None, *, wrong: bool) -> None:
        """One failed login; `wrong` if it was the user's secret that did not fit. The statements are the same for users
        that do not exist. The one place through which every refused login comes."""
        log.warning("login refused %s", pairs(user=user, client=visit.address, request=visit.request))
        if visit.network != NOWHERE:
            knocks.count(tx, visit.network, self._settings.address_seconds)
        most, seconds = self._settings.lockout_attempts, self._settings.lockout_seconds
        whose = user if user is not None and wrong and most else _NOBODY
        if knocks.known(tx, whose, visit.network) is None:
            users.count_failure(tx, whose, most, seconds)
        else:
            knocks.count_failure(tx, whose, visit.network, most, seconds)

    def welcome(self, tx: Tx, login: Login, visit: Visit) -> None:
        """A whole login: the network is known from now on. Writes only what changes."""
        known = knocks.known(tx, login.user, visit.network)
        if known is None and login.failed:
            users.forgive(tx, login.user)
        if visit.network != NOWHERE and (known is None or known.failed or known.seen + _DAY <= tx.now):
            knocks.remember(tx, login.user, visit.network, REMEMBERED)
