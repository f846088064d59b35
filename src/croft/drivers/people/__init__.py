"""The port to a directory of people that others keep. It is read, never written; what is not in it does not exist.

What the directory calls disabled it leaves out of every answer (its filter says how).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from croft.core.config import NO_SECRET, Secret

MOST = 100_000
"""Entries of one kind; a directory that lists more is refused whole, since half a list would close the others."""
LONGEST = 255
"""Characters of an id, a name or a subject."""


@dataclass(frozen=True, slots=True)
class Person:
    key: str
    """The id the directory knows it by (`uid`)."""
    subject: str
    """Never given to another entry, not even of the same key (`entryUUID`)."""
    name: str
    """What is typed at a login (`cn`)."""
    email: str = ""
    place: str = ""
    """Where the directory keeps it (its DN); for the driver alone."""


@dataclass(frozen=True, slots=True)
class Group:
    subject: str
    name: str
    members: tuple[str, ...]
    """Keys of people; sorted."""


@dataclass(frozen=True, slots=True)
class Listing:
    people: tuple[Person, ...]
    groups: tuple[Group, ...]


class People(Protocol):
    """Every call ends within 30 s. `Unavailable` when the directory does not answer, `Rejected` when it says no."""

    def everybody(self) -> Listing:
        """All people and groups; `Rejected` for more than `MOST` of either. Entries that cannot be shown (no name, not
        text, too long) are left out."""

    def find(self, *, key: str = "", name: str = "") -> Person | None:
        """The one person of exactly that key or name."""

    def groups_of(self, person: Person) -> list[Group]:
        """The groups the person is in, each with nobody but that person."""

    def check(self, person: Person | None, password: str) -> bool:
        """Whether the directory lets the person in. An empty password never does. For nobody the answer is no,
        and takes as long."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class LdapSettings:
    """`[people.DOMAIN]` in croft.toml: a directory whose people are that domain's."""

    url: str
    """`ldaps://…`, `ldap://…` (with StartTLS, but for this machine's own loopback) or `ldapi://…`."""
    base: str
    """The DN below which people are."""
    bind_dn: str = ""
    """Who reads the directory; nobody for an anonymous bind."""
    bind_password: Secret = NO_SECRET
    bind_password_file: str = ""
    filter: str = "(objectClass=inetOrgPerson)"
    """Who is a person and may log in; leave out the disabled here."""
    id_attribute: str = "uid"
    name_attribute: str = "cn"
    email_attribute: str = "mail"
    subject_attribute: str = "entryUUID"
    group_base: str = ""
    """The DN below which groups are; empty for none."""
    group_filter: str = "(objectClass=groupOfNames)"
    group_name_attribute: str = "cn"
    member_attribute: str = "member"
    """Names members by DN, or by id where it is `memberUid`."""
    tls_ca: str = ""
    """A file with the certificates to trust; empty for the system's."""
    readable_ids: bool = True
    """A user's id is the directory's own (`uid`); false makes one that no other directory's person can have."""
    refresh_seconds: int = 60
    """How soon a change in the directory shows, and a person who left loses all tokens."""
    forget_days: int = 30
    """How long the roles of somebody who left are kept for a return."""
