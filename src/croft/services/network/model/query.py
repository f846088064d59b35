"""What a list is asked for, independent of HTTP."""

from __future__ import annotations

import msgspec

from croft.core.page import MAX_LIMIT


class Query(msgspec.Struct, frozen=True):
    filters: dict[str, list[str]] = {}
    """Attribute → values, any of which may match. All attributes must."""
    sorts: tuple[tuple[str, bool], ...] = ()
    """(attribute, descending); the id is always the last key."""
    limit: int = MAX_LIMIT
    marker: str = ""
    reverse: bool = False
    """The page before the marker instead of the one after it."""


EVERYTHING = Query()
