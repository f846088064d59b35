"""The recipe of `tiny`: Debian's cloud kernel, busybox and dropbear on a small ext4 root, up in seconds."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from croft.machine.commands import run
from croft.machine.guests import debian, disk, modules
from croft.machine.progress import Progress

NAME = "tiny"
MIN_DISK_GIB = 1
MIN_RAM_MIB = 128
ADMIN_USER = "root"
SOURCES: tuple[str, ...] = ("tiny.py", "files/tiny", "debian.py", "disk.py", "modules.py")
PACKAGES = ("cpio", "zstd", *disk.PACKAGES)

MATERIAL = (
    "busybox-static", "dropbear-bin", "wide-dhcpv6-client", "e2fsprogs", "libc6", "libcrypt1", "libtomcrypt1",
    "libtommath1", "libgmp10", "zlib1g", "libfl2", "libext2fs2", "libcom-err2", "libblkid1", "libuuid1",
)  # fmt: skip
PROGRAMS = ("usr/sbin/dropbear", "usr/bin/dropbearkey", "usr/sbin/dhcp6c", "sbin/resize2fs", "sbin/mke2fs")
EARLY_MODULES = ("virtio_pci", "virtio_net", "virtio_blk")
EARLY_APPLETS = ("sh", "mount", "insmod", "cat", "dd", "blockdev", "usleep", "switch_root")
LATE_MODULES = (
    "button", "evdev", "virtio-rng", "virtio_balloon", "isofs", "vfat", "nls_cp437", "nls_iso8859-1", "fuse",
    "virtiofs", "nfs", "nfsv3", "nfsv4",
)  # fmt: skip

KERNEL_ARGUMENTS = (
    "quiet console=ttyS0 no_timer_check noreplace-smp mitigations=off random.trust_cpu=on "
    "8250.nr_uarts=1 cryptomgr.notests panic=5"
)
BOOT_SCRIPT = f"linux16 /boot/vmlinuz {KERNEL_ARGUMENTS}\ninitrd16 /boot/initrd\nboot\n"

FOLDERS = (
    "bin", "boot", "dev", "etc/acpi/PWRF", "etc/dropbear", "lib64", "mnt", "proc", "root", "run", "sbin",
    "srv/www/cgi-bin", "sys", "tmp", "usr/bin", "usr/lib/tiny", "usr/sbin", "var/lib/tiny", "var/log",
)  # fmt: skip
TEXTS = {
    "etc/passwd": "root:*:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/shadow": "root:*:20000:0:99999:7:::\n",
    "etc/shells": "/bin/sh\n",
    "etc/hostname": "tiny\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/profile": "export PATH=/usr/sbin:/usr/bin:/sbin:/bin\nexport PS1='\\h:\\w# '\n",
}
LINKS = {
    "etc/mtab": "/proc/self/mounts",
    "etc/resolv.conf": "/run/resolv.conf",
    "sbin/init": "/bin/busybox",
    "sbin/mkfs.ext4": "mke2fs",
    "sbin/mkfs.ext3": "mke2fs",
    "var/run": "/run",
    "var/lib/dhcpv6": "/run",
    "var/lock": "/run",
}
SCRIPTS = ("start", "stop", "plugged", "nic", "dhcp4", "dhcp6", "identity", "functions")


def refresh() -> None:
    debian.refresh()


def material() -> tuple[debian.Package, ...]:
    """Every package the image is made from, at the version apt offers."""
    return tuple(debian.candidates([debian.kernel_name(), *MATERIAL]))


def make(packages: tuple[debian.Package, ...], scratch: Path, target: Path, progress: Progress) -> None:
    source, root = scratch / "packages", scratch / "root"
    with progress.step(f"{NAME}: {len(packages)} Debian packages fetched"):
        debian.unpack(packages, scratch / "archives", source)
    with progress.step(f"{NAME}: root file system laid out"):
        _lay_out(source, root)
        _add_modules(source, root)
        _pack_early(source, scratch / "early", root / "boot/initrd")
        (kernel,) = source.glob("boot/vmlinuz-*")
        shutil.copy(kernel, root / "boot/vmlinuz")
    with progress.step(f"{NAME}: disk written and compressed"):
        disk.write_disk(root, disk.Layout("tiny", 128, BOOT_SCRIPT), scratch, target)


def _place(name: str, target: Path, mode: int = 0o755) -> None:
    target.write_bytes(files("croft.machine.guests").joinpath("files", "tiny", name).read_bytes())
    target.chmod(mode)


def _add_busybox(source: Path, folder: Path, applets: Iterable[str]) -> None:
    shutil.copy(source / "bin/busybox", folder / "busybox")
    for applet in applets:
        (folder / applet).symlink_to("busybox")


def _lay_out(source: Path, root: Path) -> None:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    (root / "root").chmod(0o700)
    applets = set(run(str(source / "bin/busybox"), "--list").split())
    _add_busybox(source, root / "bin", applets - {"busybox", "mke2fs"})
    programs = [source / name for name in PROGRAMS]
    for path in [*programs, *debian.libraries(source, programs)]:
        place = root / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    for name, text in TEXTS.items():
        (root / name).write_text(text)
    (root / "etc/shadow").chmod(0o600)
    for name, goal in LINKS.items():
        (root / name).symlink_to(goal)
    for name in SCRIPTS:
        _place(name, root / "usr/lib/tiny" / name)
    _place("mke2fs.conf", root / "etc/mke2fs.conf", 0o644)
    _place("inittab", root / "etc/inittab", 0o644)
    _place("page", root / "srv/www/cgi-bin/index.cgi")
    _place("sudo", root / "usr/bin/sudo")
    button = root / "etc/acpi/PWRF/00000080"
    button.write_text("#!/bin/sh\nexec poweroff\n")
    button.chmod(0o755)


def _add_modules(source: Path, root: Path) -> None:
    (kernel,) = (source / "lib/modules").iterdir()
    folder = root / "lib/modules" / kernel.name
    folder.mkdir(parents=True)
    chosen = modules.load_order(kernel, (*EARLY_MODULES, *LATE_MODULES))
    for module in chosen:
        (folder / f"{module.name}.ko").write_bytes(module.data)
    (folder / "modules.dep").write_text(modules.dependency_table(chosen))


def _pack_early(source: Path, folder: Path, target: Path) -> None:
    """The initramfs: busybox and the modules without which no disk is seen."""
    for name in ("bin", "dev", "modules", "proc", "root", "sys"):
        (folder / name).mkdir(parents=True)
    _add_busybox(source, folder / "bin", EARLY_APPLETS)
    (kernel,) = (source / "lib/modules").iterdir()
    chosen = modules.load_order(kernel, EARLY_MODULES)
    for module in chosen:
        (folder / "modules" / f"{module.name}.ko").write_bytes(module.data)
    (folder / "modules/order").write_text("".join(f"{module.name}\n" for module in chosen))
    _place("early", folder / "init")
    archive = folder.with_suffix(".cpio")
    pack = 'find . -print0 | LC_ALL=C sort -z | cpio --null --quiet -o -H newc > "$0"'
    run("env", f"--chdir={folder}", "sh", "-c", pack, str(archive))
    run("zstd", "-q", "-19", str(archive), "-o", str(target), timeout=120)
