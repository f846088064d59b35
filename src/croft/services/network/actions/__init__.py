"""What people and other services may do with networks. Other services use the names listed here, nothing else."""

from croft.services.network.actions.purge import purge
from croft.services.network.actions.seed import Seed, seed
from croft.services.network.actions.servers import (
    NicWish,
    ServerPort,
    add_group,
    any_server_at,
    bind,
    plug,
    ports_of,
    remove_group,
    unplug,
    unplug_port,
)

__all__ = [
    "NicWish",
    "Seed",
    "ServerPort",
    "add_group",
    "any_server_at",
    "bind",
    "plug",
    "ports_of",
    "purge",
    "remove_group",
    "seed",
    "unplug",
    "unplug_port",
]
