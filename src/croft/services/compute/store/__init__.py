"""All of compute's SQL."""

from croft.services.compute.store import flavors, hosts, keypairs, servers

__all__ = ["flavors", "hosts", "keypairs", "servers"]
