"""Identity's routes."""

from __future__ import annotations

from croft.core.http import Route
from croft.services.identity.actions.login import Door
from croft.services.identity.actions.tokens import Tokens
from croft.services.identity.api import projects, roles, versions
from croft.services.identity.api.auth import AuthApi
from croft.services.identity.api.users import UsersApi
from croft.services.identity.model import Settings


def routes(settings: Settings, tokens: Tokens, door: Door) -> list[Route]:
    return [
        *versions.ROUTES,
        *AuthApi(tokens, door).routes(),
        *projects.ROUTES,
        *UsersApi(settings).routes(),
        *roles.ROUTES,
        *roles.GRANT_ROUTES,
    ]
