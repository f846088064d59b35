"""A directory in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from croft.core.errors import Rejected
from croft.drivers.people import MOST, Group, Listing, Person


class FakePeople:
    """Tests fill it by `put`, `join` and `lose`; `before(verb)` may be replaced and raise."""

    def __init__(self) -> None:
        self._people: dict[str, tuple[Person, str]] = {}
        self._groups: dict[str, Group] = {}
        self._lock = threading.Lock()
        self._made = 0
        self.writes = 0
        self.most = MOST
        self.before: Callable[[str], None] = lambda verb: None

    def put(self, key: str, password: str, name: str = "", email: str = "") -> None:
        """A new entry of that key, replacing an older one."""
        with self._lock:
            self._made += 1
            self._people[key] = (Person(key, f"entry-{self._made}", name or key, email, f"uid={key}"), password)

    def rename(self, key: str, name: str) -> None:
        with self._lock:
            person, password = self._people[key]
            self._people[key] = (replace(person, name=name), password)

    def lose(self, key: str) -> None:
        with self._lock:
            self._people.pop(key, None)
            for name, group in self._groups.items():
                self._groups[name] = replace(group, members=tuple(each for each in group.members if each != key))

    def join(self, group: str, *keys: str) -> None:
        """The group of that name has these members, and no others."""
        with self._lock:
            self._groups[group] = Group(f"group-{group}", group, tuple(sorted(keys)))

    def everybody(self) -> Listing:
        self.before("everybody")
        with self._lock:
            if max(len(self._people), len(self._groups)) > self.most:
                raise Rejected(f"The directory lists more than {self.most} entries.")
            return Listing(tuple(person for person, _ in self._people.values()), tuple(self._groups.values()))

    def find(self, *, key: str = "", name: str = "") -> Person | None:
        self.before("find")
        with self._lock:
            for person, _ in self._people.values():
                if person.key == key if key else person.name == name:
                    return person
        return None

    def groups_of(self, person: Person) -> list[Group]:
        self.before("groups_of")
        with self._lock:
            return [
                replace(each, members=(person.key,)) for each in self._groups.values() if person.key in each.members
            ]

    def check(self, person: Person | None, password: str) -> bool:
        self.before("check")
        with self._lock:
            found = self._people.get(person.key) if person else None
        return bool(password) and found is not None and found[1] == password

    def close(self) -> None:
        """Nothing is open."""
