"""What the reconciler removes, and what it must leave alone; the status that all this amounts to."""

from __future__ import annotations

import itertools

import sqlalchemy as sa

from croft.core import work
from croft.core.errors import Unavailable
from croft.core.page import Page
from croft.core.policy import ALL
from croft.core.work import Done, Gone, Wait
from croft.services.images import actions, store
from croft.services.images.model import Filters
from croft.services.images.reconcile import ImageReconciler
from tests.services.images.cloud import Cloud


def reconciler(cloud: Cloud) -> ImageReconciler:
    return ImageReconciler(cloud.db, cloud.imagestore)


def test_bytes_without_an_image_are_removed(cloud: Cloud) -> None:
    cloud.imagestore.write("stray", [b"x"])
    assert reconciler(cloud).reconcile("stray") == Gone()
    assert cloud.imagestore.names() == []


def test_an_image_that_waits_for_its_bytes_is_done(cloud: Cloud) -> None:
    assert reconciler(cloud).reconcile(cloud.create()["id"]) == Done()


def test_an_upload_that_begins_while_leftovers_are_looked_at_is_not_hit(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    cloud.imagestore.write(image, [b"left over"])

    def begin(verb: str) -> None:
        cloud.imagestore.before = lambda verb: None
        actions.begin_upload(cloud.ctx(), image)

    cloud.imagestore.before = begin
    assert isinstance(reconciler(cloud).reconcile(image), Wait)
    assert cloud.imagestore.names() == [image]


def test_no_upload_begins_while_leftovers_are_removed(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    cloud.imagestore.write(image, [b"left over"])
    statuses: list[int] = []

    def upload(verb: str) -> None:
        if verb == "remove":
            statuses.append(cloud.upload(image, [b"new"]).status)

    cloud.imagestore.before = upload
    assert reconciler(cloud).reconcile(image) == Done()
    assert statuses == [409]
    assert cloud.upload(image, [b"new"]).status == 204


def test_a_running_upload_is_said_to_be_one(cloud: Cloud) -> None:
    image = cloud.create()["id"]
    actions.begin_upload(cloud.ctx(), image)
    cloud.settle()
    with cloud.db.read() as tx:
        note = work.note(tx, "images.image", image)
    assert (note.code, note.message) == ("waiting", "Receiving the image's data.")


def test_a_delete_outlasts_an_engine_that_is_away(either: Cloud) -> None:
    image = either.active()["id"]
    either.call("DELETE", f"/image/v2/images/{image}")

    def away(verb: str) -> None:
        raise Unavailable("The image store does not answer.")

    either.imagestore.before = away
    either.settle()
    either.imagestore.before = lambda verb: None
    assert either.imagestore.names() == [image]
    either.settle(10)
    assert either.imagestore.names() == []


def test_the_status_is_the_same_in_sql_and_out_of_it(either: Cloud) -> None:
    now = either.clock.now()
    image = either.create()["id"]
    cases = itertools.product((None, 5), (0, now, now + 1), (None, now), (True, False), (True, False))
    for size, until, lost, staged, deactivated in cases:
        values = {"size": size, "until": until, "lost": lost, "staged": staged, "deactivated": deactivated}
        with either.db.write() as tx:
            tx.run(sa.update(store.image), values)
            found = store.any_image(tx, image)
            assert found is not None
            listed = store.page(tx, ALL, Filters(among={"status": (found.status.value,)}), Page())
        assert [each.id for each in listed] == [image], values
