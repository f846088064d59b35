"""Identity: Keystone v3. People, projects, roles, tokens and the catalog."""

from __future__ import annotations

from collections.abc import Callable

from croft.core.db import Database
from croft.core.http import Service, dialects
from croft.core.policy import Actor
from croft.services.identity.actions.login import Door
from croft.services.identity.actions.tokens import Tokens
from croft.services.identity.api import routes
from croft.services.identity.model import Purge, Settings
from croft.services.identity.policy import RULES
from croft.services.identity.reconcile import ProjectReconciler

__all__ = ["Purge", "Settings", "authenticator", "service"]


def service(db: Database, settings: Settings) -> Service:
    known = Tokens(db, settings, most=1024)
    paths = routes(settings, known, Door(db, settings, known))
    reconcilers = [ProjectReconciler(db, settings.purges)]
    place = ("/identity", "/identity/v3", dialects.identity)
    return Service("identity", "identity", *place, RULES, paths, reconcilers, loose_slashes=True)


def authenticator(db: Database) -> Callable[[str], Actor]:
    """Who a token is: on every request's path, one read of one row while nothing changes."""
    return Tokens(db).authenticate
