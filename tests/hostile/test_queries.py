"""Queries meant to break a list, to slow it down for everybody, or to learn of what is not shown."""

from __future__ import annotations

import contextlib
import re

import pytest

from croft.core.errors import Invalid
from croft.services.compute.model.patterns import pattern
from tests.hostile.tenants import GLANCE, NOVA, OPERATOR, THIEF, V2, VICTIM, Tenants

NETWORK_LISTS = "networks subnets ports routers floatingips security-groups security-group-rules subnetpools".split()  # noqa: SIM905
ODD = [
    "limit=99999999999999999999",
    "limit=-1",
    "marker=%00",
    "marker=nothing",
    "sort_key=id&sort_dir=up",
    "sort_key=secret",
    "name=%ED%A0%80",
    "name=%00",
    "created_at=0001-01-01T00:00:00%2B23:59",
    "created_at=gt:0001-01-01T00:00:00%2B23:59",
    "changes-since=0001-01-01T00:00:00%2B23:59",
    "changes-since=9999-99-99",
    "revision_number=99999999999999999999",
    "port_range_min=9999999999999999999999",
    "size_min=999999999999999999&min_ram=999999999999999999",
    "name=in:a%0Db",
    "name=in:%22a",
    "name=in:" + "a" * 140_000,
    "tags=" + ",".join(f"t{number}" for number in range(3000)),
    "not-tags-any=" + ",".join(f"t{number}" for number in range(3000)),
    "&".join(f"tag=t{number}" for number in range(499)),
    "&".join(f"property{number}=t" for number in range(499)),
    "&".join(f"fixed_ips=ip_address_substr={number}" for number in range(499)),
    "&".join(f"id={number}" for number in range(499)),
    "&".join("sort_key=name" for _ in range(499)),
    "&".join(f"id={number}" for number in range(20_000)),
    "name=" + "(" * 5000,
    "ip=%28&ip6=%5B",
    "vcpus=1&minRam=9999999999999&minDisk=-1",
    "visibility=all&member_status=all&os_hidden=true",
]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_an_odd_query_gets_an_answer_soon(cloud: Tenants, number: int) -> None:
    lists = [f"{V2}/{each}" for each in NETWORK_LISTS]
    lists += [f"{NOVA}/{each}" for each in ("servers", "servers/detail", "flavors/detail", "os-keypairs")]
    lists += [f"{GLANCE}/images", "/identity/v3/credentials", "/identity/v3/projects", "/operations/v1/audit"]
    for path in lists:
        for token in (THIEF, OPERATOR):
            answer = cloud.call("GET", path, token=token, query=ODD[number])
            assert answer.status < 500, (path, answer.body)


def test_repeated_sort_keys_cost_no_more_than_one(sqlite_cloud: Tenants) -> None:
    network, _ = sqlite_cloud.network()
    server = sqlite_cloud.server()
    for path, marker, key in (("networks", network, "name"), ("servers", server, "display_name")):
        base = V2 if path == "networks" else NOVA
        query = f"marker={marker}&" + "&".join([f"sort_key={key}"] * 490)
        assert sqlite_cloud.call("GET", f"{base}/{path}", token=VICTIM, query=query).status == 200


HANGING = ["(a+)+$", "(.*)*x", "(a|a|b)*c", ".*.*.*.*.*.*x", "(a?){200}b", "((a{1,20}){1,20})b", "(a*)*b", "(x+x+)+y"]


@pytest.mark.parametrize("text", HANGING)
def test_no_pattern_hangs_a_list(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert pattern(text).search("a" * 254 + "!") is None


def test_a_server_list_does_not_hang_either(sqlite_cloud: Tenants) -> None:
    sqlite_cloud.server(name="a" * 64 + "!")
    answer = sqlite_cloud.call("GET", f"{NOVA}/servers", token=VICTIM, query="name=(a%2B)%2B%24")
    assert (answer.status, answer.json["servers"]) == (200, [])


def test_patterns_mean_what_they_always_meant() -> None:
    names = ["tempest-server-instance-12", "web", "web-1.example", "wéb", "", "a.b", "aXb", "x]y", "tab\there", "a-b_c"]
    texts = [
        r"^.*\-instance\-[0-9]+$", "web", "^web$", "we?b", "a.b", r"a\.b", "[^a-z]", "[]x]", "w(e|é)b", "(?:web|a)-",
        r"\d{2}", r"\d{1,2}$", r"\w+-\d", r"\s", r"\S+", "^$", "x*", "(a|)b", "[a-]", r"[\d.]+", "e{0,1}b", "b{2,}",
        "t.*?r",
    ]  # fmt: skip
    for text in texts:
        for name in names:
            assert (pattern(text).search(name) is not None) == bool(re.search(text, name)), (text, name)


@pytest.mark.parametrize("text", ["(", "a)", "[a", "*", "a**", r"a\1", "(?=a)", "a{2,1}", "\\"])
def test_what_is_no_pattern_here_is_refused(sqlite_cloud: Tenants, text: str) -> None:
    from urllib.parse import quote

    answer = sqlite_cloud.call("GET", f"{NOVA}/servers", query=f"name={quote(text)}")
    assert answer.status == 400


def test_a_marker_tells_nothing_of_what_is_foreign(sqlite_cloud: Tenants) -> None:
    cloud = sqlite_cloud
    network, subnet = cloud.network()
    port = cloud.make("ports", network_id=network)["id"]
    made = {"networks": network, "subnets": subnet, "ports": port, "routers": cloud.make("routers")["id"]}
    for plural, id in made.items():
        assert cloud.call("GET", f"{V2}/{plural}", query=f"marker={id}&sort_key=name").status == 404
    assert cloud.call("GET", f"{NOVA}/servers", query=f"marker={cloud.server(networks='none')}").status == 400
    assert cloud.call("GET", f"{GLANCE}/images", query=f"marker={cloud.image()}").status == 400
    body = {"flavor": {"name": "secret", "ram": 64, "vcpus": 1, "disk": 1, "id": "secret", "is_public": False}}
    body["flavor"]["os-flavor-access:is_public"] = body["flavor"].pop("is_public")
    assert cloud.call("POST", f"{NOVA}/flavors", body, OPERATOR).status == 200
    assert cloud.call("GET", f"{NOVA}/flavors", query="marker=secret").status == 400


@pytest.mark.parametrize("query", ["project_id=alpha", "tenant_id=alpha", "all_tenants=1", "owner=alpha", "user_id=x"])
def test_no_filter_widens_what_is_seen(sqlite_cloud: Tenants, query: str) -> None:
    cloud = sqlite_cloud
    server = cloud.server()
    network, _ = cloud.network()
    image = cloud.image()
    ids = [server, network, image]
    lists = [*(f"{V2}/{each}" for each in NETWORK_LISTS), f"{NOVA}/servers/detail", f"{GLANCE}/images"]
    for path in lists:
        body = cloud.call("GET", path, query=query).body.decode()
        assert not any(id in body for id in ids), path
    for path in (f"{NOVA}/limits", f"{NOVA}/os-simple-tenant-usage/alpha", f"{V2}/quotas/alpha"):
        answer = cloud.call("GET", path, query="tenant_id=alpha")
        assert answer.status in {400, 403, 404}, path
    audited = cloud.call("GET", "/operations/v1/audit", query=query)
    assert audited.status in {200, 400, 403, 404}
    for entry in audited.json.get("audit", []):
        assert entry["project_id"] == "beta"
