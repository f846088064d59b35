"""Hosts, limits, quotas and usage: what operators run the cloud by, and what people see of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from croft.core import work
from croft.core.ctx import Ctx
from croft.core.db import Database, Tx
from croft.core.errors import Forbidden, Invalid, NotFound
from croft.core.page import MAX_LIMIT, Page
from croft.core.policy import Scope
from croft.services.compute import store
from croft.services.compute.model import Host, Load, Server
from croft.services.compute.store.hosts import KIND
from croft.services.compute.store.servers import Narrowing

PREFIX = "compute."


def register_hosts(db: Database, names: Sequence[str]) -> None:
    """Makes the hosts be exactly these; called at every start with what the configuration says."""
    with db.write() as tx:
        for id in store.hosts.register(tx, names):
            work.wake(tx, KIND, id)


def host_id(tx: Tx, name: str) -> str | None:
    """A registered host's id, by its name."""
    return next((host.id for host in store.hosts.any_hosts(tx) if host.name == name), None)


def list_hosts(ctx: Ctx, action: str = "compute.hypervisor.list") -> tuple[list[Host], dict[str, Load], int]:
    """The hosts, what their servers were promised, and the time it was read."""
    with ctx.read(action) as tx:
        return store.hosts.page(tx, tx.scope), store.servers.loads(tx, running=True), tx.now


def show_host(ctx: Ctx, id: str, *, by_number: bool) -> tuple[Host, Load | None, int]:
    """By number, as before 2.53, or by id."""
    hosts, loads, now = list_hosts(ctx)
    for host in hosts:
        if id == (str(host.number) if by_number else host.id):
            return host, loads.get(host.name), now
    raise NotFound(f"Compute host {id[:64]} could not be found.")


def servers_on(ctx: Ctx, hosts: Sequence[str]) -> list[tuple[str, str, str]]:
    with ctx.read("compute.hypervisor.list") as tx:
        return store.servers.on_host(tx, hosts)


def change_host(ctx: Ctx, name: str, values: dict[str, Any]) -> tuple[Host, int]:
    """Enables, disables or forces down a host by its name or id."""
    with ctx.write("compute.host.update") as tx:
        for host in store.hosts.page(tx, tx.scope):
            if name in {host.name, host.id}:
                store.hosts.change(tx, host.id, values)
                work.wake(tx, KIND, host.id)
                tx.audit(host.id, host.name)
                changed = store.hosts.any_host(tx, host.id)
                assert changed is not None
                return changed, tx.now
        raise NotFound(f"Host '{name[:64]}' is not known.")


def usage_of(tx: Tx, project: str) -> dict[str, int]:
    instances, cores, ram = store.servers.used(tx, project)
    return {"compute.instances": instances, "compute.cores": cores, "compute.ram": ram}


def _whose(ctx: Ctx, project: str, action: str) -> str:
    if project and project != ctx.actor.project and not ctx.allows(action):
        raise Forbidden("Policy doesn't allow os_compute_api:limits to be performed: that is another project's.")
    return project or ctx.actor.project


def show_limits(ctx: Ctx, project: str) -> tuple[dict[str, int], dict[str, int]]:
    """(limits, usage) of a project; the caller's own when empty."""
    owner = _whose(ctx, project, "compute.limit.show_others")
    with ctx.read("compute.limit.show") as tx:
        return ctx.quotas.limits(tx, owner, PREFIX), usage_of(tx, owner)


def show_quotas(ctx: Ctx, project: str) -> tuple[dict[str, int], dict[str, int]]:
    with ctx.read("compute.quota.show") as tx:
        _check_own(tx.scope, project)
        return ctx.quotas.limits(tx, project, PREFIX), usage_of(tx, project)


def _check_own(scope: Scope, project: str) -> None:
    if not scope.covers(project):
        raise Forbidden("Policy doesn't allow os_compute_api:os-quota-sets:show: that is another project's.")


def show_default_quotas(ctx: Ctx, project: str) -> dict[str, int]:
    _check_own(ctx.policy.check(ctx.actor, "compute.quota.show_defaults"), project)
    return {name: value for name, value in ctx.quotas.defaults.items() if name.startswith(PREFIX)}


def change_quotas(ctx: Ctx, project: str, values: Mapping[str, int], *, force: bool) -> dict[str, int]:
    """Refuses to go below what is used already, unless forced."""
    with ctx.write("compute.quota.update", project) as tx:
        used = usage_of(tx, project)
        for name, value in values.items():
            if not force and value != -1 and value < used.get(name, 0):
                raise Invalid(
                    f"Quota limit {value} for {name.removeprefix(PREFIX)} must be greater than or equal to already "
                    f"used and reserved {used[name]}."
                )
        ctx.quotas.set(tx, project, values)
        tx.audit(project)
        return ctx.quotas.limits(tx, project, PREFIX)


def reset_quotas(ctx: Ctx, project: str) -> None:
    with ctx.write("compute.quota.delete", project) as tx:
        ctx.quotas.reset(tx, project, [name for name in ctx.quotas.defaults if name.startswith(PREFIX)])
        tx.audit(project)


def list_usage(ctx: Ctx, project: str | None, page: Page | None) -> tuple[list[Server], int]:
    """The servers to bill, of one project or (operators) of all, by id; and the time it was read."""
    if project is not None and project != ctx.actor.project:
        ctx.policy.check(ctx.actor, "compute.usage.list")
    with ctx.read("compute.usage.list" if project is None else "compute.usage.show") as tx:
        narrowing = Narrowing(project=project, sort=[("uuid", False)])
        marker = store.servers.find(tx, tx.scope, page.marker) if page and page.marker else None
        if page and page.marker and marker is None:
            raise Invalid(f"marker [{page.marker[:64]}] not found")
        if page:
            return store.servers.page(tx, tx.scope, narrowing, marker, page.limit), tx.now
        found: list[Server] = []
        while True:
            chunk = store.servers.page(tx, tx.scope, narrowing, marker, MAX_LIMIT)
            found += chunk
            if len(chunk) < MAX_LIMIT:
                return found, tx.now
            marker = chunk[-1]


def list_zones(ctx: Ctx, *, detail: bool) -> tuple[list[Host], int]:
    with ctx.read("compute.zone.detail" if detail else "compute.zone.list") as tx:
        return store.hosts.page(tx, tx.scope), tx.now
