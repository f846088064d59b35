"""What must hold when things happen at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from croft.core.errors import Unauthorized
from croft.services import identity
from croft.services.identity.actions.memory import Memory
from croft.services.identity.store import epoch, users
from tests.services.identity.house import House, project_scope


def test_no_process_takes_a_token_once_its_end_was_answered(either: House) -> None:
    """Each thread is a process with a memory of its own, asking all the time."""
    person, place = either.resident()
    over, late = threading.Event(), []

    def ask(token: str) -> None:
        authenticate = identity.authenticator(either.db)
        while True:
            ended = over.is_set()
            try:
                authenticate(token)
            except Unauthorized:
                return
            if ended:
                late.append(token)
                return

    for _ in range(3):
        over.clear()
        token = either.login("ada", scope=project_scope(place))
        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask, token) for _ in range(4)]
            either.revoke(person, "member", place)
            over.set()
            for each in asking:
                each.result(timeout=30)
        either.grant(person, "member", place)
    assert late == []


def test_guesses_at_once_are_all_counted(either: House) -> None:
    either.resident()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: either.try_login("ada", "guess").status, range(12)))
    assert answers == [401] * 12
    assert either.try_login("ada").status == 401, "ten and more wrong words lock"


def test_a_use_of_a_trust_counts_once_and_no_use_is_given_twice(either: House) -> None:
    person, place = either.resident()
    bob = either.made("user", name="bob")["id"]
    trust = {
        "trustor_user_id": person,
        "trustee_user_id": bob,
        "project_id": place,
        "impersonation": False,
        "roles": [{"name": "member"}],
        "remaining_uses": 3,
    }
    token = either.login("ada", scope=project_scope(place))
    id = either.ask("POST", "/OS-TRUST/trusts", {"trust": trust}, token=token).json["trust"]["id"]
    scope = {"OS-TRUST:trust": {"id": id}}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: either.try_login("bob", scope=scope).status, range(8)))
    assert sorted(answers) == [201] * 3 + [401] * 5


def test_ending_a_domain_while_its_people_change_locks_nobody_in(either: House) -> None:
    """Both touch the same user and both move the epoch: who comes second waits, and neither waits for the other."""
    domain = either.made("domain", name="empire")["id"]
    people = sorted(either.made("user", name=f"u{number}", domain_id=domain)["id"] for number in range(3))
    assert either.ask("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}}).status == 200
    pause = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        with either.db.write() as tx:
            users.update(tx, people[-1], {"description": "changing"})
            ended = pool.submit(either.ask, "DELETE", f"/domains/{domain}")
            while not either.db.sqlite and not tx.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                pause.wait(0.01)
            epoch.bump(tx, people[-1])
        assert ended.result(timeout=30).status == 204


def test_one_name_is_given_once(either: House) -> None:
    assert either.admin
    with ThreadPoolExecutor(4) as pool:
        wish = {"project": {"name": "tower"}}
        answers = list(pool.map(lambda _: either.ask("POST", "/projects", wish).status, range(6)))
    assert sorted(answers) == [201] + [409] * 5


def test_a_memory_filled_from_many_threads_keeps_its_bound() -> None:
    memory: Memory[int] = Memory(10)

    def fill(start: int) -> None:
        for number in range(start, start + 500):
            memory.put(str(number % 40), number % 40, [f"odd-{number % 2}"], 1)
            assert memory.get(str(number % 40)) in {None, number % 40}

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(fill, start) for start in range(4)]:
            each.result()
    kept = [number for number in range(40) if memory.get(str(number)) is not None]
    assert len(kept) == 10
    memory.forget(frozenset({"odd-1"}), 2)
    assert [number for number in kept if memory.get(str(number)) is not None] == [n for n in kept if n % 2 == 0]
    memory.put("late", 7, [], 1)
    assert memory.get("late") is None, "what was read before the last change may be wrong"
