"""Secrets that must be read again: users' credentials and receipts, sealed with keys that lie outside the database."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet


def new_key() -> str:
    return Fernet.generate_key().decode()


class _Sealed(msgspec.Struct, array_like=True, frozen=True):
    purpose: str
    text: str


class Vault:
    """Seals with the first key and opens with each. What was sealed for one purpose does not open for another, so that
    nothing can be put into somebody else's place."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._newest = Fernet(keys[0])
        self._all = MultiFernet([Fernet(key) for key in keys])

    def seal(self, purpose: str, text: str) -> str:
        return self._newest.encrypt(msgspec.msgpack.encode(_Sealed(purpose, text))).decode()

    def open(self, purpose: str, sealed: str) -> str | None:
        return _opened(self._all, purpose, sealed)

    def is_newest(self, purpose: str, sealed: str) -> bool:
        """Whether the first key has sealed it."""
        return _opened(self._newest, purpose, sealed) is not None


def _opened(keys: Fernet | MultiFernet, purpose: str, sealed: str) -> str | None:
    try:
        found = msgspec.msgpack.decode(keys.decrypt(sealed.encode("utf-8", "replace")), type=_Sealed)
    except (InvalidToken, msgspec.MsgspecError):
        return None
    return found.text if found.purpose == purpose else None
