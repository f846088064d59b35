"""Puts errors and crashes between Croft and its engines, at any call, without the fakes knowing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Crash(BaseException):
    """The process dies here: nothing catches it, no lease is released."""


class Faults:
    """`wrap` each driver; then `arm(n, error, after=…)` makes the n-th engine call from now raise, once.

    With `after` the engine does the work first and the answer is lost. `hook` runs instead of an error. Only calls made
    while one of the kinds in `among` is reconciled count (none named: every call)."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.kind = ""
        self.among: frozenset[str] = frozenset()
        self._left = 0
        self._error: BaseException | None = None
        self._after = False
        self._hook: Callable[[], None] | None = None
        self.fired = False

    def arm(self, number: int, error: BaseException | None = None, *, after: bool = False) -> None:
        self._left, self._error, self._after, self._hook, self.fired = number, error, after, None, False

    def arm_hook(self, number: int, hook: Callable[[], None]) -> None:
        self._left, self._error, self._hook, self.fired = number, None, hook, False

    def disarm(self) -> None:
        self._left = 0

    def wrap(self, name: str, driver: Any) -> Any:
        return _Wrapped(self, name, driver)

    def call(self, name: str, verb: Callable[..., Any], args: tuple[Any, ...], words: dict[str, Any]) -> Any:
        if self.among and self.kind not in self.among:
            return verb(*args, **words)
        self.calls.append(name)
        self._left -= 1
        if self._left != 0:
            return verb(*args, **words)
        self.fired = True
        if self._hook is not None:
            self._hook()
            return verb(*args, **words)
        assert self._error is not None
        if self._after:
            verb(*args, **words)
        raise self._error


class _Wrapped:
    def __init__(self, faults: Faults, name: str, driver: Any) -> None:
        self._faults, self._name, self._driver = faults, name, driver

    def __getattr__(self, verb: str) -> Any:
        value = getattr(self._driver, verb)
        if not callable(value) or verb in {"watch", "serve", "close", "locator"}:
            return value
        return lambda *args, **words: self._faults.call(f"{self._name}.{verb}", value, args, words)


class Watched:
    """A reconciler that says when it runs, so that faults can be meant for it alone."""

    def __init__(self, faults: Faults, reconciler: Any) -> None:
        self._faults, self._reconciler = faults, reconciler
        self.kind, self.resync, self.deadline = reconciler.kind, reconciler.resync, reconciler.deadline

    def reconcile(self, id: str) -> Any:
        outer, self._faults.kind = self._faults.kind, self.kind
        try:
            return self._reconciler.reconcile(id)
        finally:
            self._faults.kind = outer
