"""`OS-FEDERATION` for people who come: with a provider's token, or by browser (web single sign-on)."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from croft.core.http import Request, Response, Route, bearer
from croft.services.identity.actions.vouching import CALLBACK, Providers, browser_secret
from croft.services.identity.api.listing import visit
from croft.services.identity.model import Settings
from croft.services.identity.store.journeys import LONGEST
from croft.services.identity.wire import sso

COOKIE = "croft-sso"
_WHERE = "/identity/v3/auth/OS-FEDERATION"


@dataclass(frozen=True)
class VouchingApi:
    providers: Providers
    settings: Settings

    def authenticate(self, req: Request) -> Response:
        _begin(req)
        text, body = self.providers.by_token(req.params["idp"], req.params["protocol"], bearer(req.headers), visit(req))
        req.trail.actor = self.providers.who(text)
        headers = {"content-type": "application/json", "x-subject-token": text, "vary": "X-Auth-Token"}
        return Response(201, body, headers)

    def depart(self, req: Request) -> Response:
        secret = browser_secret()
        there = self.providers.depart(req.params.get("idp"), req.params["protocol"], req.first("origin"), secret)
        return Response(302, b"", {"location": there, "set-cookie": self._cookie(secret), "cache-control": "no-store"})

    def arrive(self, req: Request) -> Response:
        _begin(req)
        origin, token = self.providers.arrive(_kept(req), req.first("state"), req.first("code"), visit(req))
        req.trail.actor = self.providers.who(token)
        headers = sso.page_headers(origin) | {"set-cookie": self._cookie("")}
        return Response(200, sso.page(origin, token), headers)

    def _cookie(self, secret: str) -> str:
        """For this way back alone; `Lax`, since the browser comes back from another site."""
        secure = "; Secure" if self.settings.public_url.startswith("https:") else ""
        age = LONGEST if secret else 0
        return f"{COOKIE}={secret}; Path={_WHERE}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"

    def routes(self) -> list[Route]:
        auth = "/v3/OS-FEDERATION/identity_providers/{idp}/protocols/{protocol}/auth"
        some = "/v3/auth/OS-FEDERATION/identity_providers/{idp}/protocols/{protocol}/websso"
        found = [Route(method, auth, self.authenticate, None, slow=True) for method in ("GET", "POST")]
        for path in ("/v3/auth/OS-FEDERATION/websso/{protocol}", some):
            found += [Route(method, path, self.depart, None, slow=True) for method in ("GET", "POST")]
        return [*found, Route("GET", CALLBACK, self.arrive, None, slow=True)]


def _begin(req: Request) -> None:
    """The audit learns how this login ends, whatever the method; whom it meant only the provider knows."""
    req.trail.action, req.trail.writes, req.trail.meant = "identity.token.create", True, lambda: ("", "")


def _kept(req: Request) -> str:
    try:
        found = SimpleCookie(req.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""
