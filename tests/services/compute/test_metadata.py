"""What a guest reads about itself: at the metadata address and on its config drive."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pycdlib
import pytest

from croft.drivers.metadata import Answer
from tests.services.compute.cloud import MIB, Cloud
from tests.world import away

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF/v8CBFLjKGhKmU2pPCOWgGWxcE9f1GR7UrYh2qZyvR me@home"
USER_DATA = b"#!/bin/sh\necho hello\n"


class Guest:
    def __init__(self, cloud: Cloud, **wishes: Any) -> None:
        made = cloud.ask("POST", "/os-keypairs", {"keypair": {"name": "mine", "public_key": KEY}})
        assert made.status in (201, 409)
        encoded = base64.b64encode(USER_DATA).decode()
        wish = {"name": "Web Server", "key_name": "mine", "user_data": encoded, "metadata": {"role": "web"}}
        self.cloud = cloud
        self.id = cloud.create(**(wish | wishes))
        interface = cloud.ask("GET", f"/servers/{self.id}/os-interface").json["interfaceAttachments"][0]
        self.network, self.port, self.mac = interface["net_id"], interface["port_id"], interface["mac_addr"]
        self.address = next(ip["ip_address"] for ip in interface["fixed_ips"] if "." in ip["ip_address"])

    def get(self, path: str) -> Answer:
        answer = self.cloud.metadata.ask(self.network, self.address, path)
        assert answer is not None, "nobody listens at the metadata address"
        return answer

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status == 200, path
        return answer.body.decode()

    def json(self, name: str, version: str = "latest") -> Any:
        answer = self.get(f"/openstack/{version}/{name}")
        assert (answer.status, answer.content_type) == (200, "application/json")
        return json.loads(answer.body)


@pytest.fixture
def guest(cloud: Cloud) -> Guest:
    return Guest(cloud)


def test_cloud_init_finds_its_version_and_documents(guest: Guest) -> None:
    assert {"2015-10-15", "2018-08-27", "latest"} <= set(guest.text("/openstack").split())
    assert guest.text("/openstack/").split() == guest.text("/openstack").split()
    files = guest.text("/openstack/latest").split()
    assert {"meta_data.json", "network_data.json", "user_data", "vendor_data.json"} <= set(files)
    found = guest.json("meta_data.json", "2018-08-27")
    assert (found["uuid"], found["name"], found["hostname"]) == (guest.id, "Web Server", "web-server")
    assert found["public_keys"] == {"mine": KEY + "\n"}
    assert found["keys"] == [{"name": "mine", "type": "ssh", "data": KEY + "\n"}]
    assert found["meta"] == {"role": "web"}
    assert (found["project_id"], found["availability_zone"], found["launch_index"]) == ("alpha", "nova", 0)
    assert len(base64.b64decode(found["random_seed"])) == 512
    assert guest.json("vendor_data.json") == guest.json("vendor_data2.json") == {}


def test_user_data_is_served_as_given_and_missing_without(guest: Guest, cloud: Cloud) -> None:
    assert guest.get("/openstack/latest/user_data").body == USER_DATA
    assert guest.get("/latest/user-data").body == USER_DATA
    bare = Guest(cloud, user_data="")
    assert bare.get("/openstack/latest/user_data").status == 404
    assert bare.get("/latest/user-data").status == 404
    assert "user_data" not in bare.text("/openstack/latest")


def test_the_network_is_described(guest: Guest) -> None:
    found = guest.json("network_data.json")
    (link,) = found["links"]
    assert (link["vif_id"], link["ethernet_mac_address"]) == (guest.port, guest.mac)
    kinds = {each["type"] for each in found["networks"]}
    assert "ipv4_dhcp" in kinds
    assert all(each["link"] == link["id"] and each["network_id"] == guest.network for each in found["networks"])


def test_networks_without_dhcp_are_described_whole(cloud: Cloud) -> None:
    made = cloud.call("POST", "/network/v2.0/networks", {"network": {"name": "plain"}})
    network = made.json["network"]["id"]
    for subnet in (
        {"ip_version": 4, "cidr": "10.7.0.0/24", "enable_dhcp": False, "dns_nameservers": ["198.18.0.53"]},
        {"ip_version": 6, "cidr": "2001:db8:7::/64", "ipv6_address_mode": "dhcpv6-stateful"},
    ):
        answer = cloud.call("POST", "/network/v2.0/subnets", {"subnet": subnet | {"network_id": network}})
        assert answer.status == 201, answer.body
    guest = Guest(cloud, networks=[{"uuid": network}], config_drive=True)
    found = json.loads(read_drive(cloud, guest.id)["/openstack/latest/network_data.json"])
    by_type = {each["type"]: each for each in found["networks"]}
    static = by_type["ipv4"]
    assert (static["ip_address"], static["netmask"]) == (guest.address, "255.255.255.0")
    assert static["routes"] == [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.7.0.1"}]
    assert "ipv6_dhcpv6-stateful" in by_type
    assert found["services"] == [{"type": "dns", "address": "198.18.0.53"}]


def test_an_unreachable_database_is_said_so(guest: Guest, cloud: Cloud) -> None:
    with away(cloud.db):
        assert guest.get("/openstack").status == 503
    assert guest.get("/openstack").status == 200


def test_the_ec2_tree(guest: Guest) -> None:
    assert "latest" in guest.text("/").split()
    names = guest.text("/latest/meta-data/").split()
    assert {"hostname", "instance-id", "local-ipv4", "public-keys/", "placement/"} <= set(names)
    assert guest.text("/2009-04-04/meta-data/hostname") == "web-server"
    assert guest.text("/latest/meta-data/local-ipv4") == guest.address
    assert guest.text("/latest/meta-data/public-keys/") == "0=mine"
    assert guest.text("/latest/meta-data/public-keys/0/") == "openssh-key"
    assert guest.text("/latest/meta-data/public-keys/0/openssh-key") == KEY + "\n"
    assert guest.text("/latest/meta-data/placement/availability-zone") == "nova"
    assert guest.text("/latest/meta-data/instance-id").startswith("i-")
    assert "default" in guest.text("/latest/meta-data/security-groups")


@pytest.mark.parametrize(
    "path",
    ["/favicon.ico", "/openstack/1999-01-01", "/openstack/latest/secrets", "/latest/meta-data/hostname/x",
     "/latest/meta-data/nothing", "/latest/other", "/openstack/latest/meta_data.json/x"],
)  # fmt: skip
def test_what_is_not_there_is_404(guest: Guest, path: str) -> None:
    assert guest.get(path).status == 404


def test_strangers_and_the_dead_are_told_nothing(guest: Guest, cloud: Cloud) -> None:
    ask = cloud.metadata.ask
    stranger = ask(guest.network, "10.255.255.254", "/openstack/latest/meta_data.json")
    assert stranger is not None
    assert stranger.status == 404
    cloud.ask("DELETE", f"/servers/{guest.id}")
    assert guest.get("/openstack/latest/meta_data.json").status == 404


def test_metadata_changes_are_seen_at_once(guest: Guest, cloud: Cloud) -> None:
    cloud.ask("POST", f"/servers/{guest.id}/metadata", {"metadata": {"colour": "blue"}})
    assert guest.json("meta_data.json")["meta"] == {"role": "web", "colour": "blue"}


def read_drive(cloud: Cloud, id: str) -> dict[str, bytes]:
    state = cloud.block.observe(f"{id}-config")
    assert state is not None
    assert state.format == "raw"
    disc = pycdlib.PyCdlib()
    disc.open_fp(io.BytesIO(cloud.block.peek(state.locator, MIB)))
    assert disc.pvd.volume_identifier.decode().strip() == "config-2"
    found = {}
    for folder, _, files in disc.walk(rr_path="/"):
        for name in files:
            out = io.BytesIO()
            disc.get_file_from_iso_fp(out, rr_path=f"{folder}/{name}")
            found[f"{folder}/{name}"] = out.getvalue()
    disc.close()
    return found


def test_the_config_drive_holds_the_same(cloud: Cloud) -> None:
    guest = Guest(cloud, config_drive=True)
    files = read_drive(cloud, guest.id)
    assert files["/openstack/latest/user_data"] == USER_DATA
    told = json.loads(files["/openstack/2018-08-27/meta_data.json"])
    assert (told["hostname"], told["keys"][0]["data"]) == ("web-server", KEY + "\n")
    assert json.loads(files["/openstack/latest/network_data.json"])["links"][0]["ethernet_mac_address"] == guest.mac
    assert json.loads(files["/openstack/latest/vendor_data.json"]) == {}
    host = cloud.show(guest.id, token="admin:alpha")["OS-EXT-SRV-ATTR:host"]
    state = cloud.hypervisor.observe(host, guest.id)
    assert state is not None
    assert len(state.disks) == 2
    assert cloud.show(guest.id)["config_drive"] == "True"


def test_tagged_devices_are_named(cloud: Cloud) -> None:
    probe = Guest(cloud)
    image = cloud.image
    disk = {"source_type": "image", "destination_type": "local", "boot_index": 0, "uuid": image, "tag": "system"}
    wish = {"networks": [{"uuid": probe.network, "tag": "front"}], "block_device_mapping_v2": [disk], "at": "2.32"}
    guest = Guest(cloud, **wish)
    devices = guest.json("meta_data.json")["devices"]
    assert [(each["type"], each["tags"]) for each in devices] == [("nic", ["front"]), ("disk", ["system"])]
    assert devices[0]["mac"] == guest.mac
