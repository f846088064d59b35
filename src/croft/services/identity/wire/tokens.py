"""A token's description."""

from __future__ import annotations

from typing import Any

import msgspec

from croft.core.clock import iso_bare, iso_micro
from croft.services.identity.model import Standing

Json = dict[str, Any]


def token_body(standing: Standing, catalog: list[dict[str, object]] | None) -> bytes:
    """`{"token": …}`, rendered once for every later validation."""
    token = standing.token
    domain = {"id": standing.user_domain, "name": standing.user_domain_name}
    body: Json = {
        "methods": token.methods,
        "user": {
            "domain": domain,
            "id": token.user,
            "name": standing.user_name,
            "password_expires_at": None if standing.password_expires is None else iso_bare(standing.password_expires),
        },
        "audit_ids": token.audit,
        "expires_at": iso_micro(token.expires),
        "issued_at": iso_micro(token.issued),
    }
    body |= _scope(standing)
    if token.scope_type:
        body["roles"] = [{"id": id, "name": name} for id, name in standing.roles]
    if catalog is not None:
        body["catalog"] = catalog
    return msgspec.json.encode({"token": body | _behind(standing)})


def _scope(standing: Standing) -> Json:
    token = standing.token
    named = {"id": token.scope, "name": standing.scope_name}
    if token.scope_type == "project":
        domain = {"id": standing.scope_domain, "name": standing.scope_domain_name}
        return {"project": {"domain": domain, **named}, "is_domain": False}
    if token.scope_type == "domain":
        return {"domain": named}
    return {"system": {"all": True}} if token.scope_type == "system" else {}


def _behind(standing: Standing) -> Json:
    """What the token was made from."""
    behind: Json = {}
    credential, trust = standing.application_credential, standing.trust
    if credential is not None:
        behind["application_credential"] = {
            "id": credential.id,
            "name": credential.name,
            "restricted": not credential.unrestricted,
        }
        if standing.access_rules is not None:
            rules = [
                {"id": rule.id, "service": rule.service, "method": rule.method, "path": rule.path}
                for rule in standing.access_rules
            ]
            behind["application_credential"]["access_rules"] = rules
    if trust is not None:
        behind["OS-TRUST:trust"] = {
            "id": trust.id,
            "impersonation": trust.impersonation,
            "trustee_user": {"id": trust.trustee},
            "trustor_user": {"id": trust.trustor},
        }
    return behind
