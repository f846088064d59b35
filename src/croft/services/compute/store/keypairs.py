"""Key pairs: they belong to users, not to projects."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx
from croft.core.errors import Invalid
from croft.core.page import Page
from croft.services.compute.model import KeyPair
from croft.services.compute.store.tables import keypair

c = keypair.c
_ONE = sa.select(*c).where(c.user == sa.bindparam("user"), c.name == sa.bindparam("name"))


def find(tx: Tx, user: str, name: str) -> KeyPair | None:
    return tx.first(KeyPair, _ONE, {"user": user, "name": name}) if "\0" not in user + name else None


def page(tx: Tx, user: str, page: Page) -> list[KeyPair]:
    if "\0" in user + page.marker:
        return []
    statement = sa.select(*c).where(c.user == user).order_by(c.name).limit(page.limit)
    if page.marker:
        if find(tx, user, page.marker) is None:
            raise Invalid(f"marker [{page.marker[:60]}] not found")
        statement = statement.where(c.name > page.marker)
    return tx.all(KeyPair, statement)


def count(tx: Tx, user: str) -> int:
    return int(tx.scalar(sa.select(sa.func.count()).where(c.user == user)))


def insert(tx: Tx, values: dict[str, Any]) -> None:
    tx.run(sa.insert(keypair), values)


def drop(tx: Tx, user: str, name: str) -> None:
    tx.run(sa.delete(keypair).where(c.user == user, c.name == name))
