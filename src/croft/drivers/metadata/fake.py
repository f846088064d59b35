"""Metadata endpoints in memory: a test asks as a guest would with `ask`."""

from __future__ import annotations

import threading
from collections.abc import Callable

from croft.core.errors import Rejected
from croft.drivers.metadata import Answer, Endpoint, Question


class FakeMetadata:
    def __init__(self) -> None:
        self.writes = 0
        self._lock = threading.RLock()
        self._endpoints: dict[str, Endpoint] = {}
        self._answer: Callable[[Question], Answer] | None = None

    def serve(self, answer: Callable[[Question], Answer]) -> None:
        self._answer = answer

    def observe(self, network: str) -> Endpoint | None:
        with self._lock:
            return self._endpoints.get(network)

    def ensure(self, endpoint: Endpoint) -> None:
        with self._lock:
            if self._answer is None:
                raise Rejected("Nobody was said to answer questions; call serve first.")
            if self._endpoints.get(endpoint.network) != endpoint:
                self._endpoints[endpoint.network] = endpoint
                self.writes += 1

    def remove(self, network: str) -> None:
        with self._lock:
            if self._endpoints.pop(network, None):
                self.writes += 1

    def names(self) -> list[str]:
        with self._lock:
            return list(self._endpoints)

    def close(self) -> None:
        with self._lock:
            self._endpoints.clear()

    def lose(self, network: str) -> None:
        """The endpoint vanishes without anyone having asked."""
        with self._lock:
            self._endpoints.pop(network, None)

    def ask(self, network: str, client: str, path: str) -> Answer | None:
        """What a guest in that network reads; None: nobody listens there."""
        with self._lock:
            if network not in self._endpoints or self._answer is None:
                return None
            answer = self._answer
        return answer(Question(network, client, path))
