"""What the Identity API's reference has and Croft has not: each answers why, none is missing by accident."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from croft.core.errors import Gone, NotImplementedHere
from croft.core.http import Request, Response, Route

_OAUTH1 = "Croft lets nobody in by OAuth 1, it only keeps consumers; use application credentials instead."
_ENDPOINT_POLICY = "Croft enforces no stored policies, so they belong to no endpoints."
_SAML = "Croft speaks no SAML; use application credentials in the other cloud."
_EVENTS = "Croft keeps no revocation events: a revoked token ends at once; validate the token instead."
_SIGNED = "Signatures are checked by POST; there is nothing to see."
_PKI = "There are no PKI tokens any more, neither in OpenStack nor here."
_PARAMETER = re.compile(r"(?<=\{)\w+")
_PATHS = {
    _OAUTH1: (
        "GET /v3/users/{user}/OS-OAUTH1/access_tokens",
        "GET /v3/users/{user}/OS-OAUTH1/access_tokens/{id}",
        "DELETE /v3/users/{user}/OS-OAUTH1/access_tokens/{id}",
        "GET /v3/users/{user}/OS-OAUTH1/access_tokens/{id}/roles",
        "GET /v3/users/{user}/OS-OAUTH1/access_tokens/{id}/roles/{role}",
        "PUT /v3/OS-OAUTH1/authorize/{id}",
        "GET /v3/OS-OAUTH1/access_token",
        "POST /v3/OS-OAUTH1/access_token",
        "GET /v3/OS-OAUTH1/request_token",
        "POST /v3/OS-OAUTH1/request_token",
    ),
    _ENDPOINT_POLICY: (
        "GET /v3/endpoints/{id}/OS-ENDPOINT-POLICY/policy",
        "GET /v3/policies/{id}/OS-ENDPOINT-POLICY/policy",
        "GET /v3/policies/{id}/OS-ENDPOINT-POLICY/endpoints",
        "GET /v3/policies/{id}/OS-ENDPOINT-POLICY/endpoints/{endpoint}",
        "PUT /v3/policies/{id}/OS-ENDPOINT-POLICY/endpoints/{endpoint}",
        "DELETE /v3/policies/{id}/OS-ENDPOINT-POLICY/endpoints/{endpoint}",
        "GET /v3/policies/{id}/OS-ENDPOINT-POLICY/services/{service}",
        "PUT /v3/policies/{id}/OS-ENDPOINT-POLICY/services/{service}",
        "DELETE /v3/policies/{id}/OS-ENDPOINT-POLICY/services/{service}",
        "GET /v3/policies/{id}/OS-ENDPOINT-POLICY/services/{service}/regions/{region}",
        "PUT /v3/policies/{id}/OS-ENDPOINT-POLICY/services/{service}/regions/{region}",
        "DELETE /v3/policies/{id}/OS-ENDPOINT-POLICY/services/{service}/regions/{region}",
    ),
    _SAML: (
        "GET /v3/OS-FEDERATION/saml2/metadata",
        "GET /v3/auth/OS-FEDERATION/saml2",
        "POST /v3/auth/OS-FEDERATION/saml2",
        "GET /v3/auth/OS-FEDERATION/saml2/ecp",
        "POST /v3/auth/OS-FEDERATION/saml2/ecp",
    ),
    _SIGNED: ("GET /v3/ec2tokens", "GET /v3/s3tokens"),
    _EVENTS: ("GET /v3/OS-REVOKE/events",),
    _PKI: (
        "GET /v3/OS-SIMPLE-CERT/ca",
        "GET /v3/OS-SIMPLE-CERT/certificates",
        "GET /v3/auth/tokens/OS-PKI/revoked",
    ),
}


def _refused(reason: str) -> Callable[[Request], Response]:
    def handle(req: Request) -> Response:
        if req.content:
            req.decode(dict[str, Any])
        raise Gone(reason) if reason == _PKI else NotImplementedHere(reason)

    return handle


def beside(routes: Iterable[Route]) -> list[Route]:
    """Routes for all of it that the given ones do not answer."""
    known = {(each.method, _PARAMETER.sub("", each.path)) for each in routes}
    found = []
    for reason, lines in _PATHS.items():
        for method, path in (line.split() for line in lines):
            if (method, _PARAMETER.sub("", path)) not in known:
                found.append(Route(method, path, _refused(reason), "identity.absent.refuse"))
    return found
