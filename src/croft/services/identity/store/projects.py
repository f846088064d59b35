"""Projects and domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from croft.core import quota
from croft.core.db import Tx
from croft.core.page import Page
from croft.services.identity.model import Project
from croft.services.identity.model.likeness import with_likeness
from croft.services.identity.store import epoch, extras, limits, tables
from croft.services.identity.store.listing import listed

_T = tables.project
_COLUMNS = (
    _T.c.id,
    _T.c.domain,
    _T.c.parent,
    _T.c.name,
    _T.c.description,
    _T.c.enabled,
    _T.c.is_domain,
    _T.c.tags,
    _T.c.options,
    _T.c.extra,
    _T.c.slug,
)
_LIVE = _T.c.deleted.is_(None)
_ONE = sa.select(*_COLUMNS).where(_T.c.id == sa.bindparam("id"), _LIVE)
_NAMED = sa.select(*_COLUMNS).where(_T.c.domain == sa.bindparam("domain"), _T.c.name == sa.bindparam("name"), _LIVE)
_SOME = sa.select(*_COLUMNS).where(_T.c.id.in_(sa.bindparam("ids", expanding=True)), _LIVE).order_by(_T.c.id)
_INSERT = sa.insert(_T)
_UPDATE = sa.update(_T).where(_T.c.id == sa.bindparam("at"))
_PARENTS = sa.select(_T.c.id, _T.c.parent).where(_LIVE)
_PARENT = sa.select(_T.c.parent).where(_T.c.id == sa.bindparam("id"))
_CHILD = sa.select(_T.c.id).where(_T.c.parent == sa.bindparam("id"), _LIVE).limit(1)
_IN_DOMAIN = sa.select(_T.c.id).where(_T.c.domain == sa.bindparam("domain"))
_DELETED = sa.select(_T.c.deleted).where(_T.c.id == sa.bindparam("id"))
_ENDING = sa.select(_T.c.deleted, _T.c.is_domain, _T.c.domain).where(_T.c.id == sa.bindparam("id"))
_SLUGS_IN = sa.select(_T.c.slug).where(_T.c.domain == sa.bindparam("domain")).order_by(_T.c.id)
_DROP = sa.delete(_T).where(_T.c.id == sa.bindparam("id"))


def show(tx: Tx, id: str) -> Project | None:
    return tx.first(Project, _ONE, {"id": id})


def named(tx: Tx, domain: str, name: str) -> Project | None:
    """A domain when `domain` is empty."""
    return tx.first(Project, _NAMED, {"domain": domain, "name": name})


def some(tx: Tx, ids: Sequence[str]) -> list[Project]:
    return tx.all(Project, _SOME, {"ids": list(ids)})


def list_(tx: Tx, equal: Mapping[str, Any], page: Page) -> list[Project]:
    return listed(tx, Project, _COLUMNS, equal, page)


def insert(tx: Tx, row: Project) -> None:
    values = {column.name: getattr(row, column.name) for column in _COLUMNS}
    tx.run(_INSERT, with_likeness(values | {"deleted": None}))


def update(tx: Tx, id: str, values: Mapping[str, Any]) -> None:
    if values:
        tx.run(_UPDATE.values(**with_likeness(values)), {"at": id})


def parents(tx: Tx) -> dict[str, str]:
    """Every project's parent."""
    return {row.id: row.parent for row in tx.rows(_PARENTS)}


def above(tx: Tx, project: Project) -> list[str]:
    """Its ancestors, nearest first, ending with the domain. No statement for a project at the top."""
    chain, at = [], project.parent
    while at and at not in chain:
        chain.append(at)
        at = "" if at == project.domain else (tx.scalar(_PARENT, {"id": at}) or "")
    return chain


def has_children(tx: Tx, id: str) -> bool:
    return tx.scalar(_CHILD, {"id": id}) is not None


def in_domain(tx: Tx, domain: str) -> list[str]:
    """Ids, those on their way out included."""
    return [row[0] for row in tx.rows(_IN_DOMAIN, {"domain": domain})]


def mark_deleted(tx: Tx, id: str) -> None:
    """Hides it and frees its name; the reconciler drops the row once nothing is left in the project."""
    update(tx, id, {"deleted": tx.now, "enabled": False, "name": id})


def any_deleted(tx: Tx, id: str) -> int | None:
    """When its end was asked for; 0 for a live one; None when there is no row."""
    row = tx.rows(_DELETED, {"id": id})
    return (row[0][0] or 0) if row else None


class Ending(msgspec.Struct, frozen=True):
    deleted: int | None
    is_domain: bool
    domain: str


def any_ending(tx: Tx, id: str) -> Ending | None:
    return tx.first(Ending, _ENDING, {"id": id})


def any_slugs_in(tx: Tx, domain: str) -> list[str]:
    """Of every project there, also of those on their way out."""
    return [row.slug for row in tx.rows(_SLUGS_IN, {"domain": domain})]


def any_drop(tx: Tx, id: str) -> None:
    quota.forget(tx, id)
    tx.run(_DROP, {"id": id})


_TARGETED = (tables.application_credential.c.project, tables.trust.c.project)
_FORGET = [sa.delete(column.table).where(column == sa.bindparam("id")) for column in _TARGETED]
_FORGET.append(sa.delete(tables.credential).where(tables.credential.c.project == sa.bindparam("id")))
_FORGET.append(sa.delete(tables.assignment).where(tables.assignment.c.target == sa.bindparam("id")))
_UNDEFAULT = (
    sa.update(tables.user).where(tables.user.c.default_project == sa.bindparam("gone")).values(default_project=None)
)


def hold(tx: Tx, id: str) -> None:
    """Keeps a project or domain from being deleted, or from getting anything, until the commit."""
    tx.lock(f"identity:place:{id}")


def forget(tx: Tx, id: str) -> None:
    """Ends every token, credential, trust, assignment and limit for it."""
    hold(tx, id)
    for statement in _FORGET:
        tx.run(statement, {"id": id})
    tx.run(_UNDEFAULT, {"gone": id})
    epoch.end(tx, id)
    limits.forget(tx, id)
    extras.forget(tx, id)


def revoke_tokens(tx: Tx, id: str) -> None:
    """Ends every token scoped to it; a domain's also in its projects, and of its users."""
    epoch.end(tx, id)
