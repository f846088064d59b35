"""Debian packages as material: which version apt offers, fetching them, unpacking them without installing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from croft.machine.commands import run
from croft.machine.progress import StepFailed

KERNEL = "linux-image-cloud-amd64"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
FETCH_SECONDS = 900


class NotOffered(Exception):
    """Apt's lists have no such package."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    depends: tuple[str, ...]
    """Names of the first alternative of each dependency."""


def refresh() -> None:
    """Fetches apt's lists anew: old ones name packages the mirror no longer has. What a source of others fails to give
    does not matter here; what Debian's fails to give shows when a package is asked for."""
    run("apt-get", "--quiet", "update", timeout=FETCH_SECONDS, check=False)


def candidates(names: Iterable[str]) -> list[Package]:
    """What apt would install under these names now, in their order."""
    wanted = list(names)
    found: dict[str, Package] = {}
    for paragraph in run("apt-cache", "show", "--no-all-versions", *wanted, check=False).split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if "Package" in fields and "Version" in fields:
            depends = (part.split("|")[0].split("(")[0].strip() for part in fields.get("Depends", "").split(","))
            found[fields["Package"]] = Package(fields["Package"], fields["Version"], tuple(filter(None, depends)))
    missing = [name for name in wanted if name not in found]
    if missing:
        raise NotOffered(f"apt knows no package {', '.join(missing)}")
    return [found[name] for name in wanted]


def kernel_name() -> str:
    """The versioned package behind Debian's name for its newest cloud kernel."""
    (newest,) = candidates([KERNEL])
    for name in newest.depends:
        if name.startswith("linux-image-"):
            return name
    raise NotOffered(f"{KERNEL} names no kernel")


def closure(names: Iterable[str]) -> list[Package]:
    """All packages a new system with these would have, at the versions apt offers now."""
    ask = ("apt-get", "--simulate", "--option", "Dir::State::status=/dev/null", "install", "--no-install-recommends")
    printed = run(*ask, "?priority(required)", "apt", *names, check=False)
    found = re.findall(r"^Inst (\S+) \((\S+) ", printed, re.MULTILINE)
    if not found:
        raise NotOffered(f"apt cannot resolve {', '.join(names)}")
    return [Package(name, version, ()) for name, version in sorted(found)]


def sources(suite: str) -> list[str]:
    """Where this machine gets Debian's `suite` and its updates from, as sources.list lines."""
    form = "$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)"
    printed = run("apt-get", "indextargets", "--format", form, "Created-By: Packages")
    lines = []
    for line in dict.fromkeys(printed.splitlines()):
        origin, address, codename, component = line.split(" ")
        if origin == "Debian" and codename.split("-")[0] == suite and component == "main":
            lines.append(f"deb [signed-by={KEYRING}] {address} {codename} main")
    if not lines:
        raise StepFailed(
            f"this machine's apt has no source for Debian's {suite}",
            advice=f"Add one for {suite}, {suite}-updates and {suite}-security, run `apt-get update`, then this again.",
        )
    return lines


def without_credentials(lines: Iterable[str]) -> str:
    """The same as a file for a guest: a user and password in a mirror's address are this machine's alone."""
    return "".join(re.sub(r"(?<=://)[^/@ ]*@", "", line) + "\n" for line in lines)


def proxies() -> dict[str, str]:
    """The proxies this machine's apt is set to use."""
    options = ("Acquire::http::Proxy", "Acquire::https::Proxy")
    values = {option: run("apt-config", "shell", "value", option) for option in options}
    return {option: shlex.split(text.strip())[0].partition("=")[2] for option, text in values.items() if text.strip()}


def unpack(packages: Iterable[Package], workdir: Path, tree: Path) -> None:
    """Downloads exactly these versions (apt checks their signatures) and unpacks them over each other into `tree`."""
    workdir.mkdir()
    names = [f"{package.name}={package.version}" for package in packages]
    download = ("apt-get", "download", "--quiet", "--option", "APT::Sandbox::User=root")
    run("env", f"--chdir={workdir}", *download, *names, timeout=FETCH_SECONDS)
    for archive in sorted(workdir.glob("*.deb")):
        run("dpkg-deb", "--extract", str(archive), str(tree))
        archive.unlink()


def libraries(tree: Path, programs: Sequence[Path]) -> set[Path]:
    """The shared libraries, loader included, these programs of an unpacked tree load from that tree."""
    loader = tree / "lib64/ld-linux-x86-64.so.2"
    folders = ":".join(str(tree / folder) for folder in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"))
    ask = (str(tree / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"), "--library-path", folders, "--list")
    found = {loader}
    for program in programs:
        for line in run(*ask, str(program)).splitlines():
            name, arrow, goal = line.strip().partition(" => ")
            if not arrow:
                continue
            path = Path(goal.split(" (")[0])
            if not path.is_relative_to(tree):
                raise StepFailed(
                    f"{program.name} needs {name}, which no listed package brings",
                    advice="Add the package that has it to MATERIAL in the image's recipe.",
                )
            found.add(path)
    return found
