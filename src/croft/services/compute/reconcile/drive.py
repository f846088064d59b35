"""The config drive: an ISO 9660 image labelled `config-2` with what a guest would read at the metadata address."""

from __future__ import annotations

import io
import os

import msgspec

from croft.services.compute.model import documents
from croft.services.compute.store.views import Told

VERSIONS = ("2018-08-27", "latest")


def build(told: Told) -> bytes:
    # pycdlib costs 30 ms to import, and most servers have no such drive
    import pycdlib

    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=4, joliet=3, rock_ridge="1.09", vol_ident="config-2")
    try:
        _directory(disc, "/openstack")
        for version in VERSIONS:
            _directory(disc, f"/openstack/{version}")
            for name, content in files(told).items():
                _file(disc, f"/openstack/{version}/{name}", content)
        out = io.BytesIO()
        disc.write_fp(out)
    finally:
        disc.close()
    return out.getvalue()


def files(told: Told) -> dict[str, bytes]:
    found = {
        "meta_data.json": msgspec.json.encode(documents.meta_data(told.server, told.ports, os.urandom(512))),
        "network_data.json": msgspec.json.encode(documents.network_data(told.ports, told.subnets)),
        "vendor_data.json": b"{}",
        "vendor_data2.json": b"{}",
    }
    content = documents.user_data(told.server)
    return found if content is None else found | {"user_data": content}


def _directory(disc: object, path: str) -> None:
    disc.add_directory(path, rr_name=path.rpartition("/")[2], joliet_path=path)  # type: ignore[attr-defined]


def _file(disc: object, path: str, content: bytes) -> None:
    name = path.rpartition("/")[2]
    disc.add_fp(io.BytesIO(content), len(content), path, rr_name=name, joliet_path=path)  # type: ignore[attr-defined]
