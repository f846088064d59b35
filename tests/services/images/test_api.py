"""Glance v2 as clients meet it: records, patches, versions, schemas."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from croft.core.errors import Invalid, NotFound
from croft.core.policy import ALL, Scope
from croft.services.images import actions
from tests.services.images.cloud import PATCH, Cloud

IMAGES = "/image/v2/images"


def test_a_new_image_is_queued_and_shared_with_nobody(cloud: Cloud) -> None:
    answer = cloud.call("POST", IMAGES, {"name": "täst", "os_distro": "debian", "tags": ["b", "a", "b"], "min_ram": 64})
    image = answer.json
    assert answer.headers["location"] == f"https://cloud.test:8443/image/v2/images/{image['id']}"
    assert answer.headers["openstack-image-import-methods"] == "glance-direct"
    assert (image["name"], image["status"], image["visibility"], image["owner"]) == (
        "täst",
        "queued",
        "shared",
        "alpha",
    )
    assert (image["os_distro"], sorted(image["tags"]), image["min_ram"], image["min_disk"]) == (
        "debian",
        ["a", "b"],
        64,
        0,
    )
    assert (image["size"], image["os_hidden"], image["protected"]) == (None, False, False)
    assert image["file"] == f"/v2/images/{image['id']}/file"
    assert cloud.show(image["id"]) == image


def test_an_own_id_is_taken_once(cloud: Cloud) -> None:
    wanted = "AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee"
    assert cloud.create(id=wanted)["id"] == wanted.lower()
    assert cloud.call("POST", IMAGES, {"id": wanted}).status == 409
    assert cloud.call("POST", IMAGES, {"id": wanted}, token="member:beta").status == 409
    assert cloud.call("POST", IMAGES, {"id": "mine"}).status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x" * 256}, 400),
        ({"name": 5}, 400),
        ({"disk_format": "wrong"}, 400),
        ({"container_format": "wrong"}, 400),
        ({"visibility": "secret"}, 400),
        ({"min_disk": -1}, 400),
        ({"min_ram": "64"}, 400),
        ({"min_ram": 2**31}, 400),
        ({"protected": "yes"}, 400),
        ({"tags": ["x" * 256]}, 400),
        ({"tags": ["line\nfeed"]}, 400),
        ({"tags": "word"}, 400),
        ({"os_distro": 7}, 400),
        ({"os_distro": None}, 400),
        ({"": "x"}, 400),
        ({"p" * 256: "x"}, 400),
        ({"status": "active"}, 403),
        ({"checksum": "0" * 32}, 403),
        ({"locations": []}, 403),
        ({"self": "/"}, 403),
        ({"os_glance_foo": "bar"}, 403),
        ({"visibility": "public"}, 403),
        ({"owner": "beta"}, 403),
        ({f"p{n}": "x" for n in range(129)}, 413),
        ({"tags": [str(n) for n in range(129)]}, 413),
        ([], 400),
        ("text", 400),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_made(cloud: Cloud, body: Any, status: int) -> None:
    answer = cloud.call("POST", IMAGES, body)
    assert answer.status == status, answer.body
    assert answer.json["code"].startswith(str(status))
    assert cloud.names() == []


def test_broken_json_is_400(cloud: Cloud) -> None:
    assert cloud.call("POST", IMAGES, content=b'{"name": ').status == 400
    assert cloud.call("POST", IMAGES, content=b"").status == 400


def test_errors_are_html_unless_json_is_accepted(cloud: Cloud) -> None:
    answer = cloud.call("GET", f"{IMAGES}/nothing", headers={"accept": "*/*"})
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_the_number_of_images_is_limited(either: Cloud) -> None:
    with either.db.write() as tx:
        either.quotas.set(tx, "alpha", {"images.image_count_total": 2})
    either.create()
    either.create()
    assert either.call("POST", IMAGES, {}).status == 413
    assert either.call("POST", IMAGES, {}, token="member:beta").status == 201


def test_a_patch_adds_replaces_and_removes(either: Cloud) -> None:
    image = either.create(os_distro="debian", old="x")["id"]
    either.clock.advance(60)
    answer = either.patch(
        image,
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "replace", "path": "/os_distro", "value": "devuan"},
        {"op": "add", "path": "/a~1b~0c", "value": "escaped"},
        {"op": "remove", "path": "/old"},
        {"op": "add", "path": "/min_disk", "value": 3},
        {"op": "replace", "path": "/tags", "value": ["t"]},
        {"op": "replace", "path": "/os_hidden", "value": True},
    )
    assert answer.status == 200, answer.body
    shown = either.show(image)
    assert shown == answer.json
    assert (shown["name"], shown["os_distro"], shown["a/b~c"], shown["min_disk"]) == ("new", "devuan", "escaped", 3)
    assert (shown["tags"], shown["os_hidden"], "old" in shown) == (["t"], True, False)
    assert shown["updated_at"] > shown["created_at"]


def test_a_patch_that_changes_nothing_touches_nothing(cloud: Cloud) -> None:
    before = cloud.create(name="same")
    cloud.clock.advance(60)
    assert cloud.patch(before["id"], {"op": "replace", "path": "/name", "value": "same"}).json == before


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"op": "replace", "path": "/status", "value": "active"}, 403),
        ({"op": "replace", "path": "/id", "value": "x"}, 403),
        ({"op": "add", "path": "/os_glance_foo", "value": "bar"}, 403),
        ({"op": "add", "path": "/locations/-", "value": {"url": "http://x"}}, 403),
        ({"op": "remove", "path": "/name"}, 403),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
        ({"op": "replace", "path": "/owner", "value": "beta"}, 403),
        ({"op": "replace", "path": "/missing", "value": "x"}, 409),
        ({"op": "remove", "path": "/missing"}, 409),
        ({"op": "replace", "path": "/name", "value": 5}, 400),
        ({"op": "add", "path": "/own", "value": 5}, 400),
        ({"op": "add", "path": "name", "value": "x"}, 400),
        ({"op": "add", "path": "/", "value": "x"}, 400),
        ({"op": "add", "path": "/a/b", "value": "x"}, 400),
        ({"op": "add", "path": "/a~2", "value": "x"}, 400),
        ({"op": "move", "path": "/name", "from": "/x"}, 400),
    ],
)
def test_a_patch_is_refused_as_a_whole(cloud: Cloud, operation: dict[str, Any], status: int) -> None:
    before = cloud.create()
    answer = cloud.patch(before["id"], {"op": "add", "path": "/first", "value": "x"}, operation)
    assert answer.status == status, answer.body
    assert cloud.show(before["id"]) == before


def test_the_older_patch_type_refuses_to_add_what_is_there(cloud: Cloud) -> None:
    image = cloud.create(own="x")["id"]
    said = {"content-type": "application/openstack-images-v2.0-json-patch"}

    def patch(*operations: Any) -> int:
        return cloud.call("PATCH", f"{IMAGES}/{image}", list(operations), headers=said).status

    assert patch({"add": "/own", "value": "y"}) == 409
    assert patch({"add": "/name", "value": "y"}) == 409
    assert patch({"replace": "/own", "value": "y"}, {"add": "/other", "value": "z"}) == 200
    assert patch({"remove": "/own"}) == 200
    assert patch({"op": "add", "path": "/x", "value": "y"}) == 400
    assert patch({"add": 5}) == 400
    assert "own" not in cloud.show(image)


def test_other_content_types_are_no_patch(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    assert cloud.call("PATCH", f"{IMAGES}/{image}", []).status == 415
    charset = {"content-type": PATCH["content-type"] + "; charset=utf-8"}
    assert cloud.call("PATCH", f"{IMAGES}/{image}", [], headers=charset).status == 200


def test_formats_are_fixed_once_there_is_data(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    assert cloud.patch(image, {"op": "replace", "path": "/disk_format", "value": "iso"}).status == 200
    assert cloud.patch(image, {"op": "replace", "path": "/disk_format", "value": "raw"}).status == 200
    assert cloud.upload(image, [b"x"]).status == 204
    assert cloud.patch(image, {"op": "replace", "path": "/disk_format", "value": "qcow2"}).status == 403


def test_operators_publish_and_give_away(cloud: Cloud) -> None:
    image = cloud.create("admin:ops", owner="alpha", visibility="public")["id"]
    assert cloud.show(image)["owner"] == "alpha"
    change = {"op": "replace", "path": "/owner", "value": "beta"}
    assert cloud.patch(image, change, token="admin:ops").json["owner"] == "beta"
    assert cloud.patch(image, {"op": "add", "path": "/x", "value": "y"}).status == 403


def test_a_protected_image_stays(cloud: Cloud) -> None:
    image = cloud.create(protected=True)["id"]
    assert cloud.call("DELETE", f"{IMAGES}/{image}").status == 403
    assert cloud.patch(image, {"op": "replace", "path": "/protected", "value": False}).status == 200
    assert cloud.call("DELETE", f"{IMAGES}/{image}").status == 204


def test_a_deleted_image_is_gone_at_once_and_its_bytes_soon(either: Cloud) -> None:
    image = either.active()["id"]
    assert either.call("DELETE", f"{IMAGES}/{image}").status == 204
    assert either.call("GET", f"{IMAGES}/{image}").status == 404
    assert either.call("DELETE", f"{IMAGES}/{image}").status == 404
    assert either.names() == []
    assert either.call("POST", IMAGES, {"id": image}).status == 409
    either.settle()
    assert either.imagestore.names() == []
    assert either.call("POST", IMAGES, {"id": image}).status == 201


def test_tags_come_and_go(either: Cloud) -> None:
    image = either.create(tags=["kept"])["id"]
    path = f"{IMAGES}/{image}/tags/"
    assert either.call("PUT", path + quote("two words", safe="")).status == 204
    assert either.call("PUT", path + quote("two words", safe="")).status == 204
    assert sorted(either.show(image)["tags"]) == ["kept", "two words"]
    assert either.call("DELETE", path + "kept").status == 204
    assert either.call("DELETE", path + "kept").status == 404
    assert either.call("PUT", path + "x" * 256).status == 400
    assert either.call("PUT", f"{IMAGES}/nothing/tags/x").status == 404
    assert either.show(image)["tags"] == ["two words"]


def test_a_foreign_image_is_not_there(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/file"), ("GET", "/members")):
        content = b"[]" if method == "PATCH" else None
        answer = cloud.call(method, f"{IMAGES}/{image}{path}", content=content, headers=PATCH, token="member:beta")
        assert answer.status == 404, (method, path)
    public = cloud.create("admin:ops", visibility="public")["id"]
    assert cloud.call("DELETE", f"{IMAGES}/{public}").status == 403
    assert cloud.upload(public, [b"x"]).status == 403


def test_version_documents_are_open(cloud: Cloud) -> None:
    for path, status in (("/image", 300), ("/image/", 300), ("/image/versions", 200), ("/image/v2/", 200)):
        answer = cloud.call("GET", path, token=None)
        assert answer.status == status
        newest = answer.json["versions"][0]
        assert (newest["id"], newest["status"]) == ("v2.7", "CURRENT")
        assert newest["links"] == [{"rel": "self", "href": "https://cloud.test:8443/image/v2/"}]


def test_schemas_name_what_is_taken(cloud: Cloud) -> None:
    for name in ("image", "images", "member", "members"):
        assert cloud.call("GET", f"/image/v2/schemas/{name}").json["name"] == name
    assert cloud.call("GET", "/image/v2/schemas/task").status == 404
    formats = cloud.call("GET", "/image/v2/schemas/image").json["properties"]["disk_format"]["enum"]
    assert {"qcow2", "raw", None} <= set(formats)
    assert cloud.call("GET", "/image/v2/info/import").json["import-methods"]["value"] == ["glance-direct"]


def test_compute_may_use_what_is_active_visible_and_bootable(cloud: Cloud) -> None:
    image = cloud.active()["id"]
    mine, other = Scope("alpha", "alpha"), Scope("beta", "beta")
    queued, iso = cloud.create()["id"], cloud.create(disk_format="iso")["id"]
    cloud.upload(iso, [b"\0" * 0x8000 + b"\x01CD001\x01" + bytes(1 << 20)])
    with cloud.db.read() as tx:
        found = actions.usable(tx, mine, image)
        assert (found.id, found.status, found.size) == (image, "active", 4)
        assert actions.usable(tx, ALL, image).id == image
        for scope, id, error in ((other, image, NotFound), (mine, queued, Invalid), (mine, iso, Invalid)):
            with pytest.raises(error):
                actions.usable(tx, scope, id)
        assert actions.any_image(tx, "nothing") is None


def test_a_purged_project_leaves_nothing(either: Cloud) -> None:
    kept = either.active(token="member:beta")["id"]
    either.active(protected=True)
    either.create()
    either.call("POST", f"{IMAGES}/{kept}/members", {"member": "alpha"}, token="member:beta")
    purge = either.services[0].purge
    assert purge is not None
    assert len(purge("alpha")["image"]) == 2
    either.settle()
    assert purge("alpha") == {}
    assert either.imagestore.names() == [kept]
    assert either.call("GET", f"{IMAGES}/{kept}/members", token="member:beta").json["members"] == []
