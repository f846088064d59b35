"""People and groups that are kept elsewhere: what a directory says against what rows say. Pure.

A row never changes hands. Somebody new under a known id gets none of the old one's roles; an id or a name that is taken
stays with whom it is, and the newcomer is left out until the directory says otherwise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from croft.drivers.people import Group, Listing, People, Person
from croft.drivers.provider import Provider

DIRECTORY = "directory"
PROVIDER = "provider"
"""Kinds of outsiders: listed by a directory, or vouched for by an identity provider at each login."""
_READABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True)
class Source:
    """A directory, and how one domain takes people from it. `forget` and `refresh` are seconds."""

    people: People
    readable_ids: bool = True
    refresh: int = 60
    forget: int = 30 * 86_400


@dataclass(frozen=True)
class Trusted:
    """An identity provider whose word counts here, and for whom: people of a domain of its own (`domain`), or users of
    another one who are called as it says (`link`). Names of domains."""

    provider: Provider
    protocol: str = "openid"
    domain: str = ""
    link: str = ""


class Outsider(msgspec.Struct, frozen=True):
    """A user who is kept elsewhere, as rows have it."""

    id: str
    name: str
    email: str
    kind: str
    subject: str
    gone: int | None
    """Since when the directory no longer has them."""


class OutsideGroup(msgspec.Struct, frozen=True):
    id: str
    name: str
    subject: str


@dataclass
class Plan:
    """What to do to the rows, in this order."""

    drop: list[str] = field(default_factory=list)
    """Users: an id's former owner, or those gone for long."""
    leave: list[str] = field(default_factory=list)
    change: list[tuple[str, Person]] = field(default_factory=list)
    arrive: list[tuple[str, Person]] = field(default_factory=list)
    drop_groups: list[str] = field(default_factory=list)
    rename_groups: list[tuple[str, str]] = field(default_factory=list)
    add_groups: list[tuple[str, Group]] = field(default_factory=list)
    part: set[tuple[str, str]] = field(default_factory=set)
    join: set[tuple[str, str]] = field(default_factory=set)
    """(group, user)"""
    left_out: list[str] = field(default_factory=list)
    """Sentences about those who cannot come in."""
    stranger: bool = False
    """Somebody has no row and gets none."""

    @property
    def empty(self) -> bool:
        people = self.drop or self.leave or self.change or self.arrive
        return not (people or self.drop_groups or self.rename_groups or self.add_groups or self.part or self.join)


@dataclass(frozen=True)
class Have:
    """The rows of one domain. `names` and `group_names` are all names taken in it, with their owners' ids; `taken` says
    which of the ids asked about belong to users or groups that are not of this domain's directory."""

    people: Mapping[str, Outsider]
    groups: Mapping[str, OutsideGroup]
    memberships: frozenset[tuple[str, str]]
    names: Mapping[str, str]
    group_names: Mapping[str, str]
    taken: frozenset[str]


def person_id(domain: str, key: str, readable: bool) -> str:
    """The directory's own id where that is wanted and fit for a URL, else one that no other domain can have."""
    if readable and _READABLE.fullmatch(key):
        return key
    return _digest("person", domain, key)


def group_id(domain: str, subject: str) -> str:
    return _digest("group", domain, subject)


def subject_id(issuer: str, subject: str) -> str:
    """Of a person whom an identity provider vouches for."""
    return _digest("subject", issuer, subject)


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def compare(domain: str, source: Source, have: Have, listing: Listing, now: int) -> Plan:
    """Everybody the directory lists, against everybody the rows have."""
    plan = Plan()
    ids = _people(plan, lambda key: person_id(domain, key, source.readable_ids), have, listing.people)
    for outsider in have.people.values():
        if outsider.id in ids.values() or outsider.id in plan.drop:
            continue
        if outsider.gone is None:
            plan.leave.append(outsider.id)
        elif outsider.gone <= now - source.forget:
            plan.drop.append(outsider.id)
    groups = _groups(plan, domain, have, listing.groups)
    plan.drop_groups = [each for each in have.groups if each not in groups.values()]
    _members(plan, have.memberships, listing.groups, groups, ids)
    return plan


def compare_one(domain: str, id: str, have: Have, person: Person, groups: Iterable[Group]) -> Plan:
    """One person with all their groups. `have.memberships` are that person's alone."""
    plan, listed = Plan(), tuple(groups)
    ids = _people(plan, lambda _: id, have, [person])
    known = _groups(plan, domain, have, listed)
    _members(plan, have.memberships, listed, known, ids)
    return plan


def _people(plan: Plan, id_of: Callable[[str], str], have: Have, people: Iterable[Person]) -> dict[str, str]:
    """Key → user id of those who are let in."""
    ids: dict[str, str] = {}
    names = dict(have.names)
    for person in people:
        id = id_of(person.key)
        known = have.people.get(id)
        if id in have.taken or id in ids.values():
            plan.left_out.append(f"{person.key}: another user has this id.")
            plan.stranger = True
        elif names.get(person.name, id) != id:
            plan.left_out.append(f"{person.key}: another user is called {person.name}.")
            if known is not None and known.subject == person.subject and known.gone is None:
                ids[person.key] = id  # keeps the name it had
            else:
                plan.stranger = True
        else:
            names[person.name] = id
            ids[person.key] = id
            _person(plan, id, known, person)
    return ids


def _person(plan: Plan, id: str, known: Outsider | None, person: Person) -> None:
    if known is not None and known.subject != person.subject:
        plan.drop.append(id)
        known = None
    if known is None:
        plan.arrive.append((id, person))
    elif (known.name, known.email, known.gone) != (person.name, person.email, None):
        plan.change.append((id, person))


def _groups(plan: Plan, domain: str, have: Have, groups: Iterable[Group]) -> dict[str, str]:
    """Subject → group id of those that are let in."""
    found: dict[str, str] = {}
    names = dict(have.group_names)
    for group in groups:
        id = group_id(domain, group.subject)
        known = have.groups.get(id)
        if names.get(group.name, id) != id:
            plan.left_out.append(f"{group.name}: another group is called so.")
            if known is not None:
                found[group.subject] = id
            continue
        names[group.name] = id
        found[group.subject] = id
        if known is None:
            plan.add_groups.append((id, group))
        elif known.name != group.name:
            plan.rename_groups.append((id, group.name))
    return found


def _members(
    plan: Plan,
    have: frozenset[tuple[str, str]],
    groups: Iterable[Group],
    known: Mapping[str, str],
    ids: Mapping[str, str],
) -> None:
    want = {
        (known[group.subject], ids[key])
        for group in groups
        if group.subject in known
        for key in group.members
        if key in ids
    }
    anew = set(plan.drop)
    plan.join = {each for each in want if each not in have or each[1] in anew}
    plan.part = {each for each in have - want if each[0] not in plan.drop_groups and each[1] not in anew}
