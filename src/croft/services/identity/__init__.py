"""Identity: Keystone v3. People, projects, roles, tokens and the catalog."""

from __future__ import annotations

from croft.core.db import Database
from croft.core.http import Service, dialects
from croft.services.identity.actions.login import Door
from croft.services.identity.actions.tokens import Tokens
from croft.services.identity.api import routes
from croft.services.identity.model import Purge, Settings
from croft.services.identity.policy import RULES
from croft.services.identity.reconcile import ProjectReconciler

__all__ = ["Purge", "Settings", "Tokens", "authenticator", "service"]


def service(db: Database, settings: Settings, known: Tokens | None = None) -> Service:
    """`known` is the authenticator of this process, so that a token is remembered once."""
    known = known or Tokens(db, settings)
    paths = routes(settings, known, Door(db, settings, known))
    reconcilers = [ProjectReconciler(db, settings.purges)]
    place = ("/identity", "/identity/v3", dialects.identity)
    return Service("identity", "identity", *place, RULES, paths, reconcilers, loose_slashes=True)


def authenticator(db: Database, settings: Settings | None = None) -> Tokens:
    """Who a token is: called on every request's path. Once started it reads nothing while nothing changes."""
    return Tokens(db, settings)
