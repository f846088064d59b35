"""An image's bytes on their way in and out: the one place of this service where a request meets an engine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from croft.core.ctx import Ctx
from croft.core.errors import Invalid, NotFound, Rejected, TooLarge, UnsupportedMedia
from croft.core.http import Request, Response, empty
from croft.drivers.imagestore import ImageStore
from croft.services.images import actions
from croft.services.images.actions import Upload
from croft.services.images.model import LAST_LEASE, LEASE, Image, RangeNotSatisfiable

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Data:
    """`largest` is how many bytes one image may have."""

    def __init__(self, imagestore: ImageStore, largest: int) -> None:
        self._imagestore = imagestore
        self._largest = largest

    def upload(self, req: Request) -> Response:
        return self._receive(req, staged=False)

    def stage(self, req: Request) -> Response:
        return self._receive(req, staged=True)

    def _receive(self, req: Request, *, staged: bool) -> Response:
        if req.headers.get("content-type", "").partition(";")[0].strip() != "application/octet-stream":
            raise UnsupportedMedia("An image's data is sent as application/octet-stream.")
        said = _said(req)
        if said is not None and said > self._largest:
            raise TooLarge(_too_large(self._largest))
        upload = actions.begin_upload(req.ctx, req.params["image"], said)
        try:
            stored = self._imagestore.write(upload.image, self._watched(req.ctx, upload, req.chunks))
            actions.end_upload(req.ctx, upload, stored, staged=staged)
        except Exception:
            actions.give_up_upload(req.ctx, upload)
            raise
        return empty()

    def _watched(self, ctx: Ctx, upload: Upload, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Passes the bytes on while they fit, keeping the lease alive; raising here leaves nothing in the store."""
        most = self._largest if upload.room is None else min(self._largest, upload.room)
        size, again = 0, ctx.db.clock.now() + LEASE // 4
        for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise TooLarge(_too_large(most))
            if ctx.db.clock.now() >= again:
                actions.stretch_upload(ctx, upload)
                again = ctx.db.clock.now() + LEASE // 4
            yield chunk
        actions.stretch_upload(ctx, upload, LAST_LEASE)

    def download(self, req: Request) -> Response:
        image = actions.download(req.ctx, req.params["image"])
        if image is None or image.size is None:
            return empty(204)
        part = _wanted(req.headers.get("range", ""), image.size)
        start, length = part or (0, image.size)
        headers = _headers(image, length)
        if part:
            headers["content-range"] = f"bytes {start}-{start + length - 1}/{image.size}"
        if req.method == "HEAD":
            return empty(206 if part else 200, headers)
        try:
            return Response(206 if part else 200, self._imagestore.read(image.id, start, length), headers)
        except Rejected as error:
            raise NotFound(f"The data of image {image.id} is lost.") from error


def _said(req: Request) -> int | None:
    """The size a client announces, by either header."""
    text = req.headers.get("x-openstack-image-size") or req.headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(f"The size of the data must be a whole number, not '{text[:40]}'.")
    return int(text)


def _too_large(most: int) -> str:
    return f"The image is too large: there is room for {most} bytes. Delete images no longer needed, or ask for more."


def _wanted(text: str, size: int) -> tuple[int, int] | None:
    """Start and length of the one range asked for; anything that is no single range is ignored, as RFC 9110 allows."""
    form = _RANGE.fullmatch(text)
    if form is None or form[0] == "bytes=-":
        return None
    if not form[1]:
        start, end = max(0, size - int(form[2])), size - 1
    else:
        start, end = int(form[1]), min(int(form[2] or size), size - 1)
    if start >= size or (form[2] and form[1] and int(form[2]) < start):
        raise RangeNotSatisfiable(f"The requested range starts beyond the image's {size} bytes.")
    return start, end - start + 1


def _headers(image: Image, length: int) -> dict[str, str]:
    headers = {"content-type": "application/octet-stream", "content-length": str(length), "accept-ranges": "bytes"}
    if image.checksum and length == image.size:
        headers["content-md5"] = image.checksum
    return headers
