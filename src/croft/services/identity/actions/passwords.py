"""Checking a password, and setting one. What is wrong is never said before the password was right."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from croft.core import audit
from croft.core.db import Database, Tx
from croft.core.errors import Conflict, Forbidden, Invalid, Unauthorized
from croft.core.policy import Actor
from croft.services.identity.actions.knocks import Knocks, Visit
from croft.services.identity.actions.tokens import NEEDED
from croft.services.identity.model import Settings
from croft.services.identity.model.passwords import MAX_LENGTH, hashed, matches
from croft.services.identity.model.rows import Login
from croft.services.identity.model.rules import DAY, Rules
from croft.services.identity.store import knocks, users

Asked = Callable[[str], str | None]
"""Given a password that is not kept here: the id of the user whose it is."""


class Passwords:
    def __init__(self, db: Database, settings: Settings) -> None:
        self._db, self._settings = db, settings
        self.rules, self.knocks = Rules(settings), Knocks(settings)

    def verify(
        self, user: str | None, given: str, visit: Visit, *, expired: bool = False, asked: Asked | None = None
    ) -> Login:
        """The login whose password this is. `Unauthorized` in the same words, after one hash, for every other case; who
        knows the password hears that it has expired, unless `expired` ones will do. A password that is not kept here is
        `asked` for elsewhere, but not while the login is closed."""
        if len(given) > MAX_LENGTH:
            raise Invalid(f"A password has at most {MAX_LENGTH} characters.")
        with self._db.read() as tx:
            self.knocks.admit(tx, visit)
            login = users.login(tx, user or "-")
            locked = self.knocks.locked(tx, login, visit)
            now = tx.now
        if asked is None:
            fits = matches(given, login.password if login else None, self._settings.bcrypt_rounds)
        else:
            found = None if locked else asked(given)
            fits = found is not None
            with self._db.read() as tx:
                login = users.login(tx, found or user or "-")
        if login is None or locked or not fits or not self._open(login, now):
            self.refuse(login.user if login else None, visit, wrong=not fits)
        if self.rules.expired(login, now) and not expired:
            raise Unauthorized(
                f"The password is expired and needs to be changed for user: {login.user}. "
                f"Change it by POST /v3/users/{login.user}/password."
            )
        return login

    def refuse(self, user: str | None, visit: Visit, *, wrong: bool) -> NoReturn:
        with self._db.write() as tx:
            self.knocks.count(tx, visit, user, wrong=wrong)
        raise Unauthorized(NEEDED)

    def _open(self, login: Login, now: int) -> bool:
        return login.enabled and login.domain_enabled and not self.rules.inactive(login, now)

    def stays(self, tx: Tx, before: Login, visit: Visit) -> bool:
        """Whether a login still is what it was when it was checked."""
        now = users.login(tx, before.user)
        if now is None or now.password != before.password:
            return False
        self.knocks.welcome(tx, now, visit)
        return True

    def admits(self, tx: Tx, user: str) -> bool:
        """Whether the user may come in at all, by whatever proof; remembers the day."""
        login = users.login(tx, user)
        if login is None or not self._open(login, tx.now):
            return False
        if self._settings.inactive_days and (login.active_at or 0) + DAY <= tx.now:
            users.update(tx, user, {"active_at": tx.now})
        return True

    def set(self, tx: Tx, login: Login, secret: str | None, *, own: bool) -> None:
        """A new password ends the user's tokens and opens a locked login. The one before is kept only while the history
        counts."""
        kept = max(0, self._settings.unique_last_passwords - 1)
        before = [login.password] if login.password else []
        values = {
            "password": secret,
            "history": [*before, *login.history][:kept],
            "failed": 0,
            "second_failed": 0,
            "password_at": tx.now,
            "password_own": own,
            "password_expires": None if secret is None else self.rules.expiry(tx.now, login.options, own=own),
        }
        users.update(tx, login.user, values)
        knocks.forgive(tx, login.user)
        users.revoke_tokens(tx, login.user)

    def change(self, user: str, old: str, new: str, visit: Visit) -> None:
        """Who knows the present password may change it, also when it has expired: no token is needed, and none of the
        user's is left."""
        login = self.verify(user, old, visit, expired=True)
        if login.options.get("lock_password"):
            raise Forbidden("An operator has locked this password.")
        self.rules.check_age(login, self._db.clock.now())
        self.rules.check(new)
        used = [login.password, *login.history] if self._settings.unique_last_passwords > 1 else [login.password]
        if any(matches(new, each, self._settings.bcrypt_rounds) for each in used):
            raise Invalid("This password was used before; choose another.")
        secret = hashed(new, self._settings.bcrypt_rounds)
        with self._db.write() as tx:
            now = users.login(tx, user)
            if now is None or now.password != login.password:
                raise Conflict("The password was changed meanwhile.")
            self.set(tx, now, secret, own=True)
            words = {"project": "", "request": visit.request, "action": "identity.user_password.update"}
            audit.write(tx, audit.values_of(Actor(user), visit.origin, **words, target=user, name=""))
