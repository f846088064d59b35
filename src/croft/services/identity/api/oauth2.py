"""`POST /v3/OS-OAUTH2/token`: an application credential as an OAuth 2.0 client (RFC 6749 §4.4)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import msgspec

from croft.core.clock import parse_iso
from croft.core.errors import CroftError
from croft.core.http import Request, Response, Route, reply
from croft.services.identity import wire
from croft.services.identity.actions.login import Door
from croft.services.identity.api.listing import visit
from croft.services.identity.wire.auth import CredentialRef

_ERRORS = {400: "invalid_request", 401: "invalid_client", 403: "unauthorized_client"}
_KEPT_BY_NOBODY = {"cache-control": "no-store", "pragma": "no-cache"}

PATH = "/v3/OS-OAUTH2/token"


@dataclass(frozen=True)
class OAuth2Api:
    door: Door

    def token(self, req: Request) -> Response:
        form = _form(req)
        grant = form.get("grant_type")
        if grant != "client_credentials":
            kind = "unsupported_grant_type" if grant else "invalid_request"
            return _refusal(400, kind, "grant_type must be client_credentials.")
        client, secret = _client(req, form)
        if not client or not secret or "\0" in client:
            return _refusal(401, "invalid_client", "Client authentication failed.")
        try:
            return self._issue(req, client, secret)
        except CroftError as error:
            if error.status not in _ERRORS:
                raise
            req.trail.refusal = error
            return _refusal(error.status, _ERRORS[error.status], error.message)

    def _issue(self, req: Request, client: str, secret: str) -> Response:
        credential = CredentialRef(secret, id=client)
        wish = wire.Auth(wire.Identity(methods=["application_credential"], application_credential=credential))
        req.trail.action, req.trail.meant = "identity.token.create", partial(self.door.meant, wish.identity)
        text, body = self.door.log_in(wish, visit(req), with_catalog=False)
        req.trail.actor = self.door.who(text)
        token: dict[str, Any] = msgspec.json.decode(body)["token"]
        left = parse_iso(token["expires_at"]) - parse_iso(token["issued_at"])
        return reply({"access_token": text, "token_type": "Bearer", "expires_in": left}, 200, _KEPT_BY_NOBODY)

    def routes(self) -> list[Route]:
        others = [Route(method, PATH, _only_post, None) for method in ("GET", "PUT", "PATCH", "DELETE")]
        return [Route("POST", PATH, self.token, None, slow=True), *others]


def _only_post(req: Request) -> Response:
    answer = _refusal(405, "invalid_request", "A token is asked for by POST.")
    answer.headers["allow"] = "POST"
    return answer


def _form(req: Request) -> dict[str, str]:
    """The fields of the body, each given once (RFC 6749 §3.2)."""
    if req.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return {}
    try:
        found = parse_qs(req.content.decode("ascii"), max_num_fields=20, strict_parsing=True)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _client(req: Request, form: dict[str, str]) -> tuple[str, str]:
    kind, _, given = req.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret  # as clients send them: not URL-encoded, whatever RFC 6749 §2.3.1 says


def _refusal(status: int, error: str, says: str) -> Response:
    headers = dict(_KEPT_BY_NOBODY)
    if status == 401:
        headers["www-authenticate"] = 'Basic realm="croft"'
    return reply({"error": error, "error_description": says}, status, headers)
