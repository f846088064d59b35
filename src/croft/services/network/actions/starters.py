"""What a new project gets of the network, once: an open enough default group and, if wished, its network and router."""

from __future__ import annotations

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Database, Tx
from croft.core.errors import CroftError
from croft.core.ids import new_id
from croft.core.policy import Actor, Policy
from croft.core.quota import Quotas
from croft.services.identity.actions import project_exists
from croft.services.network.actions.groups import default_group
from croft.services.network.actions.topology import ensure_topology
from croft.services.network.model import rules as words
from croft.services.network.model.rows import Group, Rule
from croft.services.network.model.starters import Opening, Starter, openings
from croft.services.network.policy import QUOTAS, RULES
from croft.services.network.store import groups, networks, rows, starters, tables

KIND = "network.starter"
_ACTION = "network.starter.create"


def give(db: Database, wish: Starter, project: str) -> str:
    """All of it in one transaction, or the reason why not yet. What was given once is never given again."""
    ctx = Ctx(db, Policy(RULES), Quotas(QUOTAS), Actor("croft", "croft", project, roles=frozenset({"admin"})), KIND)
    try:
        with ctx.write(_ACTION, project) as tx:
            tx.audit(project, "what a new project gets")
            if project_exists(tx, project) and starters.any_given(tx, project) is None:
                starters.any_insert(tx, project)
                _open(tx, default_group(tx, project), wish)
                if wish.network:
                    ensure_topology(tx)
    except CroftError as error:
        return error.message
    return ""


def _open(tx: WriteTx, group: Group, wish: Starter) -> None:
    tx.lock(f"group:{group.id}")
    known = {words.sense(each) for each in groups.rules_of(tx, group.id)}
    for each in openings(wish.rules, tenants(tx)):
        rule = _rule(tx, group, each)
        if words.sense(rule) not in known:
            known.add(words.sense(rule))
            rows.insert(tx, tables.security_rule, rule)
    rows.change(tx, tables.security_group, group.id, {}, intent=True)
    work.wake(tx, "network.group", group.id)


def tenants(tx: Tx) -> dict[int, list[str]]:
    """The prefixes that projects' own networks are cut from."""
    pools = [pool for pool in (networks.default_pool(tx, 4), networks.default_pool(tx, 6)) if pool is not None]
    return {pool.version: pool.prefixes for pool in pools}


def _rule(tx: Tx, group: Group, wish: Opening) -> Rule:
    low, high = wish.ports
    return Rule(
        id=new_id(),
        project=group.project,
        description="",
        created=tx.now,
        group_id=group.id,
        direction="ingress",
        ethertype=wish.ethertype,
        protocol=wish.protocol,
        port_min=low,
        port_max=high,
        remote_prefix=wish.prefix,
        remote_group=group.id if wish.group else None,
    )
