"""Regular expressions that people send, run by RE2: its time grows with the text only, whatever the expression.

Python's own matcher may take hours for one short text and holds up every other request meanwhile.
"""

from __future__ import annotations

from typing import Protocol

import re2

from croft.core.errors import Invalid

LONGEST = 255
_OPTIONS = re2.Options()
_OPTIONS.max_mem = 1 << 20
_OPTIONS.log_errors = False


class Pattern(Protocol):
    def search(self, text: str) -> object | None:
        """Something, if any part of the text matches."""


def pattern(text: str) -> Pattern:
    """`Invalid` when it is no expression, too large, or needs what RE2 leaves out (back references, looking around)."""
    if len(text) > LONGEST:
        raise Invalid(f"A regular expression may have at most {LONGEST} characters.")
    try:
        compiled: Pattern = re2.compile(text, _OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error
        raise Invalid(f"'{text[:60]}' is not a regular expression that can be used here: {reason}.") from error
    return compiled
