"""One frozen configuration, from a TOML file and the environment. Unknown keys refuse to start."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from croft.core.errors import CroftError

PREFIX = "CROFT_"
T = TypeVar("T")
Tables = Mapping[str, Mapping[str, Any]]
"""`[people.NAME]` sections, by name; whoever knows such a thing makes a `record` of each."""


class Secret(str):
    """Text that prints as `***`; `.reveal()` gives it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def reveal(self) -> str:
        return str.__str__(self)


NO_SECRET = Secret("")


class ConfigError(CroftError):
    """A setting that is unknown or of the wrong type; the program does not start."""


@dataclass(frozen=True)
class Config:
    """`state` holds everything of an embedded cloud; `database` is empty for SQLite inside it."""

    state: Path
    engines: str = "real"
    """`real` or `fake`."""
    database: Secret = NO_SECRET
    """SQLAlchemy URL of a PostgreSQL database (`postgresql+psycopg://…`), for a site."""
    listen: str = "127.0.0.1:8443"
    public_url: str = ""
    """What clients call, when it is not `https://LISTEN`; the catalog is made of it."""
    plain_http: bool = False
    region: str = "RegionOne"
    resolvers: str = "auto"
    """DNS servers that guests of ready-made networks are told of, comma-separated; `auto`: this machine's own, `none`:
    no server. Counts when the cloud is first seeded."""
    name_quarantine_days: int = 0
    """So long the name of a deleted or renamed project, and its slug, are given to no other; at most 366."""
    starter_rules: str = "usual"
    """What a new project's default security group lets in, beside what its own members say: comma-separated
    `PROTOCOL[/PORT[-PORT]] from any|group|tenants|PREFIX`; `tenants` are this cloud's own networks; or `none`."""
    starter_network: bool = False
    """Whether a new project gets its network and router at once instead of with its first server."""
    owner_role: str = "manager"
    """The least role whose holders run their project (members, sub-projects): `manager` or `member`."""
    sub_projects: int = 10
    """How many projects owners may make below a project of theirs, all levels together; 0: none."""
    workers: int = 8
    """Reconcilers running at once."""
    reviewer_role: str = ""
    """A role whose holders decide about requests, as operators do."""
    expiry_grace_days: int = 14
    """From a project's expiry to the day it is listed for deletion."""
    expiry_delete: bool = False
    """Whether it is then deleted without anybody's doing."""
    http_threads: int = 16
    token_hours: int = 12
    vault_keys: Secret = NO_SECRET
    """Keys that users' credentials are sealed with, comma-separated, the newest first; STATE/vault.keys without it. The
    same on every machine of a site."""
    bcrypt_rounds: int = 12
    lockout_attempts: int = 10
    """Wrong passwords in a row that close a user's login for `lockout_seconds`; 0: never."""
    lockout_seconds: int = 60
    address_attempts: int = 60
    """Failed logins from one address (an IPv6 /64) within `address_seconds` that shut it out; 0: never."""
    address_seconds: int = 600
    address_exempt: str = ""
    """Networks that are never shut out, comma-separated: a dashboard through which many people log in."""
    trusted_proxies: str = ""
    """Addresses of reverse proxies whose X-Forwarded-For and -Proto are believed, comma-separated."""
    password_expires_days: int = 0
    password_minimum_days: int = 0
    """Days before a password that its user chose may be changed again."""
    password_unique_last: int = 0
    """How many of the last passwords (the present one included) a new one must differ from."""
    password_regex: str = ""
    """RE2 expressions, one a line, that a new password must all fit somewhere in it. RE2 knows no looking around."""
    password_regex_description: str = ""
    """The same in people's words; shown to those whose password does not fit."""
    change_password_upon_first_use: bool = False
    """A password that an operator set opens nothing but its own change."""
    inactive_days: int = 0
    """Days without a login after which a user counts as disabled; 0: never."""
    require_totp_for: str = ""
    """Roles, comma-separated, that a login by password gives only together with a one-time code."""
    visibility: str = "private"
    """`private`: people see what they may use. `open`: everybody who is logged in may read any project's inventory, and
    no secret."""
    audit_days: int = 400
    """So long the lines of the audit are kept; 0: for ever."""
    auditor_role: str = "auditor"
    """Who holds this role on the system reads the audit of every project, and nothing else by it."""
    log_level: str = "INFO"
    people: Tables = field(default_factory=dict, repr=False)
    """`[people.DOMAIN]`: directories whose people log in here (drivers/people)."""
    identity_providers: Tables = field(default_factory=dict, repr=False)
    """`[identity_providers.NAME]`: who vouches for people by OpenID Connect (drivers/provider)."""
    trusted_dashboards: tuple[str, ...] = ()
    """The only addresses to which a login by browser hands its token."""

    @property
    def database_url(self) -> str:
        return self.database.reveal() or f"sqlite:///{self.state / 'croft.db'}"

    @property
    def url(self) -> str:
        return self.public_url.rstrip("/") or f"{'http' if self.plain_http else 'https'}://{self.listen}"


def load(state: Path, environment: Mapping[str, str] = os.environ, defaults: Mapping[str, Any] | None = None) -> Config:
    """`defaults`, over them `STATE/croft.toml` (missing is fine), over that `CROFT_LISTEN` and the like."""
    path = state / "croft.toml"
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text()) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    found = {**(defaults or {}), **found}
    known = [field.name for field in fields(Config) if field.name != "state"]
    for name in known:
        if (text := environment.get(PREFIX + name.upper())) is not None:
            found[name] = text
    return record(Config, str(path), found, state=state)


def record(kind: type[T], where: str, values: Mapping[str, Any], **given: Any) -> T:
    """A dataclass of settings made from what is written at `where`; unknown and missing ones are refused by name."""
    known = {each.name: each for each in fields(kind) if each.name not in given}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - set(known)):
        raise ConfigError(f"{where}: unknown setting {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    needed = {name for name, each in known.items() if each.default is MISSING and each.default_factory is MISSING}
    if absent := sorted(needed - set(values)):
        raise ConfigError(f"{where}: the setting {', '.join(absent)} is missing.")
    return kind(**given, **{name: _typed(name, str(known[name].type), value) for name, value in values.items()})


def _typed(name: str, kind: str, value: Any) -> Any:
    text = str(value)
    if kind == "int" and text.lstrip("-").isdigit():
        return int(text)
    if kind == "bool" and isinstance(value, bool | str) and text.lower() in {"true", "1", "yes", "false", "0", "no"}:
        return text.lower() in {"true", "1", "yes"}
    if kind == "str" and isinstance(value, str):
        return value
    if kind == "Secret" and isinstance(value, str):
        return Secret(value)
    if kind == "tuple[str, ...]" and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if kind == "Tables" and isinstance(value, dict) and all(isinstance(each, dict) for each in value.values()):
        return value
    raise ConfigError(f"The setting {name} must be of type {kind.lower()}.")
