"""Running the outside programs of a build: what is done is told with its duration, what fails says what it printed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[str], None]
"""Takes one sentence for people, such as `tiny: packed the disk (2.1 s)`."""

LAST_LINES = 12


class BuildFailed(Exception):
    """An image could not be built; the message says at which step and what the program printed."""


@contextmanager
def step(progress: Progress, what: str) -> Iterator[None]:
    """Reports `what` with its duration once it is done."""
    start = time.monotonic()
    yield
    progress(f"{what} ({time.monotonic() - start:.1f} s)")


def run(argv: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Runs a program to its end and returns what it printed; `BuildFailed` when it is missing or fails."""
    words = [str(word) for word in argv]
    settings = {**os.environ, "LC_ALL": "C", **(env or {})}
    try:
        done = subprocess.run(words, cwd=cwd, env=settings, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except FileNotFoundError as missing:
        raise BuildFailed(f"{words[0]} is not installed; install the packages the build needs") from missing
    if done.returncode != 0:
        printed = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
        tail = "\n".join(printed[-LAST_LINES:])
        raise BuildFailed(f"{words[0]} failed with exit status {done.returncode}:\n{tail}")
    return done.stdout.decode(errors="replace")
