"""What an operator asks of passwords: how long they count, how soon they may change, what they must look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import re2

from croft.core.errors import CroftError, Invalid
from croft.services.identity.model.rows import Login
from croft.services.identity.model.settings import Settings

DAY = 86_400
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class Pattern(Protocol):
    def search(self, text: str) -> object | None: ...


class Rules:
    """The settings, with their expressions compiled. Refuses to start with one that RE2 cannot run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._patterns = [_compiled(each) for each in settings.password_patterns]

    def check(self, password: str) -> None:
        if all(each.search(password) for each in self._patterns):
            return
        says = self._settings.password_says or f"it must match {' and '.join(self._settings.password_patterns)}"
        raise Invalid(f"The password does not match what is asked of passwords: {says}")

    def expiry(self, now: int, options: Mapping[str, Any], *, own: bool) -> int | None:
        """When a password set now ends; one that an operator set may have to be changed first of all."""
        first = not own and self._settings.change_upon_first_use
        if first and not options.get("ignore_change_password_upon_first_use"):
            return now
        if not self._settings.password_expires_days or options.get("ignore_password_expiry"):
            return None
        return now + self._settings.password_expires_days * DAY

    def expired(self, login: Login, now: int) -> bool:
        if login.password_expires is None or login.options.get("ignore_password_expiry"):
            return False
        return login.password_expires <= now

    def check_age(self, login: Login, now: int) -> None:
        """Keeps people from running through their history to come back to the first password."""
        if not login.password_own or login.password_at is None:
            return
        left = login.password_at + self._settings.password_minimum_days * DAY - now
        if left > 0:
            days = -(-left // DAY)
            raise Invalid(f"This password is too new to be changed: try again in {days} days, or ask an operator.")

    def inactive(self, login: Login, now: int) -> bool:
        """Whether the user has stayed away for so long that the login is closed."""
        days = self._settings.inactive_days
        if not days or login.active_at is None or login.options.get("ignore_user_inactivity"):
            return False
        return login.active_at + days * DAY <= now


def _compiled(text: str) -> Pattern:
    try:
        compiled: Pattern = re2.compile(text, _OPTIONS)
    except re2.error as error:
        raise CroftError(
            f"password_regex: RE2 cannot run '{text}'. It knows no looking around (write several lines)."
        ) from error
    return compiled
