"""What the later microversions brought: each field and filter works from its version on, and not before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.compute.cloud import ADMIN, MISSING, Cloud

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF/v8CBFLjKGhKmU2pPCOWgGWxcE9f1GR7UrYh2qZyvR me@home"


def test_2_38_an_unknown_status_is_an_error(cloud: Cloud) -> None:
    assert cloud.ask("GET", "/servers?status=fine", at="2.37").status == 200
    assert cloud.ask("GET", "/servers?status=fine", at="2.38").status == 400


def test_2_40_usage_is_paged(cloud: Cloud) -> None:
    ids = sorted(cloud.create(name=name) for name in "abc")
    found: list[str] = []
    path = "/os-simple-tenant-usage/alpha?limit=2"
    while path:
        answer = cloud.ask("GET", path, at="2.40").json
        found += [line["instance_id"] for line in answer["tenant_usage"]["server_usages"]]
        links = answer.get("tenant_usage_links", [])
        path = links[0]["href"].partition("/v2.1")[2] if links else ""
    assert found == ids
    whole = cloud.ask("GET", "/os-simple-tenant-usage/alpha?limit=2", at="2.39").json["tenant_usage"]
    assert len(whole["server_usages"]) == 3
    assert cloud.ask("GET", "/os-simple-tenant-usage?limit=1", at="2.40", token=ADMIN).json["tenant_usages_links"]
    assert cloud.ask("GET", f"/os-simple-tenant-usage/alpha?marker={MISSING}", at="2.40").status == 400


def test_2_42_tags_of_nics_are_back(cloud: Cloud) -> None:
    probe = cloud.create()
    network = cloud.ask("GET", f"/servers/{probe}/os-interface").json["interfaceAttachments"][0]["net_id"]
    nics = [{"uuid": network, "tag": "front"}]
    assert cloud.post_server(networks=nics, at="2.41").status == 400
    id = cloud.create(networks=nics, at="2.42")
    shown = cloud.ask("GET", f"/servers/{id}/os-interface", at="2.70").json["interfaceAttachments"]
    assert [each["tag"] for each in shown] == ["front"]
    more = {"interfaceAttachment": {"net_id": network, "tag": "back"}}
    assert cloud.ask("POST", f"/servers/{id}/os-interface", more, at="2.48").status == 400
    added = cloud.ask("POST", f"/servers/{id}/os-interface", more, at="2.70").json["interfaceAttachment"]
    assert added["tag"] == "back"
    alone = {"interfaceAttachment": {"tag": "x"}}
    assert cloud.ask("POST", f"/servers/{id}/os-interface", alone, at="2.49").status == 400


def test_2_44_the_network_proxies_are_gone(cloud: Cloud) -> None:
    id = cloud.create()
    assert cloud.act(id, "addFloatingIp", {"address": "198.18.0.9"}, at="2.43").status == 409
    assert cloud.act(id, "addFloatingIp", {"address": "198.18.0.9"}, at="2.44").status == 404


def test_2_47_the_flavor_is_told_whole(cloud: Cloud) -> None:
    id = cloud.create()
    assert cloud.show(id, at="2.46")["flavor"]["id"] == "1"
    flavor = cloud.show(id, at="2.47")["flavor"]
    assert (flavor["original_name"], flavor["ram"], flavor["extra_specs"]) == ("m1.tiny", 128, {})


def test_2_51_everybody_sees_events(cloud: Cloud) -> None:
    id = cloud.create()
    path = f"/servers/{id}/os-instance-actions"
    request = cloud.ask("GET", path).json["instanceActions"][0]["request_id"]

    def events(at: str, token: str = "member:alpha") -> Any:
        return cloud.ask("GET", f"{path}/{request}", at=at, token=token).json["instanceAction"].get("events")

    assert events("2.50") is None
    assert "traceback" not in events("2.51")[0]
    assert "traceback" in events("2.51", ADMIN)[0]
    assert "host" not in events("2.62")[0]
    assert events("2.62")[0]["hostId"] == cloud.show(id)["hostId"]
    assert events("2.62", ADMIN)[0]["host"] in {"h1", "h2"}
    assert events("2.84")[0]["details"] is None


def test_2_52_tags_at_creation(cloud: Cloud) -> None:
    assert cloud.post_server(tags=["a"], at="2.51").status == 400
    id = cloud.create(tags=["a", "b"], at="2.52")
    assert cloud.show(id)["tags"] == ["a", "b"]
    assert cloud.post_server(tags=[str(number) for number in range(51)], at="2.52").status == 400


def test_2_53_hosts_have_uuids(cloud: Cloud) -> None:
    id = cloud.create()
    listed = cloud.ask("GET", "/os-hypervisors?with_servers=true", at="2.53", token=ADMIN).json["hypervisors"]
    servers = {host["hypervisor_hostname"]: host.get("servers", []) for host in listed}
    mine = cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:host"]
    assert [each["uuid"] for each in servers.pop(mine)] == [id]
    assert list(servers.values()) == [[]]
    first = listed[0]["id"]
    assert cloud.ask("GET", f"/os-hypervisors/{first}", at="2.53", token=ADMIN).status == 200
    assert cloud.ask("GET", "/os-hypervisors/1", at="2.53", token=ADMIN).status == 404
    assert cloud.ask("GET", "/os-hypervisors/h/search", at="2.53", token=ADMIN).status == 404
    named = cloud.ask("GET", "/os-hypervisors?hypervisor_hostname_pattern=2", at="2.53", token=ADMIN).json
    assert [host["hypervisor_hostname"] for host in named["hypervisors"]] == ["h2"]
    for query, status in (
        ("hypervisor_hostname_pattern=z", 404),
        ("hypervisor_hostname_pattern=h&limit=1", 400),
        ("with_servers=perhaps", 400),
        ("unheard=1", 400),
    ):
        assert cloud.ask("GET", f"/os-hypervisors?{query}", at="2.53", token=ADMIN).status == status
    page = cloud.ask("GET", "/os-hypervisors?limit=1", at="2.53", token=ADMIN).json
    assert page["hypervisors_links"][0]["href"].endswith(f"marker={first}")


def test_2_53_services_are_changed_by_uuid(cloud: Cloud) -> None:
    listed = cloud.ask("GET", "/os-services", at="2.53", token=ADMIN).json["services"]
    path = f"/os-services/{listed[0]['id']}"

    def put(body: Any, token: str = ADMIN) -> Any:
        return cloud.ask("PUT", path, body, at="2.53", token=token)

    changed = put({"status": "disabled", "disabled_reason": "new fan"}).json["service"]
    assert (changed["status"], changed["disabled_reason"]) == ("disabled", "new fan")
    assert put({"status": "enabled", "forced_down": True}).json["service"]["state"] == "down"
    for bad in ({}, {"status": "up"}, {"disabled_reason": "x"}, {"status": "enabled", "disabled_reason": "x"}):
        assert put(bad).status == 400, bad
    assert put({"status": "enabled"}, "member:alpha").status == 403
    assert cloud.ask("PUT", "/os-services/disable", {"status": "enabled"}, at="2.53", token=ADMIN).status == 400
    gone = cloud.ask("PUT", f"/os-services/{MISSING}", {"status": "enabled"}, at="2.53", token=ADMIN)
    assert gone.status == 404


def test_2_54_and_2_57_a_rebuild_changes_key_and_user_data(cloud: Cloud) -> None:
    cloud.ask("POST", "/os-keypairs", {"keypair": {"name": "mine", "public_key": KEY}})
    id = cloud.create()
    body = {"imageRef": cloud.image, "key_name": "mine", "user_data": "aGk="}
    assert cloud.act(id, "rebuild", body, at="2.56").status == 400
    assert cloud.act(id, "rebuild", body | {"key_name": "other"}, at="2.57").status == 400
    answer = cloud.act(id, "rebuild", body, at="2.57")
    assert answer.status == 202
    assert (answer.json["server"]["key_name"], answer.json["server"]["user_data"]) == ("mine", "aGk=")
    cloud.settle(10)
    assert cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:user_data"] == "aGk="
    cloud.act(id, "rebuild", {"imageRef": cloud.image, "key_name": None, "user_data": None}, at="2.57")
    cloud.settle(10)
    shown = cloud.show(id, token=ADMIN)
    assert (shown["key_name"], shown["OS-EXT-SRV-ATTR:user_data"]) == (None, None)


def test_2_55_flavors_are_described(cloud: Cloud) -> None:
    flavor = {"name": "f", "ram": 64, "vcpus": 1, "disk": 1, "id": "f", "description": "small"}
    assert cloud.ask("POST", "/flavors", {"flavor": flavor}, at="2.54", token=ADMIN).status == 400
    made = cloud.ask("POST", "/flavors", {"flavor": flavor}, at="2.55", token=ADMIN)
    assert made.json["flavor"]["description"] == "small"
    change = {"flavor": {"description": None}}
    assert cloud.ask("PUT", "/flavors/f", change, at="2.54", token=ADMIN).status == 404
    assert cloud.ask("PUT", "/flavors/f", change, at="2.55").status == 403
    assert cloud.ask("PUT", "/flavors/f", change, at="2.55", token=ADMIN).status == 200
    assert cloud.ask("GET", "/flavors/f", at="2.55").json["flavor"]["description"] is None
    assert "description" not in cloud.ask("GET", "/flavors/f", at="2.54").json["flavor"]
    assert "extra_specs" in cloud.ask("GET", "/flavors/f", at="2.61").json["flavor"]
    assert cloud.ask("GET", "/flavors/f", at="2.75").json["flavor"]["swap"] == 0


def test_2_58_actions_are_paged_and_dated(cloud: Cloud) -> None:
    id = cloud.create()
    for _ in range(3):
        cloud.clock.advance(60)  # type: ignore[attr-defined]
        cloud.act(id, "reboot", {"type": "HARD"})
        cloud.settle()
    path = f"/servers/{id}/os-instance-actions"
    found: list[str] = []
    next_path = f"{path}?limit=3"
    while next_path:
        answer = cloud.ask("GET", next_path, at="2.58").json
        found += [each["action"] for each in answer["instanceActions"]]
        links = answer.get("links", [])
        next_path = links[0]["href"].partition("/v2.1")[2] if links else ""
    assert found == ["reboot", "reboot", "reboot", "create"]
    done = cloud.ask("GET", path, at="2.66").json["instanceActions"]
    since = cloud.ask("GET", f"{path}?changes-since={done[1]['start_time']}", at="2.58").json["instanceActions"]
    before = cloud.ask("GET", f"{path}?changes-before={done[2]['start_time']}", at="2.66").json["instanceActions"]
    assert (len(since), len(before)) == (2, 2)
    for bad in ("marker=nope", "changes-since=x", "limit=-1", "unheard=1"):
        assert cloud.ask("GET", f"{path}?{bad}", at="2.66").status == 400, bad


def test_2_66_servers_changed_before(cloud: Cloud) -> None:
    cloud.create()
    assert cloud.names("changes-before=2001-01-01T00:00:00Z", at="2.66") == []
    assert cloud.names("changes-before=2051-01-01T00:00:00Z", at="2.66") == ["one"]
    assert cloud.names("changes-before=2001-01-01T00:00:00Z", at="2.65") == ["one"]
    both = "changes-since=2051-01-01T00:00:00Z&changes-before=2001-01-01T00:00:00Z"
    assert cloud.ask("GET", f"/servers?{both}", at="2.66").status == 400


def test_2_73_a_lock_has_a_reason(cloud: Cloud) -> None:
    locked, free = cloud.create(name="locked"), cloud.create(name="free")
    assert cloud.act(locked, "lock", {"locked_reason": "mine"}, at="2.73").status == 202
    assert cloud.show(locked, at="2.73")["locked_reason"] == "mine"
    assert cloud.show(free, at="2.73")["locked_reason"] is None
    assert cloud.names("locked=true", at="2.73") == ["locked"]
    assert cloud.names("locked=false", at="2.73") == ["free"]
    assert cloud.names("sort_key=locked&sort_dir=desc", at="2.73") == ["locked", "free"]
    assert cloud.ask("GET", "/servers?sort_key=locked", at="2.72").status == 400
    cloud.act(locked, "unlock", at="2.73")
    assert cloud.show(locked, at="2.73")["locked_reason"] is None
    assert cloud.act(locked, "lock", at="2.73").status == 202


@pytest.mark.parametrize("name", ["host", "hypervisor_hostname"])
def test_2_74_operators_name_a_host(cloud: Cloud, name: str) -> None:
    assert cloud.post_server(**{name: "h2"}, at="2.73", token=ADMIN).status == 400
    assert cloud.post_server(**{name: "h2"}, at="2.74").status == 403
    assert cloud.post_server(**{name: "h9"}, at="2.74", token=ADMIN).status == 400
    assert cloud.post_server(host="h1", hypervisor_hostname="h2", at="2.74", token=ADMIN).status == 400
    assert cloud.post_server(**{name: "h2"}, availability_zone="nova:h2", at="2.74", token=ADMIN).status == 400
    id = cloud.create(**{name: "h2"}, at="2.74", token=ADMIN)
    assert cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:host"] == "h2"


def test_2_75_unknown_queries_are_refused_and_changes_tell_all(cloud: Cloud) -> None:
    id = cloud.create()
    paths = ("/servers", "/flavors", "/os-keypairs", "/limits", "/os-quota-sets/alpha", "/os-simple-tenant-usage/alpha")
    for path in paths:
        assert cloud.ask("GET", f"{path}?unheard=1", at="2.74").status == 200, path
        assert cloud.ask("GET", f"{path}?unheard=1", at="2.75").status == 400, path
    changed = cloud.ask("PUT", f"/servers/{id}", {"server": {"name": "new"}}, at="2.75").json["server"]
    assert changed == cloud.show(id, at="2.75")
    assert cloud.ask("GET", "/os-quota-sets/alpha?user_id=x").status == 200
    change = {"quota_set": {"cores": 1}}
    assert cloud.ask("PUT", "/os-quota-sets/alpha?user_id=x", change, token=ADMIN).status == 400


def test_2_78_no_server_has_a_topology(cloud: Cloud) -> None:
    id = cloud.create()
    assert cloud.ask("GET", f"/servers/{id}/topology", at="2.77").status == 404
    assert cloud.ask("GET", f"/servers/{id}/topology", at="2.78").json == {"nodes": [], "pagesize_kb": None}


def test_2_83_people_filter_by_more(cloud: Cloud) -> None:
    plain, drive = cloud.create(name="plain"), cloud.create(name="drive", config_drive=True)
    cloud.act(plain, "os-stop")
    cloud.settle(10)
    for query, found in (
        ("vm_state=stopped", ["plain"]),
        ("power_state=1", ["drive"]),
        ("config_drive=true", ["drive"]),
        ("user_id=nobody", []),
        ("availability_zone=mars", []),
        ("created_at=1999", []),
        ("progress=0&task_state=None", ["drive", "plain"]),
    ):
        assert sorted(cloud.names(query, at="2.82")) == ["drive", "plain"], query
        assert sorted(cloud.names(query, at="2.83")) == found, query
    assert cloud.names("hostname=nope", at="2.83") == ["drive", "plain"]
    assert cloud.show(drive)["config_drive"] == "True"


def test_certificates_of_images_are_refused_clearly(cloud: Cloud) -> None:
    answer = cloud.post_server(trusted_image_certificates=["a"], at="2.63")
    assert answer.status == 400
    assert "trusted_image_certificates" in answer.json["badRequest"]["message"]
    assert cloud.post_server(trusted_image_certificates=None, at="2.63").status == 202
