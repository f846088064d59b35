"""What people may do with security groups and their rules. Each project has a group `default`, made at first need."""

from __future__ import annotations

from collections.abc import Sequence

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid
from croft.core.ids import new_id
from croft.core.policy import Scope
from croft.services.network.actions import access
from croft.services.network.actions.access import said, tag_list, text
from croft.services.network.model import rules as words
from croft.services.network.model.query import Query
from croft.services.network.model.rows import Group, Rule
from croft.services.network.store import groups, rows, tables
from croft.services.network.wire.shapes import GroupCreate, GroupUpdate, RuleCreate

Shown = tuple[Group, list[Rule]]
DEFAULT = "default"


def default_group(tx: Tx, project: str) -> Group:
    """The project's own default group. The caller holds the project's lock, or is about to need nothing else."""
    found = groups.default_group(tx, project)
    if found is not None:
        return found
    tx.lock(f"default-group:{project}")
    found = groups.default_group(tx, project)
    if found is not None:
        return found
    row = _insert(tx, project, DEFAULT, "Default security group", [], default_of=project)
    for ethertype in ("IPv4", "IPv6"):
        _insert_rule(tx, row, "ingress", ethertype, remote_group=row.id)
    return row


def _insert(tx: Tx, project: str, name: str, description: str, tags: list[str], default_of: str | None = None) -> Group:
    row = Group(
        id=new_id(),
        project=project,
        name=name,
        description=description,
        tags=tags,
        created=tx.now,
        updated=tx.now,
        revision=1,
        gen=1,
        seen=0,
        deleted=None,
        default_of=default_of,
    )
    rows.insert(tx, tables.security_group, row)
    for ethertype in ("IPv4", "IPv6"):
        _insert_rule(tx, row, "egress", ethertype)
    work.wake(tx, "network.group", row.id)
    return row


def _insert_rule(tx: Tx, group: Group, direction: str, ethertype: str, remote_group: str | None = None) -> Rule:
    row = Rule(
        id=new_id(),
        project=group.project,
        description="",
        created=tx.now,
        group_id=group.id,
        direction=direction,
        ethertype=ethertype,
        protocol=None,
        port_min=None,
        port_max=None,
        remote_prefix=None,
        remote_group=remote_group,
    )
    rows.insert(tx, tables.security_rule, row)
    return row


def create_groups(ctx: Ctx, wishes: list[GroupCreate]) -> list[Shown]:
    with ctx.write("network.group.create", access.owner(ctx, wishes)) as tx:
        default_group(tx, tx.project)
        access.ensure_room(tx, tables.security_group, len(wishes))
        made = []
        for wish in wishes:
            if wish.name.lower() == DEFAULT:
                raise Conflict("Default security group already exists.", kind="SecurityGroupDefaultAlreadyExists")
            row = _insert(tx, tx.project, wish.name, text(wish.description), tag_list(wish.tags))
            tx.audit(row.id, row.name)
            made.append((row, groups.rules_of(tx, row.id)))
        return made


def list_groups(ctx: Ctx, query: Query) -> tuple[list[Shown], bool]:
    """Asking for groups makes the default one; a reader's question too, as in Neutron."""
    _ensure_default(ctx)
    with ctx.read("network.group.list") as tx:
        found, more = groups.GROUPS.rows(tx, tx.scope, query)
        rules = groups.rules_of_many(tx, [row.id for row in found]) if found else {}
        return [(row, rules.get(row.id, [])) for row in found], more


def _ensure_default(ctx: Ctx) -> None:
    project = ctx.actor.project
    if not project:
        return
    with ctx.read("network.group.list") as tx:
        if groups.default_group(tx, project) is not None:
            return
    with ctx.write("network.group.list") as tx:
        tx.audit(default_group(tx, project).id, DEFAULT)


def show_group(ctx: Ctx, id: str) -> Shown:
    with ctx.read("network.group.show") as tx:
        return _shown(tx, groups.group(tx, tx.scope, id))


def _shown(tx: Tx, row: Group) -> Shown:
    return row, groups.rules_of(tx, row.id)


def update_group(ctx: Ctx, id: str, wish: GroupUpdate) -> Shown:
    with ctx.write("network.group.update") as tx:
        row = groups.group(tx, tx.scope, id)
        changes = said({"name": wish.name, "description": wish.description})
        if row.default_of and changes.get("name", DEFAULT) != DEFAULT:
            raise Conflict("Updating default security group not allowed.", kind="SecurityGroupCannotUpdateDefault")
        if not row.default_of and changes.get("name", "").lower() == DEFAULT:
            raise Conflict("Default security group already exists.", kind="SecurityGroupDefaultAlreadyExists")
        rows.change(tx, tables.security_group, id, changes, intent=False)
        tx.audit(id, row.name)
        return _shown(tx, groups.group(tx, tx.scope, id))


def delete_group(ctx: Ctx, id: str) -> None:
    with ctx.write("network.group.delete") as tx:
        row = groups.group(tx, tx.scope, id)
        if row.default_of and not ctx.actor.is_admin:
            raise Conflict(
                f"Insufficient rights for removing default security group {id}.",
                kind="SecurityGroupCannotRemoveDefault",
            )
        drop_group(tx, row)
        tx.audit(id, row.name)


def drop_group(tx: Tx, row: Group) -> None:
    """Rules of other groups about this one end with it."""
    if groups.any_members(tx, row.id):
        raise Conflict(f"Security Group {row.id} in use.", kind="SecurityGroupInUse")
    referring = groups.any_referring(tx, row.id)
    groups.any_drop_referring(tx, row.id)
    for other in referring:
        _changed(tx, other)
    rows.change(tx, tables.security_group, row.id, {"deleted": tx.now}, intent=True)
    work.wake(tx, "network.group", row.id)


def _changed(tx: Tx, id: str) -> None:
    rows.change(tx, tables.security_group, id, {}, intent=True)
    work.wake(tx, "network.group", id)


def resolve(tx: Tx, scope: Scope, ids: Sequence[str]) -> list[str]:
    """The given groups, each once; `NotFound` for one that is not the scope's."""
    wanted = list(dict.fromkeys(ids))
    found = {row.id for row in groups.groups(tx, scope, wanted)} if wanted else set()
    for id in wanted:
        if id not in found:
            raise groups.no_group(id)
    return wanted


def create_rules(ctx: Ctx, wishes: list[RuleCreate]) -> list[Rule]:
    with ctx.write("network.rule.create", access.owner(ctx, wishes)) as tx:
        access.ensure_room(tx, tables.security_rule, len(wishes))
        made = [_create_rule(tx, wish) for wish in wishes]
        for id in sorted({row.group_id for row in made}):
            _changed(tx, id)
        return made


def _create_rule(tx: WriteTx, wish: RuleCreate) -> Rule:
    group = groups.group(tx, tx.scope, wish.security_group_id)
    tx.lock(f"group:{group.id}")
    ethertype = wish.ethertype or "IPv4"
    if wish.remote_group_id and wish.remote_ip_prefix:
        raise Invalid(
            "Only remote_ip_prefix or remote_group_id may be provided.", kind="SecurityGroupMultipleRemoteEntites"
        )
    if wish.remote_group_id:
        groups.group(tx, tx.scope, wish.remote_group_id)
    if wish.protocol is not None and not isinstance(wish.protocol, str) and wish.protocol < 0:
        raise Invalid(
            f"Security group rule protocol {wish.protocol} not supported.", kind="SecurityGroupRuleInvalidProtocol"
        )
    protocol = words.check_protocol(None if wish.protocol is None else str(wish.protocol), ethertype)
    words.check_ports(protocol, wish.port_range_min, wish.port_range_max)
    row = Rule(
        id=new_id(),
        project=group.project,
        description=text(wish.description),
        created=tx.now,
        group_id=group.id,
        direction=wish.direction,
        ethertype=ethertype,
        protocol=protocol,
        port_min=wish.port_range_min,
        port_max=wish.port_range_max,
        remote_prefix=words.check_remote(wish.remote_ip_prefix or None, ethertype),
        remote_group=wish.remote_group_id or None,
    )
    for other in groups.rules_of(tx, group.id):
        if words.sense(other) == words.sense(row):
            raise Conflict(
                f"Security group rule already exists. Rule id is {other.id}.", kind="SecurityGroupRuleExists"
            )
    rows.insert(tx, tables.security_rule, row)
    tx.audit(row.id, group.name)
    return row


def list_rules(ctx: Ctx, query: Query) -> tuple[list[Rule], bool]:
    _ensure_default_for_rules(ctx)
    with ctx.read("network.rule.list") as tx:
        return groups.RULES.rows(tx, tx.scope, query)


def _ensure_default_for_rules(ctx: Ctx) -> None:
    if ctx.allows("network.group.list"):
        _ensure_default(ctx)


def show_rule(ctx: Ctx, id: str) -> Rule:
    with ctx.read("network.rule.show") as tx:
        return groups.rule(tx, tx.scope, id)


def delete_rule(ctx: Ctx, id: str) -> None:
    with ctx.write("network.rule.delete") as tx:
        row = groups.rule(tx, tx.scope, id)
        groups.any_drop_rule(tx, id)
        _changed(tx, row.group_id)
        tx.audit(id, "")
