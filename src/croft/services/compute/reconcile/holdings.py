"""Which names in the engines' lists the rows of servers account for, those on their way out included."""

from __future__ import annotations

from croft.core.db import Tx
from croft.services.compute import store
from croft.services.compute.reconcile.server import every_volume


def volumes(tx: Tx) -> set[str]:
    return {name for server in store.servers.any_servers(tx) for name in every_volume(server)}


HOLDINGS = {"hypervisor": store.servers.any_guests, "block": volumes}
"""Guests as `host/id`: one that runs on the wrong host is nobody's."""
