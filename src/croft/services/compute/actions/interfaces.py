"""A server's network interfaces and security groups; the ports themselves are the network service's."""

from __future__ import annotations

from typing import Any

from croft.core import work
from croft.core.ctx import Ctx
from croft.core.errors import Invalid, NotFound
from croft.services.compute.actions.servers import look, server_of, server_to_change
from croft.services.compute.model import allow
from croft.services.compute.model.server import KIND
from croft.services.network import actions as network

_PLUGGABLE = frozenset({"active", "stopped"})


def attach(ctx: Ctx, id: str, wish: network.NicWish | None) -> network.ServerPort:
    """One more port: a given one, one in a given network, or one in the project's only network."""
    with ctx.read("compute.server.attach_interface") as reading:
        project = server_of(reading, id).project
    with ctx.write("compute.server.attach_interface", project) as tx:
        found = server_to_change(tx, id)
        allow(found, tx.now, "attach_interface", _PLUGGABLE, while_busy=True)
        before = {port.id for port in look(tx, [found])[0].ports}
        try:
            network.plug(tx, id, "auto" if wish is None else [wish], [], found.hostname)
        except NotFound as error:
            raise Invalid(error.message) from error
        if found.host:
            network.bind(tx, id, found.host)
        work.wake(tx, KIND, id)
        tx.audit(id, found.name)
        added = [port for port in look(tx, [found])[0].ports if port.id not in before]
        if not added:
            raise Invalid("That port is attached to this server already.")
        return added[0]


def detach(ctx: Ctx, id: str, port: str) -> None:
    with ctx.write("compute.server.detach_interface") as tx:
        found = server_to_change(tx, id)
        allow(found, tx.now, "detach_interface", _PLUGGABLE, while_busy=True)
        if port not in {each.id for each in look(tx, [found])[0].ports}:
            raise NotFound(f"Instance {id} has no port with id {port[:64]}")
        network.unplug_one(tx, id, port)
        work.wake(tx, KIND, id)
        tx.audit(id, found.name)


def list_groups(ctx: Ctx, id: str) -> list[dict[str, Any]]:
    """The security groups of its ports, with their rules, in Nova's old form."""
    with ctx.read("compute.server.list_groups") as tx:
        ports = look(tx, [server_of(tx, id)])[0].ports
        return network.groups_with_rules(tx, list(dict.fromkeys(group for port in ports for group, _ in port.groups)))
