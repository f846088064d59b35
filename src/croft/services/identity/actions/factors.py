"""The second factor: checking one-time codes, asking for what a login still lacks, receipts for what it has shown."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable
from typing import NoReturn

import msgspec

from croft.core.db import Database, Tx
from croft.core.errors import Unauthorized
from croft.services.identity.actions.knocks import Visit
from croft.services.identity.actions.passwords import Passwords
from croft.services.identity.actions.tokens import NEEDED
from croft.services.identity.model import Settings, User
from croft.services.identity.model.factors import opens_alone, paused, rules, satisfied, step_of, within_reach
from croft.services.identity.model.rows import Login
from croft.services.identity.model.vault import Vault
from croft.services.identity.store import credentials, projects, users
from croft.services.identity.wire.receipts import receipt_body

PURPOSE = "receipt"
PASSWORD_AND_CODE = ["password", "totp"]
MOST_DEVICES = 8


class MoreNeeded(Unauthorized):
    """What was shown is right and not enough. `body` says what else, `headers` hold the receipt for what was shown."""

    def __init__(self, body: bytes, receipt: str) -> None:
        super().__init__(NEEDED)
        self.body = body
        self.headers["openstack-auth-receipt"] = receipt


class Receipt(msgspec.Struct, frozen=True):
    user: str
    methods: list[str]
    issued: int
    expires: int
    stamp: str
    """Of the password at that time: a new one ends every receipt."""


class Shown(msgspec.Struct, frozen=True):
    """What a login has proven so far."""

    user: str
    methods: tuple[str, ...]
    receipt_until: int | None


class Factors:
    def __init__(self, db: Database, settings: Settings, passwords: Passwords) -> None:
        self._db, self._settings, self._passwords = db, settings, passwords
        self._vault = Vault(settings.vault_keys)

    def check_code(self, user: str | None, code: str, visit: Visit, *, alone: bool) -> None:
        """Takes a one-time code, once. `alone` is one that nothing else was shown with: it opens only for users one of
        whose rules says so, since six digits are soon guessed."""
        with self._db.read() as tx:
            self._passwords.knocks.admit(tx, visit)
            devices = credentials.codes(tx, user or "-", MOST_DEVICES)
            now = tx.now
        secrets = {row.id: self._vault.open(row.id, row.blob) for row in devices}
        steps = [(id, step_of(secret, code, now)) for id, secret in secrets.items() if secret is not None]
        with self._db.write() as tx:
            tx.lock(f"identity:code:{user}")
            login = users.login(tx, user or "-")
            shut = login is None or self._shut(tx, login, visit, alone=alone)
            if not shut and any(step is not None and credentials.use_code(tx, id, step) for id, step in steps):
                users.forgive_second(tx, user or "-")
                return
            self._passwords.knocks.count(tx, visit, user if login else None, wrong=alone and not shut)
            users.count_second(tx, "-" if alone or shut else user or "-")
        raise Unauthorized(NEEDED)

    def _shut(self, tx: Tx, login: Login, visit: Visit, *, alone: bool) -> bool:
        if not alone:
            return paused(login.second_failed, login.second_at, tx.now)
        return not opens_alone(login.options) or self._passwords.knocks.locked(tx, login, visit)

    def read_receipt(self, text: str) -> Receipt:
        sealed = self._vault.open(PURPOSE, text)
        found = msgspec.json.decode(sealed, type=Receipt) if sealed is not None else None
        if found is None or found.expires <= self._db.clock.now():
            raise Unauthorized(NEEDED)
        return found

    def holds(self, tx: Tx, receipt: Receipt) -> bool:
        login = users.login(tx, receipt.user)
        return login is not None and hmac.compare_digest(_stamp(login), receipt.stamp)

    def demand(self, tx: Tx, shown: Shown, known: Collection[str]) -> None:
        """Ends a login that has not shown enough: for the user's rules, or, where an operator asks for codes, for a
        user who has a device. Else a stolen password would hand on by trusts and keys what it cannot use itself."""
        user = users.show(tx, shown.user)
        asked = rules(user.options, known) if user else []
        if user and not satisfied(asked, shown.methods):
            self._ask(tx, user, shown, within_reach(asked, shown.methods))
        if self._settings.require_totp_for and _bare(shown) and credentials.codes(tx, shown.user, 1):
            self.ask_for_code(tx, shown)

    def lacks_code(self, shown: Shown, held: Iterable[str]) -> bool:
        """Whether a login by password alone would give a role for which an operator asks for a code."""
        return _bare(shown) and bool(set(held) & set(self._settings.require_totp_for))

    def ask_for_code(self, tx: Tx, shown: Shown) -> NoReturn:
        user = users.show(tx, shown.user)
        assert user is not None
        self._ask(tx, user, shown, [PASSWORD_AND_CODE])

    def _ask(self, tx: Tx, user: User, shown: Shown, required: list[list[str]]) -> NoReturn:
        if set(shown.methods) & {"token", "application_credential"}:
            raise Unauthorized(NEEDED)
        login, domain = users.login(tx, user.id), projects.show(tx, user.domain)
        assert login is not None
        assert domain is not None
        until = tx.now + self._settings.receipt_ttl
        until = until if shown.receipt_until is None else min(until, shown.receipt_until)
        receipt = Receipt(user.id, sorted(shown.methods), tx.now, until, _stamp(login))
        text = self._vault.seal(PURPOSE, msgspec.json.encode(receipt).decode())
        body = receipt_body(user, domain, receipt.methods, (receipt.issued, receipt.expires), required)
        raise MoreNeeded(body, text)


def _bare(shown: Shown) -> bool:
    return "password" in shown.methods and "totp" not in shown.methods


def _stamp(login: Login) -> str:
    return hashlib.sha256((login.password or "").encode()).hexdigest()[:32]
