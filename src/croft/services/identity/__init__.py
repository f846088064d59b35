"""Identity: Keystone v3. People, projects, roles, tokens and the catalog."""

from __future__ import annotations

from collections.abc import Mapping

from croft.core.db import Database
from croft.core.http import Service, dialects
from croft.core.work import Reconciler
from croft.services.identity.actions.login import Door
from croft.services.identity.actions.outside import Directories
from croft.services.identity.actions.tokens import Tokens
from croft.services.identity.actions.vouching import Providers
from croft.services.identity.api import routes
from croft.services.identity.model import Purge, Settings
from croft.services.identity.model.outside import Source, Trusted
from croft.services.identity.model.vault import Vault
from croft.services.identity.policy import rules
from croft.services.identity.reconcile import PersonSourceReconciler, ProjectReconciler

__all__ = ["Purge", "Settings", "Source", "Tokens", "Trusted", "Vault", "authenticator", "service"]


def service(
    db: Database,
    settings: Settings,
    known: Tokens | None = None,
    directories: Mapping[str, Source] | None = None,
    providers: Mapping[str, Trusted] | None = None,
) -> Service:
    """`known` is the authenticator of this process, so that a token is remembered once; `directories` are asked for the
    people of the domains of these names, and `providers` vouch for theirs."""
    known, sources = known or Tokens(db, settings), directories or {}
    door = Door(db, settings, known, Directories(db, sources))
    paths = routes(db, settings, known, door, Providers(db, settings, door, providers or {}))
    reconcilers: list[Reconciler] = [ProjectReconciler(db, settings.purges), PersonSourceReconciler(db, sources)]
    place = ("/identity", "/identity/v3", dialects.identity)
    table = rules(settings.owner_role)
    return Service("identity", "identity", *place, table, paths, reconcilers, loose_slashes=True)


def authenticator(db: Database, settings: Settings | None = None) -> Tokens:
    """Who a token is: called on every request's path. Once started it reads nothing while nothing changes."""
    return Tokens(db, settings)
