"""Tokens for those who sign requests instead of sending a secret (EC2, S3): asked for by the service they called."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import msgspec

from croft.core.ctx import Ctx
from croft.core.db import Database
from croft.core.errors import Forbidden, Invalid, Unauthorized
from croft.core.policy import Actor
from croft.services.identity.actions.keys import Keys, ec2_id
from croft.services.identity.actions.login import Door, Proof
from croft.services.identity.actions.tokens import NEEDED
from croft.services.identity.model import Credential
from croft.services.identity.model.signatures import Claim, Signed, Unsigned, ec2_claim, s3_claim
from croft.services.identity.store import credentials

WINDOW = 900
"""Seconds by which a signature's time may differ from ours."""
WEEK = 7 * 86_400
METHOD = "ec2credential"


class _Pair(msgspec.Struct):
    secret: str


class Signatures:
    def __init__(self, db: Database, door: Door, keys: Keys) -> None:
        self._db, self._door, self._keys = db, door, keys

    def who(self, text: str) -> Actor:
        """The user of a token just made, for the audit."""
        return self._door.who(text)

    def ec2_token(self, ctx: Ctx, request: Signed, *, with_catalog: bool) -> tuple[str, bytes]:
        """A token of the credential's user in the credential's project."""
        _refuse_strangers(ctx, "identity.ec2_token.create", "ec2tokens_validate")
        return self._token(ec2_claim, request, with_catalog=with_catalog)

    def s3_token(self, ctx: Ctx, request: Signed, *, with_catalog: bool) -> tuple[str, bytes]:
        _refuse_strangers(ctx, "identity.s3_token.create", "s3tokens_validate")
        return self._token(s3_claim, request, with_catalog=with_catalog)

    def _token(
        self, read_claim: Callable[[str, Signed], Claim], request: Signed, *, with_catalog: bool
    ) -> tuple[str, bytes]:
        row, secret = self._pair(request)
        try:
            claim = read_claim(secret, request)
        except Unsigned as error:
            raise Invalid(str(error)) from error
        return self._door.enter(self._proof(row, claim, request), with_catalog=with_catalog)

    def _pair(self, request: Signed) -> tuple[Credential | None, str]:
        """The credential, if there is one; else a secret that nobody has, so that both cost the same."""
        with self._db.read() as tx:
            row = credentials.credential(tx, ec2_id(request.access))
        if row is None or row.type != "ec2":
            return None, "nobody's secret"
        opened = self._keys.opened(row)
        return (row, msgspec.json.decode(opened.blob, type=_Pair).secret) if opened.blob else (None, "nobody's secret")

    def _proof(self, row: Credential | None, claim: Claim, request: Signed) -> Proof:
        fits = hmac.compare_digest(claim.signature.encode(), request.signature.encode("utf-8", "replace"))
        if row is None or not row.project or not fits or not _fresh(claim, self._db.clock.now()):
            raise Unauthorized(NEEDED)
        found = row
        return Proof(row.user, (METHOD,), lambda tx: credentials.credential(tx, found.id) == found, project=row.project)


def _fresh(claim: Claim, now: int) -> bool:
    """Within a quarter of an hour; signed links as long as they say, a week at most."""
    if claim.made is not None and claim.made > now + WINDOW:
        return False
    if claim.ends is not None:
        return now < claim.ends <= now + WEEK
    return claim.made is not None and claim.made >= now - WINDOW


def _refuse_strangers(ctx: Ctx, action: str, openstack: str) -> None:
    """Only services and operators: a signed link that somebody was given must not become a token."""
    ctx.policy.check(ctx.actor, action)
    if not (ctx.actor.is_admin or "service" in ctx.actor.roles):
        raise Forbidden(f"Policy doesn't allow identity:{openstack} to be performed: only services may.")
