"""What people may do with compute, and the few functions app.py and the network service call."""

from croft.services.compute.actions.answers import answer_metadata
from croft.services.compute.actions.create import Made, create_servers
from croft.services.compute.actions.flavors import seed
from croft.services.compute.actions.operators import host_id, register_hosts
from croft.services.compute.actions.power import halt, purge

__all__ = [
    "Made",
    "answer_metadata",
    "create_servers",
    "halt",
    "host_id",
    "purge",
    "register_hosts",
    "seed",
]
