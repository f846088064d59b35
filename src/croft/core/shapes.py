"""What msgspec knows of a shape, built by one thread at a time: two that build the same at once crash the process
(msgspec 0.22, a struct's first decoding; seen as a segmentation fault in `get_class_annotations`)."""

from __future__ import annotations

import threading
from typing import Any

import msgspec

_BUILDING = threading.Lock()
_BUILT: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    """The one decoder of a shape. Whoever converts to a struct instead asks for it first."""
    found = _BUILT.get(shape)
    if found is None:
        with _BUILDING:
            found = _BUILT.setdefault(shape, msgspec.json.Decoder(shape))
    return found
