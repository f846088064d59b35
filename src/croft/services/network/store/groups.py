"""SQL of security groups and their rules."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from croft.core.db import Tx, one_of
from croft.core.errors import NotFound
from croft.core.policy import Scope
from croft.services.network.model.rows import Group, Rule
from croft.services.network.store import tables
from croft.services.network.store.listing import PROJECT, Listing, standard
from croft.services.network.store.rows import raw

_group = tables.security_group
_rule = tables.security_rule
_member = tables.port_group
_port = tables.port
_BY_ID: sa.BindParameter[str] = sa.bindparam("id")

GROUPS: Listing[Group] = Listing(
    Group,
    _group,
    sa.select(_group).where(_group.c.deleted.is_(None)),
    _group.c.project == PROJECT,
    {
        **standard(_group),
        "shared": lambda texts: sa.false() if texts[0].lower() in {"true", "1"} else sa.true(),
        "stateful": lambda texts: sa.true() if texts[0].lower() in {"true", "1"} else sa.false(),
    },
    "SecurityGroupNotFound",
)
RULES: Listing[Rule] = Listing(
    Rule,
    _rule,
    sa.select(_rule),
    _rule.c.project == PROJECT,
    {
        "id": _rule.c.id,
        "project_id": _rule.c.project,
        "tenant_id": _rule.c.project,
        "description": _rule.c.description,
        "security_group_id": _rule.c.group_id,
        "direction": _rule.c.direction,
        "ethertype": _rule.c.ethertype,
        "protocol": _rule.c.protocol,
        "port_range_min": _rule.c.port_min,
        "port_range_max": _rule.c.port_max,
        "remote_ip_prefix": _rule.c.remote_prefix,
        "remote_group_id": _rule.c.remote_group,
    },
    "SecurityGroupRuleNotFound",
)
_ANY_GROUP = sa.select(_group).where(_group.c.id == _BY_ID)
_ANY_RULE = sa.select(_rule).where(_rule.c.id == _BY_ID)
_RULES_OF = sa.select(_rule).where(_rule.c.group_id == sa.bindparam("group")).order_by(_rule.c.id)
_RULES_OF_MANY = sa.select(_rule).where(one_of(_rule.c.group_id, "groups")).order_by(_rule.c.id)
_DEFAULT = sa.select(_group).where(_group.c.default_of == PROJECT, _group.c.deleted.is_(None))
_NAMED = sa.select(_group).where(
    _group.c.project == PROJECT, _group.c.name == sa.bindparam("name"), _group.c.deleted.is_(None)
)
_SOME = sa.select(_group).where(one_of(_group.c.id, "ids"), _group.c.deleted.is_(None))
_NAMES = sa.select(_group.c.id, _group.c.name).where(one_of(_group.c.id, "ids"))
_MEMBERS = (
    sa.select(_member.c.port)
    .select_from(_member.join(_port, _port.c.id == _member.c.port))
    .where(_member.c.group_id == sa.bindparam("group"), _port.c.deleted.is_(None))
    .order_by(_member.c.port)
)
_WAITING = _MEMBERS.where(_port.c.seen < _port.c.gen)
_REFERRING = (
    sa.select(_rule.c.group_id)
    .where(_rule.c.remote_group == sa.bindparam("group"), _rule.c.group_id != sa.bindparam("group"))
    .distinct()
    .order_by(_rule.c.group_id)
)
_DROP_REFERRING = sa.delete(_rule).where(_rule.c.remote_group == sa.bindparam("group"))
_DROP_RULE = sa.delete(_rule).where(_rule.c.id == _BY_ID)
_UNSEEN = sa.select(_group.c.id).where(one_of(_group.c.id, "ids"), _group.c.seen == 0)


def no_group(id: str) -> NotFound:
    return NotFound(f"Security group {id[:64]} does not exist", kind="SecurityGroupNotFound")


def any_group(tx: Tx, id: str) -> Group | None:
    return tx.first(Group, _ANY_GROUP, {"id": id})


def group(tx: Tx, scope: Scope, id: str) -> Group:
    row = any_group(tx, id)
    if row is None or row.deleted is not None or not scope.covers(row.project):
        raise no_group(id)
    return row


def rule(tx: Tx, scope: Scope, id: str) -> Rule:
    row = tx.first(Rule, _ANY_RULE, {"id": id})
    if row is None or not scope.covers(row.project):
        raise NotFound(f"Security group rule {id[:64]} does not exist", kind="SecurityGroupRuleNotFound")
    return row


def default_group(tx: Tx, project: str) -> Group | None:
    return tx.first(Group, _DEFAULT, {"project": project})


def groups_named(tx: Tx, project: str, name: str) -> list[Group]:
    return tx.all(Group, _NAMED, {"project": project, "name": name})


def groups(tx: Tx, scope: Scope, ids: Sequence[str]) -> list[Group]:
    """Those of the ids that exist and are the scope's."""
    return [row for row in tx.all(Group, _SOME, {"ids": list(ids)}) if scope.covers(row.project)]


def any_names(tx: Tx, ids: Sequence[str]) -> dict[str, str]:
    return {row[0]: row[1] for row in raw(tx, _NAMES, {"ids": list(ids)})} if ids else {}


def rules_of(tx: Tx, group: str) -> list[Rule]:
    return tx.all(Rule, _RULES_OF, {"group": group})


def rules_of_many(tx: Tx, groups: Sequence[str]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for row in tx.all(Rule, _RULES_OF_MANY, {"groups": list(groups)}):
        found.setdefault(row.group_id, []).append(row)
    return found


def any_members(tx: Tx, group: str) -> list[str]:
    """Ports in a group."""
    return [row[0] for row in raw(tx, _MEMBERS, {"group": group})]


def any_waiting_members(tx: Tx, group: str) -> list[str]:
    return [row[0] for row in raw(tx, _WAITING, {"group": group})]


def any_unseen(tx: Tx, groups: Sequence[str]) -> list[str]:
    """Groups the fabric has never held."""
    return [row[0] for row in raw(tx, _UNSEEN, {"ids": list(groups)})] if groups else []


def any_referring(tx: Tx, group: str) -> list[str]:
    """Other groups with a rule about this one."""
    return [row[0] for row in raw(tx, _REFERRING, {"group": group})]


def any_drop_referring(tx: Tx, group: str) -> None:
    tx.run(_DROP_REFERRING, {"group": group})


def any_drop_rule(tx: Tx, id: str) -> None:
    tx.run(_DROP_RULE, {"id": id})


_DROP_MEMBERS = sa.delete(_member).where(_member.c.group_id == sa.bindparam("group")).returning(_member.c.port)


def any_drop_members(tx: Tx, group: str) -> list[str]:
    """Ports that joined while the group was being deleted; they are its members no more."""
    return [row[0] for row in raw(tx, _DROP_MEMBERS, {"group": group})]
