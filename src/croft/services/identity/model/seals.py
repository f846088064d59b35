"""A token's text: what it says, packed and sealed. No row of it is kept.

Fernet (AES-CBC and HMAC-SHA256) seals; the packing keeps the text within the 255 characters that Keystone's clients
and headers have always had room for.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from croft.services.identity.model.rows import Token

_SHAPE = re.compile(r"[A-Za-z0-9_-]{100,500}")
_HEX = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_METHODS = ("password", "token", "application_credential", "totp", "openid", "mapped", "oauth2_credential", "external")
_SCOPES = ("", "project", "domain", "system")
_CREDENTIAL, _TRUST = 4, 8
_AUDIT_BYTES = 16
Id = Any
"""Bytes of a hexadecimal id, or text: msgspec tells the two apart only where it is told nothing."""


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    kind: int
    """Place in `_SCOPES`, plus 4 or 8 where `behind` is a credential's or a trust's id."""
    user: Id
    scope: Id
    methods: list[int | str]
    issued: int
    life: int
    audit: bytes
    born: int
    behind: Id


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(_Packed).decode


def new_key() -> str:
    return Fernet.generate_key().decode()


def looks_sealed(text: str) -> bool:
    """Whether a text is worth opening."""
    return _SHAPE.fullmatch(text) is not None


class Sealer:
    """Seals with the first key, opens with every one."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._seal = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def seal(self, token: Token) -> str:
        assert self._seal is not None, "no key to seal tokens with: the cloud was not seeded"
        return self._seal.encrypt_at_time(_ENCODE(_packed(token)), token.issued).decode().rstrip("=")

    def open(self, text: str) -> Token | None:
        """What a text says, if one of the keys has sealed it."""
        if self._seal is None or not looks_sealed(text):
            return None
        try:
            return _unpacked(_DECODE(self._seal.decrypt(text + "=" * (-len(text) % 4))))
        except (InvalidToken, msgspec.MsgspecError, IndexError):  # the last: in the words of a newer release
            return None


def _packed(token: Token) -> _Packed:
    kind = _SCOPES.index(token.scope_type)
    kind += _CREDENTIAL if token.application_credential else _TRUST if token.trust else 0
    return _Packed(
        kind,
        _short(token.user),
        _short(token.scope),
        [_METHODS.index(each) if each in _METHODS else each for each in token.methods],
        token.issued,
        token.expires - token.issued,
        b"".join(urlsafe_b64decode(each + "==") for each in token.audit),
        token.born,
        _short(token.application_credential or token.trust or ""),
    )


def _unpacked(found: _Packed) -> Token:
    behind = _long(found.behind)
    audit = [found.audit[at : at + _AUDIT_BYTES] for at in range(0, len(found.audit), _AUDIT_BYTES)]
    return Token(
        _long(found.user),
        [each if isinstance(each, str) else _METHODS[each] for each in found.methods],
        [urlsafe_b64encode(each).decode().rstrip("=") for each in audit],
        _SCOPES[found.kind % _CREDENTIAL],
        _long(found.scope),
        found.issued,
        found.issued + found.life,
        behind if found.kind & _CREDENTIAL else None,
        behind if found.kind & _TRUST else None,
        found.born,
    )


def _short(id: str) -> Id:
    return bytes.fromhex(id) if _HEX.fullmatch(id) else id


def _long(id: Id) -> str:
    return id.hex() if isinstance(id, bytes) else str(id)
