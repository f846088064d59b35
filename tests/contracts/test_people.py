"""What every directory of people must do, over the fake and over a real slapd."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from croft.core.config import ConfigError
from croft.core.errors import Rejected, Unavailable
from croft.drivers.people import Group, LdapSettings, People
from croft.drivers.people.fake import FakePeople

real = pytest.mark.engines


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    from croft.machine import packages
    from croft.machine.progress import Silent
    from tests.contracts.slapd import slapd

    packages.install(packages.DIRECTORY, Silent())
    with slapd() as found:
        yield found


def settings(url: str, **words: Any) -> LdapSettings:
    from tests.contracts import slapd as place

    given = {"base": place.PEOPLE, "group_base": place.GROUPS, "bind_dn": place.READER, "filter": place.FILTER}
    return LdapSettings(url, **(given | words))


def people(server: Any, url: str = "", *, most: int = 100_000, password: str | None = None, **words: Any) -> People:
    from croft.drivers.people.ldap import LdapPeople
    from tests.contracts.slapd import PASSWORD

    return LdapPeople(settings(url or server.ldapi, **words), PASSWORD if password is None else password, most=most)


class Bench:
    """A directory under test, and the hand that fills it."""

    def __init__(self, port: People, hand: Any) -> None:
        self.port, self.hand = port, hand


@pytest.fixture(params=["fake", pytest.param("slapd", marks=real)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        fake = FakePeople()
        yield Bench(fake, fake)
        return
    server = request.getfixturevalue("server")
    yield Bench(people(server), server)
    _emptied(server)


def _emptied(server: Any) -> None:
    import ldap

    from tests.contracts.slapd import GROUPS, PEOPLE

    with server.writing() as conn:
        for base in (PEOPLE, GROUPS):
            for place, _ in conn.search_s(base, ldap.SCOPE_ONELEVEL, attrlist=["1.1"]):
                conn.delete_s(place)


def test_an_empty_directory_lists_nobody(bench: Bench) -> None:
    listing = bench.port.everybody()
    assert (listing.people, listing.groups) == ((), ())
    assert bench.port.find(key="ada") is None


def test_people_are_found_by_exact_key_or_name(bench: Bench) -> None:
    bench.hand.put("ada", "wonder", "Ada Lovelace", "ada@example.org")
    bench.hand.put("bob", "builder")
    ada = bench.port.find(key="ada")
    assert ada is not None
    assert (ada.key, ada.name, ada.email) == ("ada", "Ada Lovelace", "ada@example.org")
    assert ada == bench.port.find(name="Ada Lovelace")
    assert bench.port.find(name="ada lovelace") is None, "names are exact, whatever the directory thinks of case"
    assert bench.port.find(name="ada") is None
    assert {each.key for each in bench.port.everybody().people} == {"ada", "bob"}


def test_a_password_opens_only_its_own_login(bench: Bench) -> None:
    bench.hand.put("ada", "wonder")
    bench.hand.put("bob", "builder")
    ada = bench.port.find(key="ada")
    assert ada is not None
    assert bench.port.check(ada, "wonder")
    assert not bench.port.check(ada, "builder")
    assert not bench.port.check(ada, "")
    bench.hand.lose("ada")
    assert not bench.port.check(ada, "wonder")


@pytest.mark.parametrize("typed", ["*", "a*", "ada)(uid=*", "*)(objectClass=*", "\\2a", "ada\0", "", "x" * 10_000])
def test_what_people_type_is_never_a_filter(bench: Bench, typed: str) -> None:
    bench.hand.put("ada", "wonder")
    assert bench.port.find(key=typed) is None
    assert bench.port.find(name=typed) is None


@pytest.mark.parametrize("key", ["o'brien", "a+b", "x, y", "sn=q", "élodie", "#1", "back\\slash", "(p)", "star*"])
def test_odd_names_are_people_like_others(bench: Bench, key: str) -> None:
    bench.hand.put(key, "secret")
    found = bench.port.find(key=key)
    assert found is not None
    assert found.key == key
    assert bench.port.check(found, "secret")
    bench.hand.lose(key)


def test_groups_know_their_members(bench: Bench) -> None:
    for key in ("ada", "bob", "eve"):
        bench.hand.put(key, "secret")
    bench.hand.join("makers", "ada", "bob")
    bench.hand.join("readers", "ada")
    groups = {each.name: each for each in bench.port.everybody().groups}
    assert groups["makers"].members == ("ada", "bob")
    ada = bench.port.find(key="ada")
    assert ada is not None
    mine = sorted(bench.port.groups_of(ada), key=lambda each: each.name)
    assert mine == [Group(groups[name].subject, name, ("ada",)) for name in ("makers", "readers")]


def test_a_key_that_is_given_again_is_somebody_else(bench: Bench) -> None:
    bench.hand.put("ada", "first")
    before = bench.port.find(key="ada")
    bench.hand.lose("ada")
    bench.hand.put("ada", "second")
    after = bench.port.find(key="ada")
    assert before is not None
    assert after is not None
    assert before.subject != after.subject


def test_a_new_name_leaves_the_person_the_same(bench: Bench) -> None:
    bench.hand.put("ada", "secret", "Ada Byron")
    before = bench.port.find(key="ada")
    bench.hand.rename("ada", "Ada Lovelace")
    after = bench.port.find(name="Ada Lovelace")
    assert before is not None
    assert after is not None
    assert before.subject == after.subject


@real
def test_a_disabled_person_is_not_there(server: Any, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(lambda: _emptied(server))
    server.put("ada", "secret")
    server.disable("ada")
    assert people(server).find(key="ada") is None
    assert people(server).everybody().people == ()


@real
def test_a_long_directory_comes_page_by_page(server: Any, request: pytest.FixtureRequest) -> None:
    """More entries than the server hands out at once; and more than Croft takes are refused, not cut off."""
    request.addfinalizer(lambda: _emptied(server))
    _many(server, 1200)
    assert len(people(server).everybody().people) == 1200
    with pytest.raises(Rejected, match="more than 700 entries"):
        people(server, most=700).everybody()


def _many(server: Any, count: int) -> None:
    import ldap.modlist

    from tests.contracts.slapd import PEOPLE

    with server.writing() as conn:
        for number in range(count):
            name = f"p{number}".encode()
            values = {"objectClass": [b"inetOrgPerson"], "uid": [name], "cn": [name], "sn": [name]}
            conn.add_s(f"uid=p{number},{PEOPLE}", ldap.modlist.addModlist(values))


@real
@pytest.mark.parametrize("kind", ["ldaps", "starttls", "plain on this machine"])
def test_encrypted_or_local(server: Any, request: pytest.FixtureRequest, kind: str) -> None:
    request.addfinalizer(lambda: _emptied(server))
    server.put("ada", "secret")
    url = server.ldaps if kind == "ldaps" else server.url
    ca = "" if kind.startswith("plain") else str(server.ca)
    port = people(server, url, tls_ca=ca)
    ada = port.find(key="ada")
    assert ada is not None
    assert port.check(ada, "secret")


@real
def test_a_server_that_nobody_vouches_for_is_not_told_any_password(server: Any) -> None:
    """Its certificate is by an unknown authority, or for another name."""
    for url, ca in ((server.ldaps, ""), (f"ldaps://127.0.0.2:{server.tls_port}", str(server.ca))):
        with pytest.raises(Unavailable, match="does not answer"):
            people(server, url, tls_ca=ca).find(key="ada")


@real
def test_a_wrong_bind_is_said_without_its_password(server: Any) -> None:
    with pytest.raises(Rejected, match=r"refuses cn=reader.*bind_password") as caught:
        people(server, password="not-the-password").find(key="ada")
    assert "not-the-password" not in str(caught.value)


@real
def test_a_base_that_is_not_there_is_the_directorys_own_word(server: Any) -> None:
    with pytest.raises(Rejected, match="No such object"):
        people(server, base="ou=nowhere,dc=example,dc=org").everybody()


@real
def test_a_directory_that_is_away_or_silent_is_unavailable() -> None:
    """Silent: it takes the connection and never says a word; the call still ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        closed = listening.getsockname()[1]
    with pytest.raises(Unavailable):
        people(None, f"ldap://127.0.0.1:{closed}").find(key="ada")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"ldap://127.0.0.1:{listening.getsockname()[1]}"
        done = threading.Event()

        def ask() -> None:
            with pytest.raises(Unavailable):
                people(None, url).find(key="ada")
            done.set()

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(40)
        assert done.is_set(), "the call hangs or raised something else"


@real
@pytest.mark.parametrize(
    ("url", "words", "says"),
    [
        ("http://localhost", {}, "begins with ldaps"),
        ("ldap://localhost", {"filter": "objectClass=person"}, "in parentheses"),
        ("ldap://localhost", {"group_filter": "(a=b"}, "in parentheses"),
    ],
)
def test_settings_that_cannot_be_are_refused(url: str, words: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        people(None, url, **words)
