"""What other services may read of networks beside a server's ports: subnets, and groups in Nova's old form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from croft.core.db import Tx
from croft.core.errors import NotFound
from croft.services.network.actions.servers import unplug_port
from croft.services.network.model.rows import Rule
from croft.services.network.store import groups, networks, ports


class SubnetFacts(msgspec.Struct, frozen=True):
    """A subnet as a guest is told of it. `mode` is the IPv6 address mode, or empty."""

    id: str
    network: str
    version: int
    cidr: str
    gateway: str | None
    dhcp: bool
    mode: str
    dns: list[str]


def subnets_of(tx: Tx, ids: Sequence[str]) -> dict[str, SubnetFacts]:
    return {
        row.id: SubnetFacts(
            row.id, row.network, row.version, row.cidr, row.gateway, row.dhcp, row.address_mode, row.dns
        )
        for row in networks.any_subnets(tx, ids).values()
    }


def unplug_one(tx: Tx, server: str, port: str) -> None:
    """Deletes one port made for a server, or sets an adopted one free."""
    for row in ports.of_device(tx, server):
        if row.id == port:
            unplug_port(tx, row)
            return
    raise NotFound(f"Port {port[:64]} is not attached to server {server}.", kind="PortNotFound")


def groups_with_rules(tx: Tx, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Security groups of the caller's own servers, as Nova showed them when it had its own: incoming rules only."""
    rules, names = groups.rules_of_many(tx, ids), groups.any_names(tx, ids)
    rows = {id: groups.any_group(tx, id) for id in ids}
    return [
        {
            "id": row.id,
            "name": row.name,
            "description": row.description,
            "tenant_id": row.project,
            "rules": [_rule(rule, row.project, names) for rule in rules.get(row.id, []) if rule.direction == "ingress"],
        }
        for row in rows.values()
        if row is not None
    ]


def _rule(rule: Rule, project: str, names: dict[str, str]) -> dict[str, Any]:
    remote = rule.remote_group
    anywhere = "::/0" if rule.ethertype == "IPv6" else "0.0.0.0/0"
    return {
        "id": rule.id,
        "parent_group_id": rule.group_id,
        "ip_protocol": rule.protocol,
        "from_port": rule.port_min if rule.protocol else None,
        "to_port": rule.port_max if rule.protocol else None,
        "ip_range": {} if remote else {"cidr": rule.remote_prefix or anywhere},
        "group": {"tenant_id": project, "name": names.get(remote, "")} if remote else {},
    }
