"""Names that read the same: what a name is compared by, and the characters that only hide in it."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Any

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Drawn as nothing although Unicode counts them as letters, marks or symbols."""
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
_JOINED = frozenset({"So", "Sk", "Lo", "Mn", "Mc"})
"""What joiners shape when they follow it: symbols like flags, letters of scripts like Persian."""


def _is_hidden(sign: str) -> bool:
    selector = "\ufe00" <= sign <= "\ufe0f" or "\U000e0100" <= sign <= "\U000e01ef"
    return sign in _BLANK or selector or unicodedata.category(sign) in _UNSEEN


def hidden(name: str) -> str:
    """The first character of a name that nobody sees, as `U+200B`; empty when there is none."""
    before = ""
    for sign in name:
        shapes = sign in _JOINERS and (before in _JOINERS or unicodedata.category(before or "a") in _JOINED)
        if not shapes and _is_hidden(sign):
            return f"U+{ord(sign):04X}"
        before = sign
    return ""


def likeness(name: str) -> str:
    """The same for names that differ only in case, width, ligatures, composition, joiners, or blanks around and between
    words."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(sign for sign in folded if not _is_hidden(sign) or sign.isspace())
    return hashlib.sha256(" ".join(seen.split()).encode("utf-8", "surrogatepass")).hexdigest()


def with_likeness(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row to write, with what its name, if it is among them, is compared by."""
    return {**values, "likeness": likeness(values["name"])} if "name" in values else dict(values)
