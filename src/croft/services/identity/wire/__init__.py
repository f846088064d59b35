"""Keystone's JSON: what people send, and what they get."""

from croft.services.identity.wire.auth import Auth, AuthRequest, AuthScope, DomainRef, Identity, ProjectRef, UserRef
from croft.services.identity.wire.tokens import token_body

__all__ = [
    "Auth",
    "AuthRequest",
    "AuthScope",
    "DomainRef",
    "Identity",
    "ProjectRef",
    "UserRef",
    "token_body",
]
