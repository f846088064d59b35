"""Users and groups that are kept elsewhere: which they are, and making the rows what a plan says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from croft.core.db import Tx, one_of
from croft.drivers.people import Person
from croft.services.identity.model import Group, User
from croft.services.identity.model.outside import DIRECTORY, Have, OutsideGroup, Outsider, Plan
from croft.services.identity.store import epoch, tables, users

_U, _G, _M, _O, _OG = tables.user, tables.group, tables.membership, tables.outsider, tables.outside_group
_OUTSIDERS = sa.select(_U.c.id, _U.c.name, _U.c.extra, _O.c.kind, _O.c.subject, _O.c.gone).join_from(_U, _O)
_OF_DOMAIN = _OUTSIDERS.where(_U.c.domain == sa.bindparam("domain"), _O.c.kind == DIRECTORY)
_ONE = _OUTSIDERS.where(_U.c.id == sa.bindparam("id"))
_GROUPS = sa.select(_G.c.id, _G.c.name, _OG.c.subject).join_from(_G, _OG).where(_G.c.domain == sa.bindparam("domain"))
_MEMBERS = (
    sa.select(_M.c.group, _M.c.user)
    .join_from(_M, _OG, _OG.c.group == _M.c.group)
    .join(_G, _G.c.id == _OG.c.group)
    .where(_G.c.domain == sa.bindparam("domain"))
)
_NAMES = sa.select(_U.c.name, _U.c.id).where(_U.c.domain == sa.bindparam("domain"))
_GROUP_NAMES = sa.select(_G.c.name, _G.c.id).where(_G.c.domain == sa.bindparam("domain"))
_OWNERS = sa.select(_U.c.id).where(one_of(_U.c.id, "ids"))
_IS_GROUP = sa.select(_OG.c.group).where(_OG.c.group == sa.bindparam("id"))
_JOIN = sa.insert(_M)
_PART = sa.delete(_M).where(_M.c.group == sa.bindparam("is_group"), _M.c.user == sa.bindparam("is_user"))
_INSERT = sa.insert(_O)
_INSERT_GROUP = sa.insert(_OG)
_UPDATE = sa.update(_O).where(_O.c.user == sa.bindparam("at"))
_MANY = 100
"""Changed people above which every process forgets everybody, rather than each by name."""


def outsider(tx: Tx, id: str) -> Outsider | None:
    """None for a user who is kept here."""
    return next(iter(_outsiders(tx, _ONE, {"id": id})), None)


def is_outside_group(tx: Tx, id: str) -> bool:
    return tx.scalar(_IS_GROUP, {"id": id}) is not None


def is_directory(tx: Tx, domain: str) -> bool:
    """Whether a directory has people in that domain."""
    return bool(tx.rows(_OF_DOMAIN.limit(1), {"domain": domain}))


def _outsiders(tx: Tx, statement: sa.Executable, values: Mapping[str, Any]) -> list[Outsider]:
    rows = tx.rows(statement, values)
    return [Outsider(row.id, row.name, row.extra.get("email", ""), row.kind, row.subject, row.gone) for row in rows]


def any_have(tx: Tx, domain: str, ids: Iterable[str]) -> Have:
    """All that a directory is compared with; `ids` are those its people would have."""
    people = {each.id: each for each in _outsiders(tx, _OF_DOMAIN, {"domain": domain})}
    taken = {row.id for row in tx.rows(_OWNERS, {"ids": sorted(ids)})} - set(people)
    return Have(
        people,
        {each.id: each for each in tx.all(OutsideGroup, _GROUPS, {"domain": domain})},
        frozenset((row.group, row.user) for row in tx.rows(_MEMBERS, {"domain": domain})),
        {row.name: row.id for row in tx.rows(_NAMES, {"domain": domain})},
        {row.name: row.id for row in tx.rows(_GROUP_NAMES, {"domain": domain})},
        frozenset(taken),
    )


def any_have_one(
    tx: Tx, domain: str, id: str, name: str, groups: Sequence[tuple[str, str]], kind: str = DIRECTORY
) -> Have:
    """The same for one person, and (id, name) of the groups the person is in."""
    found = outsider(tx, id)
    row = users.show(tx, id)
    own = found is not None and row is not None and row.domain == domain and found.kind == kind
    named, mine = users.named(tx, domain, name), users.groups_of(tx, id)
    outside = {each.id: OutsideGroup(each.id, each.name, "") for each in mine if is_outside_group(tx, each.id)}
    for group, _ in groups:
        there = users.group(tx, group)
        if there is not None:
            outside[group] = OutsideGroup(group, there.name, "")
    called_so = {called: users.group_named(tx, domain, called) for _, called in groups}
    return Have(
        {id: found} if own and found else {},
        outside,
        frozenset((each.id, id) for each in mine if each.id in outside),
        {name: named.id} if named else {},
        {each.name: each.id for each in called_so.values() if each is not None},
        frozenset([id] if row is not None and not own else []),
    )


def any_apply(tx: Tx, domain: str, plan: Plan, kind: str = DIRECTORY) -> None:
    for id in plan.drop:
        users.revoke_tokens(tx, id)
        users.delete(tx, id)
    for id in plan.leave:
        any_leave(tx, id)
    for id, person in plan.change:
        back = {"enabled": True} if kind == DIRECTORY else {}
        users.update(tx, id, {"name": person.name, "extra": _extra(person)} | back)
        tx.run(_UPDATE.values(gone=None), {"at": id})
    for id, person in plan.arrive:
        arrive(tx, User(id, domain, person.name, None, True, None, {}, _extra(person)), kind, person.subject)
    for id in plan.drop_groups:
        users.delete_group(tx, id)
    for id, name in plan.rename_groups:
        users.update_group(tx, id, {"name": name})
    for id, group in plan.add_groups:
        users.insert_group(tx, Group(id, domain, group.name, None))
        tx.run(_INSERT_GROUP, {"group": id, "subject": group.subject})
    if plan.part:
        tx.run(_PART, [{"is_group": group, "is_user": user} for group, user in sorted(plan.part)])
    if plan.join:
        tx.run(_JOIN, [{"group": group, "user": user} for group, user in sorted(plan.join)])
    touched = {*plan.drop, *plan.leave, *(id for id, _ in plan.change), *(user for _, user in plan.part | plan.join)}
    if len(touched) > _MANY or plan.drop_groups:
        epoch.bump(tx)
    elif touched:
        epoch.bump(tx, *sorted(touched))


def arrive(tx: Tx, row: User, kind: str, subject: str) -> None:
    users.insert(tx, row, None)
    tx.run(_INSERT, {"user": row.id, "kind": kind, "subject": subject, "gone": None})


def any_close(tx: Tx, ids: Iterable[str]) -> None:
    for id in ids:
        any_leave(tx, id)


def any_leave(tx: Tx, id: str) -> None:
    """Closes a user whom the directory no longer has: every token dies, the roles wait for a return."""
    users.update(tx, id, {"enabled": False})
    users.revoke_tokens(tx, id)
    tx.run(_UPDATE.values(gone=tx.now), {"at": id})


def _extra(person: Person) -> dict[str, str]:
    return {"email": person.email} if person.email else {}
