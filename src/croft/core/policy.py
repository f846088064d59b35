"""Who may do what: each service's literal table of rules, and the check. Nothing else in Croft decides permission."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

from croft.core.errors import Forbidden


class Role(IntEnum):
    """The ladder: each role may do what the ones below it may. `NONE` is any authenticated actor."""

    NONE = 0
    READER = 1
    MEMBER = 2
    MANAGER = 3
    ADMIN = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a policy table.

    `action` is `service.thing.verb`; `least` the smallest role in a project; `openstack` the name under which
    OpenStack's own policy files know it, for overrides; `says` completes "You may not …". With `project` the actor
    needs a scope. `domain` and `system` are the smallest roles of tokens for these; None forbids them. A rule that asks
    for neither role nor project is about the asking one's own things, and open to every token.
    """

    action: str
    least: Role
    openstack: str
    says: str
    project: bool = True
    domain: Role | None = None
    system: Role | None = None
    auditor: bool = False
    """Open, over all projects, to the role of auditors too, where it is held on the system."""
    inventory: bool = False
    """A read that shows no secret: in a cloud whose visibility is `open` anybody who works anywhere may do it."""

    def least_of(self, actor: Actor) -> Role | None:
        """The smallest role that suffices with a token like this one's; None when no role does."""
        if actor.project or (self.least is Role.NONE and not self.project):
            return self.least
        if actor.system or actor.domain:
            return self.system if actor.system else self.domain
        return None if self.project and not actor.is_admin else self.least


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a store may touch: one project's, or (operators) everybody's when `project` is None.

    `own` is the actor's project even when everything may be touched. With `domain`, rows of that domain only; `project`
    then also names it, so that a store which knows projects alone finds nothing of anybody's."""

    project: str | None
    own: str = ""
    domain: str = ""
    guest: bool = False
    """In a cloud open to all: lists show the own project, and by `wide` others; one thing may be anybody's. What is
    another's is shown without what only its project should know."""

    def covers(self, project: str | None) -> bool:
        return self.project is None or self.guest or self.project == project

    @property
    def wide(self) -> Scope:
        """Everybody's rows, where a guest has asked for others than the own."""
        return replace(self, project=None) if self.guest else self

    def closed_to(self, project: str) -> bool:
        """Whether what is not inventory is to be left out of a row of this project."""
        return self.guest and project != self.own


ALL = Scope(None)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, as a valid token says. `project` is empty for an unscoped or domain token."""

    user: str
    user_name: str = ""
    project: str = ""
    project_name: str = ""
    roles: frozenset[str] = frozenset()
    domain: str = ""
    system: bool = False
    user_domain: str = "default"
    token: str = ""
    """A digest naming the token, never the token itself."""
    expires: int = 0
    methods: tuple[str, ...] = ()
    """How the login was proven: `password`, `totp`, …"""
    restricted: bool = False
    """Made from an application credential that may not manage credentials or trusts."""
    requests: tuple[tuple[str, str, str], ...] | None = None
    """(service type, method, path pattern) of the only requests its credential allows; None allows every one."""
    application_credential: str = ""
    trust: str = ""
    trustor: str = ""
    """Whose roles a trust hands on."""
    impersonator: str = ""
    """Who really asks, where a trust lets them ask in the trustor's name."""

    @property
    def role(self) -> Role:
        return max((_LADDER[name] for name in self.roles if name in _LADDER), default=Role.NONE)

    @property
    def is_admin(self) -> bool:
        """An operator: admin in a project or of the system. Who is admin of a domain is none."""
        return "admin" in self.roles and not self.domain

    @property
    def reach(self) -> Scope:
        """What an allowed action may touch."""
        if self.is_admin:
            return Scope(None, self.project)
        if (self.domain or self.system) and self.role >= Role.READER:
            return Scope(self.domain or None, "", self.domain)
        return Scope(self.project, self.project)

    def may_request(self, service: str, method: str, path: str) -> bool:
        """Whether the access rules of its application credential, if any, cover a request."""
        if self.requests is None:
            return True
        segments = path.strip("/").split("/")
        return any(
            (service, method) == rule[:2] and _covers(rule[2].strip("/").split("/"), segments) for rule in self.requests
        )


def _covers(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Whether path segments fit a pattern: `*` and `{name}` stand for one segment, `**` for any number of them."""
    at = done = mark = 0
    star = -1
    while done < len(path):
        sign = pattern[at] if at < len(pattern) else ""
        if sign == "**":
            star, mark, at = at, done, at + 1
        elif sign and (sign in {"*", path[done]} or (sign[0] == "{" and sign[-1] == "}")):
            at, done = at + 1, done + 1
        elif star >= 0:
            mark += 1
            at, done = star + 1, mark
        else:
            return False
    return all(sign == "**" for sign in pattern[at:])


_LADDER = {role.name.lower(): role for role in Role if role}


class Policy:
    """The tables of all services, with the operator's overrides applied."""

    def __init__(
        self,
        rules: Iterable[Rule],
        overrides: Mapping[str, str] | None = None,
        *,
        auditor: str = "auditor",
        open_: bool = False,
    ) -> None:
        """`open_` lets everybody who is logged in read the inventory of all projects."""
        self.rules: dict[str, Rule] = {}
        self._auditor, self._open = auditor, open_
        known = set()
        for rule in rules:
            if rule.action in self.rules:
                raise ValueError(f"policy action {rule.action} is declared twice")
            wish = (overrides or {}).get(rule.openstack)
            known.add(rule.openstack)
            self.rules[rule.action] = _overridden(rule, wish) if wish else rule
        unknown = set(overrides or {}) - known
        if unknown:
            raise ValueError(f"policy overrides name unknown rules: {', '.join(sorted(unknown))}")

    def check(self, actor: Actor, action: str, *, writing: bool = False) -> Scope:
        """The scope of an allowed action; `Forbidden` otherwise. An undeclared action is a KeyError: our bug.

        A guest of an open cloud only reads: for `writing`, things of others are missing as in every cloud."""
        rule = self.rules[action]
        least = rule.least_of(actor)
        if rule.auditor and actor.system and self._auditor in actor.roles:
            return ALL
        allowed = least is not None and actor.role >= least
        reach = actor.reach
        if self._open and rule.inventory and not writing and not (allowed and reach.project is None):
            return Scope(reach.project or "", reach.own, reach.domain, guest=True)
        if not allowed:
            raise Forbidden(f"Policy doesn't allow {rule.openstack} to be performed: you may not {rule.says}.")
        return reach

    def allows(self, actor: Actor, action: str) -> bool:
        try:
            self.check(actor, action)
        except Forbidden:
            return False
        return True


_FIELDS = {"project": "least", "domain": "domain", "system": "system"}


def _overridden(rule: Rule, wish: str) -> Rule:
    """`manager` changes the role in a project; `domain=manager system=nobody` those of other tokens."""
    for word in wish.split():
        scope, _, name = word.rpartition("=")
        if (scope or "project") not in _FIELDS:
            raise ValueError(f"a policy override names an unknown scope: {word}")
        nobody = name == "nobody" and scope in {"domain", "system"}
        change: dict[str, Any] = {_FIELDS[scope or "project"]: None if nobody else _role(name)}
        rule = replace(rule, **change)
    return rule


def _role(name: str) -> Role:
    if name.upper() not in Role.__members__:
        raise ValueError(f"a policy override names an unknown role: {name}")
    return Role[name.upper()]


def read_overrides(path: Path) -> dict[str, str]:
    """A TOML file of `"openstack:rule:name" = "member"`; missing means none."""
    if not path.exists():
        return {}
    return {str(name): str(role) for name, role in tomllib.loads(path.read_text()).items()}
