"""People in an LDAP directory, by OpenLDAP's own client library. Each call has a connection of its own, encrypted
unless it stays on this machine; referrals are never followed, and what people typed is escaped first."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import ldap
from ldap.controls import SimplePagedResultsControl
from ldap.filter import escape_filter_chars

from croft.core.config import ConfigError
from croft.core.errors import Rejected, Unavailable
from croft.core.ids import new_hex_id
from croft.drivers.people import LONGEST, MOST, Group, LdapSettings, Listing, Person

CONNECT = 5
ANSWER = 10
WHOLE = 25
"""Seconds to connect, for one answer, and for one call in all."""
PAGE = 500
_AWAY = (
    ldap.SERVER_DOWN,
    ldap.CONNECT_ERROR,
    ldap.TIMEOUT,
    ldap.TIMELIMIT_EXCEEDED,
    ldap.BUSY,
    ldap.UNAVAILABLE,
    ldap.ADMINLIMIT_EXCEEDED,
)
_REFUSED = (
    ldap.INVALID_CREDENTIALS,
    ldap.INAPPROPRIATE_AUTH,
    ldap.INSUFFICIENT_ACCESS,
    ldap.UNWILLING_TO_PERFORM,
    ldap.CONSTRAINT_VIOLATION,
    ldap.NO_SUCH_OBJECT,
    ldap.INVALID_DN_SYNTAX,
)
_BY_ID = "memberuid"
Entry = tuple[str, Mapping[str, list[bytes]]]


class LdapPeople:
    def __init__(self, settings: LdapSettings, password: str = "", *, most: int = MOST) -> None:
        self._settings, self._password, self._most = settings, password, most
        self._encrypt = _checked(settings)
        self._wanted = [
            settings.id_attribute,
            settings.name_attribute,
            settings.email_attribute,
            settings.subject_attribute,
        ]

    def everybody(self) -> Listing:
        with self._reading() as conn:
            end = time.monotonic() + WHOLE
            entries = list(self._pages(conn, self._settings.base, self._settings.filter, self._wanted, end))
            people = [person for person in map(self._person, entries) if person is not None]
            if not self._settings.group_base:
                return Listing(tuple(people), ())
            wanted = [self._settings.group_name_attribute, self._settings.member_attribute, "entryUUID"]
            found = list(self._pages(conn, self._settings.group_base, self._settings.group_filter, wanted, end))
        keys = {_plain(person.place): person.key for person in people}
        known = set(keys.values())
        groups = (self._group(entry, keys, known) for entry in found)
        return Listing(tuple(people), tuple(group for group in groups if group is not None))

    def find(self, *, key: str = "", name: str = "") -> Person | None:
        attribute = self._settings.id_attribute if key else self._settings.name_attribute
        asked = key or name
        if not asked or len(asked) > LONGEST:
            return None
        condition = f"(&{self._settings.filter}({attribute}={escape_filter_chars(asked)}))"
        with self._reading() as conn:
            found = [self._person(entry) for entry in self._search(conn, self._settings.base, condition, self._wanted)]
        exact = [each for each in found if each is not None and asked == (each.key if key else each.name)]
        return exact[0] if len(exact) == 1 else None

    def groups_of(self, person: Person) -> list[Group]:
        settings = self._settings
        if not settings.group_base:
            return []
        by_id = settings.member_attribute.lower() == _BY_ID
        asked = escape_filter_chars(person.key if by_id else person.place)
        condition = f"(&{settings.group_filter}({settings.member_attribute}={asked}))"
        with self._reading() as conn:
            found = self._search(conn, settings.group_base, condition, [settings.group_name_attribute, "entryUUID"])
        groups = [self._group(entry, {}, set()) for entry in found]
        return [Group(each.subject, each.name, (person.key,)) for each in groups if each is not None]

    def check(self, person: Person | None, password: str) -> bool:
        """An LDAP bind with a name and no password succeeds as nobody (RFC 4513 §5.1.2): it is never tried."""
        if not password or "\0" in password:
            return False
        nobody = f"{self._settings.id_attribute}={new_hex_id()},{self._settings.base}"
        with self._errors(), self._connected() as conn:
            try:
                self._bind(conn, person.place if person else nobody, password)
            except _REFUSED:
                return False
        return person is not None

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _person(self, entry: Entry) -> Person | None:
        settings, (place, values) = self._settings, entry
        key, name = _text(values, settings.id_attribute), _text(values, settings.name_attribute)
        if not key or not name:
            return None
        subject = _subject(values, settings.subject_attribute) or place
        return Person(key, subject[:LONGEST], name, _text(values, settings.email_attribute), place)

    def _group(self, entry: Entry, keys: Mapping[str, str], known: set[str]) -> Group | None:
        settings, (place, values) = self._settings, entry
        name = _text(values, settings.group_name_attribute)
        if not name:
            return None
        named = [value.decode("utf-8", "replace") for value in _values(values, settings.member_attribute)]
        if settings.member_attribute.lower() == _BY_ID:
            members = known.intersection(named)
        else:
            members = {keys[_plain(each)] for each in named if _plain(each) in keys}
        return Group((_subject(values, "entryUUID") or place)[:LONGEST], name, tuple(sorted(members)))

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        """A connection bound as the one who may read."""
        with self._errors(), self._connected() as conn:
            self._bind(conn, self._settings.bind_dn, self._password)
            yield conn

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        conn = ldap.initialize(self._settings.url)
        try:
            conn.set_option(ldap.OPT_PROTOCOL_VERSION, ldap.VERSION3)
            conn.set_option(ldap.OPT_REFERRALS, ldap.OPT_OFF)
            conn.set_option(ldap.OPT_DEREF, ldap.DEREF_NEVER)
            conn.set_option(ldap.OPT_RESTART, ldap.OPT_OFF)
            conn.set_option(ldap.OPT_NETWORK_TIMEOUT, CONNECT)
            conn.set_option(ldap.OPT_TIMEOUT, ANSWER)
            conn.set_option(ldap.OPT_TIMELIMIT, ANSWER)
            if not self._settings.url.startswith("ldapi"):
                conn.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
                if self._settings.tls_ca:
                    conn.set_option(ldap.OPT_X_TLS_CACERTFILE, self._settings.tls_ca)
                conn.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
            if self._encrypt:
                conn.start_tls_s()
            yield conn
        finally:
            _leave(conn)

    def _bind(self, conn: Any, who: str, password: str) -> None:
        conn.result3(conn.simple_bind(who, password), timeout=ANSWER)

    def _search(self, conn: Any, base: str, condition: str, wanted: list[str]) -> list[Entry]:
        number = conn.search_ext(base, ldap.SCOPE_SUBTREE, condition, wanted, timeout=ANSWER, sizelimit=PAGE)
        _, found, _, _ = conn.result3(number, timeout=ANSWER)
        return _entries(found)

    def _pages(self, conn: Any, base: str, condition: str, wanted: list[str], end: float) -> Iterator[Entry]:
        control, seen = SimplePagedResultsControl(True, size=PAGE, cookie=b""), 0
        while True:
            number = conn.search_ext(base, ldap.SCOPE_SUBTREE, condition, wanted, serverctrls=[control], timeout=ANSWER)
            _, found, _, controls = conn.result3(number, timeout=max(0.1, min(ANSWER, end - time.monotonic())))
            entries = _entries(found)
            seen += len(entries)
            if seen > self._most:
                raise Rejected(f"The directory lists more than {self._most} entries under {base}; narrow the filter.")
            yield from entries
            cookies = [each.cookie for each in controls if each.controlType == SimplePagedResultsControl.controlType]
            if not cookies or not cookies[0]:
                return
            control.cookie = cookies[0]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        where = urlsplit(self._settings.url).netloc or self._settings.url
        try:
            yield
        except _AWAY as error:
            raise Unavailable(f"The directory {where} does not answer: {_words(error)}.") from error
        except ldap.INVALID_CREDENTIALS as error:
            raise Rejected(f"The directory {where} refuses {self._settings.bind_dn}: see its bind_password.") from error
        except ldap.LDAPError as error:
            raise Rejected(f"The directory {where} says: {_words(error)}.") from error


def _checked(settings: LdapSettings) -> bool:
    """Whether the connection is to be encrypted by StartTLS; refuses settings that are not safe or not LDAP."""
    url = urlsplit(settings.url)
    if url.scheme not in {"ldap", "ldaps", "ldapi"}:
        raise ConfigError(f"A directory's url begins with ldaps://, ldap:// or ldapi://, unlike {settings.url}.")
    for name in ("filter", "group_filter"):
        wish = getattr(settings, name)
        if not (wish.startswith("(") and wish.endswith(")") and wish.count("(") == wish.count(")")):
            raise ConfigError(f"The {name} of {settings.url} must be one LDAP filter in parentheses.")
    return url.scheme == "ldap" and (bool(settings.tls_ca) or not _is_loopback(url.hostname or ""))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _leave(conn: Any) -> None:
    try:
        conn.unbind_ext()
    except ldap.LDAPError:
        return  # it is gone already


def _entries(found: list[Any]) -> list[Entry]:
    """Without the referrals to other servers."""
    return [(each[0], {name.lower(): values for name, values in each[1].items()}) for each in found if each[0]]


def _values(values: Mapping[str, list[bytes]], attribute: str) -> list[bytes]:
    return values.get(attribute.lower(), [])


def _text(values: Mapping[str, list[bytes]], attribute: str) -> str:
    """The first value, or nothing when it is no text that people could read and type."""
    for value in _values(values, attribute):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return ""
        return text if text.isprintable() and len(text) <= LONGEST else ""
    return ""


def _subject(values: Mapping[str, list[bytes]], attribute: str) -> str:
    """Text, or the hexadecimal of a binary id (Active Directory's objectGUID)."""
    found = _values(values, attribute)
    return (_text(values, attribute) or found[0].hex()) if found else ""


def _plain(place: str) -> str:
    """A DN as it compares: letters' case and blanks around commas say nothing."""
    return ",".join(part.strip() for part in place.lower().split(","))


def _words(error: ldap.LDAPError) -> str:
    said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return ": ".join(str(said[name]) for name in ("desc", "info") if said.get(name)) or type(error).__name__
