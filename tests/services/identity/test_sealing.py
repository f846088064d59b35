"""The text of a token: what it holds, and that nobody but Croft can make or change one."""

from __future__ import annotations

import base64
import random

import msgspec
import pytest
from cryptography.fernet import Fernet

from croft.core.clock import ManualClock
from croft.core.db import Database
from croft.core.errors import Unauthorized
from croft.core.ids import new_hex_id, new_secret
from croft.services import identity
from croft.services.identity.actions import keyring
from croft.services.identity.model import Token
from croft.services.identity.model.seals import Sealer, new_key
from tests.services.identity.house import V3, House, project_scope

NOW = 1_700_000_000


def token(**words: object) -> Token:
    values: dict[str, object] = {
        "user": new_hex_id(),
        "methods": ["password"],
        "audit": [new_secret(16)],
        "scope_type": "project",
        "scope": new_hex_id(),
        "issued": NOW,
        "expires": NOW + 43_200,
        "application_credential": None,
        "trust": None,
        "born": 7,
    }
    return Token(**(values | words))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"scope_type": "", "scope": ""},
        {"scope_type": "domain", "scope": "default"},
        {"scope_type": "system", "scope": "system"},
        {"application_credential": new_hex_id(), "methods": ["application_credential"]},
        {"trust": new_hex_id(), "audit": [new_secret(16), new_secret(16)], "methods": ["password", "token"]},
        {"methods": ["password", "totp", "carrier-pigeon"]},
        {"user": "someone from elsewhere", "born": 2**40, "expires": NOW + 366 * 86400},
    ],
)
def test_what_is_sealed_comes_back_as_it_was(words: dict[str, object]) -> None:
    sealer = Sealer([new_key()])
    before = token(**words)
    assert sealer.open(sealer.seal(before)) == before


def test_the_longest_token_has_255_characters_at_most() -> None:
    most = token(
        user=new_hex_id() + new_hex_id(),
        methods=["password", "token", "totp"],
        audit=[new_secret(16), new_secret(16)],
        trust=new_hex_id(),
        born=2**32 - 1,
        expires=NOW + 86_400,
    )
    assert len(Sealer([new_key()]).seal(most)) <= 255


def test_it_shows_nothing_of_what_it_holds() -> None:
    before = token()
    raw = base64.urlsafe_b64decode(Sealer([new_key()]).seal(before) + "===")
    assert bytes.fromhex(before.user) not in raw
    assert bytes.fromhex(before.scope) not in raw


def test_any_key_opens_and_the_first_seals() -> None:
    old, new = new_key(), new_key()
    before = token()
    assert Sealer([new, old]).open(Sealer([old]).seal(before)) == before
    assert Sealer([old]).open(Sealer([new, old]).seal(before)) is None


def test_every_changed_byte_is_noticed(house: House) -> None:
    """Also lengthened and shortened ones, and through the whole house: never a fault, never let in."""
    text = house.demo()
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    chance = random.Random(3)
    forged = [text[:at] for at in (0, 1, 50, len(text) - 4, len(text) - 8)] + [text + "AAAA", text * 2, f"{text}\n"]
    for at in range(0, len(raw), 5):
        other = bytearray(raw)
        other[at] ^= 1 << chance.randrange(8)
        forged.append(base64.urlsafe_b64encode(bytes(other)).decode().rstrip("="))
    forged += [Fernet(new_key()).encrypt(b"anything").decode(), "A" * 200, "é" * 200]
    for each in forged:
        if not each:
            continue
        assert house.call("GET", f"{V3}/auth/projects", token=each).status == 401, each
        assert house.ask("GET", "/auth/tokens", headers={"X-Subject-Token": each}).status == 404, each
        again = {"auth": {"identity": {"methods": ["token"], "token": {"id": each}}}}
        assert house.call("POST", f"{V3}/auth/tokens", again, token=None).status == 404, each
    assert house.valid(text)


def test_what_another_cloud_sealed_is_nothing_here(house: House) -> None:
    """Its key is right in form, its words are those of a true token, and the ids are this house's."""
    operator = house.ask("GET", "/auth/tokens", headers={"X-Subject-Token": house.admin}).json["token"]
    now = house.clock.now()
    forged = token(user=operator["user"]["id"], scope=operator["project"]["id"], issued=now, expires=now + 3600, born=1)
    text = Sealer([new_key()]).seal(forged)
    assert house.call("GET", f"{V3}/users", token=text).status == 401
    own = Sealer([key.secret for key in keyring.list_keys(house.db)])
    assert house.call("GET", f"{V3}/users", token=own.seal(forged)).status == 200, "so it was the key"


def test_a_sealed_text_that_is_no_token_is_none(house: House) -> None:
    """Sealed by the house's own key, and yet not in the words of a token."""
    key = keyring.list_keys(house.db)[-1].secret
    text = Fernet(key).encrypt_at_time(b"\x93\x01\x02" + b"x" * 60, house.clock.now()).decode().rstrip("=")
    assert house.call("GET", f"{V3}/auth/projects", token=text).status == 401


def test_a_token_in_the_words_of_a_newer_release_is_none(house: House) -> None:
    """Two releases run side by side while a site upgrades."""
    key = keyring.list_keys(house.db)[-1].secret
    packed = msgspec.msgpack.encode([1, b"u" * 16, b"p" * 16, [99], house.clock.now(), 60, b"a" * 16, 1, ""])
    text = Fernet(key).encrypt_at_time(packed, house.clock.now()).decode().rstrip("=")
    assert house.call("GET", f"{V3}/auth/projects", token=text).status == 401


def test_spellings_of_one_token_end_together(house: House) -> None:
    """The last character of the text has bits that mean nothing: what is revoked is the token, not its spelling."""
    text = house.demo()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [text[:-1] + alphabet[alphabet.index(text[-1]) ^ bit] for bit in (1, 2)]
    twins = [each for each in others if house.valid(each)]
    assert house.ask("DELETE", "/auth/tokens", headers={"X-Subject-Token": text}).status == 204
    assert not any(house.valid(each) for each in (text, *twins))


def test_nothing_is_stored_when_somebody_logs_in(either: House) -> None:
    person, place = either.resident()

    def rows() -> str:
        with either.db.read() as tx:
            names = ("identity_user", "identity_revoked", "identity_change", "identity_epoch", "identity_key")
            return str([tx.conn.exec_driver_sql(f"SELECT * FROM {name}").all() for name in names])

    before = rows()
    assert [either.valid(either.login("ada", scope=project_scope(place))) for _ in range(3)] == [True] * 3
    assert rows() == before
    assert person


class TestRotation:
    def test_nobody_is_logged_out_and_in_the_end_the_old_key_is_gone(self, either: House) -> None:
        clock = either.clock
        assert isinstance(clock, ManualClock)
        first = {key.secret for key in keyring.list_keys(either.db)}
        tokens = [either.demo()]
        other = identity.authenticator(either.db)
        assert other(tokens[0]).user_name == "croft"
        for _ in range(3):
            found = keyring.rotate_keys(either.db, 3600)
            assert sorted(key.state for key in found)[-2:] == ["primary", "staged"]
            tokens.append(either.demo())
            assert {other(text).user_name for text in tokens} == {"croft"}
            assert all(either.valid(text) for text in tokens)
        assert len(keyring.list_keys(either.db)) == 5
        clock.advance(3599)
        assert all(either.valid(text) for text in tokens)
        clock.advance(61 + 1)
        found = keyring.rotate_keys(either.db, 3600)
        assert [key.state for key in found] == ["staged", "primary", "older"]
        assert not first & {key.secret for key in found}

    def test_the_staged_key_is_the_next_to_seal(self, house: House) -> None:
        staged = next(key for key in keyring.list_keys(house.db) if key.state == "staged")
        found = keyring.rotate_keys(house.db, 3600)
        assert next(key.secret for key in found if key.state == "primary") == staged.secret
        assert Sealer([staged.secret]).open(house.demo()) is not None

    def test_keys_that_got_into_wrong_hands_are_replaced_with_all_tokens(self, either: House) -> None:
        text = either.demo()
        before = {key.secret for key in keyring.list_keys(either.db)}
        found = keyring.replace_keys(either.db)
        assert [key.state for key in found] == ["staged", "primary"]
        assert not before & {key.secret for key in found}
        with pytest.raises(Unauthorized):
            identity.authenticator(either.db)(text)

    def test_a_start_makes_keys_once(self, sqlite_db: Database) -> None:
        House(sqlite_db)
        before = [key.secret for key in keyring.list_keys(sqlite_db)]
        House(sqlite_db)
        assert [key.secret for key in keyring.list_keys(sqlite_db)] == before
        assert len(before) == 2

    def test_a_key_shows_itself_nowhere(self, house: House) -> None:
        for key in keyring.list_keys(house.db):
            assert key.secret not in repr(key)
            assert key.secret not in str([key])
