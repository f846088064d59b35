"""Sharing images between projects."""

from __future__ import annotations

from tests.services.images.cloud import Cloud

IMAGES = "/image/v2/images"


def test_sharing_needs_both_sides(either: Cloud) -> None:
    image = either.create()["id"]
    members = f"{IMAGES}/{image}/members"
    made = either.call("POST", members, {"member": "beta"})
    assert (made.status, made.json["status"], made.json["member_id"]) == (200, "pending", "beta")
    assert either.call("POST", members, {"member": "beta"}).status == 409
    assert either.names(token="member:beta") == []
    assert either.names("visibility=shared&member_status=pending", token="member:beta") == ["one"]
    assert either.show(image, "member:beta")["id"] == image
    assert either.call("PUT", members + "/beta", {"status": "accepted"}).status == 403
    assert either.call("PUT", members + "/beta", {"status": "maybe"}, token="member:beta").status == 400
    answer = either.call("PUT", members + "/beta", {"status": "accepted"}, token="member:beta")
    assert (answer.status, answer.json["status"]) == (200, "accepted")
    assert either.names(token="member:beta") == ["one"]
    assert either.names(token="member:gamma") == []
    either.call("PUT", members + "/beta", {"status": "rejected"}, token="member:beta")
    assert either.names(token="member:beta") == []
    assert either.names("member_status=all", token="member:beta") == ["one"]
    assert either.call("DELETE", members + "/beta", token="member:beta").status == 403
    assert either.call("DELETE", members + "/beta").status == 204
    assert either.call("DELETE", members + "/beta").status == 404
    assert either.call("GET", f"{IMAGES}/{image}", token="member:beta").status == 404


def test_members_see_only_themselves(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    members = f"{IMAGES}/{image}/members"
    for project in ("beta", "gamma"):
        cloud.call("POST", members, {"member": project})
    assert [each["member_id"] for each in cloud.call("GET", members).json["members"]] == ["beta", "gamma"]
    assert [each["member_id"] for each in cloud.call("GET", members, token="member:beta").json["members"]] == ["beta"]
    assert cloud.call("GET", members + "/gamma").json["image_id"] == image
    assert cloud.call("GET", members + "/gamma", token="member:beta").status == 404
    assert cloud.call("PUT", members + "/gamma", {"status": "accepted"}, token="member:beta").status == 404
    assert cloud.call("POST", members, {"member": "delta"}, token="member:beta").status == 403


def test_only_shared_images_have_members(cloud: Cloud) -> None:
    image = cloud.create(visibility="private")["id"]
    members = f"{IMAGES}/{image}/members"
    assert cloud.call("POST", members, {"member": "beta"}).status == 403
    assert cloud.call("GET", members).status == 403
    assert cloud.call("POST", members, {"member": ""}).status == 400


def test_an_image_has_at_most_128_members(cloud: Cloud) -> None:
    members = f"{IMAGES}/{cloud.create()['id']}/members"
    statuses = [cloud.call("POST", members, {"member": f"p{n}"}).status for n in range(129)]
    assert statuses == [200] * 128 + [413]
