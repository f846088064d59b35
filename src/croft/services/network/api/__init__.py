"""Every route of the network API."""

from croft.services.network.api import networks, others, ports, routers

ROUTES = (*networks.ROUTES, *ports.ROUTES, *routers.ROUTES, *others.ROUTES)
