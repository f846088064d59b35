"""An OpenID Connect provider (OpenID Connect Core 1.0, RFC 7662, RFC 7636). A token is signed by a key of the
provider's, or the provider itself says what it is; either way it must be of this issuer, for us, and in time."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import joserfc.jws
import joserfc.jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet
from joserfc.jwt import ClaimsOption

from croft.core.config import ConfigError
from croft.core.errors import Rejected, Unavailable
from croft.drivers.provider import ALGORITHMS, Claims, Journey, ProviderSettings
from croft.drivers.provider.web import Web, check_url

KEPT = 3600
"""Seconds that the provider's settings and keys are used before they are asked for anew."""
AGAIN = 10
"""Seconds between two looks for a key that was not there: forged key ids shall not make us ask all the time."""
LEEWAY = 60
LONGEST = 255
MOST_GROUPS = 500
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "introspection_endpoint", "jwks_uri")


_MACHINE = "croft machine"
"""Our own mark beside the claims; a provider's of that name is dropped."""


class OidcProvider:
    def __init__(self, settings: ProviderSettings, secret: str, now: Callable[[], float] = time.time) -> None:
        check_url(settings.issuer, "issuer")
        if unknown := set(settings.algorithms) - set(ALGORITHMS):
            raise ConfigError(f"{settings.issuer}: no provider's signature is {', '.join(sorted(unknown))}.")
        self._settings, self._secret, self._now = settings, secret, now
        self._ours = {settings.client_id, *settings.clients}
        self._web = Web(settings.tls_ca)
        self._lock = threading.Lock()
        self._places: tuple[float, Mapping[str, str]] | None = None
        self._keys: tuple[float, list[Key]] | None = None

    def vouch(self, token: str) -> Claims:
        if token.count(".") == 2:
            said = self._signed(token)
            if self._settings.name_claim not in said and "userinfo_endpoint" in self._discovered():
                said = {**self._userinfo(token, said.get("sub")), **said}
        else:
            said = self._introspected(token)
        return self._claims(said)

    def departure(self, journey: Journey) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(journey.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": journey.redirect,
            "scope": self._settings.scopes,
            "state": journey.state,
            "nonce": journey.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        there = self._place("authorization_endpoint")
        return f"{there}{'&' if '?' in there else '?'}{urlencode(query)}"

    def arrival(self, journey: Journey, code: str) -> Claims:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": journey.redirect}
        fields["code_verifier"] = journey.verifier
        given = _table(self._post("token_endpoint", fields))
        said = self._signed(str(given.get("id_token", "")), ours={self._settings.client_id})
        if not secrets.compare_digest(str(said.get("nonce", "")).encode(), journey.nonce.encode()):
            raise Rejected("The ID token belongs to another login.")
        if self._settings.name_claim not in said or self._settings.groups_claim not in said:
            said = {**self._userinfo(str(given.get("access_token", "")), said.get("sub")), **said}
        return self._claims(said)

    def close(self) -> None:
        self._web.close()

    def _signed(self, token: str, ours: set[str] | None = None) -> dict[str, Any]:
        """The claims of a JWT whose signature, issuer, audience and times are right."""
        try:
            header = joserfc.jws.extract_compact(token.encode()).headers()
            key = self._key(header)
            names = list(self._settings.algorithms)
            said = joserfc.jwt.decode(token, key, algorithms=names).claims
            essential: ClaimsOption = {"essential": True}
            registry = joserfc.jwt.JWTClaimsRegistry(
                now=int(self._now()),
                leeway=LEEWAY,
                iss={"essential": True, "value": self._settings.issuer},
                sub=essential,
                exp=essential,
                aud=essential,
            )
            registry.validate(said)
        except (JoseError, ValueError, TypeError, KeyError, UnicodeError) as error:
            raise Rejected(f"The token is not good: {type(error).__name__}.") from error
        self._check_audience(said, ours or self._ours)
        return {name: value for name, value in said.items() if name != _MACHINE}

    def _check_audience(self, said: Mapping[str, Any], ours: set[str]) -> None:
        """It is for us, and if it says who asked for it, that was us too (OpenID Connect Core 3.1.3.7)."""
        audience = said.get("aud")
        asked = said.get("azp") or said.get("client_id")
        names = set(map(str, audience if isinstance(audience, list) else [audience or asked]))
        if not names & (ours | set(self._settings.audiences)):
            raise Rejected("The token is for somebody else.")
        if asked is not None and str(asked) not in ours:
            raise Rejected("The token was asked for by somebody else's client.")

    def _introspected(self, token: str) -> dict[str, Any]:
        if "introspection_endpoint" not in self._discovered():
            raise Rejected("The token is not signed, and the provider offers no introspection.")
        given = _table(self._post("introspection_endpoint", {"token": token, "token_type_hint": "access_token"}))
        said = {name: value for name, value in given.items() if name != _MACHINE}
        if said.get("active") is not True:
            raise Rejected("The provider says the token is not active.")
        if said.get("iss", self._settings.issuer) != self._settings.issuer:
            raise Rejected("The token is of another issuer.")
        if isinstance(said.get("exp"), int | float) and said["exp"] + LEEWAY < self._now():
            raise Rejected("The token has expired.")
        self._check_audience(said, self._ours)
        if not said.get("sub") and not said.get("username") and self._settings.machines:
            return {**said, "sub": said.get("client_id"), _MACHINE: True}
        if not said.get("sub") or self._settings.name_claim not in said:
            said = {**self._userinfo(token, said.get("sub")), **said}
        return said

    def _userinfo(self, token: str, subject: Any) -> dict[str, Any]:
        """What the provider says of a token that was found good. Without a subject so far, it must have one."""
        said = _table(self._web.get(self._place("userinfo_endpoint"), token))
        if not said.get("sub") or said["sub"] != (subject or said["sub"]):
            raise Rejected("The provider's userinfo is about somebody else.")
        return {name: value for name, value in said.items() if name != _MACHINE}

    def _claims(self, said: Mapping[str, Any]) -> Claims:
        subject = said.get("sub")
        name = said.get(self._settings.name_claim) or said.get("username") or subject
        if not (isinstance(subject, str) and 0 < len(subject) <= LONGEST and isinstance(name, str) and _fit(name)):
            raise Rejected("The provider names nobody that can be known here.")
        email = said.get(self._settings.email_claim)
        groups = said.get(self._settings.groups_claim)
        found = [each for each in groups if isinstance(each, str) and _fit(each)] if isinstance(groups, list) else []
        return Claims(
            self._settings.issuer,
            subject,
            name,
            email if isinstance(email, str) and _fit(email) else "",
            tuple(dict.fromkeys(found[:MOST_GROUPS])),
            said.get(_MACHINE) is True,
        )

    def _key(self, header: Mapping[str, Any]) -> Key:
        """The provider's key of that id. What the header brings along (`jwk`, `jku`, `x5u`) counts for nothing."""
        if header.get("alg") not in self._settings.algorithms or "crit" in header:
            raise Rejected("The token is signed in a way that is not taken.")
        for fresh in (False, True):
            fitting = [key for key in self._keyring(fresh=fresh) if _fits(key, header)]
            if len(fitting) == 1:
                return fitting[0]
        raise Rejected("The token is signed by no key of the provider.")

    def _keyring(self, *, fresh: bool) -> list[Key]:
        with self._lock:
            age = self._now() - self._keys[0] if self._keys else KEPT
            if self._keys and age < (AGAIN if fresh else KEPT):
                return self._keys[1]
            listed = _table(self._web.get(self._place("jwks_uri"))).get("keys")
            self._keys = (self._now(), _imported(listed if isinstance(listed, list) else []))
            return self._keys[1]

    def _post(self, endpoint: str, fields: Mapping[str, str]) -> Any:
        return self._web.post(self._place(endpoint), fields, self._settings.client_id, self._secret)

    def _place(self, endpoint: str) -> str:
        found = self._discovered().get(endpoint)
        if found is None:
            raise Unavailable(f"{self._settings.issuer} has no {endpoint}.")
        return found

    def _discovered(self) -> Mapping[str, str]:
        if self._places and self._now() - self._places[0] < KEPT:
            return self._places[1]
        issuer = self._settings.issuer
        document = _table(self._web.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        if document.get("issuer") != issuer:
            raise Unavailable(f"{issuer} calls itself something else; write its issuer as it does.")
        if self._settings.introspection_endpoint:
            document["introspection_endpoint"] = self._settings.introspection_endpoint
        try:
            found = {name: check_url(str(document[name]), name) for name in _ENDPOINTS if document.get(name)}
        except ConfigError as error:
            raise Unavailable(error.message) from error
        self._places = (self._now(), found)
        return found


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unavailable("The provider answers no JSON object.")
    return value


def _fit(text: str) -> bool:
    return 0 < len(text) <= LONGEST and text.isprintable()


def _imported(listed: list[Any]) -> list[Key]:
    """Those of a kind we know; a key set may hold newer ones. Shared secrets are never a provider's key."""
    found: list[Key] = []
    for each in listed:
        if not isinstance(each, dict) or each.get("kty") not in {"RSA", "EC", "OKP"} or each.get("use", "sig") != "sig":
            continue
        try:
            found += KeySet.import_key_set({"keys": [each]}).keys
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found


_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


def _fits(key: Key, header: Mapping[str, Any]) -> bool:
    alg = str(header["alg"])
    if key.key_type != _TYPES[alg[:2]] or key.get("alg", alg) != alg:
        return False
    return "kid" not in header or key.kid == header["kid"]
