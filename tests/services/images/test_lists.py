"""Lists of images: what is in them, in which order, on which page."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.services.images.cloud import Cloud

IMAGES = "/image/v2/images"


@pytest.fixture
def some(either: Cloud) -> Cloud:
    for name, wishes in {
        "tiny": {"tags": ["ready", "small"], "os_distro": "debian", "min_ram": 64},
        "big, old": {"tags": ["ready"], "os_distro": "debian12", "protected": True},
        "mine": {"visibility": "private", "disk_format": "qcow2"},
        "hidden": {"os_hidden": True},
    }.items():
        either.create(name=name, **wishes)
        either.clock.advance(100)
    for image in either.call("GET", IMAGES).json["images"]:
        if image["name"] == "tiny":
            either.upload(image["id"], [b"1234"])
        if image["name"] == "big, old":
            either.upload(image["id"], [b"12345678"])
    either.create("admin:ops", name="official", visibility="public")
    either.create("member:beta", name="theirs")
    either.create("member:beta", name="folk", visibility="community")
    return either


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["official", "mine", "big, old", "tiny"]),
        ("name=tiny", ["tiny"]),
        ("name=Tiny", []),
        ("name=in:tiny,mine", ["mine", "tiny"]),
        ('name=in:"big, old",tiny', ["big, old", "tiny"]),
        ("status=active", ["big, old", "tiny"]),
        ("status=in:queued,saving", ["official", "mine"]),
        ("visibility=public", ["official"]),
        ("visibility=private", ["mine"]),
        ("visibility=shared", ["big, old", "tiny"]),
        ("visibility=community", ["folk"]),
        ("visibility=all&name=in:folk,theirs,mine", ["folk", "mine"]),
        ("owner=alpha", ["mine", "big, old", "tiny"]),
        ("owner=beta", []),
        ("tag=ready", ["big, old", "tiny"]),
        ("tag=ready&tag=small", ["tiny"]),
        ("tag=read", []),
        ("tag=Ready", []),
        ("os_distro=debian", ["tiny"]),
        ("os_distro=debian12", ["big, old"]),
        ("no_such=x", []),
        ("size=4", ["tiny"]),
        ("size_min=4&size_max=4", ["tiny"]),
        ("size_min=5", ["big, old"]),
        ("min_ram=64", ["tiny"]),
        ("disk_format=qcow2", ["mine"]),
        ("container_format=bare&disk_format=in:qcow2,iso", ["mine"]),
        ("protected=true", ["big, old"]),
        ("protected=False&owner=alpha", ["mine", "tiny"]),
        ("os_hidden=true", ["hidden"]),
        ("created_at=gt:2023-11-14T22:15:00Z&owner=alpha", ["mine"]),
        ("created_at=lte:2023-11-14T22:13:20Z", ["tiny"]),
        ("created_at=2023-11-14T22:13:20", ["tiny"]),
        ("sort=size:asc,name:desc&status=active", ["tiny", "big, old"]),
        ("sort_key=name&sort_dir=asc", ["big, old", "mine", "official", "tiny"]),
        ("sort=name", ["tiny", "official", "mine", "big, old"]),
        ("sort_key=status&sort_key=name&sort_dir=asc&sort_dir=desc", ["tiny", "big, old", "official", "mine"]),
        ("sort_dir=asc", ["tiny", "big, old", "mine", "official"]),
        ("limit=2", ["official", "mine"]),
    ],
)
def test_lists_are_narrowed_and_ordered(some: Cloud, query: str, names: list[str]) -> None:
    assert some.names(quote(query, safe="=&:,")) == names


@pytest.mark.parametrize(
    "query",
    [
        "limit=many",
        "marker=nothing",
        "visibility=secret",
        "member_status=maybe",
        "size_min=small",
        "size=-1",
        "protected=perhaps",
        "created_at=gt:yesterday",
        "sort=colour",
        "sort=name:up",
        "sort=name&sort_key=id",
        "sort_key=name&sort_key=id&sort_key=size&sort_dir=asc&sort_dir=asc",
        "name=in:",
    ],
)
def test_a_list_that_cannot_be_is_400(cloud: Cloud, query: str) -> None:
    assert cloud.call("GET", IMAGES, query=query).status == 400


@pytest.mark.parametrize("order", ["", "sort=name:asc", "sort=size:desc", "sort=status:asc,size:asc", "sort=id:asc"])
def test_pages_join_to_the_whole_list(some: Cloud, order: str) -> None:
    whole = some.names(order)
    found: list[str] = []
    path = f"/v2/images?limit=1&{order}"
    while path:
        page = some.call("GET", "/image" + path).json
        found += [image["name"] for image in page["images"]]
        assert page["first"].startswith("/v2/images?limit=1")
        path = page.get("next", "")
        assert len(found) <= len(whole)
    assert found == whole


def test_operators_see_every_project(some: Cloud) -> None:
    assert set(some.names(token="admin:ops")) == {"official", "theirs", "mine", "big, old", "tiny"}
    assert some.names("owner=beta", token="admin:ops") == ["theirs"]
    assert some.names("visibility=private", token="admin:ops") == ["mine"]
