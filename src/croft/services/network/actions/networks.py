"""What people may do with networks."""

from __future__ import annotations

from typing import Any

from croft.core import work
from croft.core.ctx import Ctx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid
from croft.core.ids import new_id
from croft.services.network.actions import access, subnets
from croft.services.network.actions.access import given, said, tag_list, text
from croft.services.network.actions.ports import drop_port
from croft.services.network.model.query import Query
from croft.services.network.model.rows import DISTRIBUTED, EXTERNAL_MTU, TENANT_MTU, Network
from croft.services.network.store import networks, ports, routers, rows, tables
from croft.services.network.wire.shapes import NetworkCreate, NetworkUpdate

Shown = tuple[Network, list[str]]
"""A network and the ids of its subnets."""
_OVERLAY = "geneve"


def create_networks(ctx: Ctx, wishes: list[NetworkCreate]) -> list[Shown]:
    for wish in wishes:
        _ensure_allowed(ctx, wish)
    with ctx.write("network.network.create", access.owner(ctx, wishes)) as tx:
        access.ensure_room(tx, tables.network, len(wishes))
        return [(create_network(tx, wish), []) for wish in wishes]


def _ensure_allowed(ctx: Ctx, wish: NetworkCreate | NetworkUpdate) -> None:
    provider = (
        (wish.network_type, wish.physical_network, wish.segmentation_id) if isinstance(wish, NetworkCreate) else ()
    )
    for action, asked in (
        ("network.network.share", wish.shared is True),
        ("network.network.expose", wish.external is True),
        ("network.network.prefer", wish.is_default is True),
        ("network.network.provide", any(given(each) for each in provider)),
    ):
        if asked:
            access.ensure_may(ctx, action)


def create_network(tx: WriteTx, wish: NetworkCreate, *, auto: bool = False) -> Network:
    row = new_network(tx, tx.project, wish, auto=auto)
    tx.audit(row.id, row.name)
    return row


def new_network(tx: Tx, project: str, wish: NetworkCreate, *, auto: bool = False) -> Network:
    kind, physnet, segment = _provider(tx, wish)
    row = Network(
        id=new_id(),
        project=project,
        name=wish.name,
        description=text(wish.description),
        tags=tag_list(wish.tags),
        created=tx.now,
        updated=tx.now,
        revision=1,
        gen=1,
        seen=0,
        deleted=None,
        admin_up=wish.admin_state_up,
        shared=wish.shared,
        external=wish.external,
        is_default=wish.is_default is True,
        auto=auto,
        port_security=wish.port_security_enabled,
        mtu=_mtu(wish.mtu, kind),
        dns_domain=_domain(wish.dns_domain),
        type=kind,
        physnet=physnet,
        segment=segment,
    )
    if row.is_default:
        _ensure_only_default(tx, row.external)
    rows.insert(tx, tables.network, row)
    work.wake(tx, "network.network", row.id)
    return row


def _provider(tx: Tx, wish: NetworkCreate) -> tuple[str, str, int | None]:
    """(type, physical network, segment): an overlay unless an operator says otherwise."""
    kind, physnet, segment = text(wish.network_type) or _OVERLAY, text(wish.physical_network), wish.segmentation_id
    number = segment if isinstance(segment, int) else None
    if kind not in {_OVERLAY, "flat", "vlan"}:
        raise Invalid(
            f"Invalid input for operation: network_type value '{kind[:32]}' not supported.", kind="InvalidInput"
        )
    if kind == _OVERLAY:
        if physnet or number is not None:
            raise Invalid(
                f"Invalid input for operation: the cloud itself chooses where {kind} networks run.",
                kind="InvalidInput",
            )
        return kind, "", None
    if not physnet:
        raise Invalid(
            f"Invalid input for operation: physical_network required for {kind} provider network.", kind="InvalidInput"
        )
    if kind == "flat" and number is not None:
        raise Invalid(
            "Invalid input for operation: segmentation_id prohibited for flat provider network.", kind="InvalidInput"
        )
    if kind == "vlan" and (number is None or not 1 <= number <= 4094):
        raise Invalid("Invalid input for operation: segmentation_id must be 1 to 4094 for vlan.", kind="InvalidInput")
    tx.lock(f"physnet:{physnet}")
    if networks.any_with_segment(tx, physnet, number) is not None:
        name = "FlatNetworkInUse" if kind == "flat" else "VlanIdInUse"
        raise Conflict(f"Physical network {physnet} is in use by another {kind} network with that segment.", kind=name)
    return kind, physnet, number


def _mtu(asked: Any, kind: str) -> int:
    most = TENANT_MTU if kind == _OVERLAY else EXTERNAL_MTU
    if not isinstance(asked, int) or asked == 0:
        return most
    if not 68 <= asked <= most:
        raise Invalid(f"Invalid input for operation: Requested MTU must be 68 to {most}.", kind="InvalidInput")
    return asked


def _domain(name: str) -> str:
    if name and (not name.endswith(".") or not all(part for part in name[:-1].split("."))):
        raise Invalid(f"'{name[:60]}' is not a valid DNS domain: it must be complete, with a dot at its end.")
    return name.lower()


def _ensure_only_default(tx: Tx, external: bool) -> None:
    if not external:
        raise Invalid("Only an external network can be the default.", kind="DefaultExternalNetworkNotExternal")
    tx.lock("network:default")
    if (other := networks.any_default_external(tx)) is not None:
        raise Conflict(f"A default external network already exists: {other.id}.", kind="DefaultExternalNetworkExists")


def list_networks(ctx: Ctx, query: Query) -> tuple[list[Shown], bool, int]:
    with ctx.read("network.network.list") as tx:
        found, more = networks.NETWORKS.rows(tx, tx.scope, query)
        children = networks.subnet_ids(tx, [row.id for row in found]) if found else {}
        return [(row, children.get(row.id, [])) for row in found], more, tx.now


def show_network(ctx: Ctx, id: str) -> tuple[Shown, int]:
    with ctx.read("network.network.show") as tx:
        return _shown(tx, networks.network(tx, tx.scope, id)), tx.now


def _shown(tx: Tx, row: Network) -> Shown:
    return row, networks.subnet_ids(tx, [row.id]).get(row.id, [])


def update_network(ctx: Ctx, id: str, wish: NetworkUpdate) -> tuple[Shown, int]:
    _ensure_allowed(ctx, wish)
    with ctx.write("network.network.update") as tx:
        access.ensure_own(tx, networks.network(tx, tx.scope, id).project, "network")
        subnets.lock_network(tx, id)
        row = networks.network(tx, tx.scope, id)
        changes = said(
            {
                "name": wish.name,
                "description": wish.description,
                "admin_up": wish.admin_state_up,
                "shared": wish.shared,
                "external": wish.external,
                "is_default": wish.is_default,
                "port_security": wish.port_security_enabled,
            }
        )
        if given(wish.mtu):
            changes["mtu"] = _mtu(wish.mtu, row.type)
        if isinstance(wish.dns_domain, str):
            changes["dns_domain"] = _domain(wish.dns_domain)
        _check_update(tx, row, changes)
        intent = bool(changes.keys() & {"name", "admin_up", "external", "mtu", "dns_domain"})
        rows.change(tx, tables.network, id, changes, intent=intent)
        if intent:
            work.wake(tx, "network.network", id)
        tx.audit(id, row.name)
        return _shown(tx, networks.network(tx, tx.scope, id)), tx.now


def _check_update(tx: WriteTx, row: Network, changes: dict[str, Any]) -> None:
    if changes.get("external") is False and row.external and _used_as_external(tx, row.id):
        raise Conflict(
            f"External network {row.id} cannot be updated to be made non-external, since it has existing gateway ports",
            kind="ExternalNetworkInUse",
        )
    if changes.get("shared") is False and row.shared:
        others = [each for each in ports.ports_in(tx, row.id) if each.project not in {row.project, ""}]
        if others:
            raise Conflict(
                f"Unable to reconfigure sharing settings for network {row.id}. Multiple tenants are using it.",
                kind="InvalidSharedSetting",
            )
    if changes.get("is_default") and not row.is_default:
        _ensure_only_default(tx, changes.get("external", row.external))


def _used_as_external(tx: Tx, id: str) -> bool:
    return routers.any_router_through(tx, id) is not None or bool(routers.any_floatings_in(tx, id))


def delete_network(ctx: Ctx, id: str) -> None:
    with ctx.write("network.network.delete") as tx:
        row = networks.network(tx, tx.scope, id)
        access.ensure_own(tx, row.project, "network")
        subnets.lock_network(tx, id)
        drop_network(tx, row)
        tx.audit(id, row.name)


def drop_network(tx: Tx, row: Network) -> None:
    """Asks for its end; floating IPs nobody uses and the network's own ports go with it."""
    inside = ports.ports_in(tx, row.id)
    users = [each.id for each in inside if each.owner != DISTRIBUTED]
    held = [each for each in routers.any_floatings_in(tx, row.id) if each.deleted is None]
    if users or any(each.port for each in held):
        raise Conflict(
            f"Unable to complete operation on network {row.id}. There are one or more ports still in use on the "
            f"network, id for these ports is: {','.join(users[:20])}.",
            kind="NetworkInUse",
        )
    for each in inside:
        drop_port(tx, each, row)
    for floating in held:
        rows.any_facts(tx, tables.floating_ip, floating.id, {"deleted": tx.now})
        work.wake(tx, "network.floating", floating.id)
    for subnet in networks.subnets_of(tx, row.id):
        rows.any_drop(tx, tables.subnet, subnet.id)
    rows.change(tx, tables.network, row.id, {"deleted": tx.now}, intent=True)
    work.wake(tx, "network.network", row.id)
