"""One image at a time per name and working directory: cached by recipe and package versions, and never half there."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Protocol

from croft.machine.commands import CommandFailed
from croft.machine.guests import debian, debian12, tiny
from croft.machine.progress import Progress, StepFailed


class Recipe(Protocol):
    """What a recipe module offers."""

    NAME: str
    MIN_DISK_GIB: int
    MIN_RAM_MIB: int
    ADMIN_USER: str
    SOURCES: tuple[str, ...]
    """Files and folders of this package whose change calls for a new image."""

    def refresh(self) -> None:
        """Learns what the package source offers now."""

    def material(self) -> tuple[debian.Package, ...]:
        """All packages the image is made from, as last learned."""

    def make(self, packages: tuple[debian.Package, ...], scratch: Path, target: Path, progress: Progress) -> None: ...


RECIPES: dict[str, Recipe] = {tiny.NAME: tiny, debian12.NAME: debian12}
NAMES = tuple(RECIPES)
PACKAGES = tuple(sorted({*tiny.PACKAGES, *debian12.PACKAGES}))
"""Debian packages the build machine needs."""


UPDATE = "See that `apt-get update` works and that the sources of this machine hold Debian main."
RETRY = "Look at what the program said, see to that, and run the same command again; nothing half-built is left."


@dataclass(frozen=True)
class BuiltImage:
    path: Path
    name: str
    version: str
    """Names the recipe and all package versions; equal versions are the same image for every purpose."""
    disk_format: str = "qcow2"
    min_disk_gib: int = 0
    min_ram_mib: int = 0
    properties: dict[str, str] = field(default_factory=dict)
    """Glance image properties."""


def build(name: str, workdir: Path, progress: Progress, recipes: Mapping[str, Recipe] = RECIPES) -> BuiltImage:
    """Returns the image, building it unless `workdir` holds the one this recipe would make from today's packages."""
    recipe = recipes.get(name)
    if recipe is None:
        raise StepFailed(f"there is no image named {name}", advice=f"Choose one of {', '.join(recipes)}.")
    workdir = workdir.resolve()
    workdir.mkdir(parents=True, exist_ok=True)
    with _alone(workdir / f".{name}.lock"):
        plan = _plan(recipe, workdir)
        if plan is None or not plan.path.exists():
            with progress.step(f"{name}: package lists refreshed"):
                recipe.refresh()
            plan = _plan(recipe, workdir)
        if plan is None:
            raise StepFailed(f"apt does not offer all packages {name} is made from", advice=UPDATE)
        if plan.path.exists():
            progress.note(f"{name}: version {plan.version} is built already")
        else:
            _make(recipe, plan.packages, plan.path, progress)
    return BuiltImage(
        path=plan.path,
        name=name,
        version=plan.version,
        min_disk_gib=recipe.MIN_DISK_GIB,
        min_ram_mib=recipe.MIN_RAM_MIB,
        properties={
            "architecture": "x86_64",
            "hw_disk_bus": "virtio",
            "hw_vif_model": "virtio",
            "os_type": "linux",
            "os_admin_user": recipe.ADMIN_USER,
            "croft_image_version": plan.version,
        },
    )


@dataclass(frozen=True)
class _Plan:
    packages: tuple[debian.Package, ...]
    version: str
    path: Path


def _plan(recipe: Recipe, workdir: Path) -> _Plan | None:
    """None when apt's lists lack a package: they may never have been fetched here."""
    try:
        packages = recipe.material()
    except debian.NotOffered:
        return None
    version = _version(recipe.SOURCES, packages)
    return _Plan(packages, version, workdir / f"{recipe.NAME}-{version}.qcow2")


def _make(recipe: Recipe, packages: tuple[debian.Package, ...], path: Path, progress: Progress) -> None:
    prefix = f".build-{recipe.NAME}-"
    for leftover in path.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover)
    scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
    try:
        recipe.make(packages, scratch, scratch / "image.qcow2", progress)
        (scratch / "image.qcow2").replace(path)
    except CommandFailed as failure:
        raise StepFailed(f"the image {recipe.NAME} could not be built: {failure}", advice=RETRY) from failure
    finally:
        shutil.rmtree(scratch)
    for older in path.parent.glob(f"{recipe.NAME}-????????????.qcow2"):
        if older != path:
            older.unlink()
    progress.note(f"{recipe.NAME}: built {path.name}, {path.stat().st_size / 1_000_000:.1f} MB")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keeps a second build of the same image waiting; the kernel drops the lock when this process dies."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _version(sources: tuple[str, ...], packages: tuple[debian.Package, ...]) -> str:
    digest = hashlib.sha256()
    for package in sorted(packages, key=lambda package: package.name):
        digest.update(f"{package.name}={package.version}\n".encode())
    for source in sources:
        for content in _contents(files("croft.machine.guests").joinpath(source)):
            digest.update(content)
    return digest.hexdigest()[:12]


def _contents(source: Traversable) -> Iterator[bytes]:
    if source.is_dir():
        for entry in sorted(source.iterdir(), key=lambda entry: entry.name):
            yield from _contents(entry)
    else:
        yield source.name.encode() + b"\0" + source.read_bytes() + b"\0"
