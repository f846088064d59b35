"""Hosts, limits, quotas, zones, usage and the version documents."""

from __future__ import annotations

from typing import Any

from croft.services.compute import actions
from tests.services.compute.cloud import ADMIN, Cloud


def test_the_version_documents_are_open_and_true(cloud: Cloud) -> None:
    root = cloud.call("GET", "/compute", token=None)
    one = cloud.call("GET", "/compute/v2.1/", token=None)
    assert (root.status, one.status) == (200, 200)
    old, listed = root.json["versions"]
    assert (old["id"], old["version"]) == ("v2.0", "")
    shown = one.json["version"]
    assert (listed["id"], listed["status"], listed["min_version"]) == ("v2.1", "CURRENT", "2.1")
    assert shown["version"] == listed["version"]
    assert listed["links"][0]["href"] == "https://cloud.test:8443/compute/v2.1/"
    most = listed["version"]
    assert cloud.ask("GET", "/servers", at=most).status == 200
    beyond = cloud.ask("GET", "/servers", at="2.999")
    assert (beyond.status, most in beyond.json["computeFault"]["message"]) == (406, True)
    assert cloud.ask("GET", "/servers", at="x").status == 400
    assert cloud.ask("GET", "/servers", at="latest").headers["openstack-api-version"] == f"compute {most}"
    legacy = {"X-OpenStack-Nova-API-Version": "2.3"}
    assert cloud.call("GET", "/compute/v2.1/servers", headers=legacy).headers["openstack-api-version"] == "compute 2.3"


def test_the_old_version_knows_no_microversions(cloud: Cloud) -> None:
    shown = cloud.call("GET", "/compute/v2", token=None).json["version"]
    assert (shown["id"], shown["status"]) == ("v2.0", "SUPPORTED")
    id = cloud.create()
    latest = {"OpenStack-API-Version": "compute latest"}
    server = cloud.call("GET", f"/compute/v2/servers/{id}", headers=latest).json["server"]
    assert server["status"] == "ACTIVE"
    assert "locked" not in server
    assert cloud.call("GET", f"/compute/v2/servers/{id}/tags", headers=latest).status == 404
    assert cloud.call("POST", f"/compute/v2/servers/{id}/action", {"os-stop": None}).status == 202


def test_what_is_not_there_is_404_in_novas_words(cloud: Cloud) -> None:
    for path in ("/os-networks", "/images", "/os-floating-ips", "/os-cells"):
        answer = cloud.ask("GET", path, token=ADMIN)
        assert (answer.status, list(answer.json)) == (404, ["itemNotFound"]), path


def test_hosts_are_shown_with_what_their_servers_hold(cloud: Cloud) -> None:
    cloud.create(flavorRef="2")
    stopped = cloud.create(flavorRef="2")
    cloud.act(stopped, "os-stop")
    cloud.settle(10)
    listed = cloud.ask("GET", "/os-hypervisors/detail", token=ADMIN).json["hypervisors"]
    assert [host["hypervisor_hostname"] for host in listed] == ["h1", "h2"]
    assert sum(host["memory_mb_used"] for host in listed) == 2048
    assert sum(host["running_vms"] for host in listed) == 1
    total = cloud.ask("GET", "/os-hypervisors/statistics", token=ADMIN).json["hypervisor_statistics"]
    assert (total["count"], total["vcpus"], total["vcpus_used"], total["local_gb_used"]) == (2, 16, 2, 10)
    assert cloud.ask("GET", "/os-hypervisors/1", token=ADMIN).json["hypervisor"]["hypervisor_hostname"] == "h1"
    assert cloud.ask("GET", "/os-hypervisors/9", token=ADMIN).status == 404
    assert len(cloud.ask("GET", "/os-hypervisors/h/search", token=ADMIN).json["hypervisors"]) == 2
    assert cloud.ask("GET", "/os-hypervisors/z/search", token=ADMIN).status == 404
    assert cloud.ask("GET", "/os-hypervisors/1/uptime", token=ADMIN).status == 400
    assert cloud.ask("GET", "/os-hypervisors").status == 403
    page = cloud.ask("GET", "/os-hypervisors", query="limit=1", token=ADMIN).json
    assert page["hypervisors_links"][0]["href"].endswith("limit=1&marker=1")
    rest = cloud.ask("GET", "/os-hypervisors", query="limit=1&marker=1", token=ADMIN).json
    assert [host["hypervisor_hostname"] for host in rest["hypervisors"]] == ["h2"]
    assert cloud.ask("GET", "/os-hypervisors", query="marker=9", token=ADMIN).status == 400


def services(cloud: Cloud, query: str = "") -> dict[str, Any]:
    found = cloud.ask("GET", "/os-services", query=query, token=ADMIN).json["services"]
    return {each["host"]: each for each in found}


def test_a_host_that_does_not_answer_is_down_until_it_does(either: Cloud) -> None:
    assert {each["state"] for each in services(either).values()} == {"up"}
    either.hypervisor.down.add("h1")
    either.settle(40)
    assert (services(either)["h1"]["state"], services(either)["h2"]["state"]) == ("down", "up")
    either.hypervisor.down.clear()
    either.settle(35)
    assert services(either)["h1"]["state"] == "up"
    either.clock.advance(200)  # type: ignore[attr-defined]
    assert services(either)["h1"]["state"] == "down", "nobody looked for 200 seconds"


def test_services_are_disabled_with_a_reason(cloud: Cloud) -> None:
    def put(verb: str, **body: Any) -> Any:
        said = {"host": "h1", "binary": "nova-compute"} | body
        return cloud.ask("PUT", f"/os-services/{verb}", said, token=ADMIN)

    assert put("disable-log-reason", disabled_reason="new fan").json["service"]["disabled_reason"] == "new fan"
    assert (services(cloud)["h1"]["status"], services(cloud)["h1"]["disabled_reason"]) == ("disabled", "new fan")
    assert put("enable").status == 200
    assert services(cloud, "host=h1")["h1"]["disabled_reason"] is None
    assert services(cloud, "binary=nova-scheduler") == {}
    assert put("force-down", forced_down=True).json["service"]["forced_down"] is True
    assert services(cloud)["h1"]["state"] == "down"
    assert put("disable-log-reason").status == 400
    assert put("force-down").status == 400
    assert put("explode").status == 404
    assert put("disable", host="h9").status == 404
    assert put("disable", binary="nova-scheduler").status == 404
    assert cloud.ask("PUT", "/os-services/disable", {"host": "h1", "binary": "nova-compute"}).status == 403


def test_hosts_come_and_go_with_the_configuration(either: Cloud) -> None:
    actions.register_hosts(either.db, ["h2"])
    either.settle()
    assert list(services(either)) == ["h2"]
    actions.register_hosts(either.db, ["h1", "h2"])
    actions.register_hosts(either.db, ["h1", "h2"])
    either.settle()
    assert {name: each["state"] for name, each in services(either).items()} == {"h1": "up", "h2": "up"}


def test_limits_and_quotas(cloud: Cloud) -> None:
    cloud.create()
    shown = cloud.ask("GET", "/limits").json["limits"]["absolute"]
    assert (shown["maxTotalInstances"], shown["totalInstancesUsed"], shown["totalRAMUsed"]) == (10, 1, 128)
    defaults = cloud.ask("GET", "/os-quota-sets/alpha/defaults").json["quota_set"]
    assert (defaults["instances"], defaults["cores"], defaults["ram"]) == (10, 20, 51200)
    body = {"quota_set": {"cores": "7", "instances": -1}}
    assert cloud.ask("PUT", "/os-quota-sets/alpha", body).status == 403
    assert cloud.ask("PUT", "/os-quota-sets/alpha", body, token=ADMIN).json["quota_set"]["cores"] == 7
    assert cloud.ask("GET", "/os-quota-sets/alpha").json["quota_set"]["instances"] == -1
    low = {"quota_set": {"ram": 1}}
    assert cloud.ask("PUT", "/os-quota-sets/alpha", low, token=ADMIN).status == 400
    low["quota_set"]["force"] = True
    assert cloud.ask("PUT", "/os-quota-sets/alpha", low, token=ADMIN).status == 200
    assert cloud.ask("DELETE", "/os-quota-sets/alpha", token=ADMIN).status == 202
    assert cloud.ask("GET", "/os-quota-sets/alpha").json["quota_set"]["cores"] == 20
    assert cloud.ask("GET", "/os-quota-sets/beta").status == 403
    assert cloud.ask("GET", "/os-quota-sets/beta/detail", token=ADMIN).status == 200
    assert cloud.ask("GET", "/limits?tenant_id=beta").status == 403
    assert cloud.ask("GET", "/limits?tenant_id=beta", token=ADMIN).status == 200


def test_zones(cloud: Cloud) -> None:
    shown = cloud.ask("GET", "/os-availability-zone").json["availabilityZoneInfo"]
    assert shown == [{"zoneName": "nova", "zoneState": {"available": True}, "hosts": None}]
    detail = cloud.ask("GET", "/os-availability-zone/detail", token=ADMIN).json["availabilityZoneInfo"]
    assert set(detail[0]["hosts"]) == {"h1", "h2"}
    assert cloud.ask("GET", "/os-availability-zone/detail").status == 403


def test_usage_counts_hours(cloud: Cloud) -> None:
    cloud.create()
    cloud.clock.advance(7200)  # type: ignore[attr-defined]
    shown = cloud.ask("GET", "/os-simple-tenant-usage/alpha").json["tenant_usage"]
    assert shown["total_hours"] == 2
    assert shown["total_memory_mb_usage"] == 256
    assert shown["server_usages"][0]["uptime"] == 7200
    assert cloud.ask("GET", "/os-simple-tenant-usage/beta").status == 403
    assert cloud.ask("GET", "/os-simple-tenant-usage/beta", token=ADMIN).json == {"tenant_usage": {}}
    listed = cloud.ask("GET", "/os-simple-tenant-usage", query="detailed=1", token=ADMIN).json["tenant_usages"]
    assert [(each["tenant_id"], len(each["server_usages"])) for each in listed] == [("alpha", 1)]
    assert cloud.ask("GET", "/os-simple-tenant-usage").status == 403
    for bad in ("start=x", "start=2030-01-01T00:00:00&end=2020-01-01T00:00:00", "end=9999-99-99"):
        assert cloud.ask("GET", "/os-simple-tenant-usage/alpha", query=bad).status == 400, bad


def test_extensions_and_groups(cloud: Cloud) -> None:
    aliases = {each["alias"] for each in cloud.ask("GET", "/extensions").json["extensions"]}
    assert "os-keypairs" in aliases
    assert cloud.ask("GET", "/extensions/os-keypairs").json["extension"]["name"] == "Keypairs"
    assert cloud.ask("GET", "/extensions/os-cells").status == 404
    assert cloud.ask("GET", "/os-server-groups").json == {"server_groups": []}
    assert cloud.ask("GET", "/os-aggregates", token=ADMIN).json == {"aggregates": []}
    assert cloud.ask("GET", "/os-aggregates").status == 403
