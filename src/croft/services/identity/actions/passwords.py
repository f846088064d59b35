"""Checking a password, with a pause after too many wrong ones. The counts live in the user's row, so they are bounded
and hold for every process."""

from __future__ import annotations

from croft.core.db import Database
from croft.core.errors import Invalid, Unauthorized
from croft.services.identity.actions.tokens import NEEDED
from croft.services.identity.model import Settings
from croft.services.identity.model.passwords import MAX_LENGTH, matches
from croft.services.identity.model.rows import Login
from croft.services.identity.store import users


class Passwords:
    def __init__(self, db: Database, settings: Settings) -> None:
        self._db, self._settings = db, settings

    def verify(self, user: str | None, given: str) -> Login:
        """The login whose password this is. `Unauthorized` in the same words and time for every other case."""
        if len(given) > MAX_LENGTH:
            raise Invalid(f"A password has at most {MAX_LENGTH} characters.")
        login = None
        if user is not None:
            with self._db.read() as tx:
                login = users.login(tx, user)
        fits = matches(given, login.password if login else None, self._settings.bcrypt_rounds)
        if login is None or self._locked(login) or not (fits and login.enabled and login.domain_enabled):
            self._count(login, fits=fits)
            raise Unauthorized(NEEDED)
        return login

    def _locked(self, login: Login) -> bool:
        attempts = self._settings.lockout_attempts
        if not attempts or login.failed < attempts or login.options.get("ignore_lockout_failure_attempts"):
            return False
        return self._db.clock.now() < login.failed_at + self._settings.lockout_seconds

    def _count(self, login: Login | None, *, fits: bool) -> None:
        if login is None or fits or not self._settings.lockout_attempts:
            return
        with self._db.write() as tx:
            users.count_failure(tx, login.user, self._settings.lockout_attempts, self._settings.lockout_seconds)
