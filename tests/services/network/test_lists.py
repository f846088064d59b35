"""Filters, sorting, fields and pages of lists."""

from __future__ import annotations

import pytest

from tests.cloud import Statements
from tests.services.network.cloud import ADMIN, MISSING, V2, Cloud


def names(cloud: Cloud, query: str) -> list[str]:
    return [each["name"] for each in cloud.list("networks", query)]


@pytest.fixture
def five(cloud: Cloud) -> list[str]:
    """Ids of networks a, b, c, d, e."""
    made = []
    for index, name in enumerate("abcde"):
        tags = [["red"], ["red", "blue"], ["blue"], [], ['odd","red']][index]
        wishes = {"name": name, "description": "even" if index % 2 else "odd", "tags": tags, "mtu": 1300 + index}
        made.append(cloud.make("networks", **wishes)["id"])
        cloud.clock.advance(10)  # type: ignore[attr-defined]
    return made


def test_filters_narrow_and_values_widen(cloud: Cloud, five: list[str]) -> None:
    assert names(cloud, "name=a&name=c") == ["a", "c"]
    assert names(cloud, "name=a&description=even") == []
    assert names(cloud, f"id={five[3]}") == ["d"]
    assert names(cloud, "mtu=1301&mtu=1302") == ["b", "c"]
    assert names(cloud, "router:external=False&admin_state_up=true&name=e") == ["e"]
    assert names(cloud, "router:external=true") == ["public"]
    assert names(cloud, "status=ACTIVE&name=a") == ["a"]
    assert names(cloud, "status=ERROR") == []
    assert names(cloud, "project_id=beta") == []
    assert names(cloud, "created_at=2023-11-14T22:13:30Z") == ["b"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tags=red", "ab"),
        ("tags=red,blue", "b"),
        ("tags-any=red,blue", "abc"),
        ("not-tags=red,blue&router:external=false", "acde"),
        ("not-tags-any=red,blue&router:external=false", "de"),
    ],
)
def test_filters_by_tags(cloud: Cloud, five: list[str], query: str, found: str) -> None:
    assert names(cloud, query) == list(found)


def test_an_empty_value_finds_what_is_empty(cloud: Cloud) -> None:
    network, _ = cloud.network()
    bare = cloud.make("ports", network_id=network)["id"]
    cloud.make("ports", network_id=network, device_id="x")
    assert [each["id"] for each in cloud.list("ports", "device_id=")] == [bare]
    floating = cloud.make("floatingips", floating_network_id=cloud.public)["id"]
    assert [each["id"] for each in cloud.list("floatingips", "port_id=")] == [floating]


def test_ports_are_found_by_their_addresses_and_groups(cloud: Cloud) -> None:
    network, subnet = cloud.network()
    group = cloud.make("security-groups", name="web")["id"]
    one = cloud.make("ports", network_id=network, fixed_ips=[{"ip_address": "10.1.0.50"}])["id"]
    two = cloud.make("ports", network_id=network, security_groups=[group], mac_address="fa:16:3e:00:00:0a")["id"]

    def found(query: str) -> set[str]:
        return {each["id"] for each in cloud.list("ports", query)}

    assert found("fixed_ips=ip_address=10.1.0.50") == {one}
    assert found(f"fixed_ips=ip_address=10.1.0.50&fixed_ips=subnet_id={subnet}") == {one}
    assert found(f"fixed_ips=subnet_id={MISSING}") == set()
    assert found("fixed_ips=ip_address_substr=.0.50") == {one}
    assert found(f"security_groups={group}") == found(f"security_group_ids={group}") == {two}
    assert found("mac_address=fa:16:3e:00:00:0a") == {two}
    assert {one, two} < found(f"network_id={network}")


@pytest.mark.parametrize(
    "query",
    [
        "color=blue",
        "shared=perhaps",
        "mtu=wide",
        "created_at=yesterday",
        "limit=-1",
        "limit=many",
        "sort_key=color",
        "sort_key=tags",
        "sort_key=name&sort_dir=up",
        "sort_key=name&sort_key=id&sort_dir=asc",
        "project_id=a&tenant_id=a",
    ],
)
def test_a_query_that_makes_no_sense_is_400(cloud: Cloud, query: str) -> None:
    assert cloud.ask("GET", f"/networks?{query}").status == 400


def test_orders(cloud: Cloud, five: list[str]) -> None:
    only = "router:external=false"
    assert names(cloud, f"{only}&sort_key=name&sort_dir=desc") == list("edcba")
    assert names(cloud, f"{only}&sort_key=description&sort_dir=asc&sort_key=name&sort_dir=desc") == list("dbeca")
    assert names(cloud, f"{only}&sort_key=id&sort_dir=desc") == list("edcba")
    assert names(cloud, f"{only}&sort_key=provider:segmentation_id") == list("abcde")
    assert names(cloud, f"{only}&sort_key=mtu") == list("abcde")


def test_pages_link_forth_and_back(cloud: Cloud, five: list[str]) -> None:
    path: str | None = "/networks?limit=2&router:external=false&sort_key=name&sort_dir=desc"
    seen: list[list[str]] = []
    back = ""
    while path:
        answer = cloud.ask("GET", path)
        seen.append([each["name"] for each in answer.json["networks"]])
        links = {link["rel"]: link["href"].partition(V2)[2] for link in answer.json.get("networks_links", [])}
        path, back = links.get("next"), links.get("previous", back)
    assert seen == [["e", "d"], ["c", "b"], ["a"]]
    answer = cloud.ask("GET", back)
    assert [each["name"] for each in answer.json["networks"]] == ["c", "b"]
    assert {link["rel"] for link in answer.json["networks_links"]} == {"next", "previous"}
    first = next(link["href"] for link in answer.json["networks_links"] if link["rel"] == "previous")
    answer = cloud.ask("GET", first.partition(V2)[2])
    assert [each["name"] for each in answer.json["networks"]] == ["e", "d"]
    assert {link["rel"] for link in answer.json["networks_links"]} == {"next"}


def test_a_whole_list_has_no_links_and_a_strange_marker_is_404(cloud: Cloud, five: list[str]) -> None:
    answer = cloud.ask("GET", "/networks?limit=6")
    assert (len(answer.json["networks"]), "networks_links" in answer.json) == (6, False)
    assert cloud.refused("GET", f"/networks?marker={MISSING}") == (404, "NetworkNotFound")
    foreign = cloud.make("networks", token="member:beta")["id"]
    assert cloud.refused("GET", f"/networks?marker={foreign}") == (404, "NetworkNotFound")
    assert cloud.ask("GET", f"/networks?marker={foreign}", token=ADMIN).status == 200
    assert "networks_links" not in cloud.ask("GET", f"/networks?marker={five[4]}&limit=5").json


def test_only_the_fields_asked_for(cloud: Cloud) -> None:
    network = cloud.make("networks", name="a")["id"]
    assert cloud.list("networks", "name=a&fields=id&fields=name") == [{"id": network, "name": "a"}]
    assert cloud.ask("GET", f"/networks/{network}?fields=name&fields=").json == {"network": {"name": "a"}}


def test_members_see_their_own_and_operators_everything(cloud: Cloud) -> None:
    for token in ("member:alpha", "member:beta"):
        network, _ = cloud.network(token=token)
        cloud.make("ports", network_id=network, token=token)
        cloud.make("routers", token=token)
        cloud.make("security-groups", name="x", token=token)
    for plural in ("subnets", "ports", "routers", "security-groups"):
        own = {each["project_id"] for each in cloud.list(plural)}
        assert own == {"alpha"}, plural
        assert {"alpha", "beta"} <= {each["project_id"] for each in cloud.list(plural, token=ADMIN)}
        assert {each["project_id"] for each in cloud.list(plural, "project_id=beta", token=ADMIN)} == {"beta"}


def test_a_list_of_many_ports_takes_few_statements(cloud: Cloud) -> None:
    network, _ = cloud.network()
    cloud.ask("POST", "/ports", {"ports": [{"network_id": network}] * 30})
    with Statements(cloud.db) as counted:
        assert len(cloud.list("ports")) == 31
    assert 2 <= len([each for each in counted.sent if each.startswith("SELECT")]) <= 3
