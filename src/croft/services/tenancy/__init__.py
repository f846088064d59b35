"""Tenancy: how people come by projects, quota and time, and how projects end. Croft's own API."""

from __future__ import annotations

from functools import partial

from croft.core.db import Database
from croft.core.http import Service, dialects
from croft.services.identity import model as identity
from croft.services.identity.actions.tenancy import Births
from croft.services.tenancy.actions import Calendar, Lives, Requests, purge
from croft.services.tenancy.api import Api
from croft.services.tenancy.model import Settings
from croft.services.tenancy.policy import rules
from croft.services.tenancy.reconcile import LifeReconciler

__all__ = ["Settings", "service"]


def service(db: Database, settings: Settings, home: identity.Settings) -> Service:
    paths = Api(Requests(settings, Births(home)), Lives(settings)).routes()
    place = ("/tenancy", "/tenancy/v1", dialects.identity)
    kinds = (LifeReconciler(db, settings, Calendar(db)),)
    return Service("tenancy", "tenancy", *place, rules(settings.owner_role), paths, kinds, purge=partial(purge, db))
