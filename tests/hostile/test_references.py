"""Foreign things named inside bodies: each is as good as missing, and nothing is left of the attempt."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from croft.core.db import metadata
from tests.hostile.tenants import GLANCE, NOVA, OPERATOR, THIEF, V2, VICTIM, Tenants


def contents(cloud: Tenants) -> dict[str, int]:
    with cloud.world.db.read() as tx:
        tables = [table for table in metadata.sorted_tables if table.name != "identity_token"]
        return {table.name: tx.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables}


def test_foreign_network_things_are_missing(cloud: Tenants) -> None:
    network, subnet = cloud.network()
    port = cloud.make("ports", network_id=network)["id"]
    group, router = cloud.make("security-groups", name="g")["id"], cloud.make("routers")["id"]
    pool = cloud.make("subnetpools", name="p", prefixes=["10.200.0.0/16"])["id"]
    public = cloud.external()
    gateway = {"external_gateway_info": {"network_id": public}}
    cloud.call("PUT", f"{V2}/routers/{router}", {"router": gateway}, VICTIM)
    cloud.call("PUT", f"{V2}/routers/{router}/add_router_interface", {"subnet_id": subnet}, VICTIM)
    floating = cloud.make("floatingips", floating_network_id=public, port_id=port)["id"]
    mine, my_subnet = cloud.network(THIEF, "10.66.0.0/24")
    my_port, my_router = cloud.make("ports", THIEF, network_id=mine)["id"], cloud.make("routers", THIEF)["id"]
    my_group = cloud.make("security-groups", THIEF, name="g")["id"]
    my_floating = cloud.make("floatingips", THIEF, floating_network_id=public)["id"]
    rule = {"direction": "ingress", "ethertype": "IPv4"}
    attempts = [
        ("POST", "ports", {"port": {"network_id": network}}),
        ("POST", "ports", {"ports": [{"network_id": mine}, {"network_id": network}]}),
        ("POST", "ports", {"port": {"network_id": public}}),
        ("POST", "ports", {"port": {"network_id": mine, "fixed_ips": [{"subnet_id": subnet}]}}),
        ("POST", "ports", {"port": {"network_id": mine, "security_groups": [group]}}),
        ("PUT", f"ports/{my_port}", {"port": {"security_groups": [my_group, group]}}),
        ("PUT", f"ports/{my_port}", {"port": {"fixed_ips": [{"subnet_id": subnet}]}}),
        ("PUT", f"ports/{my_port}", {"port": {"binding:host_id": "h1"}}),
        ("POST", "subnets", {"subnet": {"network_id": network, "cidr": "10.5.0.0/24", "ip_version": 4}}),
        ("POST", "subnets", {"subnet": {"network_id": public, "cidr": "10.5.0.0/24", "ip_version": 4}}),
        ("POST", "subnets", {"subnet": {"network_id": mine, "subnetpool_id": pool, "ip_version": 4}}),
        ("POST", "floatingips", {"floatingip": {"floating_network_id": public, "port_id": port}}),
        ("POST", "floatingips", {"floatingip": {"floating_network_id": network}}),
        ("PUT", f"floatingips/{my_floating}", {"floatingip": {"port_id": port}}),
        ("PUT", f"floatingips/{floating}", {"floatingip": {"port_id": my_port}}),
        ("PUT", f"routers/{my_router}", {"router": {"external_gateway_info": {"network_id": network}}}),
        ("PUT", f"routers/{my_router}", {"router": {"external_gateway_info": {"network_id": public, "enable_snat": False}}}),  # noqa: E501
        ("PUT", f"routers/{my_router}/add_router_interface", {"subnet_id": subnet}),
        ("PUT", f"routers/{my_router}/add_router_interface", {"port_id": port}),
        ("PUT", f"routers/{router}/add_router_interface", {"subnet_id": my_subnet}),
        ("PUT", f"routers/{router}/remove_router_interface", {"subnet_id": subnet}),
        ("POST", "security-group-rules", {"security_group_rule": rule | {"security_group_id": group}}),
        (
            "POST",
            "security-group-rules",
            {"security_group_rule": rule | {"security_group_id": my_group, "remote_group_id": group}},
        ),
        ("POST", "networks", {"network": {"project_id": "alpha"}}),
        ("POST", "networks", {"network": {"tenant_id": "alpha"}}),
        ("POST", "networks", {"network": {"shared": True}}),
        ("POST", "networks", {"network": {"router:external": True}}),
        ("POST", "networks", {"network": {"is_default": True}}),
        ("POST", "networks", {"network": {"provider:network_type": "flat"}}),
        ("POST", "networks", {"network": {"id": mine}}),
        ("PUT", f"networks/{mine}", {"network": {"shared": True}}),
        ("PUT", f"networks/{mine}", {"network": {"router:external": True}}),
        ("PUT", f"networks/{mine}", {"network": {"project_id": "alpha"}}),
        ("PUT", f"networks/{public}", {"network": {"name": "mine"}}),
        ("PUT", f"networks/{public}/tags", {"tags": ["mine"]}),
        ("DELETE", f"networks/{public}", None),
        ("POST", "subnetpools", {"subnetpool": {"name": "p", "prefixes": ["10.0.0.0/8"], "shared": True}}),
        ("POST", "subnetpools", {"subnetpool": {"name": "p", "prefixes": ["10.0.0.0/8"], "is_default": True}}),
        ("PUT", "quotas/beta", {"quota": {"port": 100_000}}),
        ("GET", "quotas/alpha", None),
        ("GET", "quotas/alpha/details.json", None),
        ("GET", "auto-allocated-topology/alpha", None),
    ]  # fmt: skip
    before = contents(cloud)
    for method, path, body in attempts:
        answer = cloud.call(method, f"{V2}/{path}", body)
        assert 400 <= answer.status < 500, (method, path, body, answer.body)
        assert answer.json["NeutronError"]["message"]
    assert contents(cloud) == before


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
    before = contents(cloud)
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
    assert contents(cloud) == before


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
