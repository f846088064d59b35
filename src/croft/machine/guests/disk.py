"""A bootable disk file from a directory: MBR, GRUB and one ext4 partition, written without loop devices or mounts."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from croft.machine.commands import run

SECTOR = 512
FIRST_SECTOR = 2048
MIB = 1024 * 1024
WRITE_SECONDS = 900
GRUB = Path("/usr/lib/grub/i386-pc")
GRUB_MODULES = ("biosdisk", "part_msdos", "ext2", "linux16", "boot")
"""`linux16` in place of `linux`, which moves the kernel's whole 52 MB of working space about, 1.3 s if emulated."""
LINUX_PARTITION = 0x83
CHS_UNUSED = b"\xfe\xff\xff"

PACKAGES = ("grub-common", "grub-pc-bin", "e2fsprogs", "qemu-utils")


@dataclass(frozen=True)
class Layout:
    label: str
    size_mib: int
    boot_script: str
    """GRUB commands, run at once: no menu, no waiting."""
    features: str = "has_journal,extent,64bit,flex_bg,metadata_csum,resize_inode,^orphan_file,^metadata_csum_seed"
    """Only what GRUB 2.06 reads."""
    block_size: int = 4096
    grub_modules: tuple[str, ...] = GRUB_MODULES


def write_disk(tree: Path, layout: Layout, scratch: Path, target: Path) -> None:
    """Makes `target`, a compressed qcow2 whose only partition holds `tree`."""
    raw = scratch / "disk.raw"
    with raw.open("wb") as file:
        file.truncate(layout.size_mib * MIB)
    _make_filesystem(tree, layout, raw)
    _make_bootable(layout, scratch, raw)
    run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", str(raw), str(target), timeout=WRITE_SECONDS)
    raw.unlink()


def _make_filesystem(tree: Path, layout: Layout, raw: Path) -> None:
    blocks = (layout.size_mib * MIB - FIRST_SECTOR * SECTOR) // layout.block_size
    extended = f"offset={FIRST_SECTOR * SECTOR},root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1"
    command = ("mke2fs", "-q", "-F", "-t", "ext4", "-m", "1", "-b", str(layout.block_size), "-L", layout.label)
    fill = ("-O", layout.features, "-E", extended, "-d", str(tree), str(raw), str(blocks))
    run(*command, *fill, timeout=WRITE_SECONDS)


def _make_bootable(layout: Layout, scratch: Path, raw: Path) -> None:
    script = scratch / "grub.cfg"
    script.write_text(layout.boot_script)
    core = scratch / "core.img"
    goal = ("-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-c", str(script), "-o", str(core))
    run("grub-mkimage", *goal, *layout.grub_modules)
    boot_code = (GRUB / "boot.img").read_bytes()[:440]
    sectors = layout.size_mib * MIB // SECTOR - FIRST_SECTOR
    entry = struct.pack("<B3sB3sII", 0x80, CHS_UNUSED, LINUX_PARTITION, CHS_UNUSED, FIRST_SECTOR, sectors)
    record = boot_code + os.urandom(4) + bytes(2) + entry + bytes(48) + b"\x55\xaa"
    with raw.open("r+b") as file:
        file.write(record)
        file.write(core.read_bytes())
