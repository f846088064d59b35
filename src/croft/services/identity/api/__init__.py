"""Identity's routes."""

from __future__ import annotations

from croft.core.db import Database
from croft.core.http import Route
from croft.services.identity.actions.births import Births
from croft.services.identity.actions.catalog import Catalog
from croft.services.identity.actions.filtering import Filtering
from croft.services.identity.actions.keys import Keys
from croft.services.identity.actions.limits import Limits
from croft.services.identity.actions.login import Door
from croft.services.identity.actions.signed import Signatures
from croft.services.identity.actions.tokens import Tokens
from croft.services.identity.actions.vouching import Providers
from croft.services.identity.api import absent, assignments, federation, kept, projects, roles, trusts, versions
from croft.services.identity.api.auth import AuthApi
from croft.services.identity.api.catalog import CatalogApi
from croft.services.identity.api.credentials import CredentialsApi
from croft.services.identity.api.filtering import FilteringApi
from croft.services.identity.api.limits import LimitsApi
from croft.services.identity.api.oauth2 import OAuth2Api
from croft.services.identity.api.signed import SignedApi
from croft.services.identity.api.users import UsersApi
from croft.services.identity.api.vouching import VouchingApi
from croft.services.identity.model import Settings
from croft.services.identity.model.vault import Vault


def routes(db: Database, settings: Settings, tokens: Tokens, door: Door, providers: Providers) -> list[Route]:
    keys = Keys(Vault(settings.vault_keys))
    offered = [
        *versions.ROUTES,
        *AuthApi(tokens, door).routes(),
        *projects.routes(Births(settings), Limits(settings)),
        *UsersApi(settings, door.passwords).routes(),
        *roles.ROUTES,
        *roles.GRANT_ROUTES,
        *assignments.ROUTES,
        *CatalogApi(Catalog(settings)).routes(),
        *CredentialsApi(settings, keys).routes(),
        *SignedApi(Signatures(db, door, keys)).routes(),
        *trusts.ROUTES,
        *federation.ROUTES,
        *LimitsApi(Limits(settings)).routes(),
        *FilteringApi(Filtering(Catalog(settings))).routes(),
        *kept.ROUTES,
        *VouchingApi(providers, settings).routes(),
        *OAuth2Api(door).routes(),
    ]
    return [*offered, *absent.beside(offered)]
