"""How far a token reaches among people and places: everything, one domain, or one's own project and self."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from croft.core.ctx import ReadTx
from croft.core.errors import Forbidden, NotFound
from croft.core.policy import Role
from croft.services.identity.model import Project


def missing(what: str, id: str) -> NotFound:
    return NotFound(f"Could not find {what}: {id[:64]}.")


def everything(tx: ReadTx) -> bool:
    """Operators, and for reading whoever reads the system."""
    return tx.scope.project is None and (tx.actor.is_admin or not tx.writing)


def covers(tx: ReadTx, domain: str) -> bool:
    """Whether the things of a domain are within reach; of a change, for those who manage it."""
    own = bool(tx.scope.domain) and tx.scope.domain == domain
    return everything(tx) or (own and (tx.actor.role >= Role.MANAGER or not tx.writing))


def home(place: Project) -> str:
    """The domain a place belongs to; a domain belongs to itself."""
    return place.domain or place.id


def refuse_foreign(tx: ReadTx, what: str, id: str, domain: str) -> None:
    """What lies in another domain does not exist."""
    if not covers(tx, domain):
        raise missing(what, id)


def refuse_own_domain(tx: ReadTx, place: Project) -> None:
    """A domain's manager rules what is in it, not the domain."""
    refuse_foreign(tx, "domain" if place.is_domain else "project", place.id, home(place))
    if place.is_domain and not everything(tx):
        raise Forbidden("Only operators change domains.")


def within(tx: ReadTx, equal: Mapping[str, Any]) -> dict[str, Any] | None:
    """The filters of a list, narrowed to the domain in reach; None when they ask for another one's."""
    if everything(tx):
        return dict(equal)
    return {**equal, "domain": tx.scope.domain} if equal.get("domain", tx.scope.domain) == tx.scope.domain else None
