"""A provider in memory: its tokens are the keys of a dictionary."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from croft.core.errors import Rejected
from croft.drivers.provider import Claims, Journey


class FakeProvider:
    """Tests say who has which token (`issue`) or code (`consent`); `before(verb)` may be replaced and raise."""

    def __init__(self, issuer: str = "https://idp.test") -> None:
        self.issuer = issuer
        self._tokens: dict[str, Claims] = {}
        self._codes: dict[str, tuple[str, Claims]] = {}
        self.before: Callable[[str], None] = lambda verb: None

    def issue(self, token: str, subject: str, name: str = "", *groups: str, email: str = "") -> None:
        self._tokens[token] = Claims(self.issuer, subject, name or subject, email, groups)

    def consent(self, code: str, state: str, subject: str, name: str = "", *groups: str) -> None:
        """The person logged in there, on a journey of that state."""
        self._codes[code] = (state, Claims(self.issuer, subject, name or subject, "", groups))

    def vouch(self, token: str) -> Claims:
        self.before("vouch")
        if token not in self._tokens:
            raise Rejected("The provider knows no such token.")
        return self._tokens[token]

    def departure(self, journey: Journey) -> str:
        self.before("departure")
        return f"{self.issuer}/authorize?{urlencode({'state': journey.state, 'redirect_uri': journey.redirect})}"

    def arrival(self, journey: Journey, code: str) -> Claims:
        self.before("arrival")
        state, claims = self._codes.pop(code, ("", None))
        if claims is None or state != journey.state:
            raise Rejected("The provider knows no such code.")
        return claims

    def close(self) -> None:
        """Nothing is open."""
