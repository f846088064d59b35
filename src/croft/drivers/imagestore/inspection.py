"""What image bytes claim to be, and whether a guest may ever use them: oslo.utils' inspectors over the stream, and for
qcow2 a walk through the tables of the finished file, which the stream alone cannot check."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import IO, cast

from oslo_utils.imageutils import format_inspector

QCOW2_MAGIC = b"QFI\xfb"
LARGEST_DISK = 64 << 40
"""Bytes; a claim above it is a lie or an attack."""
LARGEST_L1 = 32 << 20
"""Bytes; QEMU refuses more."""
LARGEST_TABLES = 1 << 30
"""Bytes of level-2 tables read before giving up on an image."""
_HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62


class Inspection:
    """Iterates over the chunks it is given, looking at them as they pass; then `verdict` says what they were."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._wrapper = format_inspector.InspectWrapper(cast("IO[bytes]", iter(chunks)))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._wrapper)

    def verdict(self, image: IO[bytes], size: int) -> tuple[str, int, str]:
        """Format, virtual size, and why it is unsafe (empty if it is not); `image` is the whole of it, seekable."""
        image.seek(0)
        if image.read(len(QCOW2_MAGIC)) == QCOW2_MAGIC:
            return ("qcow2", *self._qcow2(image, size))
        found = {str(inspector): inspector for inspector in self._wrapper.formats or ()}
        if len(found) > 1 and set(found) != {"iso", "gpt"}:
            return "raw", size, f"The bytes claim several formats at once: {', '.join(sorted(found))}."
        if "iso" in found:
            return "iso", size, ""
        name, inspector = next(iter(found.items()), ("raw", None))
        if inspector is None or name in {"raw", "gpt"}:
            return "raw", size, ""
        return name, _claimed_size(inspector), _objection(inspector)

    def _qcow2(self, image: IO[bytes], size: int) -> tuple[int, str]:
        others = {str(inspector) for inspector in self._wrapper.formats or ()} - {"qcow2", "raw"}
        if others:
            return 0, f"The bytes claim several formats at once: qcow2, {', '.join(sorted(others))}."
        image.seek(0)
        header = image.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return 0, "The qcow2 header is cut short."
        qcow2 = _Qcow2(image, size, header)
        return qcow2.virtual_size, qcow2.objection()


class _Qcow2:
    def __init__(self, image: IO[bytes], size: int, header: bytes) -> None:
        self._image = image
        self._size = size
        (
            _magic,
            self._version,
            self._backing,
            _backing_length,
            self._cluster_bits,
            self.virtual_size,
            self._encryption,
            self._l1_entries,
            self._l1_offset,
            self._refcount_offset,
            self._refcount_clusters,
            _snapshots,
            _snapshots_offset,
        ) = _HEADER.unpack(header)

    def objection(self) -> str:
        return self._header_objection() or self._feature_objection() or self._table_objection()

    def _header_objection(self) -> str:
        if self._version not in (2, 3):
            return f"qcow2 version {self._version} is unknown."
        if self._backing:
            return "The image refers to a backing file."
        if self._encryption:
            return "The image is encrypted."
        if not 9 <= self._cluster_bits <= 21:
            return f"Clusters of 2^{self._cluster_bits} bytes are not allowed."
        if not 0 < self.virtual_size <= LARGEST_DISK:
            return f"A virtual size of {self.virtual_size} bytes is not credible."
        return ""

    def _feature_objection(self) -> str:
        if self._version == 2:
            return ""
        self._image.seek(72)
        field = self._image.read(8)
        if len(field) < 8:
            return "The qcow2 header is cut short."
        (features,) = struct.unpack(">Q", field)
        if features & 0b10:
            return "The image is marked corrupt."
        if features & 0b100:
            return "The image keeps its data in another file."
        if features & ~0b1011:
            return "The image uses qcow2 features unknown here."
        return ""

    def _table_objection(self) -> str:
        cluster = 1 << self._cluster_bits
        l1_bytes = self._l1_entries * 8
        needed = -(-self.virtual_size // (cluster * (cluster // 8)))
        if l1_bytes > LARGEST_L1 or self._l1_entries < needed:
            return "The size of the level-1 table does not fit the virtual size."
        if self._l1_offset % cluster or self._l1_offset + l1_bytes > self._size:
            return "The file ends before its level-1 table does."
        if self._refcount_offset + self._refcount_clusters * cluster > self._size:
            return "The file ends before its reference counts do."
        tables = sorted({entry & _OFFSET for entry in self._entries(self._l1_offset, l1_bytes)} - {0})
        if len(tables) * cluster > LARGEST_TABLES:
            return "The image has too many tables to be checked."
        for offset in tables:
            if offset + cluster > self._size:
                return "The file ends before its level-2 tables do."
            if self._reaches(offset, cluster) > self._size:
                return "The file ends before its data does."
        return ""

    def _reaches(self, offset: int, cluster: int) -> int:
        """The first byte after all clusters of one level-2 table; compressed ones at least begin before it."""
        shift = 62 - (self._cluster_bits - 8)
        reach = 0
        for entry in self._entries(offset, cluster):
            if entry & _COMPRESSED:
                reach = max(reach, (entry & ((1 << shift) - 1)) + 1)
            elif entry & _OFFSET:
                reach = max(reach, (entry & _OFFSET) + 1)
        return reach

    def _entries(self, offset: int, length: int) -> array[int]:
        self._image.seek(offset)
        entries = array("Q")
        entries.frombytes(self._image.read(length))
        if sys.byteorder == "little":
            entries.byteswap()
        return entries


def _claimed_size(inspector: format_inspector.FileInspector) -> int:
    try:
        return int(inspector.virtual_size)
    except (struct.error, KeyError, IndexError):
        return 0


def _objection(inspector: format_inspector.FileInspector) -> str:
    try:
        inspector.safety_check()
    except format_inspector.SafetyCheckFailed as failed:
        return " ".join(f"{violation}." for violation in failed.failures.values())
    except format_inspector.ImageFormatError as error:
        return f"{error}."
    return ""
