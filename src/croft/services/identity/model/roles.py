"""Which roles follow from which, and where assignments count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from croft.services.identity.model.rows import Assignment, Role

DELEGATED = frozenset({"reader", "member", "manager"})
"""What a project's manager may give and take away in the project."""


class RoleBook:
    """All roles and implications at one moment."""

    def __init__(self, roles: Iterable[Role], implied: Iterable[tuple[str, str]]) -> None:
        self.roles = {role.id: role for role in roles}
        self._implied: dict[str, list[str]] = {}
        for prior, other in implied:
            self._implied.setdefault(prior, []).append(other)

    def closure(self, held: Iterable[str]) -> dict[str, str | None]:
        """Every role that follows from the held ones, with the role it was first implied by (None: held itself)."""
        found: dict[str, str | None] = dict.fromkeys(held)
        waiting = list(found)
        while waiting:
            prior = waiting.pop()
            for other in self._implied.get(prior, ()):
                if other not in found:
                    found[other] = prior
                    waiting.append(other)
        return found

    def effective(self, held: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """(id, name) of the roles a token shows: the closure without domains' own roles."""
        known = (self.roles[each] for each in self.closure(held) if each in self.roles)
        return tuple(sorted((role.id, role.name) for role in known if not role.domain))

    def reaches(self, start: str, goal: str) -> bool:
        return goal in self.closure([start])


def ancestors(project: str, parents: Mapping[str, str]) -> list[str]:
    """The chain above a project, nearest first; ends with its domain."""
    chain, at = [], parents.get(project, "")
    while at and at not in chain:
        chain.append(at)
        at = parents.get(at, "")
    return chain


def below(top: str, parents: Mapping[str, str]) -> list[str]:
    """Every project under a project or domain, in no order."""
    return [each for each in parents if top in ancestors(each, parents)]


def counts_at(assignments: Sequence[Assignment], target: str, above: Iterable[str]) -> list[str]:
    """Role ids that the assignments give at a target whose ancestors are `above`."""
    inherited = set(above)
    return [
        each.role
        for each in assignments
        if (each.target == target and not each.inherited) or (each.inherited and each.target in inherited)
    ]
