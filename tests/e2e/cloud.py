"""A whole cloud for the end-to-end tests, driven only by what its users have: `croft`, `openstack`, the SDK, ssh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from keystoneauth1.exceptions import ClientException as KeystoneauthException
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from openstack.exceptions import SDKException

T = TypeVar("T")
MARKS = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::openstack.warnings._RemovedInSDKWarning"),
]
"""On every end-to-end test; the SDK warns of its own future whenever it connects."""
BIN = Path(sys.executable).parent


@dataclass
class RunningCloud:
    state: Path

    def croft(self, *words: str, check: bool = True, timeout: int = 600) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "croft.cli", *words, "--state", str(self.state)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
        assert not check or done.returncode == 0, f"croft {' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done

    def openstack(self, *words: str, cloud: str = "croft", parse: bool = True, check: bool = True) -> Any:
        """The released client with nothing but the printed clouds.yaml."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        environment |= {"OS_CLIENT_CONFIG_FILE": str(self.state / "clouds.yaml"), "OS_CLOUD": cloud}
        argv = [str(BIN / "openstack"), *words, *(["-f", "json"] if parse else [])]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert not check or done.returncode == 0, f"openstack {' '.join(words)}:\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if parse else done.stdout

    def sdk(self, cloud: str = "croft", **words: Any) -> Connection:
        files = [str(self.state / "clouds.yaml")]
        known = OpenStackConfig(config_files=files, load_envvars=False)
        return Connection(config=known.get_one(cloud=cloud, **words))

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.croft("status", "--json", check=False).stdout))

    def pid(self, daemon: str) -> int:
        return next(int(each["pid"]) for each in self.status()["daemons"] if each["name"] == daemon)

    def virsh(self, host: str, *words: str) -> str:
        socket = Path("/run") / f"croft-{self.tag}" / host / "libvirt" / "libvirt-sock"
        argv = ["virsh", "-q", "-c", f"qemu+unix:///system?socket={socket}", *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout

    @property
    def tag(self) -> str:
        return str(json.loads((self.state / "cloud.json").read_text())["tag"])

    @property
    def hosts(self) -> list[str]:
        return [each["name"] for each in self.status()["hosts"]]

    def belongings(self) -> dict[str, set[str]]:
        """Everything there is in OVN, in libvirt, on disk and in namespaces."""
        found = {f"libvirt {host}": set(self.virsh(host, "list", "--all", "--name").split()) for host in self.hosts}
        for folder in ("volumes", "guests"):
            found[folder] = {path.name for path in (self.state / folder).iterdir() if not path.name.startswith(".")}
        northbound = f"unix:/run/croft-{self.tag}/central/ovnnb_db.sock"
        for table in OVN_TABLES:
            argv = ["ovn-nbctl", f"--db={northbound}", "--bare", "--columns=_uuid", "list", table]
            listed = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
            found[table] = set(listed.split())
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        found["namespaces"] = {line.split()[0] for line in listed.splitlines() if f"croft-{self.tag}" in line}
        return found


NOT_YET = (OSError, AssertionError, SDKException, KeystoneauthException, subprocess.SubprocessError)
OVN_TABLES = (
    "Logical_Switch",
    "Logical_Switch_Port",
    "Logical_Router",
    "Logical_Router_Port",
    "Logical_Router_Static_Route",
    "NAT",
    "ACL",
    "Port_Group",
    "Address_Set",
    "DHCP_Options",
    "DNS",
    "Gateway_Chassis",
)


def eventually(what: str, look: Callable[[], T], seconds: float = 120, pause: float = 0.2) -> T:
    """Looks until it is truthy; errors of a network or an API that is not up yet count as not yet."""
    deadline, last = time.monotonic() + seconds, ""
    while True:
        try:
            found = look()
            if found:
                return found
        except NOT_YET as error:
            last = f": {error}"
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s{last}"
        time.sleep(pause)


def page(address: str, timeout: float = 2) -> str:
    """The web page at an address; OSError when there is none."""
    host = f"[{address}]" if ":" in address else address
    with urllib.request.urlopen(f"http://{host}/", timeout=timeout) as answer:
        return str(answer.read().decode())


def answers(address: str, timeout: float = 2) -> bool:
    try:
        return bool(page(address, timeout))
    except OSError:
        return False


@dataclass(frozen=True)
class Ssh:
    key: Path
    user: str = "root"

    def __call__(self, address: str, command: str, timeout: int = 30) -> str:
        done = self.run(address, command, timeout)
        assert done.returncode == 0, f"ssh {address} {command!r}: {done.stdout}{done.stderr}"
        return done.stdout

    def run(self, address: str, command: str, timeout: int = 30) -> subprocess.CompletedProcess[str]:
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"]
        options += ["ConnectTimeout=10"]
        argv = ["ssh", "-i", str(self.key), *(word for option in options for word in ("-o", option))]
        argv += [f"{self.user}@{address}", command]
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
        )


def make_key(folder: Path, name: str = "key") -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path
