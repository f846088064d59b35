"""Logging in people whom a directory keeps, and refusing to change here what is kept there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from croft.core import work
from croft.core.db import Database, Tx
from croft.core.errors import EngineError, Forbidden, Unavailable
from croft.core.ids import new_hex_id
from croft.drivers.people import Group, Person
from croft.services.identity.model import Project, User
from croft.services.identity.model.outside import DIRECTORY, Source, compare_one, group_id, person_id
from croft.services.identity.store import outside, projects, users

log = logging.getLogger("croft.identity")
KIND = "identity.person_source"
_SAYS = "The directory of domain {} does not answer, so its people cannot log in by password now."
Asked = Callable[[str], str | None]


class Directories:
    """The directories of all domains that have one. Asked outside any transaction; what they say of the one who logs in
    is in the rows before the login goes on."""

    def __init__(self, db: Database, sources: Mapping[str, Source]) -> None:
        self._db, self._sources = db, sources
        self._patience = {name: Patience(_SAYS.format(name)) for name in sources}

    def look(self, user: str | None, name: str | None, domain: str | None) -> Asked | None:
        """Who is to be asked about the password of somebody; None where Croft itself knows it."""
        if not self._sources:
            return None
        with self._db.read() as tx:
            row = users.show(tx, user) if user is not None else None
            known = outside.outsider(tx, row.id) if row is not None else None
            place = projects.show(tx, row.domain if row is not None else domain or "-")
        source = self._sources.get(place.name) if place is not None else None
        if source is None or place is None or (row is not None and (known is None or known.kind != DIRECTORY)):
            return None
        return lambda password: self._ask(place, source, row, name or "", password)

    def _ask(self, place: Project, source: Source, row: User | None, name: str, password: str) -> str | None:
        """Without a row it is somebody the directory has had for less than a minute, or nobody at all."""
        with self._patience[place.name].asking():
            person = self._find(place, source, row) if row is not None else source.people.find(name=name)
            fits = source.people.check(person, password)
            groups = source.people.groups_of(person) if fits and person is not None else []
        if row is not None and person is None and row.enabled:
            with self._db.write() as tx:  # gone, or called otherwise: all of them are looked at
                work.wake(tx, KIND, place.id)
        return self._take(place, source, person, groups) if fits and person is not None else None

    def _find(self, place: Project, source: Source, row: User) -> Person | None:
        """The directory's entry behind a row."""
        person = source.people.find(key=row.id) if source.readable_ids else None
        person = person or source.people.find(name=row.name)
        found = person is not None and person_id(place.id, person.key, source.readable_ids) == row.id
        return person if found else None

    def _take(self, place: Project, source: Source, person: Person, groups: list[Group]) -> str | None:
        """Brings the rows of one person up to date; None when another user has the id or the name."""
        id = person_id(place.id, person.key, source.readable_ids)
        named = [(group_id(place.id, each.subject), each.name) for each in groups]
        with self._db.read() as tx:
            plan = compare_one(place.id, id, outside.any_have_one(tx, place.id, id, person.name, named), person, groups)
        if not plan.empty:
            with self._db.write() as tx:
                have = outside.any_have_one(tx, place.id, id, person.name, named)
                plan = compare_one(place.id, id, have, person, groups)
                outside.any_apply(tx, place.id, plan)
        return None if plan.stranger else id


class Patience:
    """Somebody else's server that does not answer keeps one login waiting, not all of them: the others hear so at once.
    `says` is what they hear."""

    def __init__(self, says: str, fatal: type[EngineError] = EngineError) -> None:
        self._says = says
        self._fatal = fatal
        self._silent = False
        self._probe = threading.Lock()

    @contextmanager
    def asking(self) -> Iterator[None]:
        alone = self._silent
        if alone and not self._probe.acquire(blocking=False):
            raise Unavailable(self._says)
        try:
            yield
            self._silent = False
        except self._fatal as error:
            self._silent = True
            log.warning("%s: %s", self._says, error)
            raise Unavailable(self._says) from error
        finally:
            if alone:
                self._probe.release()


def seed_directories(db: Database, names: Iterable[str]) -> None:
    """Every directory's domain, and a first look at it; safe to repeat."""
    for name in names:
        with db.write() as tx:
            tx.lock("identity:seed")
            domain = projects.named(tx, "", name)
            if domain is None:
                domain = Project(new_hex_id(), "", "", name, "People of a directory", True, True, [], {}, {})
                projects.insert(tx, domain)
            work.wake(tx, KIND, domain.id)


def refuse_kept_elsewhere(tx: Tx, user: str, *words: bool) -> None:
    """For changes (any of `words`) to a user that only the directory can make."""
    found = outside.outsider(tx, user)
    if found is not None and found.kind == DIRECTORY and found.gone is None and (not words or any(words)):
        raise Forbidden("This user is kept in a directory: change it there.")


def refuse_outside_password(tx: Tx, user: str) -> None:
    if outside.outsider(tx, user) is not None:
        raise Forbidden("This user's password is not kept here: change it where you log in with it elsewhere.")


def refuse_outside_group(tx: Tx, group: str) -> None:
    if outside.is_outside_group(tx, group):
        raise Forbidden("This group is kept elsewhere: change it there, or make a group of another name here.")


def refuse_directory_domain(tx: Tx, domain: str) -> None:
    if outside.is_directory(tx, domain):
        raise Forbidden("The people and groups of this domain come from its directory: add them there.")
