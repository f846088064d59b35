"""The recipe of `debian-12`: a whole Debian with cloud-init, made by mmdebstrap and trimmed to boot soon."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

from croft.machine.commands import run
from croft.machine.guests import debian, disk
from croft.machine.progress import Progress

NAME = "debian-12"
SUITE = "bookworm"
MIN_DISK_GIB = 2
MIN_RAM_MIB = 512
ADMIN_USER = "debian"
SOURCES: tuple[str, ...] = ("debian12.py", "files/debian", "debian.py", "disk.py")
PACKAGES = ("debian-archive-keyring", "mmdebstrap", "util-linux", *disk.PACKAGES)

INCLUDE = (
    debian.KERNEL, "initramfs-tools", "zstd", "systemd", "systemd-sysv", "systemd-resolved", "systemd-timesyncd",
    "udev", "dbus", "libpam-systemd", "openssh-server", "cloud-init", "cloud-guest-utils", "sudo", "e2fsprogs", "kmod",
    "iproute2", "iputils-ping", "netbase", "procps", "ca-certificates", "curl", "less", "nano",
)  # fmt: skip
"""Beyond the packages every Debian has (priority required, and apt)."""

SETTINGS = {
    "cloud.cfg": "etc/cloud/cloud.cfg.d/90_croft.cfg",
    "any.network": "etc/systemd/network/90-any.network",
    "wait-online.conf": "etc/systemd/system/systemd-networkd-wait-online.service.d/croft.conf",
    "sshd.conf": "etc/ssh/sshd_config.d/60-croft.conf",
    "grub.cfg": "boot/grub/grub.cfg",
}
EARLY_SETTINGS = {
    "initramfs.conf": "etc/initramfs-tools/conf.d/croft",
    "initramfs.modules": "etc/initramfs-tools/modules",
}
"""In place before the kernel is installed, whose package makes the initramfs."""

ENABLED = ("systemd-networkd", "systemd-resolved", "systemd-timesyncd")
MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount", "systemd-pstore.service", "cloud-config.service",
)  # fmt: skip
"""Work that nobody waits for at boot; an administrator may unmask it."""

NOT_UNPACKED = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*", "/usr/share/info/*")
UNPACKED = ("/usr/share/locale/locale.alias", "/usr/share/doc/*/copyright")
REMOVED = (
    "etc/apt/sources.list", "etc/apt/apt.conf.d/99mmdebstrap", "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "etc/resolv.conf", "etc/hostname", "var/lib/dbus/machine-id", "var/lib/systemd/random-seed",
)  # fmt: skip

SIZE_MIB = 2048
GRUB_MODULES = (*disk.GRUB_MODULES, "linux", "normal", "configfile", "echo", "test", "search", "search_label")
BUILD_SECONDS = 1800


def refresh() -> None:
    debian.refresh()


def material() -> tuple[debian.Package, ...]:
    return tuple(debian.closure(INCLUDE))


def make(packages: tuple[debian.Package, ...], scratch: Path, target: Path, progress: Progress) -> None:
    root = scratch / "root"
    with progress.step(f"{NAME}: {len(packages)} Debian packages installed"):
        _bootstrap(scratch, root)
    with progress.step(f"{NAME}: configured"):
        _configure(root)
    with progress.step(f"{NAME}: disk written and compressed"):
        layout = disk.Layout(NAME, SIZE_MIB, "", grub_modules=GRUB_MODULES)
        disk.write_disk(root, layout, scratch, target)


def _place(name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(files("croft.machine.guests").joinpath("files", "debian", name).read_bytes())
    target.chmod(0o644)


def _bootstrap(scratch: Path, root: Path) -> None:
    """In a mount and process namespace of its own that dies with this process: nothing it mounts or starts is left."""
    early = scratch / "early"
    for name, place in EARLY_SETTINGS.items():
        _place(name, early / place)
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in NOT_UNPACKED]
    options += [f"--dpkgopt=path-include={pattern}" for pattern in UNPACKED]
    options += [f'--aptopt={option} "{value}"' for option, value in debian.proxies().items()]
    options.append('--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d"')
    options += [f"--essential-hook=upload {early / place} /{place}" for place in EARLY_SETTINGS.values()]
    bound = ("setpriv", "--pdeathsig", "KILL", "unshare", "--kill-child")
    alone = ("--mount", "--pid", "--fork", "--mount-proc", "--propagation", "private")
    bootstrap = ("mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", f"--include={','.join(INCLUDE)}")
    sources = debian.sources(SUITE)
    run(*bound, *alone, *bootstrap, *options, SUITE, str(root), *sources, timeout=BUILD_SECONDS)


def _configure(root: Path) -> None:
    for name in REMOVED:
        (root / name).unlink(missing_ok=True)
    for name, place in SETTINGS.items():
        _place(name, root / place)
    mirrors = debian.without_credentials(debian.sources(SUITE))
    (root / "etc/apt/sources.list.d/debian.list").write_text(mirrors)
    (root / "etc/fstab").write_text(f"LABEL={NAME} / ext4 rw,discard,errors=remount-ro 0 1\n")
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").write_text("debian\n")
    (root / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for log in (root / "var/log").rglob("*"):
        if log.is_file():
            log.unlink()
    shutil.rmtree(root / "var/lib/cloud", ignore_errors=True)
    run("chroot", str(root), "systemctl", "enable", *ENABLED)
    run("chroot", str(root), "systemctl", "mask", *MASKED)
