"""Kernel modules for a guest without depmod or a module store: order, dependencies, and smaller files."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from croft.machine.progress import StepFailed

SIGNATURE_MARK = b"~Module signature appended~\n"


@dataclass(frozen=True)
class Module:
    name: str
    """As its file is named; the kernel itself writes `_` for `-`."""
    data: bytes
    """Without the appended signature: checking it costs an emulated CPU more than anything else in loading."""
    depends: tuple[str, ...]


def read_module(path: Path) -> Module:
    data = unsigned(path.read_bytes())
    depends = ""
    start = data.find(b"\0depends=")
    if start >= 0:
        depends = data[start + len(b"\0depends=") : data.index(b"\0", start + 1)].decode("ascii")
    return Module(path.stem, data, tuple(filter(None, depends.split(","))))


def unsigned(data: bytes) -> bytes:
    """Drops the signature `scripts/sign-file` appends: its bytes, a 12-byte trailer ending in its length, a mark."""
    if not data.endswith(SIGNATURE_MARK):
        return data
    trailer = len(data) - len(SIGNATURE_MARK)
    (length,) = struct.unpack(">I", data[trailer - 4 : trailer])
    return data[: trailer - 12 - length]


def load_order(tree: Path, names: Iterable[str]) -> list[Module]:
    """These modules and all they depend on, each after what it depends on."""
    files = {path.stem.replace("-", "_"): path for path in tree.rglob("*.ko")}
    ordered: dict[str, Module] = {}

    def add(name: str) -> None:
        key = name.replace("-", "_")
        if key in ordered:
            return
        if key not in files:
            raise StepFailed(
                f"the kernel package has no module {name}",
                advice="Take it out of the image's recipe, or name its successor.",
            )
        module = read_module(files[key])
        for other in module.depends:
            add(other)
        ordered[key] = module

    for name in names:
        add(name)
    return list(ordered.values())


def dependency_table(modules: Iterable[Module]) -> str:
    """The text of modules.dep for a folder that holds these modules side by side."""
    by_key = {module.name.replace("-", "_"): module for module in modules}
    lines = []
    for module in by_key.values():
        closure: list[str] = []
        waiting = list(module.depends)
        while waiting:
            other = by_key[waiting.pop(0).replace("-", "_")]
            if other.name not in closure:
                closure.append(other.name)
                waiting.extend(other.depends)
        lines.append(f"{module.name}.ko:" + "".join(f" {name}.ko" for name in closure))
    return "\n".join(lines) + "\n"
