"""A router with its legs, and the way the world finds the IPv6 prefixes behind it."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import to_builtins

from croft.core import work
from croft.core.db import Database, Tx
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.drivers.fabric import Fabric, Kind, Spec
from croft.drivers.uplink import Route, Uplink
from croft.services.network.model import specs
from croft.services.network.model.rows import DEADLINE, GATEWAY, INTERNAL, Fixed, Port, Router, Subnet
from croft.services.network.store import networks, ports, routers, rows, tables
from croft.services.network.store.waking import wake_all


@dataclass(frozen=True)
class Seen:
    router: Router
    ports: list[Port]
    leaving: list[Port]
    """Gateway ports whose addresses are held until the fabric has let go of them."""
    held: dict[str, list[Fixed]]
    subnets: dict[str, Subnet]
    mtus: dict[str, int]
    unseen: list[str]
    pools: list[str]
    bridged: bool
    """Whether the external network leads to the operator's side at all."""


class RouterReconciler:
    kind, resync, deadline = "network.router", 900, DEADLINE

    def __init__(self, db: Database, fabric: Fabric, uplink: Uplink) -> None:
        self.db, self.fabric, self.uplink = db, fabric, uplink

    def reconcile(self, id: str) -> Result:
        seen = self._read(id)
        if seen is None:
            return Gone()
        if seen.router.deleted is not None:
            return self._remove(seen)
        if seen.unseen:
            return Wait(f"Waiting for network {seen.unseen[0]}.", 60)
        spec = _spec(seen)
        wrote = False
        if not self.fabric.matches(spec):
            self.fabric.ensure(spec)
            wrote = True
        self._route(seen)
        if wrote or seen.leaving or seen.router.seen < seen.router.gen:
            self._write(seen)
        return Done()

    def _read(self, id: str) -> Seen | None:
        with self.db.read() as tx:
            router = routers.any_router(tx, id)
            if router is None:
                return None
            every = [port for port in ports.any_of_device(tx, id) if port.owner.startswith(INTERNAL)]
            held = ports.fixed_of(tx, [port.id for port in every]) if every else {}
            subnets = networks.any_subnets(tx, [each.subnet for several in held.values() for each in several])
            live = [port for port in every if port.deleted is None]
            ids = {port.network for port in live}
            outside = networks.any_network(tx, router.external) if router.external else None
            return Seen(
                router=router,
                ports=live,
                leaving=[port for port in every if port.deleted is not None],
                held=held,
                subnets=subnets,
                mtus=networks.any_mtus(tx, ids),
                unseen=networks.any_unseen(tx, ids),
                pools=networks.any_cloud_pools(tx),
                bridged=outside is not None and bool(outside.physnet),
            )

    def _route(self, seen: Seen) -> None:
        """Announces what lies behind the router, and withdraws what led to its present or former addresses."""
        mine = specs.external_v6(seen.ports, seen.held, seen.subnets)
        former = specs.external_v6(seen.leaving, seen.held, seen.subnets)
        want = _routes(seen, mine)
        if not (want or mine or former):
            return
        have = {each for each in self.uplink.routes() if each.via in mine | former or each in want}
        for route in sorted(want - have, key=_prefix):
            self.uplink.route(route)
        kept = {each.prefix for each in want}
        for route in sorted(have - want, key=_prefix):
            if route.prefix not in kept:
                self.uplink.unroute(route.prefix)

    def _write(self, seen: Seen) -> None:
        router = seen.router
        with self.db.write() as tx:
            rows.any_seen(tx, tables.router, router.id, router.gen)
            self._forget(tx, seen.leaving)
            wake_all(tx, "network.floating", [each.id for each in routers.any_floatings_of_router(tx, router.id)])

    def _forget(self, tx: Tx, leaving: list[Port]) -> None:
        for port in leaving:
            ports.free(tx, port.id)
            rows.any_drop(tx, tables.port, port.id)
            network = networks.any_network(tx, port.network)
            if network is not None and network.deleted is not None:
                work.wake(tx, "network.network", port.network)

    def _remove(self, seen: Seen) -> Result:
        self._route(seen)
        self.fabric.remove(Kind.ROUTER, seen.router.id)
        with self.db.write() as tx:
            self._forget(tx, [port for port in (*seen.leaving, *seen.ports) if port.owner == GATEWAY])
            rows.any_drop(tx, tables.router, seen.router.id)
        return Gone()

    def explain(self, id: str) -> Explanation | None:
        seen = self._read(id)
        if seen is None:
            return None
        mine = specs.external_v6(seen.ports, seen.held, seen.subnets)
        want = to_builtins(_spec(seen)) | {"deleted": seen.router.deleted is not None}
        want["announced"] = sorted(each.prefix for each in _routes(seen, mine))
        announced = sorted(each.prefix for each in self.uplink.routes() if each.via in mine)
        return Explanation(want, {"matches": self.fabric.matches(_spec(seen)), "announced": announced})


def _spec(seen: Seen) -> Spec:
    return specs.router_spec(seen.router, seen.ports, seen.held, seen.subnets, seen.mtus)


def _routes(seen: Seen, mine: set[str]) -> set[Route]:
    """How the world is to find what lies behind the router at these addresses."""
    if not (seen.bridged and seen.router.admin_up and seen.router.deleted is None):
        return set()
    prefixes = specs.routed_prefixes(seen.router, seen.ports, seen.held, seen.subnets, seen.pools)
    return specs.routes(prefixes, {each for each in mine if _reached(seen, each)})


def _reached(seen: Seen, address: str) -> bool:
    """Whether the operator's side has an address in the same subnet, to send from."""
    subnet = specs.subnet_of(address, seen.subnets.values())
    return subnet is not None and subnet.gateway is not None


def _prefix(route: Route) -> str:
    return route.prefix
