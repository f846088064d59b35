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
from croft.services.network.actions.views import SubnetFacts, groups_with_rules, subnets_of, unplug_one

__all__ = [
    "NicWish",
    "Seed",
    "ServerPort",
    "SubnetFacts",
    "add_group",
    "any_server_at",
    "bind",
    "groups_with_rules",
    "plug",
    "ports_of",
    "purge",
    "remove_group",
    "seed",
    "subnets_of",
    "unplug",
    "unplug_one",
    "unplug_port",
]
