"""A name is given once in a domain, to nothing that only looks different, and holds nothing that nobody sees."""

from __future__ import annotations

from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid
from croft.services.identity.model.likeness import hidden
from croft.services.identity.store import likes


def refuse_taken(tx: Tx, kind: str, domain: str, name: str, own: str = "") -> None:
    """Of a project (or domain, whose own domain is empty), a user or a group; `own` is what is renamed."""
    sign = hidden(name)
    if sign:
        raise Invalid(f"A name holds no invisible characters; this one has {sign}.")
    what = "domain" if kind == "project" and not domain else kind
    for each in likes.find(tx, kind, domain, name):
        if each.id == own:
            continue
        if each.name == name:
            raise Conflict(f"There is already a {what} named {name}{' in this domain' if domain else ''}.")
        raise Conflict(f"The name {name} reads like that of {what} {each.name}; choose another.")
