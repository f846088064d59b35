"""How long-running work tells people where it is, and how it says what failed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol


class Progress(Protocol):
    def step(self, title: str) -> AbstractContextManager[None]:
        """Shows that `title` is being done, then how long it took; nothing is shown twice when it fails."""

    def note(self, text: str) -> None: ...


class Silent:
    def step(self, title: str) -> AbstractContextManager[None]:
        return nullcontext()

    def note(self, text: str) -> None: ...


class StepFailed(Exception):
    """A step of bringing the cloud up or down failed: what happened, where to look, what to do."""

    def __init__(self, what: str, *, advice: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.what, self.advice, self.log = what, advice, log
