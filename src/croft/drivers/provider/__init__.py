"""The port to an identity provider: somebody else's login, whose word about a person is taken after it was checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from croft.core.config import NO_SECRET, Secret


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider says of the one who logged in there."""

    issuer: str
    subject: str
    """Never given to another one by this issuer."""
    name: str
    email: str = ""
    groups: tuple[str, ...] = ()
    machine: bool = False
    """A client of the provider for itself; `subject` is its id."""


@dataclass(frozen=True, slots=True)
class Journey:
    """One login by a browser: what goes to the provider with it, and what must come back."""

    state: str
    nonce: str
    verifier: str
    """PKCE's secret half (RFC 7636)."""
    redirect: str
    """The URL of ours that the provider sends the browser back to."""


class Provider(Protocol):
    """Every call ends within 30 s. `Unavailable` when the provider does not answer; `Rejected`, with a reason for the
    log and without the token, when what was shown is not good here."""

    def vouch(self, token: str) -> Claims:
        """Whom an access token stands for: signed or introspected, of this issuer, for us, and within its time."""

    def departure(self, journey: Journey) -> str:
        """The URL where the browser begins."""

    def arrival(self, journey: Journey, code: str) -> Claims:
        """Whom a code stands for, once."""

    def close(self) -> None: ...


ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures by a key that only the provider has; never `none`, never a shared secret."""


@dataclass(frozen=True)
class ProviderSettings:
    """`[identity_providers.NAME]` in croft.toml."""

    issuer: str
    """As the provider writes it itself; its settings are found below it (OpenID Connect Discovery)."""
    client_id: str
    client_secret: Secret = NO_SECRET
    client_secret_file: str = ""
    protocol: str = "openid"
    """The name in the URLs of `OS-FEDERATION`."""
    domain: str = ""
    """Where its people live; the provider's NAME if empty."""
    link_domain: str = ""
    """Instead: its people are the users of that domain who are called as the name claim says, and nobody else."""
    clients: tuple[str, ...] = ()
    """Other clients of the provider (the command line's) whose tokens count here."""
    audiences: tuple[str, ...] = ()
    """Further names that our clients' tokens may be for, where the provider writes no client id into `aud`."""
    machines: bool = False
    """Whether tokens that the provider gave a client for itself (client credentials) count: they name no person."""
    introspection_endpoint: str = ""
    """Where to ask about opaque tokens, if the provider's own settings do not say."""
    scopes: str = "openid profile email"
    name_claim: str = "preferred_username"
    email_claim: str = "email"
    groups_claim: str = "groups"
    algorithms: tuple[str, ...] = ALGORITHMS
    tls_ca: str = ""
    """A file with the certificates to trust; empty for the system's."""
