"""The network a project gets without asking for its parts: dual-stack, with a router to the outside."""

from __future__ import annotations

from croft.core.ctx import Ctx, WriteTx
from croft.core.errors import Conflict, Forbidden, NotFound
from croft.services.network.actions import access, allocation
from croft.services.network.actions.interfaces import attach_subnet, detach
from croft.services.network.actions.networks import create_network, drop_network
from croft.services.network.actions.routers import create_router, drop_router, set_gateway
from croft.services.network.actions.subnets import create_subnet
from croft.services.network.model.rows import Network
from croft.services.network.store import networks, ports, routers, tables
from croft.services.network.wire.shapes import GatewayInfo, NetworkCreate, RouterCreate, SubnetCreate

NAME = "auto_allocated"


def show_topology(ctx: Ctx, project: str, *, dry_run: bool) -> str:
    """The id of the network, made now if need be; for a dry run only whether it could be."""
    owner = _project(ctx, project)
    if dry_run:
        with ctx.read("network.topology.show") as tx:
            if networks.any_default_external(tx) is None:
                raise _no_external()
            if networks.default_pool(tx, 4) is None and networks.default_pool(tx, 6) is None:
                raise _no_pools()
            return "dry-run=pass"
    with ctx.read("network.topology.show") as tx:
        found = networks.auto_network(tx, owner)
        if found is not None:
            return found.id
    with ctx.write("network.topology.show", owner) as writing:
        return ensure_topology(writing).id


def _project(ctx: Ctx, project: str) -> str:
    if project in {"", "null", "None", ctx.actor.project}:
        return ctx.actor.project
    if not ctx.actor.is_admin:
        raise Forbidden("You may not see the topology of another project.")
    return project


def _no_external() -> Conflict:
    return Conflict("Deployment error: No default router:external network.", kind="AutoAllocationFailure")


def _no_pools() -> NotFound:
    return NotFound("Deployment error: No default subnetpools defined.", kind="AutoAllocationFailure")


def ensure_topology(tx: WriteTx) -> Network:
    """Network, subnets from the default pools, and a router with a gateway, all in the caller's transaction."""
    found = networks.auto_network(tx, tx.project)
    if found is not None:
        tx.audit(found.id, found.name)
        return found
    external = networks.any_default_external(tx)
    if external is None:
        raise _no_external()
    pools = [pool for pool in (networks.default_pool(tx, 4), networks.default_pool(tx, 6)) if pool is not None]
    if not pools:
        raise _no_pools()
    access.ensure_room(tx, tables.network)
    access.ensure_room(tx, tables.subnet, len(pools))
    access.ensure_room(tx, tables.router)
    network = create_network(tx, NetworkCreate(name=f"{NAME}_network"), auto=True)
    router = create_router(tx, RouterCreate(name=f"{NAME}_router"))
    allocation.lock(tx, network.id)
    resolvers = {each.version: each.dns for each in networks.subnets_of(tx, external.id)}
    for pool in pools:
        mode = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"} if pool.version == 6 else {}
        wish = SubnetCreate(
            network_id=network.id,
            name=f"{NAME}_subnet_v{pool.version}",
            ip_version=4 if pool.version == 4 else 6,
            use_default_subnetpool=True,
            dns_nameservers=resolvers.get(pool.version, []),
            **mode,  # type: ignore[arg-type]
        )
        attach_subnet(tx, router, create_subnet(tx, network, wish))
    set_gateway(tx, router, GatewayInfo(network_id=external.id))
    return network


def delete_topology(ctx: Ctx, project: str) -> None:
    owner = _project(ctx, project)
    with ctx.write("network.topology.delete", owner) as tx:
        network = networks.auto_network(tx, owner)
        if network is None:
            raise NotFound(f"No auto-allocated topology for project {owner}.", kind="AutoAllocatedTopologyNotFound")
        for id in ports.any_routers_in(tx, network.id):
            router = routers.any_router(tx, id)
            if router is not None and router.project == owner:
                for subnet in networks.subnets_of(tx, network.id):
                    detach(tx, router, subnet=subnet.id)
                current = routers.any_router(tx, id)
                if current is not None and current.name == f"{NAME}_router":
                    drop_router(tx, current)
        drop_network(tx, network)
        tx.audit(network.id, network.name)
