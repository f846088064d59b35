"""How a person makes, changes and ends each kind of network thing, for the laws."""

from __future__ import annotations

from typing import Any

from croft.core.ids import new_id
from tests.laws.specimen import Specimen
from tests.world import World

V2 = "/network/v2.0"
NAME = "specimen"


def _post(world: World, plural: str, single: str, **wishes: Any) -> dict[str, Any]:
    answer = world.call("POST", f"{V2}/{plural}", {single: wishes})
    assert answer.status == 201, answer.body
    return dict(answer.json[single])


def _network(world: World) -> str:
    network = _post(world, "networks", "network", name=NAME)["id"]
    _post(world, "subnets", "subnet", network_id=network, ip_version=4, cidr="10.9.0.0/24", name=NAME)
    return str(network)


def _subnet_of(world: World, network: str) -> str:
    found = world.call("GET", f"{V2}/subnets", query=f"network_id={network}").json["subnets"]
    return str(found[0]["id"])


def _port(world: World) -> str:
    return str(_post(world, "ports", "port", network_id=_network(world), name=NAME)["id"])


def _public(world: World) -> str:
    found = world.call("GET", f"{V2}/networks", query="router:external=true").json["networks"]
    return str(found[0]["id"])


def _router(world: World) -> str:
    """With legs outside, in an IPv4 subnet, and in an IPv6 one that the world must find the way to."""
    network = _network(world)
    mode = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    six = _post(
        world, "subnets", "subnet", network_id=network, ip_version=6, use_default_subnetpool=True, name=NAME, **mode
    )
    outside = {"network_id": _public(world)}
    router = str(_post(world, "routers", "router", name=NAME, external_gateway_info=outside)["id"])
    for subnet in (_subnet_of(world, network), six["id"]):
        answer = world.call("PUT", f"{V2}/routers/{router}/add_router_interface", {"subnet_id": subnet})
        assert answer.status == 200, answer.body
    return router


def _floating(world: World) -> str:
    legs = world.call("GET", f"{V2}/ports", query=f"device_id={_router(world)}").json["ports"]
    network = legs[0]["network_id"]
    port = _post(world, "ports", "port", network_id=network, name=NAME)["id"]
    wishes = {"floating_network_id": _public(world), "port_id": port, "description": NAME}
    return str(_post(world, "floatingips", "floatingip", **wishes)["id"])


def _group(world: World) -> str:
    group = str(_post(world, "security-groups", "security_group", name=NAME)["id"])
    _rule(world, group)
    return group


def _rule(world: World, group: str) -> None:
    ports = int(new_id()[-4:], 16)
    wishes = {"protocol": "tcp", "port_range_min": ports, "port_range_max": ports}
    _post(world, "security-group-rules", "security_group_rule", security_group_id=group, direction="ingress", **wishes)


def _delete_all(world: World, _id: str) -> None:
    """Everything that bears our name, leaves first; what is gone already is no error."""
    for plural, key, query in (
        ("floatingips", "floatingips", f"description={NAME}"),
        ("ports", "ports", f"name={NAME}"),
        ("routers", "routers", f"name={NAME}"),
        ("networks", "networks", f"name={NAME}"),
        ("security-groups", "security_groups", f"name={NAME}"),
    ):
        for each in world.call("GET", f"{V2}/{plural}", query=query).json[key]:
            if plural == "routers":
                _disconnect(world, each["id"])
            answer = world.call("DELETE", f"{V2}/{plural}/{each['id']}")
            assert answer.status == 204, answer.body


def _disconnect(world: World, router: str) -> None:
    legs = world.call("GET", f"{V2}/ports", query=f"device_id={router}").json["ports"]
    for leg in legs:
        answer = world.call("PUT", f"{V2}/routers/{router}/remove_router_interface", {"port_id": leg["id"]})
        assert answer.status == 200, answer.body


def _put(world: World, plural: str, single: str, id: str, **wishes: Any) -> None:
    answer = world.call("PUT", f"{V2}/{plural}/{id}", {single: wishes})
    assert answer.status == 200, answer.body


def _move(world: World, id: str) -> None:
    """To another address of the same port and back."""
    floating = world.call("GET", f"{V2}/floatingips/{id}").json["floatingip"]
    _put(world, "floatingips", "floatingip", id, port_id=floating["port_id"])


def _project(world: World) -> str:
    answer = world.call("POST", "/identity/v3/projects", {"project": {"name": new_id()}}, token="admin:alpha")
    assert answer.status == 201, answer.body
    return str(answer.json["project"]["id"])


def _end_project(world: World, id: str) -> None:
    answer = world.call("DELETE", f"/identity/v3/projects/{id}", token="admin:alpha")
    assert answer.status in {204, 404}, answer.body


SPECIMENS = [
    Specimen("network.starter", _project, _end_project),
    Specimen(
        "network.network", _network, _delete_all, lambda w, id: _put(w, "networks", "network", id, name=NAME, mtu=1400)
    ),
    Specimen("network.port", _port, _delete_all, lambda w, id: _put(w, "ports", "port", id, dns_name=f"n{new_id()}")),
    Specimen(
        "network.router", _router, _delete_all, lambda w, id: _put(w, "routers", "router", id, admin_state_up=False)
    ),
    Specimen("network.group", _group, _delete_all, _rule),
    Specimen("network.floating", _floating, _delete_all, _move),
]
