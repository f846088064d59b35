"""What identity knows: rows, settings, who holds which role. Pure: no I/O, no clock."""

from croft.services.identity.model.rows import (
    AccessRule,
    ApplicationCredential,
    Assignment,
    CatalogEndpoint,
    CatalogService,
    Credential,
    Group,
    Project,
    Region,
    Role,
    Standing,
    Token,
    Trust,
    User,
)
from croft.services.identity.model.settings import DEFAULT_DOMAIN, Purge, Settings

__all__ = [
    "DEFAULT_DOMAIN",
    "AccessRule",
    "ApplicationCredential",
    "Assignment",
    "CatalogEndpoint",
    "CatalogService",
    "Credential",
    "Group",
    "Project",
    "Purge",
    "Region",
    "Role",
    "Settings",
    "Standing",
    "Token",
    "Trust",
    "User",
]
