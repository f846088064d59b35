"""Creating, finding and changing servers, as people and clients do."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.services.compute.cloud import ADMIN, MIB, MISSING, Cloud, message


@pytest.mark.parametrize(
    ("name", "hostname"),
    [
        ("Web Server_1", "web-server-1"),
        ("Zürich.example.org", "zurich-example-org"),
        ("-- a --", "a"),
        ("x" * 200, "x" * 63),
        ("日本語", None),
        ("🚀", None),
    ],
)
def test_a_name_in_any_script_gives_a_dns_safe_hostname(cloud: Cloud, name: str, hostname: str | None) -> None:
    id = cloud.create(name=name, settle=False)
    shown = cloud.show(id, token=ADMIN)
    assert shown["name"] == name
    assert shown["OS-EXT-SRV-ATTR:hostname"] == (hostname or f"server-{id}")


def test_unknown_things_are_400_and_nothing_is_made(cloud: Cloud) -> None:
    for wish in (
        {"imageRef": MISSING},
        {"flavorRef": "nope"},
        {"flavorRef": "a\0b"},
        {"key_name": "nobodys"},
        {"networks": [{"uuid": MISSING}]},
        {"networks": [{"port": MISSING}]},
        {"security_groups": [{"name": "nobodys"}]},
        {"imageRef": ""},
        {"personality": [{"path": "/x", "contents": "aGk="}]},
    ):
        answer = cloud.post_server(**wish)
        assert answer.status == 400, (wish, answer.body)
    assert cloud.names() == []
    assert cloud.ask("GET", "/limits").json["limits"]["absolute"]["totalInstancesUsed"] == 0


def test_booting_from_volumes_is_refused_clearly(cloud: Cloud) -> None:
    volume = {"source_type": "volume", "destination_type": "volume", "uuid": MISSING, "boot_index": 0}
    more = {"source_type": "image", "destination_type": "local", "uuid": cloud.image, "boot_index": 0}
    for devices in ([volume], [more, more], [more | {"boot_index": 1}], [more | {"uuid": MISSING}]):
        answer = cloud.post_server(block_device_mapping_v2=devices)
        assert answer.status == 400, devices
    assert "only booting from an image" in message(cloud.post_server(block_device_mapping_v2=[volume]))
    assert cloud.post_server(block_device_mapping=[{"volume_id": MISSING}]).status == 400
    assert cloud.post_server(block_device_mapping_v2=[more]).status == 202
    assert cloud.post_server(imageRef="", block_device_mapping_v2=[more]).status == 202


def test_an_image_must_fit_the_flavor(cloud: Cloud) -> None:
    hungry = cloud.new_image(b"x", min_ram=512)
    wide = cloud.new_image(b"x", min_disk=2)
    assert "memory is too small" in message(cloud.post_server(imageRef=hungry))
    assert "disk is too small" in message(cloud.post_server(imageRef=wide))
    assert cloud.post_server(imageRef=wide, flavorRef="2").status == 202
    disc = cloud.new_image(bytes(32768) + b"\x01CD001\x01" + bytes(4096), disk_format="iso")
    assert "cannot be booted" in message(cloud.post_server(imageRef=disc))


def test_another_projects_private_image_and_server_do_not_exist(cloud: Cloud) -> None:
    secret = cloud.new_image(b"x", token="member:beta", visibility="private")
    assert cloud.post_server(imageRef=secret).status == 400
    theirs = cloud.create(token="member:beta")
    for method, path, body in (
        ("GET", f"/servers/{theirs}", None),
        ("DELETE", f"/servers/{theirs}", None),
        ("PUT", f"/servers/{theirs}", {"server": {"name": "x"}}),
        ("POST", f"/servers/{theirs}/action", {"os-stop": None}),
        ("POST", f"/servers/{theirs}/action", {"os-getConsoleOutput": {}}),
        ("GET", f"/servers/{theirs}/os-instance-actions", None),
        ("PUT", f"/servers/{theirs}/tags/x", None),
        ("GET", f"/servers/{theirs}/ips", None),
    ):
        assert cloud.ask(method, path, body).status == 404, path
    assert cloud.names() == []
    assert cloud.names(token=ADMIN) == []
    assert cloud.names("all_tenants=1", token=ADMIN) == ["one"]
    assert cloud.ask("GET", "/servers/detail", query="all_tenants=1").status == 403


def test_several_at_once_are_numbered_and_all_or_none(cloud: Cloud) -> None:
    answer = cloud.post_server(name="many", min_count=2, max_count=3, return_reservation_id=True)
    assert answer.status == 202
    reservation = answer.json["reservation_id"]
    cloud.settle()
    found = cloud.ask("GET", "/servers/detail", query=f"reservation_id={reservation}", token=ADMIN).json["servers"]
    assert sorted(server["name"] for server in found) == ["many-1", "many-2", "many-3"]
    assert {server["status"] for server in found} == {"ACTIVE"}
    assert sorted(server["OS-EXT-SRV-ATTR:launch_index"] for server in found) == [0, 1, 2]
    assert cloud.post_server(min_count=3, max_count=2).status == 400
    assert cloud.post_server(min_count=101).status == 400
    network = next(iter(cloud.ask("GET", f"/servers/{found[0]['id']}/os-interface").json["interfaceAttachments"]))
    fixed = [{"uuid": network["net_id"], "fixed_ip": "10.0.0.9"}]
    assert cloud.post_server(min_count=2, networks=fixed).status == 400


def test_a_full_quota_is_403_and_as_many_as_fit_are_made(either: Cloud) -> None:
    values = {"instances": 3, "cores": 3, "ram": 1000}
    assert either.ask("PUT", "/os-quota-sets/alpha", {"quota_set": values}, token=ADMIN).status == 200
    assert either.post_server(min_count=4).status == 403
    assert either.post_server(flavorRef="2").status == 403
    assert either.post_server(min_count=1, max_count=9).status == 202
    assert len(either.names()) == 3
    answer = either.post_server()
    assert answer.status == 403
    assert "Quota exceeded" in message(answer)
    used = either.ask("GET", "/os-quota-sets/alpha/detail").json["quota_set"]
    assert (used["instances"]["in_use"], used["cores"]["in_use"], used["ram"]["in_use"]) == (3, 3, 384)


def test_a_quota_is_exact_under_a_rush(either: Cloud) -> None:
    either.ask("PUT", "/os-quota-sets/alpha", {"quota_set": {"instances": 5}}, token=ADMIN)
    assert either.image
    either.create()
    statuses: list[int] = []

    def rush() -> None:
        statuses.append(either.post_server().status)

    threads = [threading.Thread(target=rush) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [202] * 4 + [403] * 8
    assert len(either.names()) == 5


def test_networks_none_auto_and_by_version(cloud: Cloud) -> None:
    bare = cloud.create(networks="none")
    assert cloud.show(bare)["addresses"] == {}
    assert cloud.show(bare)["status"] == "ACTIVE"
    auto = cloud.create(networks="auto")
    assert cloud.show(auto)["addresses"] != {}
    server = {"name": "old", "imageRef": cloud.image, "flavorRef": "1"}
    assert cloud.ask("POST", "/servers", {"server": server}, at="2.36").status == 202
    assert cloud.ask("POST", "/servers", {"server": server}, at="2.37").status == 400
    assert cloud.ask("POST", "/servers", {"server": server | {"networks": "auto"}}, at="2.36").status == 400


@pytest.mark.parametrize(
    ("field", "value", "since"),
    [("description", "x", 19), ("networks", [{"uuid": MISSING, "tag": "x"}], 32)],
)
def test_a_field_before_its_microversion_is_refused(cloud: Cloud, field: str, value: Any, since: int) -> None:
    wish = {"name": "s", "imageRef": cloud.image, "flavorRef": "1", field: value}
    answer = cloud.ask("POST", "/servers", {"server": wish}, at=f"2.{since - 1}")
    assert answer.status == 400
    assert "unexpected" in message(answer)


def filters(cloud: Cloud) -> dict[str, str]:
    names = ("apple", "apricot", "banana")
    ids = {name: cloud.create(name=name) for name in names}
    cloud.act(ids["banana"], "os-stop")
    cloud.settle(10)
    cloud.ask("PUT", f"/servers/{ids['apple']}/tags", {"tags": ["red", "round"]})
    cloud.ask("PUT", f"/servers/{ids['apricot']}/tags", {"tags": ["round"]})
    return ids


def test_lists_are_filtered(cloud: Cloud) -> None:
    ids = filters(cloud)
    address = next(iter(cloud.show(ids["apple"])["addresses"].values()))[0]["addr"]

    def found(query: str, **words: Any) -> list[str]:
        return sorted(cloud.names(query, **words))

    assert found("name=ap") == ["apple", "apricot"]
    assert found("name=^b.*a$") == ["banana"]
    assert found("status=ACTIVE") == ["apple", "apricot"]
    assert found("status=shutoff&status=ERROR") == ["banana"]
    assert found("status=unheard") == []
    assert found(f"flavor=1&image={cloud.image}") == ["apple", "apricot", "banana"]
    assert found("flavor=2") == []
    assert found(f"image={MISSING}") == []
    assert found(f"ip={address.replace('.', '[.]')}$") == ["apple"]
    assert found(f"uuid={ids['banana']}") == ["banana"]
    assert found("tags=round") == ["apple", "apricot"]
    assert found("tags=round,red") == ["apple"]
    assert found("tags-any=red,green") == ["apple"]
    assert found("not-tags=round,red") == ["apricot", "banana"]
    assert found("not-tags-any=round") == ["banana"]
    assert found("tags=green", at="2.25") == ["apple", "apricot", "banana"]
    assert found("changes-since=2051-01-01T12:34:00Z") == []
    assert found("changes-since=2001-01-01T12:34:00Z") == ["apple", "apricot", "banana"]
    assert found("host=h1", token=ADMIN) + found("host=h2", token=ADMIN) != []
    assert found("host=h9") == ["apple", "apricot", "banana"], "people may not ask for hosts: it is ignored"
    assert found("host=h9", token=ADMIN) == []
    assert found("vm_state=stopped&all_tenants=1", token=ADMIN) == ["banana"]
    assert found("power_state=4", token=ADMIN) == ["banana"]
    assert found("task_state=None&node=h", token=ADMIN) == ["apple", "apricot", "banana"]
    assert found("project_id=beta&all_tenants=1", token=ADMIN) == []
    assert found("deleted=true", token=ADMIN) == []
    for bad in (
        "name=(",
        "changes-since=yesterday",
        "limit=-1",
        "limit=x",
        "marker=nope",
        "sort_key=nope",
        "sort_dir=up",
    ):
        assert cloud.ask("GET", "/servers", query=bad).status == 400, bad
    assert cloud.ask("GET", "/servers", query="status=DELETED").status == 403


def test_lists_are_paged_and_sorted(either: Cloud) -> None:
    for number in range(5):
        either.create(name=f"s{number % 3}", settle=False)
        either.clock.advance(1)  # type: ignore[attr-defined]
    assert either.names() == ["s1", "s0", "s2", "s1", "s0"]
    assert either.names("limit=0") == []
    assert either.names("sort_key=display_name&sort_dir=asc") == ["s0", "s0", "s1", "s1", "s2"]
    assert either.names("sort_key=display_name&sort_key=created_at&sort_dir=desc&sort_dir=asc") == [
        "s2", "s1", "s1", "s0", "s0"
    ]  # fmt: skip
    for query in ("limit=2", "limit=2&sort_key=display_name&sort_dir=asc", "limit=2&name=s[01]"):
        seen, rounds = [], 0
        path = f"/servers?{query}"
        while path:
            answer = either.ask("GET", path)
            seen += [server["id"] for server in answer.json["servers"]]
            links = answer.json.get("servers_links", [])
            path = links[0]["href"].partition("/v2.1")[2] if links else ""
            rounds += 1
        whole = either.ask("GET", f"/servers?{query.replace('limit=2', '')}").json["servers"]
        assert seen == [server["id"] for server in whole], query
        assert rounds == len(seen) // 2 + 1


def test_a_server_is_changed(cloud: Cloud) -> None:
    id = cloud.create(description="old")
    change = {"name": "Ångström", "description": None, "accessIPv4": "198.18.0.9", "accessIPv6": "2001:db8::9"}
    answer = cloud.ask("PUT", f"/servers/{id}", {"server": change})
    assert answer.status == 200
    shown = cloud.show(id)
    assert [shown[name] for name in change] == list(change.values())
    assert cloud.ask("PUT", f"/servers/{id}", {"server": {}}).status == 200
    assert cloud.ask("PUT", f"/servers/{MISSING}", {"server": {"name": "x"}}).status == 404


def test_metadata_items(cloud: Cloud) -> None:
    id = cloud.create(metadata={"a": "1"})
    path = f"/servers/{id}/metadata"
    assert cloud.ask("POST", path, {"metadata": {"b": "2"}}).json == {"metadata": {"a": "1", "b": "2"}}
    assert cloud.ask("PUT", path, {"metadata": {"c": "3"}}).json == {"metadata": {"c": "3"}}
    assert cloud.ask("PUT", f"{path}/d", {"meta": {"d": "4"}}).json == {"meta": {"d": "4"}}
    assert cloud.ask("PUT", f"{path}/d", {"meta": {"e": "4"}}).status == 400
    assert cloud.ask("GET", f"{path}/d").json == {"meta": {"d": "4"}}
    assert cloud.ask("DELETE", f"{path}/d").status == 204
    assert cloud.ask("DELETE", f"{path}/d").status == 404
    assert cloud.ask("GET", f"{path}/d").status == 404
    assert cloud.ask("GET", path).json == {"metadata": {"c": "3"}}
    many = {str(number): "x" for number in range(129)}
    assert cloud.ask("PUT", path, {"metadata": many}).status == 403
    assert cloud.post_server(metadata=many).status == 403


def test_tags(cloud: Cloud) -> None:
    id = cloud.create()
    path = f"/servers/{id}/tags"
    added = cloud.ask("PUT", f"{path}/one")
    assert (added.status, added.headers["location"].endswith("/tags/one")) == (201, True)
    assert cloud.ask("PUT", f"{path}/one").status == 204
    assert cloud.ask("GET", f"{path}/one").status == 204
    assert cloud.ask("GET", f"{path}/two").status == 404
    assert cloud.ask("PUT", path, {"tags": ["b", "a", "b"]}).json == {"tags": ["b", "a"]}
    assert cloud.ask("DELETE", f"{path}/a").status == 204
    assert cloud.ask("DELETE", f"{path}/a").status == 404
    assert cloud.show(id)["tags"] == ["b"]
    assert cloud.ask("DELETE", path).status == 204
    assert cloud.ask("GET", path).json == {"tags": []}
    assert cloud.ask("PUT", f"{path}/{'x' * 61}").status == 400
    assert cloud.ask("GET", path, at="2.25").status == 404
    cloud.ask("PUT", path, {"tags": [str(number) for number in range(50)]})
    assert cloud.ask("PUT", f"{path}/more").status == 400


def test_force_delete_and_delete_are_the_same(cloud: Cloud) -> None:
    id = cloud.create()
    assert cloud.act(id, "forceDelete").status == 202
    cloud.settle()
    assert cloud.ask("GET", f"/servers/{id}").status == 404


def test_readers_read_and_nothing_more(cloud: Cloud) -> None:
    id = cloud.create()
    reader = "reader:alpha"
    assert cloud.show(id, token=reader)["status"] == "ACTIVE"
    assert "OS-EXT-SRV-ATTR:host" not in cloud.show(id, token=reader)
    assert cloud.post_server(token=reader).status == 403
    assert cloud.act(id, "os-stop", token=reader).status == 403
    assert cloud.ask("DELETE", f"/servers/{id}", token=reader).status == 403


def test_a_large_user_data_is_taken_and_a_larger_one_refused(cloud: Cloud) -> None:
    import base64

    largest = base64.b64encode(b"x" * 49149).decode()
    assert len(largest) <= 65535
    id = cloud.create(user_data=largest)
    assert cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:user_data"] == largest
    listed = cloud.ask("GET", "/servers/detail", token=ADMIN).json["servers"][0]
    assert listed["OS-EXT-SRV-ATTR:user_data"] == largest
    assert cloud.post_server(user_data=base64.b64encode(b"x" * 50000).decode()).status == 400
    assert len(largest) < MIB
