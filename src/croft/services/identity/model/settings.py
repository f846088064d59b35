"""What the composition root tells identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from croft.services.identity.model.vault import new_key

DEFAULT_DOMAIN = "default"


Purge = Callable[[str], Mapping[str, Sequence[str]]]
"""Asks for the end of everything a project holds in one service; the names of what is left, by the word for it."""
Registered = tuple[str, str, str]
"""A service of this Croft as the catalog shows it: `("compute", "nova", "/compute/v2.1")`."""


def _none() -> Sequence[Registered]:
    return ()


@dataclass(frozen=True)
class Settings:
    public_url: str = "https://127.0.0.1:8443"
    """Scheme, host and port under which people reach every service; the catalog's URLs begin with it."""
    region: str = "RegionOne"
    endpoints: Callable[[], Sequence[Registered]] = _none
    """The services to show in the catalog; asked at each rendering, so that it may be filled after construction."""
    purges: list[Purge] = field(default_factory=list)
    """Each upper service's `Service.purge`, the topmost first; filled after construction."""
    starters: list[str] = field(default_factory=list)
    """Kinds that give a new project what it begins with; filled after construction."""
    name_quarantine_days: int = 0
    """So long a project's name is given to no other once it is free; 0 gives it at once."""
    trusted_dashboards: Sequence[str] = ()
    """The only addresses to which a login by browser hands its token."""
    owner_role: str = "manager"
    """The least role whose holders run their project: `manager` or `member`."""
    sub_projects: int = 10
    """How many projects its owners may make below a project, all levels together; 0 lets only operators."""
    bcrypt_rounds: int = 12
    token_ttl: int = 3600
    lockout_attempts: int = 10
    """So many wrong passwords in a row close a user's login for a while; 0 never does."""
    lockout_seconds: int = 60
    address_attempts: int = 60
    """So many failed logins from one address close the door to it for a while; 0 never does. Fewer than one a
    `lockout_seconds / lockout_attempts`, so that no single address can keep anybody locked out."""
    address_seconds: int = 600
    address_exempt: Sequence[str] = ()
    """Networks that are never shut out: where many people log in through one address (a dashboard)."""
    unique_last_passwords: int = 0
    """A changed password must differ from so many last ones (the present one included); 0 and 1 ask nothing."""
    password_expires_days: int = 0
    """Days after which a password opens nothing but its own change; 0: it never expires."""
    password_minimum_days: int = 0
    """Days a password that its user chose must stay."""
    password_patterns: Sequence[str] = ()
    """RE2 expressions that a new password must all fit somewhere in it."""
    password_says: str = ""
    """The patterns in people's words."""
    change_upon_first_use: bool = False
    """A password that an operator set opens nothing but its own change."""
    inactive_days: int = 0
    """Days without a login after which a user counts as disabled; 0: never."""
    receipt_ttl: int = 300
    vault_keys: Sequence[str] = field(default_factory=lambda: [new_key()], repr=False)
    """What users' credentials and receipts are sealed with; the first seals. Every process needs the same."""
    require_totp_for: Sequence[str] = ()
    """Roles that a login by password gives only together with a one-time code."""
