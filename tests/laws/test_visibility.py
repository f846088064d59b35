"""The laws of a cloud that is open to all: everybody may read any inventory, nobody a secret; nothing is changed."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from croft.app import is_open
from croft.core import audit
from croft.core.config import Config, ConfigError
from croft.core.db import Database
from croft.core.policy import Actor, Policy, Role, Rule, Scope
from tests.cloud import Cloud, build
from tests.laws.specimen import specimens
from tests.laws.test_routes import CHANGING, filled, headers_for, routes
from tests.services.identity.house import V3
from tests.world import contents

OWNER, GUEST, NOBODY = "manager:alpha", "reader:beta", "none:-"
NOVA, V2, GLANCE = "/compute/v2.1", "/network/v2.0", "/image/v2"
LATEST = {"OpenStack-API-Version": "compute latest"}


@dataclass
class Planted:
    """What alpha has, and the words in it that nobody else may ever read."""

    cloud: Cloud
    ids: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, token: str = OWNER, **words: Any) -> Any:
        words.setdefault("headers", LATEST if path.startswith(NOVA) else {})
        return self.cloud.world.call(method, path, body, token=token, **words)

    def made(self, method: str, path: str, body: Any, token: str = OWNER) -> Any:
        answer = self.call(method, path, body, token)
        assert answer.status in {200, 201, 202}, answer.body
        return next(iter(answer.json.values())) if path.startswith((NOVA, V2, V3)) else answer.json

    def secret(self, word: str) -> str:
        self.secrets.append(word)
        return word


def plant(cloud: Cloud) -> Planted:
    at = Planted(cloud)
    cloud.world.settle(10)
    network = at.made("POST", f"{V2}/networks", {"network": {"name": "garden"}})["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "10.66.0.0/24", "name": "bed"}
    at.ids["network"], at.ids["subnet"] = network, at.made("POST", f"{V2}/subnets", {"subnet": subnet})["id"]
    at.ids["router"] = at.made("POST", f"{V2}/routers", {"router": {"name": "gate"}})["id"]
    group = at.made("POST", f"{V2}/security-groups", {"security_group": {"name": "fence"}})
    at.ids["group"], at.ids["rule"] = group["id"], group["security_group_rules"][0]["id"]
    at.ids["pool"] = at.made(
        "POST", f"{V2}/subnetpools", {"subnetpool": {"name": "pond", "prefixes": ["10.67.0.0/16"]}}
    )["id"]
    outside = at.call("GET", f"{V2}/networks", query="router:external=true").json["networks"][0]["id"]
    floating = {"floatingip": {"floating_network_id": outside, "description": "well"}}
    at.ids["floating"] = at.made("POST", f"{V2}/floatingips", floating)["id"]
    key = at.made("POST", f"{NOVA}/os-keypairs", {"keypair": {"name": "garden-key", "type": "ssh"}})
    at.secret(key["private_key"].splitlines()[1])
    at.secret(key["public_key"].split()[1])
    image = {"name": "i", "disk_format": "raw", "container_format": "bare", "note": at.secret("image-note-word")}
    at.ids["image"] = at.made("POST", f"{GLANCE}/images", image)["id"]
    bytes_ = {"content-type": "application/octet-stream"}
    text = at.secret("bytes-of-the-image").encode()
    at.call("PUT", f"{GLANCE}/images/{at.ids['image']}/file", content=text * 200, headers=bytes_)
    server = {
        "name": "shed",
        "flavorRef": at.call("GET", f"{NOVA}/flavors").json["flavors"][0]["id"],
        "imageRef": at.ids["image"],
        "networks": [{"uuid": network}],
        "key_name": "garden-key",
        "metadata": {"door": at.secret("metadata-word")},
        "user_data": at.secret(b64encode(b"user-data-word").decode()),
        "adminPass": at.secret("admin-pass-word"),
        "config_drive": True,
        "tags": ["tool"],
    }
    at.ids["server"] = at.made("POST", f"{NOVA}/servers", {"server": server})["id"]
    cloud.world.settle(40)
    lock = {"lock": {"locked_reason": at.secret("locked-reason-word")}}
    assert at.call("POST", f"{NOVA}/servers/{at.ids['server']}/action", lock).status == 202
    ports = at.call("GET", f"{V2}/ports", query=f"device_id={at.ids['server']}").json["ports"]
    at.ids["port"] = ports[0]["id"]
    at.secrets += ["user-data-word", "binding:profile", "binding:vif_details", "OS-EXT-SRV-ATTR"]
    return at


@pytest.fixture
def planted(sqlite_db: Database, tmp_path: Path) -> Planted:
    return plant(build(sqlite_db, Config(state=tmp_path, engines="fake", bcrypt_rounds=4, visibility="open")))


LISTS = {
    "network": f"{V2}/networks",
    "subnet": f"{V2}/subnets",
    "pool": f"{V2}/subnetpools",
    "port": f"{V2}/ports",
    "router": f"{V2}/routers",
    "floating": f"{V2}/floatingips",
    "group": f"{V2}/security-groups",
    "rule": f"{V2}/security-group-rules",
    "server": f"{NOVA}/servers/detail",
}


@pytest.mark.parametrize("token", [GUEST, NOBODY])
def test_inventory_is_listed_for_those_who_ask_for_it(planted: Planted, token: str) -> None:
    for kind, path in LISTS.items():
        id = planted.ids[kind]
        assert id.encode() not in planted.call("GET", path, token=token).body, kind
        everyone = "all_tenants=1&" if kind == "server" else ""
        for name in ("project_id", "tenant_id"):
            shown = planted.call("GET", path, token=token, query=f"{everyone}{name}=alpha")
            assert shown.status == 200, shown.body
            assert id.encode() in shown.body, (kind, name)
            assert id.encode() not in planted.call("GET", path, token=token, query=f"{everyone}{name}=beta").body
        one = path.removesuffix("/detail") + f"/{id}"
        assert planted.call("GET", one, token=token).status == 200, kind


def test_quotas_interfaces_and_audit_are_inventory_too(planted: Planted) -> None:
    server = f"{NOVA}/servers/{planted.ids['server']}"
    paths = [f"{server}/os-interface", f"{server}/os-instance-actions", f"{server}/tags", f"{server}/ips"]
    paths += [f"{server}/os-security-groups", f"{NOVA}/os-quota-sets/alpha", f"{V2}/quotas/alpha"]
    paths += [f"{V2}/networks/{planted.ids['network']}/tags"]
    for path in paths:
        shown = planted.call("GET", path, token=GUEST, headers={"OpenStack-API-Version": "compute 2.30"})
        assert shown.status == 200, (path, shown.body)
    for path in ("metadata", "os-server-password", "diagnostics", "os-volume_attachments/x"):
        answer = planted.call("GET", f"{server}/{path}", token=GUEST)
        assert answer.status == 404, path


def test_the_audit_of_others_is_without_addresses_and_credentials(planted: Planted) -> None:
    world = planted.cloud.world
    actor = Actor("u", "una", project="alpha", application_credential="cred-id")
    words = {"project": "alpha", "request": "r", "name": "secret-name"}
    origin = audit.Origin("192.0.2.9", "agent-word", "DELETE /x/path-word")
    with world.db.write() as tx:
        for action in ("identity.application_credential.create", "network.port.create", "audit.many"):
            audit.write(tx, audit.values_of(actor, origin, **words, action=action, target="t-word"))
    answer = planted.call("GET", "/operations/v1/audit", token=NOBODY, query="project_id=alpha")
    found = {line["action"]: line for line in answer.json["audit"]}
    assert {"network.network.create", "network.port.create", "compute.server.create"} <= set(found)
    assert found["network.port.create"]["name"] == "secret-name"
    assert found["identity.application_credential.create"]["name"] == ""
    assert not any(word in answer.body for word in (b"192.0.2.9", b"agent-word", b"cred-id"))
    assert planted.call("GET", "/operations/v1/audit", token=NOBODY).status == 400
    own = planted.call("GET", "/operations/v1/audit", token="reader:alpha").json["audit"]
    assert own[-1]["client_address"] == "127.0.0.1"
    assert planted.call("GET", "/operations/v1/audit", token=GUEST).json["audit"] == []


@pytest.mark.parametrize("token", [GUEST, NOBODY])
def test_projects_and_who_works_in_them_are_inventory(planted: Planted, token: str) -> None:
    project = planted.made("POST", f"{V3}/projects", {"project": {"name": "orchard"}}, "admin:alpha")["id"]
    user = planted.made("POST", f"{V3}/users", {"user": {"name": "ada", "email": "ada@mail.word"}}, "admin:alpha")["id"]
    role = planted.call("GET", f"{V3}/roles", token=token, query="name=member").json["roles"][0]["id"]
    assert planted.call("PUT", f"{V3}/projects/{project}/users/{user}/roles/{role}", token="admin:alpha").status == 204
    assert project in {each["id"] for each in planted.call("GET", f"{V3}/projects", token=token).json["projects"]}
    assert planted.call("GET", f"{V3}/projects/{project}", token=token).json["project"]["name"] == "orchard"
    query = f"scope.project.id={project}&include_names=1"
    shown = planted.call("GET", f"{V3}/role_assignments", token=token, query=query)
    assert [(each["user"]["name"], each["role"]["name"]) for each in shown.json["role_assignments"]] == [
        ("ada", "member")
    ]
    assert b"mail.word" not in shown.body
    assert planted.call("GET", f"{V3}/users/{user}", token=token).status == 404
    assert (
        planted.call("GET", f"{V3}/role_assignments", token=token, query=f"user.id={user}").body.count(user.encode())
        <= 1
    )
    for query in ("scope.system=all", "scope.domain.id=default", f"scope.project.id={project}&include_subtree=1"):
        answer = planted.call("GET", f"{V3}/role_assignments", token=token, query=query)
        assert answer.status == 404, (query, answer.body)
    for method, path in (("PATCH", f"/projects/{project}"), ("DELETE", f"/projects/{project}")):
        assert planted.call(method, V3 + path, {"project": {"name": "mine"}}, token=token).status in {403, 404}


def asked(planted: Planted) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Every GET there is, about everything that alpha has, and every list with every way to ask for others' things."""
    queries = ("", "all_tenants=1", "project_id=alpha", "tenant_id=alpha", "all_tenants=1&project_id=alpha")
    for service, route in routes(planted.cloud):
        if route.method != "GET" or route.action is None:
            continue
        headers = headers_for(service, route)
        if "{" in route.path:
            for id in (*planted.ids.values(), "alpha", "garden-key", "user-manager-alpha"):
                yield filled(service, route, id), "", headers
        else:
            for query in queries:
                yield filled(service, route), query, headers


@pytest.mark.parametrize("token", [GUEST, NOBODY])
def test_no_answer_to_a_guest_has_a_secret(planted: Planted, token: str) -> None:
    wrong, seen = [], 0
    for path, query, headers in asked(planted):
        answer = planted.call("GET", path, token=token, query=query, headers=headers)
        seen += answer.status == 200 and any(id.encode() in answer.body for id in planted.ids.values())
        wrong += [(path, query, word) for word in planted.secrets if word.encode() in answer.body]
    assert wrong == []
    assert seen > 15, "the guest did not get to see much"
    own = planted.call("GET", f"{NOVA}/servers/{planted.ids['server']}", token="reader:alpha")
    assert b"metadata-word" in own.body, "the words are really there"


def test_a_guest_changes_nothing_and_finds_nothing_to_change(planted: Planted) -> None:
    """The same answers to writes, to the letter, as in a private cloud."""
    private = Policy(planted.cloud.world.policy.rules.values())
    world, wrong = planted.cloud.world, []
    before = contents(world.db)
    for service, route in routes(planted.cloud):
        if route.method not in CHANGING or route.action is None or "{" not in route.path:
            continue
        for kind, id in planted.ids.items():
            path, headers = filled(service, route, id), headers_for(service, route)
            answers = []
            for policy in (world.policy, private):
                world.application._policy = policy
                answers.append(world.call(route.method, path, {}, token="member:beta", headers=headers))
            if answers[0].status != answers[1].status or answers[0].status < 400:
                wrong.append((route.method, route.path, kind, [each.status for each in answers]))
    world.application._policy = world.policy
    assert wrong == []
    assert contents(world.db) == before


def test_specimens_of_every_kind_stay_whole_in_an_open_cloud(planted: Planted) -> None:
    world = planted.cloud.world
    made = {specimen.kind: specimen.create(world) for specimen in reversed(specimens())}
    world.settle(10)
    before = contents(world.db)
    for service, route in routes(planted.cloud):
        if route.action is None or "{" not in route.path or route.method not in CHANGING:
            continue
        for kind, id in made.items():
            if kind.split(".")[0] == service.name:
                answer = world.call(
                    route.method,
                    filled(service, route, id),
                    {},
                    token="member:beta",
                    headers=headers_for(service, route),
                )
                assert answer.status >= 400, (route.method, route.path, kind, json.dumps(answer.body.decode()))
    world.settle(10)
    assert contents(world.db) == before


def test_a_guest_has_a_scope_of_its_own() -> None:
    rules = (
        Rule("t.thing.list", Role.READER, "list", "list", inventory=True),
        Rule("t.thing.console", Role.READER, "console", "read"),
    )
    policy, stranger = Policy(rules, open_=True), Actor("u")
    scope = policy.check(stranger, "t.thing.list")
    assert scope == Scope("", "", guest=True)
    assert scope.covers("anybody's")
    assert scope.closed_to("anybody's")
    assert scope.wide == Scope(None, "", guest=True)
    assert not policy.allows(stranger, "t.thing.console")
    reader = Actor("u", project="p", roles=frozenset({"reader"}))
    mine = policy.check(reader, "t.thing.list")
    assert (mine.project, mine.guest, mine.closed_to("p"), mine.closed_to("q")) == ("p", True, False, True)
    assert policy.check(reader, "t.thing.list", writing=True) == Scope("p", "p") == Scope("p", "p").wide
    operator = Actor("u", project="p", roles=frozenset({"admin"}))
    assert policy.check(operator, "t.thing.list") == Scope(None, "p")
    assert not Policy(rules).allows(stranger, "t.thing.list")


def test_the_preset_is_one_of_two_words() -> None:
    assert is_open("open")
    assert not is_open("private")
    with pytest.raises(ConfigError, match="visibility"):
        is_open("Open")
