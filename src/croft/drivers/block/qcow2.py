"""Disks as files in one directory, made by qemu-img: qcow2 for volumes, raw for given bytes.

A file appears under its name only when whole. Formats are always named to qemu-img, never probed. A volume made from an
image holds a hard link of its own to the image's bytes, so the image store may forget them."""

from __future__ import annotations

import errno
import os
import secrets
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from croft.core.errors import Rejected, Unavailable
from croft.drivers.block import Volume, VolumeState, check_name

_TIMEOUT = 30
_PART = ".part"
_ENDINGS = {"qcow2": ".qcow2", "raw": ".raw"}
_ORIGIN = ".origin"
_MAGIC = b"QFI\xfb"
_SIZE_OFFSET = 24
_NEARLY_FULL = 4 << 20
"""Bytes left below which a failure is put down to a full disk."""


class Qcow2Block:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._locks = [threading.Lock() for _ in range(64)]
        with _translated():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for stray in directory.glob(f".*{_PART}"):
                stray.unlink(missing_ok=True)
            for origin in directory.glob(f"*{_ORIGIN}"):
                if not origin.with_suffix(_ENDINGS["qcow2"]).exists():
                    origin.unlink(missing_ok=True)

    def observe(self, name: str) -> VolumeState | None:
        check_name(name)
        with _translated():
            for form in _ENDINGS:
                path = self._path(name, form)
                try:
                    return VolumeState(name, _virtual_size(path, form), str(path), form)
                except FileNotFoundError:
                    continue
        return None

    def ensure(self, volume: Volume) -> VolumeState:
        check_name(volume.name)
        with self._alone(volume.name):
            if volume.content is not None:
                return self._hold(volume.name, volume.content)
            held = self.observe(volume.name)
            if held is None:
                return self._make(volume)
            if volume.size > held.size:
                self._qemu_img("resize", "-q", "-f", held.format, held.locator, str(volume.size))
                return self._held(volume.name)
            return held

    def remove(self, name: str) -> None:
        check_name(name)
        with self._alone(name), _translated():
            for form in _ENDINGS:
                self._path(name, form).unlink(missing_ok=True)
            self._origin(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        with _translated():
            paths = list(self._directory.iterdir())
        return sorted({path.stem for path in paths if path.suffix in _ENDINGS.values() and path.name[0] != "."})

    def _make(self, volume: Volume) -> VolumeState:
        backing: list[str] = []
        if volume.image is not None:
            needed = _image_size(volume.image, volume.image_format)
            if volume.size < needed:
                raise Rejected(f"A disk of {volume.size} bytes cannot hold an image of {needed}.")
            backing = ["-b", self._adopt(volume.name, volume.image), "-F", volume.image_format]
        with self._part(volume.name) as part:
            self._qemu_img("create", "-q", "-f", "qcow2", *backing, str(part), str(volume.size))
            with _translated():
                part.chmod(0o600)
                part.replace(self._path(volume.name, "qcow2"))
        return self._held(volume.name)

    def _adopt(self, name: str, image: str) -> str:
        """Links the image's bytes to the volume; what an interrupted call linked before is replaced."""
        origin = self._origin(name)
        with _translated():
            origin.unlink(missing_ok=True)
            try:
                origin.hardlink_to(image)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    raise Rejected("Images and volumes must be kept on one file system.") from error
                raise
        return str(origin)

    def _held(self, name: str) -> VolumeState:
        state = self.observe(name)
        if state is None:
            raise Unavailable(f"Volume {name} vanished while it was being made.")
        return state

    def _hold(self, name: str, content: bytes) -> VolumeState:
        path = self._path(name, "raw")
        with _translated():
            if not (path.exists() and path.stat().st_size == len(content) and path.read_bytes() == content):
                with self._part(name) as part:
                    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                    with os.fdopen(handle, "wb") as file:
                        file.write(content)
                    part.replace(path)
                self._path(name, "qcow2").unlink(missing_ok=True)
        return VolumeState(name, len(content), str(path), "raw")

    def _path(self, name: str, form: str) -> Path:
        return self._directory / (name + _ENDINGS[form])

    def _origin(self, name: str) -> Path:
        return self._directory / (name + _ORIGIN)

    @contextmanager
    def _part(self, name: str) -> Iterator[Path]:
        part = self._directory / f".{name}.{secrets.token_hex(4)}{_PART}"
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)

    def _alone(self, name: str) -> threading.Lock:
        """Held during a change of this volume (and of the few that share its lock)."""
        return self._locks[hash(name) % len(self._locks)]

    def _qemu_img(self, *words: str) -> None:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        command = ["qemu-img", *words]
        try:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"qemu-img did not finish within {_TIMEOUT} s.")
        except OSError as error:
            raise Unavailable(f"qemu-img could not be run: {error.strerror}.") from error
        if done.returncode == 0:
            return
        room = os.statvfs(self._directory)
        if room.f_bavail * room.f_frsize < _NEARLY_FULL:
            raise Unavailable("The disk store is full.")
        raise Rejected(done.stderr.decode(errors="replace").strip() or f"qemu-img ended with {done.returncode}.")


def _image_size(image: str, form: str) -> int:
    if form not in _ENDINGS:
        raise Rejected(f"Disks are not made from {form} images.")
    with _translated():
        try:
            return _virtual_size(Path(image), form)
        except FileNotFoundError:
            raise Rejected(f"There is no image at {image}.")


def _virtual_size(path: Path, form: str) -> int:
    """As the file's own header says; `form` is known, never guessed."""
    with path.open("rb") as file:
        if form == "raw":
            return file.seek(0, os.SEEK_END)
        header = file.read(_SIZE_OFFSET + 8)
    if len(header) < _SIZE_OFFSET + 8 or not header.startswith(_MAGIC):
        raise Rejected(f"{path.name} is not a qcow2 file.")
    return int(struct.unpack_from(">Q", header, _SIZE_OFFSET)[0])


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"The disk store failed: {error.strerror}.") from error
