"""Foreign things named inside bodies: each is as good as missing, and nothing is left of the attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.hostile.tenants import GLANCE, NOVA, OPERATOR, THIEF, V2, VICTIM, Tenants
from tests.world import contents


@dataclass(frozen=True)
class Things:
    """Ids: the victim's things, the operator's public network, and what the thief has of its own."""

    network: str
    subnet: str
    port: str
    group: str
    router: str
    pool: str
    floating: str
    public: str
    my_network: str
    my_subnet: str
    my_port: str
    my_group: str
    my_router: str
    my_floating: str


def things(cloud: Tenants) -> Things:
    network, subnet = cloud.network()
    port, router, public = cloud.make("ports", network_id=network)["id"], cloud.make("routers")["id"], cloud.external()
    gateway = {"external_gateway_info": {"network_id": public}}
    cloud.call("PUT", f"{V2}/routers/{router}", {"router": gateway}, VICTIM)
    cloud.call("PUT", f"{V2}/routers/{router}/add_router_interface", {"subnet_id": subnet}, VICTIM)
    my_network, my_subnet = cloud.network(THIEF, "10.66.0.0/24")
    return Things(
        network=network,
        subnet=subnet,
        port=port,
        group=cloud.make("security-groups", name="g")["id"],
        router=router,
        pool=cloud.make("subnetpools", name="p", prefixes=["10.200.0.0/16"])["id"],
        floating=cloud.make("floatingips", floating_network_id=public, port_id=port)["id"],
        public=public,
        my_network=my_network,
        my_subnet=my_subnet,
        my_port=cloud.make("ports", THIEF, network_id=my_network)["id"],
        my_group=cloud.make("security-groups", THIEF, name="g")["id"],
        my_router=cloud.make("routers", THIEF)["id"],
        my_floating=cloud.make("floatingips", THIEF, floating_network_id=public)["id"],
    )


def refused(cloud: Tenants, attempts: list[tuple[str, str, Any]]) -> None:
    """Each attempt of the thief is a client's error, and they all change nothing."""
    before = contents(cloud.world.db)
    for method, path, body in attempts:
        answer = cloud.call(method, f"{V2}/{path}", body)
        assert 400 <= answer.status < 500, (method, path, body, answer.body)
        assert answer.json["NeutronError"]["message"]
    assert contents(cloud.world.db) == before


def test_foreign_networks_and_ports_are_missing(cloud: Tenants) -> None:
    ids = things(cloud)
    mine, port = {"network_id": ids.my_network}, f"ports/{ids.my_port}"
    cidr, rule = {"cidr": "10.5.0.0/24", "ip_version": 4}, {"direction": "ingress", "ethertype": "IPv4"}
    by_group = rule | {"security_group_id": ids.my_group, "remote_group_id": ids.group}
    refused(cloud, [
        ("POST", "ports", {"port": {"network_id": ids.network}}),
        ("POST", "ports", {"ports": [mine, {"network_id": ids.network}]}),
        ("POST", "ports", {"port": {"network_id": ids.public}}),
        ("POST", "ports", {"port": mine | {"fixed_ips": [{"subnet_id": ids.subnet}]}}),
        ("POST", "ports", {"port": mine | {"security_groups": [ids.group]}}),
        ("PUT", port, {"port": {"security_groups": [ids.my_group, ids.group]}}),
        ("PUT", port, {"port": {"fixed_ips": [{"subnet_id": ids.subnet}]}}),
        ("PUT", port, {"port": {"binding:host_id": "h1"}}),
        ("POST", "subnets", {"subnet": cidr | {"network_id": ids.network}}),
        ("POST", "subnets", {"subnet": cidr | {"network_id": ids.public}}),
        ("POST", "subnets", {"subnet": mine | {"subnetpool_id": ids.pool, "ip_version": 4}}),
        ("POST", "security-group-rules", {"security_group_rule": rule | {"security_group_id": ids.group}}),
        ("POST", "security-group-rules", {"security_group_rule": by_group}),
    ])  # fmt: skip


def test_foreign_routers_and_floating_addresses_are_missing(cloud: Tenants) -> None:
    ids = things(cloud)
    router, victims = f"routers/{ids.my_router}", f"routers/{ids.router}"
    stolen, unhidden = {"network_id": ids.network}, {"network_id": ids.public, "enable_snat": False}
    refused(cloud, [
        ("POST", "floatingips", {"floatingip": {"floating_network_id": ids.public, "port_id": ids.port}}),
        ("POST", "floatingips", {"floatingip": {"floating_network_id": ids.network}}),
        ("PUT", f"floatingips/{ids.my_floating}", {"floatingip": {"port_id": ids.port}}),
        ("PUT", f"floatingips/{ids.floating}", {"floatingip": {"port_id": ids.my_port}}),
        ("PUT", router, {"router": {"external_gateway_info": stolen}}),
        ("PUT", router, {"router": {"external_gateway_info": unhidden}}),
        ("PUT", f"{router}/add_router_interface", {"subnet_id": ids.subnet}),
        ("PUT", f"{router}/add_router_interface", {"port_id": ids.port}),
        ("PUT", f"{victims}/add_router_interface", {"subnet_id": ids.my_subnet}),
        ("PUT", f"{victims}/remove_router_interface", {"subnet_id": ids.subnet}),
    ])  # fmt: skip


def test_network_things_are_not_given_shared_or_taken(cloud: Tenants) -> None:
    ids = things(cloud)
    mine, public = f"networks/{ids.my_network}", f"networks/{ids.public}"
    pool = {"name": "p", "prefixes": ["10.0.0.0/8"]}
    refused(cloud, [
        ("POST", "networks", {"network": {"project_id": "alpha"}}),
        ("POST", "networks", {"network": {"tenant_id": "alpha"}}),
        ("POST", "networks", {"network": {"shared": True}}),
        ("POST", "networks", {"network": {"router:external": True}}),
        ("POST", "networks", {"network": {"is_default": True}}),
        ("POST", "networks", {"network": {"provider:network_type": "flat"}}),
        ("POST", "networks", {"network": {"id": ids.my_network}}),
        ("PUT", mine, {"network": {"shared": True}}),
        ("PUT", mine, {"network": {"router:external": True}}),
        ("PUT", mine, {"network": {"project_id": "alpha"}}),
        ("PUT", public, {"network": {"name": "mine"}}),
        ("PUT", f"{public}/tags", {"tags": ["mine"]}),
        ("DELETE", public, None),
        ("POST", "subnetpools", {"subnetpool": pool | {"shared": True}}),
        ("POST", "subnetpools", {"subnetpool": pool | {"is_default": True}}),
        ("PUT", "quotas/beta", {"quota": {"port": 100_000}}),
        ("GET", "quotas/alpha", None),
        ("GET", "quotas/alpha/details.json", None),
        ("GET", "auto-allocated-topology/alpha", None),
    ])  # fmt: skip


def test_foreign_things_for_servers_are_missing(cloud: Tenants) -> None:
    network, _ = cloud.network()
    port, group = cloud.make("ports", network_id=network)["id"], cloud.make("security-groups", name="g")["id"]
    image, server = cloud.image(), cloud.server(networks="none")
    mine, _ = cloud.network(THIEF, "10.66.0.0/24")
    own = cloud.server(THIEF, networks=[{"uuid": mine}])
    key = {"keypair": {"name": "k", "type": "ssh"}}
    assert cloud.call("POST", f"{NOVA}/os-keypairs", key, VICTIM).status == 201
    good: dict[str, Any] = {
        "name": "x",
        "flavorRef": cloud.flavor(),
        "imageRef": cloud.image(THIEF),
        "networks": "none",
    }
    theft: list[dict[str, Any]] = [
        {"networks": [{"uuid": network}]},
        {"networks": [{"port": port}]},
        {"imageRef": image},
    ]
    theft += [{"key_name": "k"}, {"networks": [{"uuid": mine}], "security_groups": [{"name": group}]}]
    theft += [{"availability_zone": "nova:h1"}, {"networks": [{"uuid": cloud.external()}]}, {"host": "h1"}]
    theft += [
        {"networks": [{"uuid": mine}, {"port": port}]},
        {"min_count": 50, "max_count": 99},
        {"project_id": "alpha"},
    ]
    before = contents(cloud.world.db)
    for each in theft:
        answer = cloud.call("POST", f"{NOVA}/servers", {"server": good | each})
        assert 400 <= answer.status < 500, (each, answer.body)
    actions = [
        {"rebuild": {"imageRef": image}},
        {"addSecurityGroup": {"name": group}},
        {"os-resetState": {"state": "error"}},
    ]
    for body in actions:
        assert 400 <= cloud.call("POST", f"{NOVA}/servers/{own}/action", body).status < 500, body
        assert cloud.call("POST", f"{NOVA}/servers/{server}/action", body).status == 404, body
    for wish in ({"port_id": port}, {"net_id": network}):
        answer = cloud.call("POST", f"{NOVA}/servers/{own}/os-interface", {"interfaceAttachment": wish})
        assert answer.status in {400, 404}, answer.body
    for user in ("user-member-alpha", "user-admin-cloud"):
        assert cloud.call("GET", f"{NOVA}/os-keypairs", query=f"user_id={user}").status == 403
        assert cloud.call("POST", f"{NOVA}/os-keypairs", {"keypair": {"name": "n", "user_id": user}}).status == 403
    assert contents(cloud.world.db) == before


def test_images_are_not_given_made_public_or_taken(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    image, mine = cloud.image(), cloud.image(THIEF)
    patch = {"content-type": "application/openstack-images-v2.1-json-patch"}
    for wish in (
        {"visibility": "public"},
        {"owner": "alpha"},
        {"owner": None},
        {"id": image},
        {"size": 1},
        {"status": "active"},
    ):
        assert cloud.call("POST", f"{GLANCE}/images", {"name": "x"} | wish).status in {403, 409}, wish
    for path, value in (
        ("visibility", "public"),
        ("owner", "alpha"),
        ("id", image),
        ("checksum", "x"),
        ("locations", []),
        ("os_glance_x", "y"),
        ("locations/0", {"url": "file:///etc/passwd"}),
        ("tags/0", "x"),
    ):
        for verb in ("add", "replace"):
            change: list[dict[str, object]] = [{"op": verb, "path": f"/{path}", "value": value}]
            answer = cloud.call("PATCH", f"{GLANCE}/images/{mine}", change, headers=patch)
            assert answer.status in {400, 403, 409}, (change, answer.body)
    assert cloud.call("POST", f"{GLANCE}/images/{image}/members", {"member": "beta"}).status == 404
    assert cloud.call("POST", f"{GLANCE}/images/{image}/members", {"member": "gamma"}, VICTIM).status == 200
    assert cloud.call("PUT", f"{GLANCE}/images/{image}/members/gamma", {"status": "accepted"}).status == 404
    assert cloud.call("GET", f"{GLANCE}/images/{image}/file").status == 404
    assert cloud.call("PUT", f"{GLANCE}/images/{mine}/tags/abc%0A").status == 400
    shown = cloud.call("GET", f"{GLANCE}/images", query="visibility=all&member_status=all").json["images"]
    assert [each["id"] for each in shown] == [mine]


def test_quotas_hold_for_many_at_once(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    assert cloud.call("PUT", f"{V2}/quotas/beta", {"quota": {"network": 3}}, OPERATOR).status == 200
    assert cloud.call("POST", f"{V2}/networks", {"networks": [{}] * 4}).status == 409
    assert cloud.call("POST", f"{V2}/networks", {"networks": [{}] * 3}).status == 201
    assert cloud.call("POST", f"{V2}/networks", {"network": {}}).status == 409
