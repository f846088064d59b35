"""Running the machine's own programs: quietly, bounded in time, with their words kept when they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence


class CommandFailed(Exception):
    """A program ended badly or not in time. `output` is what it said."""

    def __init__(self, argv: Sequence[str], status: int | None, output: str) -> None:
        self.argv, self.status, self.output = tuple(argv), status, output.strip()
        ending = "did not end in time" if status is None else f"ended with status {status}"
        super().__init__(f"`{' '.join(argv)}` {ending}" + (f": {self.output}" if self.output else ""))


def run(
    *argv: str, stdin: str = "", timeout: float = 30, environment: Mapping[str, str] | None = None, check: bool = True
) -> str:
    """Standard output of the program; `check=False` gives it whatever the exit status was."""
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout, env=environment, check=False
        )
    except subprocess.TimeoutExpired as late:
        said = late.stderr.decode(errors="replace") if isinstance(late.stderr, bytes) else ""
        raise CommandFailed(argv, None, said) from late
    except FileNotFoundError as missing:
        raise CommandFailed(argv, 127, f"{argv[0]} is not installed") from missing
    if check and done.returncode != 0:
        raise CommandFailed(argv, done.returncode, done.stderr or done.stdout)
    return done.stdout


def succeeds(*argv: str, timeout: float = 10) -> bool:
    try:
        run(*argv, timeout=timeout)
    except CommandFailed:
        return False
    return True
