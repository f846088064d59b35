"""Password and secret hashes: bcrypt over base64(SHA-256), so that no byte of a long password is ignored."""

from __future__ import annotations

import base64
import hashlib

import bcrypt

MAX_LENGTH = 4096
"""Characters; longer ones are refused before any work is spent on them."""


def hashed(secret: str, rounds: int) -> str:
    return bcrypt.hashpw(_digest(secret), bcrypt.gensalt(rounds)).decode()


def matches(secret: str, stored: str | None, rounds: int) -> bool:
    """Costs the same when there is nothing stored to compare with, so that unknown users cannot be told apart."""
    nobody = f"$2b${rounds:02}${'.' * 53}"
    fits = bcrypt.checkpw(_digest(secret), (stored or nobody).encode())
    return fits and stored is not None


def _digest(secret: str) -> bytes:
    return base64.b64encode(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest())
