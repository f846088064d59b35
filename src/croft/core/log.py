"""Logging: one line per event on standard error, `key=value` pairs, never a secret."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

_PLAIN = re.compile(r'[^ "=\\]+')


def setup(level: str = "INFO") -> None:
    """Sends everything to standard error, where the supervisor keeps and rotates it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname).1s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def pairs(**values: Any) -> str:
    """`a=1 b="two words"`, leaving out what is None."""
    return " ".join(f"{key}={_quote(value)}" for key, value in values.items() if value is not None)


def _quote(value: Any) -> str:
    text = str(value)
    plain = text.isprintable() and _PLAIN.fullmatch(text)
    return text if plain else '"' + text.encode("unicode_escape").decode().replace('"', '\\"') + '"'
