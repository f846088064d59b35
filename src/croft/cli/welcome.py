"""What `croft up` ends with: a first server in project `demo`, proof that it answers, and how to go on."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from typing import Any

import click

from croft.cli.client import Client, ClientError
from croft.machine import facts as facts_module
from croft.machine.credentials import write_private
from croft.machine.layout import Layout
from croft.machine.progress import Progress, StepFailed

IMAGE, FLAVOR, NAME, GROUP, KEY = "tiny", "m1.tiny", "first", "web", "first"
AUTO = {"X-OpenStack-Nova-API-Version": "2.37"}
BOOT_SECONDS = 180


@dataclass(frozen=True)
class First:
    server: str
    address: str
    """The floating IP."""


def first_server(layout: Layout, progress: Progress) -> None:
    """Makes what is missing of image, key, rules, server and address, waits for its page, prints what to type next.

    A first server that people deleted stays deleted."""
    known = facts_module.load(layout)
    assert known is not None
    member = Client.from_clouds(layout.clouds_yaml, cloud="croft")
    first, page = None, ""
    try:
        if known.engines == "real":
            _ensure_image(layout, member, progress)
            first = _ensure_server(layout, member, progress)
        if first is not None:
            with progress.step("the first server answers"):
                page = _page(layout, member, first)
    except ClientError as error:
        raise StepFailed(
            f"the API refused: {error}",
            advice="Read `croft status`, `croft why` and `croft logs serve`, then run `croft up` again.",
            log=layout.daemon_log("serve"),
        ) from error
    _print(layout, known.url, first, page)


def _ensure_image(layout: Layout, member: Client, progress: Progress) -> None:
    if not member.request("image", "GET", f"/v2/images?name={IMAGE}&status=active")["images"]:
        from croft.cli.image import ensure_registered

        ensure_registered(IMAGE, layout, progress)


def _ensure_server(layout: Layout, member: Client, progress: Progress) -> First | None:
    marker = layout.state / "first-server.json"
    if marker.exists():
        first = First(**json.loads(marker.read_text()))
        known = {server["id"] for server in member.request("compute", "GET", "/servers")["servers"]}
        return first if first.server in known else None
    with progress.step("the first server asked for"):
        _ensure_key(layout, member)
        _ensure_group(member)
        first = _create(member)
    write_private(marker, json.dumps(asdict(first)) + "\n")
    return first


def _ensure_key(layout: Layout, member: Client) -> None:
    path = layout.state / "first-key"
    if not path.exists():
        argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "croft first server", "-f", str(path))
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    names = {each["keypair"]["name"] for each in member.request("compute", "GET", "/os-keypairs")["keypairs"]}
    if KEY not in names:
        public = path.with_name(path.name + ".pub").read_text().strip()
        member.request("compute", "POST", "/os-keypairs", {"keypair": {"name": KEY, "public_key": public}})


def _ensure_group(member: Client) -> None:
    """A security group that lets in ping, ssh and web over IPv4 and IPv6."""
    path = "/v2.0/security-groups"
    if member.request("network", "GET", f"{path}?name={GROUP}")["security_groups"]:
        return
    body = {"security_group": {"name": GROUP, "description": "ping, ssh and web from anywhere"}}
    group = member.request("network", "POST", path, body)["security_group"]["id"]
    for ethertype, icmp in (("IPv4", "icmp"), ("IPv6", "ipv6-icmp")):
        for protocol, port in (("tcp", 22), ("tcp", 80), (icmp, None)):
            rule = {"security_group_id": group, "direction": "ingress", "ethertype": ethertype, "protocol": protocol}
            if port is not None:
                rule |= {"port_range_min": port, "port_range_max": port}
            member.request("network", "POST", "/v2.0/security-group-rules", {"security_group_rule": rule})


def _create(member: Client) -> First:
    image = member.request("image", "GET", f"/v2/images?name={IMAGE}&status=active")["images"][0]["id"]
    flavors = member.request("compute", "GET", "/flavors")["flavors"]
    flavor = next(each["id"] for each in flavors if each["name"] == FLAVOR)
    existing = member.request("compute", "GET", f"/servers?name=%5E{NAME}$")["servers"]
    wish = {
        "name": NAME,
        "imageRef": image,
        "flavorRef": flavor,
        "key_name": KEY,
        "networks": "auto",
        "security_groups": [{"name": GROUP}],
    }
    server = (
        existing[0] if existing else member.request("compute", "POST", "/servers", {"server": wish}, AUTO)["server"]
    )
    port = member.request("network", "GET", f"/v2.0/ports?device_id={server['id']}")["ports"][0]["id"]
    floating = member.request("network", "GET", f"/v2.0/floatingips?port_id={port}")["floatingips"]
    if not floating:
        public = member.request("network", "GET", "/v2.0/networks?router:external=true")["networks"][0]["id"]
        body = {"floatingip": {"floating_network_id": public, "port_id": port}}
        floating = [member.request("network", "POST", "/v2.0/floatingips", body)["floatingip"]]
    return First(server["id"], floating[0]["floating_ip_address"])


def _page(layout: Layout, member: Client, first: First) -> str:
    """The server's web page, through its floating IP."""
    deadline, trouble = time.monotonic() + BOOT_SECONDS, ""
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{first.address}/", timeout=3) as answer:
                text: str = answer.read(2000).decode(errors="replace").strip()
                return text
        except (OSError, urllib.error.URLError) as error:
            trouble = str(error)
        server: dict[str, Any] = member.request("compute", "GET", f"/servers/{first.server}")["server"]
        if server["status"] == "SHUTOFF":
            return "(stopped; start it with: openstack server start first)"
        if server["status"] == "ERROR":
            trouble = server.get("fault", {}).get("message", "it is in ERROR")
        time.sleep(0.3)
    raise StepFailed(
        f"http://{first.address}/ did not answer within {BOOT_SECONDS} s ({trouble})",
        advice=f"Read `croft why {first.server}` and `openstack console log show {NAME}`, then run `croft up` again.",
        log=layout.daemon_log("serve"),
    )


def _print(layout: Layout, url: str, first: First | None, page: str) -> None:
    clouds = layout.clouds_yaml
    click.echo("")
    click.echo(f"The API           {url}")
    click.echo(f"clouds.yaml       {clouds}   (clouds: croft, croft-admin)")
    click.echo(f"Try               OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=croft openstack server list")
    if first is not None:
        click.echo(
            f"First server      http://{first.address}/   (ssh -i {layout.state / 'first-key'} root@{first.address})"
        )
        click.echo(f"It answers        {page.splitlines()[0] if page else ''}")
