"""The distribution's packages and the Python extras the real engines need: installs what is missing, starts nothing."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from croft.machine.commands import run
from croft.machine.progress import Progress, StepFailed

SUPERVISOR = ("runit", "tini")
NETWORK = ("iproute2", "procps", "util-linux", "ethtool", "nftables", "openvswitch-switch", "ovn-central", "ovn-host")
PEOPLE = ("openssh-client",)
"""`croft up` makes a key for its first server and says how to log in."""
HYPERVISOR = (
    "libvirt-daemon-system",
    "libvirt-daemon-driver-qemu",
    "libvirt-clients",
    "qemu-system-x86",
    "qemu-utils",
)
PYTHON_BUILD = ("gcc", "libc6-dev", "pkg-config", "libvirt-dev", "python3-dev")
"""libvirt-python is built against the machine's own libvirt."""

ENGINES = SUPERVISOR + NETWORK + HYPERVISOR + PEOPLE + PYTHON_BUILD
LDAP_BUILD = ("gcc", "libc6-dev", "pkg-config", "libldap-dev", "libsasl2-dev", "python3-dev")
"""python-ldap is built against the machine's own libldap; only where croft.toml names a directory of people."""
DIRECTORY = ("slapd",)
"""The real directory that the tests ask."""
TESTS = ("curl", "iputils-ping", *DIRECTORY)
"""What the tests ask guests and networks with."""
POLICY = Path("/usr/sbin/policy-rc.d")
REQUIREMENTS = Path(__file__).parents[3] / "requirements" / "engines.txt"
LDAP_REQUIREMENTS = REQUIREMENTS.with_name("people.txt")


def require_root() -> None:
    if os.geteuid() != 0:
        raise StepFailed(
            "the real engines need root: namespaces, bridges and virtual machines",
            advice="Run it as root, or use `croft dev` (or --engines fake), which needs no privileges.",
        )


def ensure(progress: Progress) -> None:
    install(ENGINES, progress)
    _ensure_python_engines(progress)


def ensure_people(progress: Progress) -> None:
    """For a cloud whose croft.toml names directories of people: the library that asks them."""
    if importlib.util.find_spec("ldap") is None and LDAP_REQUIREMENTS.exists():
        if os.geteuid() == 0:
            install(LDAP_BUILD, progress)
        progress.note("installing the Python side of LDAP")
        _pip(LDAP_REQUIREMENTS)


def ensure_supervisor(progress: Progress) -> None:
    """All that fake engines need; without root it must be there already."""
    if os.geteuid() == 0:
        install(SUPERVISOR, progress)
    elif shutil.which("runsvdir") is None:
        raise StepFailed(
            "runit, which keeps the daemons running, is not installed",
            advice="Install it as root (`apt-get install runit`), or use `croft dev`, which runs in the foreground.",
        )


def missing(wanted: Iterable[str]) -> list[str]:
    names = sorted(set(wanted))
    listed = run("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", *names, check=False)
    installed = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def install(wanted: Iterable[str], progress: Progress) -> None:
    """Installs what is missing, with no service started by it. No apt call when all is there."""
    absent = missing(wanted)
    if not absent:
        return
    progress.note(f"installing {', '.join(absent)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ("--yes", "--quiet", "--option", "DPkg::Lock::Timeout=300")
    with _services_held_back():
        _apt("apt-get", *options, "update", environment=environment)
        _apt("apt-get", *options, "install", "--no-install-recommends", *absent, environment=environment)


def _apt(*argv: str, environment: dict[str, str]) -> None:
    done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepFailed(
            f"`{' '.join(argv)}` failed:\n{(done.stderr or done.stdout).strip()}",
            advice="See that the machine reaches its package mirror (`apt-get update`), then run this again.",
            log=Path("/var/log/apt/term.log"),
        )


@contextmanager
def _services_held_back() -> Iterator[None]:
    """While packages are unpacked, invoke-rc.d may start nothing (policy-rc.d exits 101), unless a policy exists."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\n# Written by croft for the time of one package installation.\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _ensure_python_engines(progress: Progress) -> None:
    if not REQUIREMENTS.exists():
        _require_importable()
        return
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = Path(sys.prefix) / ".engines"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    progress.note("installing the Python side of libvirt")
    _pip(REQUIREMENTS)
    stamp.write_text(wanted)


def _pip(requirements: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install")
    argv = (*pip, "--require-hashes", "--requirement", str(requirements))
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepFailed(
            f"pip could not install {requirements.name}:\n{(done.stderr or done.stdout).strip()[-2000:]}",
            advice="See that the machine reaches its package index, then run this again.",
        )


def _require_importable() -> None:
    try:
        import libvirt  # noqa: F401
    except ImportError as missing_module:
        raise StepFailed(
            f"the Python module {missing_module.name} is missing",
            advice="Install it next to croft: `pip install 'croft[engines]'`.",
        ) from missing_module
