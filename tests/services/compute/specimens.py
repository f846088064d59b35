"""How a person makes, changes and ends a server, and an operator a host: for the laws."""

from __future__ import annotations

from croft.services.compute import actions
from tests.laws.specimen import Specimen
from tests.services.images.specimens import SPECIMENS as IMAGES
from tests.world import World

C = "/compute/v2.1"
LATEST = {"OpenStack-API-Version": "compute latest"}


def _image(world: World) -> str:
    """One image for all specimens: what the laws look at is the server."""
    listed = world.call("GET", "/image/v2/images", query="name=specimen&status=active").json["images"]
    if listed:
        return str(listed[0]["id"])
    return IMAGES[0].create(world)


def _create_server(world: World) -> str:
    wish = {
        "name": "specimen",
        "imageRef": _image(world),
        "flavorRef": "1",
        "networks": "auto",
        "config_drive": True,
        "user_data": "IyEvYmluL3NoCg==",
    }
    answer = world.call("POST", f"{C}/servers", {"server": wish}, headers=LATEST)
    assert answer.status == 202, answer.body
    return str(answer.json["server"]["id"])


def _delete_server(world: World, id: str) -> None:
    answer = world.call("DELETE", f"{C}/servers/{id}")
    assert answer.status in (204, 404), answer.body


def _reboot(world: World, id: str) -> None:
    answer = world.call("POST", f"{C}/servers/{id}/action", {"reboot": {"type": "HARD"}})
    assert answer.status == 202, answer.body


def _names(world: World) -> list[str]:
    answer = world.call("GET", f"{C}/os-hypervisors", token="admin:alpha")
    return [host["hypervisor_hostname"] for host in answer.json["hypervisors"]]


def _create_host(world: World) -> str:
    """Registers `h2`, one of the fake hypervisor's hosts, anew."""
    actions.register_hosts(world.db, [name for name in _names(world) if name != "h2"])
    actions.register_hosts(world.db, [*_names(world), "h2"])
    with world.db.read() as tx:
        return actions.host_id(tx, "h2") or ""


def _delete_host(world: World, id: str) -> None:
    actions.register_hosts(world.db, [name for name in _names(world) if name != "h2"])


SPECIMENS = [
    Specimen("compute.server", _create_server, _delete_server, _reboot),
    Specimen("compute.host", _create_host, _delete_host),
]
