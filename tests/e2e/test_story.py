"""What a newcomer does, with the released `openstack` client and the printed clouds.yaml only."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.cloud import MARKS, RunningCloud, Ssh, eventually, make_key, page

pytestmark = MARKS


def test_the_first_server_answers_and_a_second_up_finds_all_in_place(cloud: RunningCloud) -> None:
    again = cloud.croft("up").stdout
    assert "It answers" in again
    assert "openstack server list" in again
    assert cloud.status()["healthy"]
    servers = cloud.openstack("server", "list")
    assert [(each["Name"], each["Status"]) for each in servers] == [("first", "ACTIVE")]


def test_a_server_from_nothing_and_back_to_nothing(cloud: RunningCloud, tmp_path: Path) -> None:
    before = cloud.belongings()
    key = make_key(tmp_path)
    run = cloud.openstack
    run("keypair", "create", "--public-key", f"{key}.pub", "story")
    run("network", "create", "story-net")
    run("subnet", "create", "--network", "story-net", "--subnet-range", "192.168.77.0/24", "story-v4")
    v6 = ["--ip-version", "6", "--ipv6-ra-mode", "slaac", "--ipv6-address-mode", "slaac", "--use-default-subnet-pool"]
    run("subnet", "create", "--network", "story-net", *v6, "story-v6")
    run("router", "create", "--external-gateway", "public", "story-router")
    run("router", "add", "subnet", "story-router", "story-v4", parse=False)
    run("router", "add", "subnet", "story-router", "story-v6", parse=False)
    run("security", "group", "create", "story-web")
    for ethertype in ("IPv4", "IPv6"):
        for port in ("22", "80"):
            rule = ["--protocol", "tcp", "--dst-port", port, "--ethertype", ethertype]
            run("security", "group", "rule", "create", *rule, "story-web")
    wish = ["--image", "tiny", "--flavor", "m1.tiny", "--key-name", "story", "--network", "story-net"]
    run("server", "create", *wish, "--security-group", "story-web", "--wait", "story")
    floating = run("floating", "ip", "create", "public")["floating_ip_address"]
    run("server", "add", "floating", "ip", "story", floating, parse=False)

    server = run("server", "show", "story")
    assert server["status"] == "ACTIVE"
    addresses = server["addresses"]["story-net"]
    own_v6 = next(each for each in addresses if ":" in each)
    assert floating in addresses
    eventually("the page through the floating IP", lambda: "story" in page(floating))
    eventually("the page over IPv6", lambda: "story" in page(own_v6))
    ssh = Ssh(key)
    assert eventually("ssh", lambda: ssh(floating, "hostname")).strip() == "story"
    assert "TINY-READY host=story" in run("console", "log", "show", "story", parse=False)

    run("server", "delete", "--wait", "story", parse=False)
    run("floating", "ip", "delete", floating, parse=False)
    run("router", "remove", "subnet", "story-router", "story-v4", parse=False)
    run("router", "remove", "subnet", "story-router", "story-v6", parse=False)
    run("router", "delete", "story-router", parse=False)
    run("network", "delete", "story-net", parse=False)
    run("security", "group", "delete", "story-web", parse=False)
    run("keypair", "delete", "story", parse=False)
    assert run("server", "list", "--name", "story") == []

    def nothing_left() -> bool:
        now = cloud.belongings()
        surplus = {name: found - before[name] for name, found in now.items() if found - before[name]}
        assert surplus == {}
        return True

    eventually("nothing is left in OVN, libvirt or on disk", nothing_left, seconds=60, pause=1)


def test_debian_with_cloud_init_reaches_the_outside(cloud: RunningCloud, tmp_path: Path) -> None:
    cloud.croft("image", "build", "debian-12", timeout=900)
    key = make_key(tmp_path)
    run = cloud.openstack
    run("keypair", "create", "--public-key", f"{key}.pub", "deb")
    script = tmp_path / "user-data"
    script.write_text("#cloud-config\nwrite_files:\n- path: /etc/croft-was-here\n  content: yes it was\n")
    wish = ["--image", "debian-12", "--flavor", "m1.small", "--key-name", "deb", "--user-data", str(script)]
    run("server", "create", *wish, "--security-group", "web", "deb")
    floating = run("floating", "ip", "create", "public")["floating_ip_address"]
    eventually("ACTIVE", lambda: run("server", "show", "deb")["status"] == "ACTIVE", seconds=120, pause=1)
    run("server", "add", "floating", "ip", "deb", floating, parse=False)
    ssh = Ssh(key, "debian")
    assert eventually("ssh", lambda: ssh(floating, "hostname"), seconds=400, pause=2).strip() == "deb"
    eventually("cloud-init", lambda: "done" in ssh(floating, "cloud-init status"), seconds=200, pause=2)
    assert ssh(floating, "cat /etc/croft-was-here").strip() == "yes it was"
    outside = cloud.sdk("croft-admin").network.find_network("public", ignore_missing=False)
    gateways = [cloud.sdk("croft-admin").network.get_subnet(each).gateway_ip for each in outside.subnet_ids]
    gateway = next(each for each in gateways if "." in each)
    assert "1 received" in ssh(floating, f"ping -c 1 -W 5 {gateway}")
    run("server", "delete", "--wait", "deb", parse=False)
    run("floating", "ip", "delete", floating, parse=False)
    run("keypair", "delete", "deb", parse=False)
