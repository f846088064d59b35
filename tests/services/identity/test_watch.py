"""What a process may remember without asking the database, and for how long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from croft.app import Croft, fake_engines
from croft.core.clock import ManualClock
from croft.core.config import Config
from croft.core.db import Database
from croft.core.errors import Unauthorized
from croft.machine.credentials import Passwords
from croft.services.identity.actions import Tokens
from croft.services.identity.store import epoch
from tests.services.identity.house import House, project_scope
from tests.services.identity.test_tokens import ENDS, subject
from tests.world import World, away


class Ticks:
    """Monotonic seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Visits:
    """How often a database was turned to while it is open."""

    def __init__(self, db: Database) -> None:
        self._engine = db.engine
        self.count = 0

    def _note(self, *_connection: object) -> None:
        self.count += 1

    def __enter__(self) -> Visits:
        sa.event.listen(self._engine, "checkout", self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        sa.event.remove(self._engine, "checkout", self._note)


def reached(done: Callable[[], bool]) -> bool:
    """Whether it comes about while other threads work."""
    pause = threading.Event()
    return any(done() or pause.wait(0.01) for _ in range(3000))


def knows(tokens: Tokens, text: str) -> bool:
    return tokens.remembered(text) is not None


def gone(tokens: Tokens, text: str) -> bool:
    try:
        tokens(text)
    except Unauthorized:
        return True
    return False


@contextmanager
def watching(db: Database, ticks: Ticks, period: float = 3600.0) -> Iterator[Tokens]:
    """A process that has looked once, and by itself does not look again within a test."""
    tokens = Tokens(db, clock=ticks, period=period)
    tokens.start()
    try:
        assert reached(tokens._watch.fresh)
        yield tokens
    finally:
        tokens.stop()


def elsewhere(house: House) -> Database:
    """The same database as another process sees it."""
    return Database(house.db.url.render_as_string(hide_password=False), house.db.clock)


def test_a_known_token_is_checked_without_the_database(either: House) -> None:
    text, other = either.demo(), elsewhere(either)
    with watching(other, Ticks()) as tokens:
        assert tokens.remembered(text) is None
        actor = tokens(text)
        with Visits(other) as visits:
            assert tokens(text) is actor
            assert tokens.remembered(text) is actor
        assert visits.count == 0
    other.close()


def test_nothing_is_remembered_for_a_second_without_a_look(either: House) -> None:
    """The promise of one second, however slow the watch is: past it each request looks for itself."""
    text, other, ticks = either.demo(), elsewhere(either), Ticks()
    with watching(other, ticks) as tokens:
        tokens(text)
        assert either.ask("DELETE", "/auth/tokens", headers=subject(text)).status == 204
        assert tokens.remembered(text) is not None, "the other process has not looked yet"
        ticks.now += 0.95
        assert tokens.remembered(text) is None
        with pytest.raises(Unauthorized):
            tokens(text)
    other.close()


def test_without_a_watch_every_request_looks(either: House) -> None:
    text, tokens = either.demo(), Tokens(either.db)
    tokens(text)
    assert tokens.remembered(text) is None
    with Visits(either.db) as visits:
        tokens(text)
    assert visits.count == 1


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_a_token_here_ends_it_before_the_answer(house: House, end: str) -> None:
    """Within the process that wrote it, with a watch that does not come by itself."""
    domain = house.made("domain", name="empire")["id"]
    ids = {
        "domain": domain,
        "user": house.made("user", name="ada", domain_id=domain)["id"],
        "project": house.made("project", name="tower", domain_id=domain)["id"],
        "group": house.made("group", name="crew", domain_id=domain)["id"],
        "role": house.made("role", name="crewman")["id"],
    }
    house.ask("PUT", f"/groups/{ids['group']}/users/{ids['user']}")
    house.grant(ids["group"], "crewman", ids["project"], who="groups")
    text = house.login("ada", domain={"id": domain}, scope=project_scope(ids["project"]))
    with watching(house.db, Ticks()) as tokens:
        assert tokens(text).user == ids["user"]
        ENDS[end](house, ids)
        assert tokens.remembered(text) is None
        assert gone(tokens, text)


def test_two_croft_processes_on_one_database(db: Database, tmp_path: Path) -> None:
    """Whole ones with their own watches: what one of them ends, the other ends by itself."""
    two = []
    for number in range(2):
        handle = Database(db.url.render_as_string(hide_password=False), db.clock)
        folder = tmp_path / str(number)
        folder.mkdir()
        croft = Croft(Config(folder, engines="fake", bcrypt_rounds=4), handle, fake_engines())
        croft.seed(Passwords("admin-password", "demo-password"))
        croft.start()
        two.append(croft)
    try:
        here, there = (World(each.db, each.services, each.authenticate) for each in two)
        admin = enter(here, "admin", "admin-password")
        demo = enter(here, "croft", "demo-password")
        for way in ("token", "user"):
            demo = enter(here, "croft", "demo-password")
            assert there.call("GET", "/identity/v3/auth/projects", token=demo).status == 200
            assert reached(partial(knows, two[1].authenticate, demo))
            if way == "token":
                answer = here.call("DELETE", "/identity/v3/auth/tokens", token=admin, headers=subject(demo))
            else:
                path = f"/identity/v3/users/{who(here, demo)}"
                answer = here.call("PATCH", path, {"user": {"enabled": False}}, token=admin)
            assert answer.status in {200, 204}
            assert here.call("GET", "/identity/v3/auth/projects", token=demo).status == 401
            assert reached(partial(gone, two[1].authenticate, demo))
            assert two[1].authenticate.remembered(demo) is None
        assert two[1].authenticate(admin).is_admin
    finally:
        for croft in two:
            croft.stop()


def who(world: World, token: str) -> str:
    found = world.call("GET", "/identity/v3/auth/tokens", token=token, headers=subject(token)).json
    return str(found["token"]["user"]["id"])


def enter(world: World, name: str, password: str) -> str:
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    auth = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    if name == "admin":
        auth["auth"]["scope"] = {"project": {"name": "admin", "domain": {"id": "default"}}}  # type: ignore[dict-item]
    answer = world.call("POST", "/identity/v3/auth/tokens", auth, token=None)
    assert answer.status == 201, answer.body
    return answer.headers["x-subject-token"]


def test_others_keep_what_is_remembered_of_them(house: House) -> None:
    """A grant to one user throws away no other's token; a change to a role does."""
    person, place = house.resident()
    text = house.login("ada", scope=project_scope(place))
    with watching(house.db, Ticks()) as tokens:
        ada, croft = tokens(text), house.demo()
        other = tokens(croft)
        house.grant(person, "manager", place)
        assert tokens(croft) is other
        assert tokens(text).roles > ada.roles
        house.ask("PATCH", f"/roles/{house.made('role', name='x')['id']}", {"role": {"name": "y"}})
        assert tokens(croft) is not other


def test_who_is_too_far_behind_forgets_everything(either: House) -> None:
    text, tokens = either.demo(), Tokens(either.db)
    actor = tokens(text)
    with either.db.write() as tx:
        tx.run(sa.text(f"UPDATE identity_epoch SET value = {512 * epoch.KEPT - 1}"))
        epoch.bump(tx, "nobody")
    with either.db.read() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM identity_change")) == 1, "the others were trimmed"
    assert tokens(text) is not actor
    assert tokens(text).user == actor.user


def test_a_database_brought_back_from_a_copy_is_believed(house: House) -> None:
    """Its numbers are lower than those this process has seen."""
    person, place = house.resident()
    text = house.login("ada", scope=project_scope(place))
    tokens = Tokens(house.db)
    with house.db.write() as tx:
        epoch.bump(tx, "nobody")
    before = tokens(text)
    with house.db.write() as tx:
        tx.run(sa.text("UPDATE identity_epoch SET value = value - 1"))
        tx.run(sa.text("UPDATE identity_user SET name = 'lovelace' WHERE id = :id"), {"id": person})
    assert before.user_name == "ada"
    assert tokens(text).user_name == "lovelace"


def turns(house: House, count: int) -> None:
    for _ in range(count):
        with house.db.write() as tx:
            epoch.bump(tx, "nobody")


def test_tokens_from_after_the_copy_cannot_be_ended_too_early(house: House) -> None:
    """A database brought back from a copy counts anew. What it ends then must also end tokens with higher numbers."""
    person, place = house.resident()
    turns(house, 20)
    text = house.login("ada", scope=project_scope(place))
    with house.db.write() as tx:
        tx.run(sa.text("UPDATE identity_epoch SET value = value - 20"))
        tx.run(sa.text("DELETE FROM identity_change WHERE number > (SELECT value FROM identity_epoch)"))
    assert not house.valid(text), "nobody knows of it yet"
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(120)
    house.ask("PATCH", f"/users/{person}", {"user": {"password": "another"}})
    turns(house, 30)
    assert not house.valid(text)
    assert house.valid(house.login("ada", "another", scope=project_scope(place)))


def test_a_token_that_expires_is_forgotten_without_a_look(house: House) -> None:
    text = house.demo()
    with watching(house.db, Ticks()) as tokens:
        tokens(text)
        assert isinstance(house.clock, ManualClock)
        house.clock.advance(3600)
        assert tokens.remembered(text) is None
        assert gone(tokens, text)


def test_the_subjects_body_is_remembered_for_those_who_may_see_it(house: House) -> None:
    house.made("user", name="eve")
    text, eve = house.demo(), house.login("eve")
    shown = house.ask("GET", "/auth/tokens", headers=subject(text))
    with watching(house.db, Ticks()) as tokens:
        mine, stranger = tokens(text), tokens(eve)
        assert tokens.remembered_body(mine, text, with_catalog=True) is None, "nobody has asked for it yet"
        with house.db.read() as tx:
            known = tokens.find(tx, text)
            assert known is not None
            tokens.body(tx, known, with_catalog=False)
        found = tokens.remembered_body(mine, text, with_catalog=False)
        assert found is not None
        assert found in {known.bodies[False]}
        assert tokens.remembered_body(stranger, text, with_catalog=False) is None
    assert shown.status == 200


def test_while_the_database_is_away_the_watch_goes_on(house: House, caplog: pytest.LogCaptureFixture) -> None:
    text, other = house.demo(), elsewhere(house)
    with watching(other, Ticks(), period=0.01) as tokens:
        tokens(text)
        with away(other):
            assert reached(lambda: "until the database answers again" in caplog.text)
        assert reached(lambda: tokens.remembered(text) is not None)
    other.close()
