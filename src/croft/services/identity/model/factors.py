"""Second factors: which methods a login needs together, and one-time codes (RFC 6238: six digits, 30 s, SHA-1)."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyotp

PERIOD = 30
DRIFT = 1
"""Steps that a clock may be before or behind."""
TRIES, FIRST_PAUSE, LONGEST_PAUSE = 5, 60, 3600
"""Wrong codes that close a second factor; for so many seconds at first, doubled with each further one; at most."""


def rules(options: Mapping[str, Any], known: Collection[str]) -> list[list[str]]:
    """Sets of methods of which a user must show one whole. As in Keystone, methods nobody knows are left out of a rule
    and a rule of nothing else counts for nothing: an operator's slip locks nobody out."""
    if options.get("multi_factor_auth_enabled", True) is False:
        return []
    asked: Sequence[Sequence[str]] = options.get("multi_factor_auth_rules") or ()
    found = ([method for method in rule if method in known] for rule in asked)
    return [rule for rule in found if rule]


def opens_alone(options: Mapping[str, Any]) -> bool:
    """Whether an operator has said that this user's one-time codes are enough."""
    return ["totp"] in (options.get("multi_factor_auth_rules") or []) and rules(options, {"totp"}) != []


def satisfied(asked: Sequence[Sequence[str]], shown: Collection[str]) -> bool:
    return not asked or any(set(rule) <= set(shown) for rule in asked)


def within_reach(asked: Sequence[Sequence[str]], shown: Collection[str]) -> list[list[str]]:
    """The rules that have something of what was shown."""
    return [list(rule) for rule in asked if set(rule) & set(shown)]


def is_secret(text: str) -> bool:
    """Whether codes can be made of it: base32 of at least 112 bits."""
    try:
        pyotp.TOTP(text).generate_otp(0)
    except ValueError:
        return False
    return True


def step_of(secret: str, code: str, now: int) -> int | None:
    """The step whose code this is, of those around now. Always computes them all."""
    here = now // PERIOD
    found = None
    for step in range(max(0, here - DRIFT), here + DRIFT + 1):
        made = pyotp.TOTP(secret).generate_otp(step)
        if hmac.compare_digest(made.encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def paused(failed: int, last: int, now: int) -> bool:
    """Whether the second factor is closed after so many wrong codes, the last of them then. Only who has shown the
    first factor can close it, so the pauses may grow: six digits stand no long guessing."""
    if failed < TRIES:
        return False
    return now < last + min(LONGEST_PAUSE, FIRST_PAUSE << min(failed - TRIES, 16))
