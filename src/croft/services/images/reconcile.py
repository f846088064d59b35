"""Keeps an image's bytes and its row together: removes what nobody owns any more, notices what is lost."""

from __future__ import annotations

from croft.core.db import Database
from croft.core.ids import new_id
from croft.core.work import Done, Explanation, Gone, Result, Wait
from croft.drivers.imagestore import ImageStore
from croft.services.images import store
from croft.services.images.model import Image


class ImageReconciler:
    kind, resync, deadline = "images.image", 900, 3600

    def __init__(self, db: Database, imagestore: ImageStore) -> None:
        self._db = db
        self._imagestore = imagestore

    def reconcile(self, id: str) -> Result:
        with self._db.read() as tx:
            image = store.any_image(tx, id)
        if image is not None and image.size is None and image.until > image.at:
            return Wait("Receiving the image's data.", image.until - image.at)
        if image is None or image.deleted is not None:
            return self._remove(id, image)
        return self._tidy(image) if image.size is None else self._look(image)

    def _remove(self, id: str, image: Image | None) -> Result:
        self._imagestore.remove(id)
        if image is not None:
            with self._db.write() as tx:
                store.any_drop(tx, id)
        return Gone()

    def _tidy(self, image: Image) -> Result:
        """Bytes of a refused or broken-off upload go, under a lease of our own so that no new upload is hit."""
        if self._imagestore.observe(image.id) is None:
            return Done()
        token = new_id()
        with self._db.write() as tx:
            held = store.any_hold(tx, image.id, token, 60)
        if not held:
            return Wait("Receiving the image's data.", 5)
        self._imagestore.remove(image.id)
        with self._db.write() as tx:
            store.any_let_go(tx, image.id, token)
        return Done()

    def _look(self, image: Image) -> Result:
        there = self._imagestore.observe(image.id) == image.size
        if there != (image.lost is None):
            with self._db.write() as tx:
                store.any_lost(tx, image.id, None if there else tx.now)
        return Done()

    def explain(self, id: str) -> Explanation | None:
        with self._db.read() as tx:
            image = store.any_image(tx, id)
        if image is None:
            return None
        want = {
            "bytes": image.size,
            "checksum": image.checksum,
            "receiving": image.size is None and image.until > image.at,
            "deleted": image.deleted is not None,
        }
        return Explanation(want, {"bytes": self._imagestore.observe(id), "missed_since": image.lost})
