"""HTTP: what a service sees of a request, what it answers, and its literal table of routes.

Handlers are plain synchronous functions, run in a thread pool; `asgi` is the only asynchronous part.
"""

from croft.core.http.message import Request, Response, empty, reply
from croft.core.http.microversion import Microversions, Version
from croft.core.http.routes import Route, Router
from croft.core.http.service import Application, Service, bearer

__all__ = [
    "Application",
    "Microversions",
    "Request",
    "Response",
    "Route",
    "Router",
    "Service",
    "Version",
    "bearer",
    "empty",
    "reply",
]
