"""What hangs on a server: locks, actions that do not fit, its log, its record, its interfaces and groups."""

from __future__ import annotations

from tests.services.compute.cloud import ADMIN, MISSING, Cloud, message


def test_a_locked_server_is_left_alone(cloud: Cloud) -> None:
    id = cloud.create()
    assert cloud.act(id, "lock").status == 202
    assert cloud.show(id)["locked"] is True
    for refused in (
        cloud.act(id, "os-stop"),
        cloud.act(id, "reboot", {"type": "HARD"}),
        cloud.act(id, "rebuild", {"imageRef": cloud.image}),
        cloud.ask("DELETE", f"/servers/{id}"),
        cloud.ask("POST", f"/servers/{id}/metadata", {"metadata": {"a": "b"}}),
    ):
        assert refused.status == 409
        assert message(refused) == f"Instance {id} is locked"
    assert cloud.act(id, "unlock").status == 202
    assert cloud.act(id, "lock", token=ADMIN).status == 202
    assert cloud.act(id, "unlock").status == 403
    assert cloud.act(id, "os-stop", token=ADMIN).status == 202
    assert cloud.act(id, "unlock", token=ADMIN).status == 202
    assert cloud.show(id)["locked"] is False


def test_actions_that_do_not_fit_the_state_are_409(cloud: Cloud) -> None:
    building = cloud.create(settle=False)
    assert cloud.act(building, "os-stop").status == 409
    assert cloud.act(building, "reboot", {"type": "HARD"}).status == 409
    assert "vm_state building" in message(cloud.act(building, "os-start"))
    assert cloud.act(building, "os-getConsoleOutput", {}).status == 409
    cloud.settle()
    assert cloud.act(building, "os-start").status == 409
    cloud.act(building, "os-stop")
    assert "task_state powering-off" in message(cloud.act(building, "os-stop"))
    cloud.ask("DELETE", f"/servers/{building}")
    assert cloud.act(building, "reboot", {"type": "HARD"}).status == 409


def test_actions_croft_does_not_have_are_refused_clearly(cloud: Cloud) -> None:
    id = cloud.create()
    answer = cloud.act(id, "pause")
    assert answer.status == 409
    assert "'pause'" in message(answer)
    assert cloud.act(MISSING, "pause").status == 404
    assert cloud.act(id, "fly").status == 400
    assert cloud.ask("POST", f"/servers/{id}/action", {"os-stop": None, "os-start": None}).status == 400
    assert cloud.ask("POST", f"/servers/{id}/action", {}).status == 400


def test_the_console_log(cloud: Cloud) -> None:
    id = cloud.create()
    for number in range(5):
        cloud.hypervisor.say(id, f"line {number}")
    read = lambda length: cloud.act(id, "os-getConsoleOutput", {"length": length}).json["output"]  # noqa: E731
    assert read(3) == "line 3\nline 4\n"
    assert read("2") == "line 4\n"
    assert read(0) == ""
    assert read(-1) == read(None) == cloud.act(id, "os-getConsoleOutput", {}).json["output"]
    assert "login:" in read(None)
    cloud.hypervisor.down |= {"h1", "h2"}
    assert cloud.act(id, "os-getConsoleOutput", {}).status == 503
    assert cloud.act(id, "os-getConsoleOutput", {}, token="reader:alpha").status == 403


def test_what_was_done_is_recorded(cloud: Cloud) -> None:
    id = cloud.create()
    cloud.act(id, "reboot", {"type": "HARD"})
    cloud.ask("PUT", f"/servers/{id}/tags/x")
    cloud.settle()
    path = f"/servers/{id}/os-instance-actions"
    done = cloud.ask("GET", path).json["instanceActions"]
    assert [each["action"] for each in done] == ["reboot", "create"]
    one = f"{path}/{done[1]['request_id']}"
    assert "events" not in cloud.ask("GET", one).json["instanceAction"]
    assert cloud.ask("GET", one, token=ADMIN).json["instanceAction"]["events"][0]["event"] == "compute_create"
    assert cloud.ask("GET", f"{path}/req-none").status == 404
    cloud.ask("DELETE", f"/servers/{id}")
    cloud.settle()
    assert cloud.ask("GET", path, at="2.20").status == 404
    assert cloud.ask("GET", path, at="2.21").json["instanceActions"][0]["action"] == "delete"
    assert cloud.ask("GET", path, at="2.21", token="member:beta").status == 404


def test_addresses_and_interfaces(cloud: Cloud) -> None:
    id = cloud.create()
    addresses = cloud.ask("GET", f"/servers/{id}/ips").json["addresses"]
    (network,) = addresses
    assert cloud.ask("GET", f"/servers/{id}/ips/{network}").json == addresses
    assert cloud.ask("GET", f"/servers/{id}/ips/other").status == 404
    (first,) = cloud.ask("GET", f"/servers/{id}/os-interface").json["interfaceAttachments"]
    assert {ip["ip_address"] for ip in first["fixed_ips"]} == {each["addr"] for each in addresses[network]}
    answer = cloud.ask("POST", f"/servers/{id}/os-interface", {"interfaceAttachment": {"net_id": first["net_id"]}})
    assert answer.status == 200, answer.body
    second = answer.json["interfaceAttachment"]["port_id"]
    cloud.settle()
    host = cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:host"]
    state = cloud.hypervisor.observe(host, id)
    assert state is not None
    assert state.nics == (first["port_id"], second)
    assert cloud.ask("DELETE", f"/servers/{id}/os-interface/{second}").status == 202
    cloud.settle()
    state = cloud.hypervisor.observe(host, id)
    assert state is not None
    assert state.nics == (first["port_id"],)
    assert cloud.ask("DELETE", f"/servers/{id}/os-interface/{second}").status == 404
    assert cloud.ask("GET", f"/servers/{id}/os-interface/{second}").status == 404
    for bad in (
        {"net_id": "x"},
        {"port_id": second, "net_id": first["net_id"]},
        {"fixed_ips": [{"ip_address": "10.0.0.9"}]},
    ):
        body = {"interfaceAttachment": bad}
        assert cloud.ask("POST", f"/servers/{id}/os-interface", body).status == 400, bad


def test_security_groups_of_a_server(cloud: Cloud) -> None:
    made = cloud.call("POST", "/network/v2.0/security-groups", {"security_group": {"name": "web"}})
    group = made.json["security_group"]["id"]
    rule = {"security_group_id": group, "direction": "ingress", "protocol": "tcp", "port_range_min": 80}
    rule |= {"port_range_max": 80, "remote_ip_prefix": "0.0.0.0/0"}
    cloud.call("POST", "/network/v2.0/security-group-rules", {"security_group_rule": rule})
    id = cloud.create()
    assert cloud.act(id, "addSecurityGroup", {"name": "web"}).status == 202
    assert sorted(each["name"] for each in cloud.show(id)["security_groups"]) == ["default", "web"]
    listed = cloud.ask("GET", f"/servers/{id}/os-security-groups").json["security_groups"]
    web = next(each for each in listed if each["name"] == "web")
    assert [(each["ip_protocol"], each["from_port"]) for each in web["rules"]] == [("tcp", 80)]
    cloud.settle()
    assert cloud.act(id, "removeSecurityGroup", {"name": "web"}).status == 202
    assert cloud.act(id, "removeSecurityGroup", {"name": "web"}).status == 404
    assert cloud.act(id, "addSecurityGroup", {"name": "nobodys"}).status in (400, 404)
    assert cloud.show(id)["security_groups"] == [{"name": "default"}]
    assert cloud.act(id, "removeSecurityGroup", {"name": "default"}).status == 202
    assert "security_groups" not in cloud.show(id)
    named = cloud.create(security_groups=[{"name": group}])
    assert cloud.show(named)["security_groups"] == [{"name": "web"}]


def test_a_ready_port_is_adopted_and_set_free(cloud: Cloud) -> None:
    first = cloud.create()
    network = cloud.ask("GET", f"/servers/{first}/os-interface").json["interfaceAttachments"][0]["net_id"]
    port = cloud.call("POST", "/network/v2.0/ports", {"port": {"network_id": network}}).json["port"]["id"]
    id = cloud.create(networks=[{"port": port}])
    assert cloud.show(id)["status"] == "ACTIVE"
    assert cloud.post_server(networks=[{"port": port}]).status == 409
    body = {"interfaceAttachment": {"port_id": port}}
    assert cloud.ask("POST", f"/servers/{first}/os-interface", body).status == 409
    body = {"interfaceAttachment": {"port_id": MISSING}}
    assert cloud.ask("POST", f"/servers/{first}/os-interface", body).status == 400
    cloud.ask("DELETE", f"/servers/{id}")
    cloud.settle()
    shown = cloud.call("GET", f"/network/v2.0/ports/{port}").json["port"]
    assert shown["device_id"] == ""
    assert cloud.call("GET", "/network/v2.0/ports", query=f"device_id={id}").json["ports"] == []


def test_a_floating_address_is_shown_and_found(cloud: Cloud) -> None:
    id = cloud.create()
    port = cloud.ask("GET", f"/servers/{id}/os-interface").json["interfaceAttachments"][0]["port_id"]
    (outside,) = cloud.call("GET", "/network/v2.0/networks", query="router:external=true").json["networks"]
    wish = {"floatingip": {"floating_network_id": outside["id"], "port_id": port}}
    floating = cloud.call("POST", "/network/v2.0/floatingips", wish).json["floatingip"]["floating_ip_address"]
    (entries,) = cloud.show(id)["addresses"].values()
    assert floating in [each["addr"] for each in entries if each["OS-EXT-IPS:type"] == "floating"]
    assert cloud.names(f"ip={floating}") == ["one"]


def test_no_password_is_kept(cloud: Cloud) -> None:
    answer = cloud.post_server(adminPass="secret")
    assert answer.json["server"]["adminPass"] == "secret"
    id = answer.json["server"]["id"]
    path = f"/servers/{id}/os-server-password"
    assert cloud.ask("GET", path).json == {"password": ""}
    assert cloud.ask("DELETE", path).status == 204
    assert cloud.ask("DELETE", f"/servers/{MISSING}/os-server-password").status == 404


def test_volumes_are_none(cloud: Cloud) -> None:
    id = cloud.create()
    assert cloud.ask("GET", f"/servers/{id}/os-volume_attachments").json == {"volumeAttachments": []}
    assert cloud.ask("GET", f"/servers/{id}/os-volume_attachments/{MISSING}").status == 404
