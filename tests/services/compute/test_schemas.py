"""Every answer is what Nova's own schemas say, and bad bodies are refused where Nova refuses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from croft.core.http import Version
from croft.services.compute.api import MICROVERSIONS
from tests.services.compute import schemas
from tests.services.compute.cloud import ADMIN, Cloud

pytestmark = pytest.mark.skipif(not schemas.PLACE.exists(), reason=f"Nova's schemas are not at {schemas.PLACE}")
MOST = str(MICROVERSIONS.most)
STEPS = (1, 2, 3, 9, 10, 11, 16, 19, 26, 28, 33, 36, 39, 40, 47, 51, 53, 55, 57, 58, 61, 62, 63, 69, 70, 71, 73, 75, 84)
MINORS = {minor for step in STEPS for minor in (step - 1, step)} - {0}
VERSIONS = [f"2.{minor}" for minor in sorted(MINORS)] + [MOST]
"""Each version that changed an answer, and the one before it."""
UNVALIDATED = {"/v2.1", "/"}
RENAMED = {
    "/servers/{id}/ips": "/servers/{server_id}/ips",
    "/servers/{id}/ips/{network}": "/servers/{server_id}/ips/{id}",
    "/servers/{id}/metadata": "/servers/{server_id}/metadata",
    "/servers/{id}/metadata/{key}": "/servers/{server_id}/metadata/{id}",
    "/servers/{id}/tags": "/servers/{server_id}/tags",
    "/servers/{id}/tags/{tag}": "/servers/{server_id}/tags/{id}",
    "/servers/{id}/topology": "/servers/{server_id}/topology",
    "/servers/{id}/os-interface": "/servers/{server_id}/os-interface",
    "/servers/{id}/os-interface/{port}": "/servers/{server_id}/os-interface/{id}",
    "/servers/{id}/os-security-groups": "/servers/{server_id}/os-security-groups",
    "/servers/{id}/os-volume_attachments": "/servers/{server_id}/os-volume_attachments",
    "/servers/{id}/os-volume_attachments/{volume}": "/servers/{server_id}/os-volume_attachments/{id}",
    "/servers/{id}/os-server-password": "/servers/{server_id}/os-server-password",
    "/servers/{id}/os-instance-actions": "/servers/{server_id}/os-instance-actions",
    "/servers/{id}/os-instance-actions/{request}": "/servers/{server_id}/os-instance-actions/{id}",
    "/flavors/{id}/os-extra_specs": "/flavors/{flavor_id}/os-extra_specs",
    "/flavors/{id}/os-extra_specs/{key}": "/flavors/{flavor_id}/os-extra_specs/{id}",
    "/flavors/{id}/os-flavor-access": "/flavors/{flavor_id}/os-flavor-access",
    "/os-keypairs/{name}": "/os-keypairs/{id}",
    "/os-quota-sets/{project}": "/os-quota-sets/{id}",
    "/os-quota-sets/{project}/detail": "/os-quota-sets/{id}/detail",
    "/os-quota-sets/{project}/defaults": "/os-quota-sets/{id}/defaults",
    "/os-services/{verb}": "/os-services/{id}",
    "/os-simple-tenant-usage/{project}": "/os-simple-tenant-usage/{id}",
    "/extensions/{alias}": "/extensions/{id}",
}


def nova_path(path: str) -> str:
    short = path.removeprefix("/v2.1")
    return RENAMED.get(short, short)


@pytest.fixture
def peopled(cloud: Cloud) -> dict[str, str]:
    """A cloud with one of everything, and the ids to ask for."""
    key = {"keypair": {"name": "mine"}}
    assert cloud.ask("POST", "/os-keypairs", key).status == 201
    assert cloud.ask("POST", "/os-keypairs", key, token=ADMIN).status == 201
    private = {"name": "own", "ram": 128, "vcpus": 1, "disk": 1, "id": "own", "os-flavor-access:is_public": False}
    assert cloud.ask("POST", "/flavors", {"flavor": private}, token=ADMIN).status == 200
    cloud.ask("POST", "/flavors/own/action", {"addTenantAccess": {"tenant": "alpha"}}, token=ADMIN)
    cloud.ask("POST", "/flavors/own/os-extra_specs", {"extra_specs": {"hw:x": "1"}}, token=ADMIN)
    wish = {"key_name": "mine", "metadata": {"a": "b"}, "config_drive": True, "description": "d", "user_data": "aGk="}
    server = cloud.create(**wish, availability_zone="nova")
    cloud.ask("PUT", f"/servers/{server}/tags/t")
    broken = cloud.create(settle=False)
    shown = cloud.show(server)
    actions = cloud.ask("GET", f"/servers/{server}/os-instance-actions").json["instanceActions"]
    port = cloud.ask("GET", f"/servers/{server}/os-interface").json["interfaceAttachments"][0]["port_id"]
    hosts = cloud.ask("GET", "/os-hypervisors", at="2.53", token=ADMIN).json["hypervisors"]
    return {
        "server": server,
        "host": hosts[1]["id"],
        "building": broken,
        "network": next(iter(shown["addresses"])),
        "port": port,
        "request": actions[0]["request_id"],
    }


def fill(path: str, known: dict[str, str], spoken: Version) -> str:
    """The route's path with ids that exist."""
    values = {
        "network": known["network"],
        "key": "a" if "/servers" in path else "hw:x",
        "tag": "t",
        "port": known["port"],
        "request": known["request"],
        "name": "mine",
        "project": "alpha",
        "alias": "os-keypairs",
        "id": {"flavors": "own", "os-hypervisors": "1"}.get(path.split("/")[2], known["server"]),
    }
    if path.endswith(("/search", "/servers")) and "os-hypervisors" in path:
        values["id"] = "h1"
    elif "os-hypervisors" in path and spoken >= (2, 53):
        values["id"] = known["host"]
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path).removeprefix("/v2.1")


SILENT = {"/v2.1/servers/{id}/os-volume_attachments/{volume}", "/v2.1/os-hypervisors/{id}/uptime"}
"""Always refused: there is nothing to show."""


def test_what_is_read_is_as_nova_says(cloud: Cloud, peopled: dict[str, str]) -> None:
    wrong = []
    current = [route for route in cloud.services[-1].routes if route.path.startswith("/v2.1/")]
    routes = [route for route in current if route.method == "GET"]
    for at in VERSIONS:
        spoken = Version(*map(int, at.split(".")))
        for route in routes:
            if route.path in SILENT or not (route.since or spoken) <= spoken <= (route.until or spoken):
                continue
            schema = schemas.find("GET", nova_path(route.path), "response", at)
            answer = cloud.ask("GET", fill(route.path, peopled, spoken), at=at, token=ADMIN)
            if answer.status >= 300:
                wrong.append(f"{at} {route.path}: {answer.status} {answer.body[:100]!r}")
            elif answer.status != 204:
                assert schema is not None, f"{at} {route.path}: no schema"
                wrong += [f"{at} {route.path}: {each}" for each in schemas.problems(schema, answer.json)]
    assert wrong == []


def test_lists_link_to_their_next_page_as_nova_says(cloud: Cloud, peopled: dict[str, str]) -> None:
    for path in (
        "/servers",
        "/servers/detail",
        "/flavors",
        "/flavors/detail",
        "/os-keypairs",
        "/os-hypervisors",
        "/os-simple-tenant-usage",
    ):
        answer = cloud.ask("GET", path, query="limit=1", token=ADMIN, at=MOST)
        assert schemas.problems(schemas.find("GET", path, "response", MOST), answer.json) == []
        assert any(name.endswith("_links") for name in answer.json)


def changes(cloud: Cloud, known: dict[str, str], at: str) -> Iterator[tuple[str, str, str | None, Any]]:
    """(method, path, action, body) of every kind of change, in an order in which all work."""
    server, image = known["server"], cloud.image
    yield "PUT", f"/servers/{server}", None, {"server": {"name": "renamed", "accessIPv4": "198.18.0.1"}}
    yield "POST", f"/servers/{server}/metadata", None, {"metadata": {"k": "v"}}
    yield "PUT", f"/servers/{server}/metadata", None, {"metadata": {"a": "c"}}
    yield "PUT", f"/servers/{server}/metadata/a", None, {"meta": {"a": "d"}}
    yield "POST", f"/servers/{server}/action", "os-getConsoleOutput", {"os-getConsoleOutput": {"length": 5}}
    yield "POST", f"/servers/{server}/action", "reboot", {"reboot": {"type": "HARD"}}
    yield "POST", f"/servers/{server}/action", "os-stop", {"os-stop": None}
    yield "POST", f"/servers/{server}/action", "os-start", {"os-start": None}
    yield "POST", f"/servers/{server}/action", "rebuild", {"rebuild": {"imageRef": image, "metadata": {"x": "y"}}}
    yield "POST", f"/servers/{server}/action", "lock", {"lock": None}
    yield "POST", f"/servers/{server}/action", "unlock", {"unlock": None}
    yield "POST", f"/servers/{known['building']}/action", "forceDelete", {"forceDelete": None}
    wish: dict[str, Any] = {"name": "more", "imageRef": image, "flavorRef": "1", "networks": "none"}
    if at != MOST:
        del wish["networks"]
    yield "POST", "/servers", None, {"server": wish}
    yield "POST", "/servers", None, {"server": wish | {"return_reservation_id": True, "max_count": 2}}
    flavor = {"name": f"f{at}", "ram": 1, "vcpus": 1, "disk": 0, "id": f"f{at}"}
    yield "POST", "/flavors", None, {"flavor": flavor}
    yield "POST", f"/flavors/f{at}/os-extra_specs", None, {"extra_specs": {"a": "1"}}
    yield "PUT", f"/flavors/f{at}/os-extra_specs/a", None, {"a": "2"}
    yield "POST", "/flavors/own/action", "addTenantAccess", {"addTenantAccess": {"tenant": "gamma"}}
    yield "POST", "/flavors/own/action", "removeTenantAccess", {"removeTenantAccess": {"tenant": "gamma"}}
    yield "POST", "/os-keypairs", None, {"keypair": {"name": f"k{at.replace('.', '-')}"}}
    yield "PUT", "/os-quota-sets/beta", None, {"quota_set": {"cores": 7, "force": True}}
    if at != MOST:
        which = {"host": "h2", "binary": "nova-compute"}
        yield "PUT", "/os-services/disable", None, which
        yield "PUT", "/os-services/disable-log-reason", None, which | {"disabled_reason": "r"}
        yield "PUT", "/os-services/enable", None, which
        return
    yield "PUT", f"/os-services/{known['host']}", None, {"status": "disabled", "disabled_reason": "r"}
    yield "PUT", f"/os-services/{known['host']}", None, {"status": "enabled", "forced_down": False}
    yield "PUT", f"/flavors/f{at}", None, {"flavor": {"description": "good"}}
    yield "POST", f"/servers/{server}/action", "lock", {"lock": {"locked_reason": "mine"}}
    fresh = {"imageRef": image, "key_name": "mine", "user_data": "aGk=", "description": None}
    yield "POST", f"/servers/{server}/action", "rebuild", {"rebuild": fresh}


@pytest.mark.parametrize("at", ["2.1", MOST])
def test_what_changes_answer_is_as_nova_says(cloud: Cloud, peopled: dict[str, str], at: str) -> None:
    wrong = []
    routers = cloud.application._routers["compute"]
    for method, path, action, body in changes(cloud, peopled, at):
        route, _ = routers.find(method, "v2.1" + path, Version(*map(int, at.split("."))))
        request = schemas.find(method, nova_path(route.path), "request", at, action)
        assert request is not None or action == "unlock", f"no schema for {method} {path} {action}"
        assert not request or schemas.problems(request, body) == [], f"this test's own body for {path} is wrong"
        answer = cloud.ask(method, path, body, at=at, token=ADMIN)
        cloud.settle(65)
        schema = schemas.find(method, nova_path(route.path), "response", at, action)
        if answer.status >= 300:
            wrong.append(f"{method} {path} {action}: {answer.status} {answer.body[:200]!r}")
        wrong += [
            f"{method} {path} {action}: {each}"
            for each in schemas.problems(schema, answer.json if answer.body else None)
        ]
    assert wrong == []


MISSING = "70a599e0-31e7-49b7-b260-868f441e862b"
SERVER = {"name": "s", "flavorRef": "1", "imageRef": MISSING, "networks": "auto"}
BAD = [
    ("POST", "/servers", None, {"server": SERVER | change})
    for change in (
        {"name": ""},
        {"name": "x" * 256},
        {"name": " x"},
        {"name": 7},
        {"imageRef": "not-a-uuid"},
        {"flavorRef": None},
        {"networks": "some"},
        {"networks": [{"uuid": "x"}]},
        {"networks": [{"tag": "x/", "uuid": MISSING}]},
        {"networks": [{"fixed_ip": "300.1.1.1", "uuid": SERVER["imageRef"]}]},
        {"metadata": {"k": 7}},
        {"metadata": {"k" * 256: "v"}},
        {"metadata": {"k": "v" * 256}},
        {"metadata": {"k/": "v"}},
        {"user_data": "no base64!"},
        {"user_data": "a" * 65536},
        {"config_drive": "maybe"},
        {"min_count": 0},
        {"min_count": "two"},
        {"accessIPv4": "x"},
        {"accessIPv6": "198.18.0.1"},
        {"OS-DCF:diskConfig": "auto"},
        {"description": "x" * 256},
        {"availability_zone": ""},
        {"security_groups": [{"name": ""}]},
        {"security_groups": "default"},
        {"unheard-of": 1},
        {"tags": ["a/b"]},
        {"tags": [""]},
        {"personality": []},
        {"host": ""},
        {"trusted_image_certificates": [7]},
        {"key_name": ""},
    )
] + [
    ("POST", "/servers", None, {}),
    ("POST", "/servers", None, {"server": {}}),
    ("POST", "/servers", None, {"server": SERVER, "extra": 1}),
    ("PUT", "/servers/{id}", None, {"server": {"name": ""}}),
    ("PUT", "/servers/{id}", None, {"server": {"name": "x" * 256}}),
    ("PUT", "/servers/{id}", None, {"server": {"accessIPv4": "no"}}),
    ("PUT", "/servers/{id}", None, {"server": {"status": "ACTIVE"}}),
    ("POST", "/servers/{id}/action", "reboot", {"reboot": {"type": "sOFT"}}),
    ("POST", "/servers/{id}/action", "reboot", {"reboot": {}}),
    ("POST", "/servers/{id}/action", "os-getConsoleOutput", {"os-getConsoleOutput": {"length": -2}}),
    ("POST", "/servers/{id}/action", "os-getConsoleOutput", {"os-getConsoleOutput": {"length": "x"}}),
    ("POST", "/servers/{id}/action", "rebuild", {"rebuild": {"imageRef": "x"}}),
    ("POST", "/servers/{id}/action", "rebuild", {"rebuild": {}}),
    ("POST", "/servers/{id}/action", "addSecurityGroup", {"addSecurityGroup": {}}),
    ("POST", "/servers/{id}/metadata", None, {"metadata": {"k": None}}),
    ("POST", "/servers/{id}/metadata", None, {"metadata": {"": "v"}}),
    ("PUT", "/servers/{id}/metadata/{key}", None, {"meta": {"a": "b", "c": "d"}}),
    ("PUT", "/servers/{id}/tags", None, {"tags": ["a/b"]}),
    ("PUT", "/servers/{id}/tags", None, {"tags": [""]}),
    ("PUT", "/servers/{id}/tags", None, {"tags": [str(number) for number in range(51)]}),
    ("POST", "/flavors", None, {"flavor": {"name": "f", "ram": 0, "vcpus": 1, "disk": 1}}),
    ("POST", "/flavors", None, {"flavor": {"name": "f", "ram": 1, "vcpus": "x", "disk": 1}}),
    ("POST", "/flavors", None, {"flavor": {"name": "f", "ram": 1, "vcpus": 1, "disk": -1}}),
    ("POST", "/flavors", None, {"flavor": {"name": "f", "ram": 1, "vcpus": 1, "disk": 1, "id": " x"}}),
    ("POST", "/flavors", None, {"flavor": {"name": "f", "ram": 1, "vcpus": 1, "disk": 1, "rxtx_factor": 0}}),
    ("POST", "/flavors", None, {"flavor": {"name": "", "ram": 1, "vcpus": 1, "disk": 1}}),
    ("POST", "/flavors/{id}/os-extra_specs", None, {"extra_specs": {"a/b": "1"}}),
    ("POST", "/flavors/{id}/os-extra_specs", None, {"extra_specs": {"a": "1" * 256}}),
    ("POST", "/os-keypairs", None, {"keypair": {"name": "a&b"}}),
    ("POST", "/os-keypairs", None, {"keypair": {"name": ""}}),
    ("POST", "/os-keypairs", None, {"keypair": {"name": "k", "type": "pgp"}}),
    ("PUT", "/os-quota-sets/{project}", None, {"quota_set": {"cores": -2}}),
    ("PUT", "/os-quota-sets/{project}", None, {"quota_set": {"floating_ips": 1}}),
    ("PUT", "/os-quota-sets/{project}", None, {"quota_set": {"gpus": 1}}),
    ("PUT", "/os-quota-sets/{project}", None, {"quota_set": {"injected_files": 1}}),
    ("PUT", "/flavors/{id}", None, {"flavor": {"name": "x"}}),
    ("PUT", "/flavors/{id}", None, {"flavor": {"description": 7}}),
    ("POST", "/servers/{id}/action", "lock", {"lock": {"locked_reason": ""}}),
    ("POST", "/servers/{id}/action", "lock", {"lock": {"reason": "x"}}),
    ("POST", "/servers/{id}/action", "rebuild", {"rebuild": {"imageRef": MISSING, "key_name": ""}}),
    ("POST", "/servers/{id}/action", "rebuild", {"rebuild": {"imageRef": MISSING, "user_data": "!"}}),
    ("POST", "/servers/{id}/action", "resize", {"resize": {"flavorRef": None}}),
    ("POST", "/servers/{id}/action", "resize", {"resize": {"flavorRef": "2", "extra": 1}}),
    ("POST", "/servers/{id}/os-interface", None, {"interfaceAttachment": {"net_id": "x"}}),
    ("POST", "/servers/{id}/os-interface", None, {"interfaceAttachment": {"tag": "a,b"}}),
    ("PUT", "/os-services/{verb}", None, {"status": "up"}),
    ("PUT", "/os-services/{verb}", None, {"forced_down": "maybe"}),
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case[1]} {str(case[3])[:60]}")
def test_bad_bodies_are_refused_where_nova_refuses_them(
    cloud: Cloud, case: tuple[str, str, str | None, dict[str, Any]]
) -> None:
    method, path, action, body = case
    schema = schemas.find(method, RENAMED.get(path, path), "request", MOST, action)
    assert schemas.problems(schema, body) != [], "Nova takes this"
    known = {"id": "1" if "flavors" in path else cloud.create(), "key": "a", "project": "beta", "verb": MISSING}
    before = cloud.names()
    answer = cloud.ask(method, path.format(**known), body, token=ADMIN, at=MOST)
    assert (answer.status, list(answer.json)) == (400, ["badRequest"]), answer.body
    assert cloud.names() == before
