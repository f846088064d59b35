"""What a query may ask of a list: `name=x`, or part of it: `name__contains`, `__startswith`, `__endswith`, each also
with an `i` before it (`name__icontains`), which makes capitals and small letters the same."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

PARTLY = frozenset(f"{letter}{word}" for word in ("contains", "startswith", "endswith") for letter in ("", "i"))
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}
"""For times: `password_expires__lt`. No time at all is neither before nor after, and not unequal either."""


def split(key: str) -> tuple[str, str, bool]:
    """(column, comparison or empty for equality, whether letters' case counts)."""
    column, _, word = key.partition("__")
    return column, word.removeprefix("i"), not word.startswith("i")


def fits(row: object, wanted: Mapping[str, Any]) -> bool:
    """Whether a row is what was asked for; the same as the store's SQL, for rows that are not in the database."""
    return all(_fits(getattr(row, split(key)[0]), key, value) for key, value in wanted.items())


def _fits(found: Any, key: str, wanted: Any) -> bool:
    _, word, exact = split(key)
    if not word:
        return bool(found == wanted)
    if word in COMPARED:
        return found is not None and bool(COMPARED[word](found, wanted))
    text = found if isinstance(found, str) else ""
    if not exact:
        text, wanted = text.lower(), wanted.lower()
    if word == "contains":
        return wanted in text
    return bool(text.startswith(wanted) if word == "startswith" else text.endswith(wanted))
