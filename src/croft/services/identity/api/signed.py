"""`/v3/ec2tokens` and `/v3/s3tokens`."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from croft.core.errors import Invalid
from croft.core.http import Request, Response, Route
from croft.services.identity.actions.signed import Signatures
from croft.services.identity.model.signatures import Signed


class _Wish(msgspec.Struct):
    """Three names for the same, as callers of OpenStack's services use them."""

    credentials: Signed | None = None
    credential: Signed | None = None
    ec2: Signed | None = msgspec.field(name="ec2Credentials", default=None)


def _signed(req: Request) -> Signed:
    wish = req.decode(_Wish)
    found = wish.credentials or wish.credential or wish.ec2
    if found is None:
        raise Invalid("The request names no credentials.")
    return found


@dataclass(frozen=True)
class SignedApi:
    signatures: Signatures

    def ec2(self, req: Request) -> Response:
        text, body = self.signatures.ec2_token(req.ctx, _signed(req), with_catalog="nocatalog" not in req.query)
        req.trail.action, req.trail.actor = "identity.ec2_token.create", self.signatures.who(text)
        return Response(200, body, {"content-type": "application/json", "x-subject-token": text})

    def s3(self, req: Request) -> Response:
        """Without the token itself: the store has let the request in, and needs to know who it was."""
        text, body = self.signatures.s3_token(req.ctx, _signed(req), with_catalog="nocatalog" not in req.query)
        req.trail.action, req.trail.actor = "identity.s3_token.create", self.signatures.who(text)
        return Response(200, body, {"content-type": "application/json"})

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/v3/ec2tokens", self.ec2, "identity.ec2_token.create"),
            Route("POST", "/v3/s3tokens", self.s3, "identity.s3_token.create"),
        ]
