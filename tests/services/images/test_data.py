"""Bytes in and out: what is refused, what a broken or killed upload leaves, what comes back."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

import pytest

from croft.core.errors import Invalid, NotFound, Unavailable
from croft.services.images import actions, store
from tests.services.images.cloud import MIB, OCTETS, Cloud, qcow2


def test_an_upload_makes_the_image_active_with_its_sums(either: Cloud) -> None:
    content = qcow2(40 * MIB)
    image = either.active(content, disk_format="qcow2")
    assert image["status"] == "active"
    assert (image["size"], image["virtual_size"]) == (len(content), 40 * MIB)
    assert image["checksum"] == hashlib.md5(content).hexdigest()
    assert (image["os_hash_algo"], image["os_hash_value"]) == ("sha512", hashlib.sha512(content).hexdigest())
    assert either.call("GET", f"/image/v2/images/{image['id']}/file").body == content


@pytest.mark.parametrize(
    ("content", "declared", "status", "says"),
    [
        pytest.param(qcow2(backing=b"/etc/shadow"), "qcow2", 400, "backing file", id="backing file"),
        pytest.param(qcow2(features=4), "qcow2", 400, "another file", id="external data file"),
        pytest.param(qcow2(version=7), "qcow2", 400, "version 7", id="unknown version"),
        pytest.param(qcow2(1 << 50)[: 4 << 16], "qcow2", 400, "refused", id="absurd virtual size"),
        pytest.param(qcow2()[:70], "qcow2", 400, "cut short", id="cut in the header"),
        pytest.param(qcow2()[: 1 << 16], "qcow2", 400, "ends before", id="cut before its tables"),
        pytest.param(qcow2(), "raw", 415, "content is qcow2", id="qcow2 declared raw"),
        pytest.param(qcow2(backing=b"/etc/shadow"), "raw", 400, "backing file", id="hostile qcow2 declared raw"),
        pytest.param(qcow2(), "ami", 415, "content is qcow2", id="qcow2 declared ami"),
        pytest.param(b"no qcow2 at all", "qcow2", 415, "content is raw", id="raw declared qcow2"),
        pytest.param(b"\0" * 0x8000 + b"\x01CD001\x01" + b"\0" * MIB, "raw", 415, "iso", id="iso declared raw"),
    ],
)
def test_bad_bytes_are_refused_and_leave_nothing(
    cloud: Cloud, content: bytes, declared: str, status: int, says: str
) -> None:
    image = cloud.create(disk_format=declared)["id"]
    answer = cloud.upload(image, [content])
    assert (answer.status, says in answer.json["message"]) == (status, True), answer.body
    cloud.settle()
    assert cloud.imagestore.names() == []
    shown = cloud.show(image)
    assert (shown["status"], shown["size"], shown["checksum"]) == ("queued", None, None)
    assert cloud.upload(image, [qcow2() if declared == "qcow2" else b"good"]).status == 204
    assert cloud.show(image)["status"] == "active"


@pytest.mark.parametrize("declared", ["ami", "ari", "aki"])
def test_kernels_and_ramdisks_are_unstructured(cloud: Cloud, declared: str) -> None:
    assert cloud.active(b"\x7fELF", disk_format=declared, container_format=declared)["status"] == "active"


def test_other_containers_are_kept_but_hostile_content_is_not(cloud: Cloud) -> None:
    assert cloud.active(b"a tar", disk_format="vmdk", container_format="ova")["status"] == "active"
    image = cloud.create(disk_format="vmdk", container_format="ova")["id"]
    assert cloud.upload(image, [qcow2(backing=b"/etc/shadow")]).status == 400


def test_a_declaration_changed_during_the_upload_counts(cloud: Cloud) -> None:
    image = cloud.create(disk_format="qcow2")["id"]

    def content() -> Iterator[bytes]:
        assert cloud.patch(image, {"op": "replace", "path": "/disk_format", "value": "raw"}).status == 200
        yield qcow2()

    assert cloud.upload(image, content()).status == 415


def test_an_upload_needs_formats_and_the_right_content_type(cloud: Cloud) -> None:
    image = cloud.call("POST", "/image/v2/images", {}).json["id"]
    assert cloud.upload(image, [b"x"]).status == 400
    named = cloud.create()["id"]
    assert cloud.call("PUT", f"/image/v2/images/{named}/file", chunks=[b"x"]).status == 415
    assert cloud.show(named)["status"] == "queued"


def test_a_second_upload_is_refused(cloud: Cloud) -> None:
    image = cloud.active()
    assert cloud.upload(image["id"], [b"other"]).status == 409
    assert cloud.call("GET", f"/image/v2/images/{image['id']}/file").body == b"disk"


def test_of_two_uploads_at_once_exactly_one_wins(either: Cloud) -> None:
    image = either.create()["id"]
    statuses: list[int] = []
    together = threading.Barrier(2)

    def upload(content: bytes) -> None:
        together.wait()
        statuses.append(either.upload(image, [content]).status)

    threads = [threading.Thread(target=upload, args=[text]) for text in (b"first", b"second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204, 409]
    shown = either.show(image)
    content = either.call("GET", f"/image/v2/images/{image}/file").body
    assert shown["checksum"] == hashlib.md5(content).hexdigest()


def test_an_upload_while_another_runs_is_refused(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    seen: list[object] = []

    def content() -> Iterator[bytes]:
        yield b"one"
        seen.append(cloud.show(image)["status"])
        seen.append(cloud.upload(image, [b"two"]).status)
        seen.append(cloud.call("GET", f"/image/v2/images/{image}/file").status)
        cloud.settle()

    assert cloud.upload(image, content()).status == 204
    assert seen == ["saving", 409, 204]
    assert cloud.call("GET", f"/image/v2/images/{image}/file").body == b"one"


@pytest.mark.parametrize(("error", "status"), [(Invalid("The upload broke off."), 400), (RuntimeError("bug"), 500)])
def test_a_broken_off_upload_leaves_the_image_queued(cloud: Cloud, error: Exception, status: int) -> None:
    image = cloud.create()["id"]

    def content() -> Iterator[bytes]:
        yield b"half" * MIB
        raise error

    assert cloud.upload(image, content()).status == status
    assert cloud.show(image)["status"] == "queued"
    assert cloud.imagestore.names() == []
    assert cloud.upload(image, [b"whole"]).status == 204


def test_a_full_store_is_503_and_frees_the_image(cloud: Cloud) -> None:
    image = cloud.create()["id"]

    def away(verb: str) -> None:
        raise Unavailable("The image store failed: no space.")

    cloud.imagestore.before = away
    assert cloud.upload(image, [b"x"]).status == 503
    cloud.imagestore.before = lambda verb: None
    assert cloud.upload(image, [b"x"]).status == 204


def test_an_upload_whose_process_was_killed_frees_the_image_after_the_lease(either: Cloud) -> None:
    image = either.create()["id"]
    actions.begin_upload(either.ctx(), image)
    either.imagestore.write(image, [b"all of it, but never accepted"])
    assert either.show(image)["status"] == "saving"
    either.settle(130)
    assert either.show(image)["status"] == "queued"
    assert either.imagestore.names() == []
    assert either.upload(image, [b"again"]).status == 204


def test_a_long_upload_keeps_its_lease(cloud: Cloud) -> None:
    image = cloud.create()["id"]

    def content() -> Iterator[bytes]:
        for _ in range(20):
            cloud.clock.advance(60)
            cloud.settle()
            yield b"slow"

    assert cloud.upload(image, content()).status == 204
    assert cloud.show(image)["size"] == 80


def test_an_upload_given_up_for_dead_cannot_end(cloud: Cloud) -> None:
    image = cloud.create()["id"]

    def content() -> Iterator[bytes]:
        yield b"first half"
        cloud.clock.advance(1000)
        assert cloud.upload(image, [b"the other"]).status == 204
        yield b"second half"

    assert cloud.upload(image, content()).status == 404
    cloud.settle()
    assert cloud.call("GET", f"/image/v2/images/{image}/file").body == b"the other"


def test_bytes_of_an_upload_that_lost_its_lease_at_the_very_end_are_not_accepted(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    ctx = cloud.ctx()
    late = actions.begin_upload(ctx, image)
    cloud.clock.advance(1000)
    actions.begin_upload(ctx, image)
    with pytest.raises(NotFound):
        actions.end_upload(ctx, late, cloud.imagestore.write(image, [b"late"]))


def test_an_image_deleted_during_its_upload_is_gone_with_its_bytes(either: Cloud) -> None:
    image = either.create()["id"]

    def content() -> Iterator[bytes]:
        yield b"half"
        assert either.call("DELETE", f"/image/v2/images/{image}").status == 204
        either.settle()
        yield b"rest"

    assert either.upload(image, content()).status == 404
    either.settle(130)
    assert either.imagestore.names() == []
    with either.db.read() as tx:
        assert store.any_image(tx, image) is None


def test_an_announced_size_must_be_true(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    assert cloud.upload(image, [b"four"], x_openstack_image_size="5").status == 400
    assert cloud.upload(image, [b"four"], x_openstack_image_size="many").status == 400
    assert cloud.upload(image, [b"four"], x_openstack_image_size="4").status == 204


def test_an_image_may_be_only_so_large(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    assert cloud.upload(image, [b"x"], content_length=str(65 * MIB)).status == 413
    assert cloud.upload(image, (bytes(MIB) for _ in range(65))).status == 413
    assert cloud.show(image)["status"] == "queued"
    assert cloud.upload(image, (bytes(MIB) for _ in range(64))).status == 204


def test_all_images_of_a_project_fit_its_quota(either: Cloud) -> None:
    with either.db.write() as tx:
        either.quotas.set(tx, "alpha", {"images.image_size_total": 3})
    either.active(bytes(2 * MIB + 1))
    second = either.create()["id"]
    assert either.upload(second, [b"x"]).status == 413
    other = either.create("member:beta")
    assert either.upload(other["id"], [b"x"], "member:beta").status == 204
    with either.db.write() as tx:
        either.quotas.set(tx, "alpha", {"images.image_size_total": -1})
    assert either.upload(second, [b"x"]).status == 204


def test_the_quota_holds_when_uploads_race(either: Cloud) -> None:
    with either.db.write() as tx:
        either.quotas.set(tx, "alpha", {"images.image_size_total": 1})
    ids = [either.create()["id"] for _ in range(4)]
    together = threading.Barrier(4)
    statuses: list[int] = []

    def content() -> Iterator[bytes]:
        together.wait()
        yield b"x"

    threads = [
        threading.Thread(target=lambda id=id: statuses.append(either.upload(id, content()).status)) for id in ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204, 413, 413, 413]
    either.settle()
    assert len(either.imagestore.names()) == 1


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=10-", 416, None, None),
        ("bytes=5-2", 416, None, None),
        ("bytes=-0", 416, None, None),
    ],
)
def test_a_part_can_be_downloaded(
    cloud: Cloud, asked: str, status: int, body: bytes | None, content_range: str | None
) -> None:
    image = cloud.active(b"0123456789")
    answer = cloud.call("GET", f"/image/v2/images/{image['id']}/file", headers={"range": asked})
    assert answer.status == status
    assert answer.headers.get("content-range") == content_range
    if body is not None:
        assert answer.body == body
        assert answer.headers["content-length"] == str(len(body))
        assert (answer.headers.get("content-md5") == image["checksum"]) is (status == 200)


def test_downloads_before_the_data_and_heads_have_no_content(cloud: Cloud) -> None:
    queued = cloud.create()["id"]
    assert cloud.call("GET", f"/image/v2/images/{queued}/file").status == 204
    image = cloud.active()
    answer = cloud.call("HEAD", f"/image/v2/images/{image['id']}/file")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "4")


def test_a_reader_may_not_download(cloud: Cloud) -> None:
    image = cloud.active()
    assert cloud.call("GET", f"/image/v2/images/{image['id']}/file", token="reader:alpha").status == 403


def test_a_deactivated_image_is_for_operators_only(cloud: Cloud) -> None:
    image = cloud.active()["id"]
    assert cloud.call("POST", f"/image/v2/images/{image}/actions/deactivate").status == 204
    assert cloud.call("POST", f"/image/v2/images/{image}/actions/deactivate").status == 204
    assert cloud.show(image)["status"] == "deactivated"
    assert cloud.call("GET", f"/image/v2/images/{image}/file").status == 403
    assert cloud.call("GET", f"/image/v2/images/{image}/file", token="admin:ops").body == b"disk"
    assert cloud.call("POST", f"/image/v2/images/{image}/actions/reactivate").status == 204
    assert cloud.call("GET", f"/image/v2/images/{image}/file").body == b"disk"
    queued = cloud.create()["id"]
    assert cloud.call("POST", f"/image/v2/images/{queued}/actions/deactivate").status == 403


def test_lost_bytes_are_told(cloud: Cloud) -> None:
    image = cloud.active()["id"]
    cloud.imagestore.lose(image)
    assert cloud.call("GET", f"/image/v2/images/{image}/file").status == 404
    cloud.settle(1000)
    assert cloud.show(image)["status"] == "killed"
    assert cloud.call("GET", f"/image/v2/images/{image}/file").status == 404
    assert cloud.upload(image, [b"x"]).status == 409
    cloud.imagestore.write(image, [b"disk"])
    cloud.settle(1000)
    assert cloud.show(image)["status"] == "active"
    cloud.imagestore.lose(image)
    assert cloud.call("DELETE", f"/image/v2/images/{image}").status == 204
    cloud.settle()
    assert cloud.call("GET", f"/image/v2/images/{image}").status == 404


def test_staged_data_waits_for_its_import(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    path = f"/image/v2/images/{image}"
    wish = {"method": {"name": "glance-direct"}}
    assert cloud.call("POST", path + "/import", wish).status == 409
    assert cloud.call("PUT", path + "/stage", chunks=[b"staged"], headers=OCTETS).status == 204
    assert cloud.show(image)["status"] == "uploading"
    assert cloud.call("GET", path + "/file").status == 204
    assert cloud.call("POST", path + "/import", {"method": {"name": "web-download"}}).status == 400
    assert cloud.call("POST", path + "/import", wish).status == 202
    assert cloud.show(image)["status"] == "active"
    assert cloud.call("GET", path + "/file").body == b"staged"


def test_staged_data_is_checked_like_any(cloud: Cloud) -> None:
    image = cloud.create(disk_format="qcow2")["id"]
    answer = cloud.call(
        "PUT", f"/image/v2/images/{image}/stage", chunks=[qcow2(backing=b"/etc/passwd")], headers=OCTETS
    )
    assert answer.status == 400
    assert cloud.show(image)["status"] == "queued"


def test_an_idle_look_writes_nothing(cloud: Cloud) -> None:
    image = cloud.active()["id"]
    cloud.settle()
    with cloud.db.read() as tx:
        before = store.any_image(tx, image)
    writes = cloud.imagestore.writes
    cloud.settle(2000)
    with cloud.db.read() as tx:
        after = store.any_image(tx, image)
    assert before is not None
    assert after is not None
    assert [getattr(before, name) for name in before.__struct_fields__[:-1]] == [
        getattr(after, name) for name in after.__struct_fields__[:-1]
    ]
    assert cloud.imagestore.writes == writes
