"""Keeps engines out of transactions: drivers are handed to services only through `guard`."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from croft.core.db import outside_transaction

T = TypeVar("T")


class _Guarded:
    def __init__(self, driver: object) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._driver, name)
        if not callable(value):
            return value

        def call(*args: Any, **words: Any) -> Any:
            outside_transaction()
            return value(*args, **words)

        call.__name__ = name
        self.__dict__[name] = call
        return call


def guard(driver: T) -> T:
    """The same driver, whose verbs raise `TransactionHeld` when this thread holds a transaction."""
    return cast(T, _Guarded(driver))
