"""Many at once, on both databases: addresses, prefixes and quotas stay exact."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.services.network.cloud import ADMIN, Cloud, addresses

WORKERS = 8


def at_once(work: Callable[[int], Any], times: int = 24) -> list[Any]:
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, range(times)))


def test_every_port_of_a_shared_network_has_its_own_address(either: Cloud) -> None:
    network, _ = either.network(token=ADMIN, shared=True)

    def make(number: int) -> list[str]:
        return addresses(either.make("ports", network_id=network, token=f"member:project{number % 4}"))

    found = [address for several in at_once(make) for address in several]
    assert sorted(found) == sorted(f"10.1.0.{number}" for number in range(3, 27))


def test_one_wins_an_address_that_many_ask_for(either: Cloud) -> None:
    network, _ = either.network(token=ADMIN, shared=True)
    wish = {"port": {"network_id": network, "fixed_ips": [{"ip_address": "10.1.0.77"}]}}

    def make(number: int) -> int:
        return either.ask("POST", "/ports", wish, token=f"admin:project{number % 4}").status

    statuses = at_once(make, 16)
    assert sorted(statuses) == [201] + [409] * 15


def test_floating_ips_and_gateways_of_many_projects_never_collide(either: Cloud) -> None:
    public = either.public

    def make(number: int) -> str:
        token = f"member:project{number}"
        if number % 2:
            answer = either.ask("POST", "/floatingips", {"floatingip": {"floating_network_id": public}}, token=token)
            return str(answer.json["floatingip"]["floating_ip_address"])
        body = {"router": {"external_gateway_info": {"network_id": public}}}
        info = either.ask("POST", "/routers", body, token=token).json["router"]["external_gateway_info"]
        return str(info["external_fixed_ips"][0]["ip_address"])

    assert len(set(at_once(make))) == 24


def test_every_project_gets_its_own_prefixes_and_one_topology(either: Cloud) -> None:
    def make(number: int) -> str:
        project = f"project{number % 6}"
        answer = either.ask("GET", f"/auto-allocated-topology/{project}", token=f"member:{project}")
        assert answer.status == 200, answer.body
        return str(answer.json["auto_allocated_topology"]["id"])

    assert len(set(at_once(make, 18))) == 6
    prefixes = [each["cidr"] for each in either.list("subnets", "name=auto_allocated_subnet_v6", token=ADMIN)]
    assert len(prefixes) == len(set(prefixes)) == 6
    either.settle()
    assert len(either.uplink.routes()) == 6


def test_a_quota_is_exact_and_the_default_group_single(either: Cloud) -> None:
    either.ask("PUT", "/quotas/alpha", {"quota": {"network": 5}}, token=ADMIN)

    def make(number: int) -> int:
        either.list("security-groups")
        return either.ask("POST", "/networks", {"network": {}}).status

    statuses = at_once(make, 16)
    assert sorted(statuses) == [201] * 5 + [409] * 11
    assert len(either.list("security-groups")) == 1


def test_the_same_rule_at_once_is_made_once(either: Cloud) -> None:
    group = either.make("security-groups", name="web")["id"]
    body = {"security_group_rule": {"security_group_id": group, "direction": "ingress", "protocol": "tcp"}}
    statuses = at_once(lambda _: either.ask("POST", "/security-group-rules", body).status, 8)
    assert sorted(statuses) == [201] + [409] * 7


def test_everything_once_on_this_database(either: Cloud) -> None:
    """Statements that SQLite forgives may fail on PostgreSQL."""
    network, subnet = either.network()
    router = either.router(subnet)
    port = either.make("ports", network_id=network, tags=["red"])["id"]
    floating = either.make("floatingips", floating_network_id=either.public, port_id=port)["id"]
    either.settle()
    queries = {
        "networks": "tags=red&not-tags=blue&sort_key=provider:segmentation_id&limit=1",
        "subnets": "shared=false&sort_key=gateway_ip&limit=1",
        "ports": "tags-any=red&fixed_ips=ip_address_substr=10.1&status=DOWN&sort_key=device_id&limit=5",
        "routers": "status=ACTIVE&sort_key=name&sort_dir=desc",
        "floatingips": "status=ACTIVE&sort_key=fixed_ip_address",
        "subnetpools": "shared=true&sort_key=default_quota&limit=1",
        "security-groups": "shared=false&sort_key=name",
        "security-group-rules": "sort_key=port_range_min&limit=2",
    }
    for plural, query in queries.items():
        answer = either.ask("GET", f"/{plural}?{query}")
        assert answer.status == 200, answer.body
        for link in answer.json.get(f"{plural.replace('-', '_')}_links", []):
            path = link["href"].partition("/network/v2.0")[2]
            assert either.ask("GET", path).status == 200
    assert either.ask("GET", "/quotas/alpha/details").json["quota"]["port"]["used"] == 3
    either.put("ports", port, fixed_ips=[{"ip_address": "10.1.0.9"}])
    either.end("floatingips", floating)
    either.end("ports", port)
    either.detach(router, subnet_id=subnet)
    either.end("routers", router)
    either.end("networks", network)
    either.settle()
    assert either.list("ports") == []
