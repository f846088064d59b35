"""What a project or domain on its way out still waits for, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

NAMED = 8
"""So many things are named, the rest is counted."""
LETTERS = 40


def joined(parts: Iterable[Mapping[str, Sequence[str]]]) -> dict[str, list[str]]:
    """What all services have left, in the order they are asked."""
    whole: dict[str, list[str]] = {}
    for part in parts:
        for word, names in part.items():
            if names:
                whole.setdefault(word, []).extend(names)
    return whole


def sentence(left: Mapping[str, Sequence[str]], done: str = "deleted") -> str:
    """`2 servers, 1 port are being deleted: server web, server db, port 0198….`"""
    counts = [f"{len(names)} {word}{'' if len(names) == 1 else 's'}" for word, names in left.items()]
    things = [f"{word} {name[:LETTERS]}" for word, names in left.items() for name in names]
    verb = "is" if len(things) == 1 else "are"
    further = f" and {len(things) - NAMED} more" if len(things) > NAMED else ""
    return f"{', '.join(counts)} {verb} being {done}: {', '.join(things[:NAMED])}{further}."
