"""Signatures of Amazon's kind, as their makers compute them (AWS General Reference, "Signing AWS API requests").

Version 2 and 4 for EC2-like requests; for S3, the string to sign comes ready-made, in either of its two forms. Versions
0 and 1 are left out: they bind neither host nor path. Functions here compute; comparing, in constant time, is left to
their callers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import msgspec

V4 = "AWS4-HMAC-SHA256"
_STORES = frozenset({"s3", "iam", "sts"})
_SIGNATURES = frozenset({"Signature", "X-Amz-Signature"})


class Unsigned(ValueError):
    """The request is not signed in a way that can be checked; says why."""


class Signed(msgspec.Struct, frozen=True):
    """A signed request as a service hands it on."""

    access: str
    signature: str = ""
    host: str = ""
    verb: str = ""
    path: str = ""
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    body_hash: str = ""
    token: str = ""
    """For S3 alone: the string to sign, in URL-safe base64."""


class Claim(msgspec.Struct, frozen=True):
    """The signature that a secret gives, and when the request says it was made, or until when it counts."""

    signature: str
    made: int | None
    ends: int | None = None


def ec2_claim(secret: str, request: Signed) -> Claim:
    headers = {name.lower(): value.strip() for name, value in request.headers.items()}
    if headers.get("authorization", "").startswith(V4) or request.params.get("X-Amz-Algorithm") == V4:
        return _v4(secret, request, headers)
    if request.params.get("SignatureVersion") == "2":
        return _v2(secret, request)
    raise Unsigned("Only signature versions 2 (HmacSHA256) and 4 are taken.")


def _v2(secret: str, request: Signed) -> Claim:
    if request.params.get("SignatureMethod", "HmacSHA256") != "HmacSHA256":
        raise Unsigned("Of signature version 2 only HmacSHA256 is taken.")
    text = "\n".join((request.verb.upper(), request.host.lower(), request.path or "/", _query(request.params)))
    signature = base64.b64encode(_hmac(secret.encode(), text)).decode()
    made, ends = request.params.get("Timestamp"), request.params.get("Expires")
    return Claim(signature, _moment(made) if made else None, _moment(ends) if ends else None)


def _v4(secret: str, request: Signed, headers: Mapping[str, str]) -> Claim:
    given = _authorization(headers.get("authorization", "")) or {
        name: request.params.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders")
    }
    access, _, scope = given.get("Credential", "").partition("/")
    signed = given.get("SignedHeaders", "").split(";")
    if access != request.access or "host" not in signed or any(name not in headers for name in signed):
        raise Unsigned("The signature names another access key, or headers that are not there, or not host.")
    when = headers.get("x-amz-date") or request.params.get("X-Amz-Date") or ""
    lines = (
        request.verb.upper(),
        request.path or "/",
        "" if request.verb.upper() == "POST" else _query(request.params),
        *(f"{name}:{' '.join(headers[name].split())}" for name in signed),
        "",
        ";".join(signed),
        request.body_hash,
    )
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    made = _moment(when)
    signature = _v4_signature(secret, "\n".join((V4, when, scope, digest)))
    life = request.params.get("X-Amz-Expires", "") if lines[2] else ""  # what is not signed says nothing
    return Claim(signature, made, made + int(life) if life.isdecimal() and len(life) < 8 else None)


def _authorization(header: str) -> dict[str, str]:
    """`AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`"""
    parts = (part.strip().partition("=") for part in header.removeprefix(V4).split(","))
    return {name: value for name, _, value in parts if value}


def _v4_signature(secret: str, text: str) -> str:
    """Of a string to sign, whose third line says for which day, region and service the key is made."""
    lines = text.split("\n")
    scope = lines[2].split("/") if len(lines) == 4 else []
    if len(scope) != 4 or scope[3] != "aws4_request" or lines[0] != V4 or not lines[1].startswith(scope[0] or "-"):
        raise Unsigned("The string to sign is not that of signature version 4, or its date not that of its scope.")
    key = f"AWS4{secret}".encode()
    for word in scope:
        key = _hmac(key, word)
    return _hmac(key, text).hex()


def s3_claim(secret: str, request: Signed) -> Claim:
    try:
        text = base64.urlsafe_b64decode(request.token + "=" * (-len(request.token) % 4)).decode()
    except ValueError as error:
        raise Unsigned("The token is not a string to sign in URL-safe base64.") from error
    lines = text.split("\n")
    if lines[0] == V4:
        if text.count("/") < 3 or lines[2].split("/")[2:3] == [] or lines[2].split("/")[2] not in _STORES:
            raise Unsigned("The string to sign is for none of the services s3, iam and sts.")
        return Claim(_v4_signature(secret, text), _moment(lines[1]))
    signature = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
    if len(lines) < 5:
        raise Unsigned("The string to sign is not that of S3.")
    date = lines[3] or next((line[11:] for line in lines if line.startswith("x-amz-date:")), "")
    if date.isdecimal() and len(date) < 12:
        return Claim(signature, None, int(date))
    return Claim(signature, _moment(date))


def _query(params: Mapping[str, str]) -> str:
    pairs = sorted((quote(name, "-_.~"), quote(value, "-_.~")) for name, value in params.items())
    return "&".join(f"{name}={value}" for name, value in pairs if name not in _SIGNATURES)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _moment(text: str) -> int:
    """Seconds, of each way to write a time that these signatures have."""
    try:
        when = datetime.fromisoformat(text) if text[:4].isdecimal() else parsedate_to_datetime(text)
        return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, OverflowError) as error:
        raise Unsigned("The request does not say when it was signed.") from error
