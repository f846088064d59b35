"""A world with shortcuts for images, and disk images built by hand, honest and hostile."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from croft.core.db import Database
from croft.core.http import Service
from croft.drivers.imagestore.fake import FakeImageStore
from tests.world import Answer, World

OCTETS = {"content-type": "application/octet-stream"}
PATCH = {"content-type": "application/openstack-images-v2.1-json-patch"}
MIB = 1 << 20


class Cloud(World):
    def __init__(self, db: Database, store: FakeImageStore, services: Sequence[Service]) -> None:
        super().__init__(db, services)
        self.imagestore = store

    def create(self, token: str = "member:alpha", **wishes: Any) -> dict[str, Any]:
        body = {"name": "one", "disk_format": "raw", "container_format": "bare"} | wishes
        answer = self.call("POST", "/image/v2/images", body, token=token)
        assert answer.status == 201, answer.body
        return dict(answer.json)

    def upload(self, image: str, chunks: Iterable[bytes], token: str = "member:alpha", **headers: str) -> Answer:
        said = OCTETS | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("PUT", f"/image/v2/images/{image}/file", chunks=chunks, token=token, headers=said)

    def active(self, content: bytes = b"disk", token: str = "member:alpha", **wishes: Any) -> dict[str, Any]:
        image = self.create(token, **wishes)
        answer = self.upload(image["id"], [content], token)
        assert answer.status == 204, answer.body
        return self.show(image["id"], token)

    def show(self, image: str, token: str = "member:alpha") -> dict[str, Any]:
        answer = self.call("GET", f"/image/v2/images/{image}", token=token)
        assert answer.status == 200, answer.body
        return dict(answer.json)

    def patch(self, image: str, *operations: dict[str, Any], token: str = "member:alpha") -> Answer:
        return self.call("PATCH", f"/image/v2/images/{image}", list(operations), headers=PATCH, token=token)

    def names(self, query: str = "", token: str = "member:alpha") -> list[str]:
        answer = self.call("GET", "/image/v2/images", query=query, token=token)
        assert answer.status == 200, answer.body
        return [image["name"] for image in answer.json["images"]]


def qcow2(
    virtual_size: int = 16 * MIB, backing: bytes = b"", features: int = 0, version: int = 3, extra: int = 0
) -> bytes:
    """An empty qcow2: header, one level-1 table, a reference count table and its block, one cluster of 64 KiB each."""
    cluster = 1 << 16
    entries = -(-virtual_size // (cluster * (cluster // 8)))
    name = 112 if backing else 0
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        b"QFI\xfb",
        version,
        name,
        len(backing),
        16,
        virtual_size,
        0,
        entries,
        cluster,
        2 * cluster,
        1,
        0,
        0,
    )
    header += struct.pack(">QQQII", features, 0, 0, 4, 104) + struct.pack(">II", 0, 0) + backing
    counts = struct.pack(">Q", 3 * cluster).ljust(cluster, b"\0")
    block = struct.pack(">4H", 1, 1, 1, 1).ljust(cluster, b"\0")
    return header.ljust(cluster, b"\0") + bytes(cluster) + counts + block + bytes(extra)
