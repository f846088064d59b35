"""Wakes of several rows, and of what other services know."""

from __future__ import annotations

from croft.core import work
from croft.core.db import Tx
from croft.core.ids import is_uuid
from croft.services.network.model.rows import COMPUTE


def wake_all(tx: Tx, kind: str, ids: list[str]) -> None:
    """In the order of ids, so that two transactions never wait for each other."""
    for id in sorted(ids):
        work.wake(tx, kind, id)


def wake_server(tx: Tx, device: str, owner: str) -> None:
    """The server that a port belongs to, if it does."""
    if owner.startswith(COMPUTE) and is_uuid(device):
        work.wake(tx, "compute.server", device)
