"""Boots a built image with plain QEMU, emulated, on loopback ports: what the tests of guest images stand on."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycdlib

IMAGES = Path(__file__).parents[2] / ".cache" / "guests"
RESPONDER = """
import json, sys
path = sys.stdin.readline().split()[1].strip("/").split("/")
while sys.stdin.readline().strip():
    pass
files = json.load(open({files!r}))
body = "latest" if path == ["openstack"] else " ".join(files) if len(path) == 2 else files.get(path[-1])
status = "404 Not Found" if body is None else "200 OK"
body = (body or "").encode()
sys.stdout.buffer.write(f"HTTP/1.0 {{status}}\\r\\nContent-Length: {{len(body)}}\\r\\n\\r\\n".encode() + body)
"""
"""A metadata service of one request, for QEMU to run at each connection."""


def until(what: str, check: Callable[[], Any], seconds: float) -> Any:
    """Polls until `check` gives something true, and gives that; names `what` when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def identity(hostname: str, uuid: str, key: str, user_data: str = "") -> dict[str, str]:
    """The files of openstack/latest, with things in them that must not confuse a guest."""
    document = {
        "meta": {"uuid": "wrong", "hostname": "wrong", "note": "a } brace"},
        "availability_zone": "nova",
        "hostname": hostname,
        "name": hostname,
        "public_keys": {"mine": key},
        "keys": [{"name": "mine", "type": "ssh", "data": key}],
        "uuid": uuid,
    }
    files = {"meta_data.json": json.dumps(document)}
    if user_data:
        files["user_data"] = user_data
    return files


def write_config_drive(target: Path, files: dict[str, str]) -> None:
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident="config-2")
    iso.add_directory("/OPENSTACK", rr_name="openstack", joliet_path="/openstack")
    iso.add_directory("/OPENSTACK/LATEST", rr_name="latest", joliet_path="/openstack/latest")
    for number, (name, text) in enumerate(sorted(files.items())):
        data, place = text.encode(), f"/OPENSTACK/LATEST/F{number}.;1"
        iso.add_fp(io.BytesIO(data), len(data), place, rr_name=name, joliet_path=f"/openstack/latest/{name}")
    iso.write(str(target))
    iso.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Machine:
    """One guest, with its disk and an ssh key pair in `folder`; start it, ask it, stop it."""

    def __init__(self, folder: Path, image: Path, user: str, memory_mib: int) -> None:
        self.folder, self.user, self.memory_mib = folder, user, memory_mib
        self.process: subprocess.Popen[bytes] | None = None
        self.web_port = self.ssh_port = 0
        self.started = 0.0
        backing = ["-b", str(image), "-F", "qcow2", str(folder / "disk.qcow2"), "4G"]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing], check=True)
        for name in ("key", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)

    @property
    def public_key(self) -> str:
        return (self.folder / "key.pub").read_text().strip()

    def start(self, config_drive: dict[str, str] | None = None, metadata: dict[str, str] | None = None) -> None:
        self.web_port, self.ssh_port = free_port(), free_port()
        network = f"user,id=net0,hostfwd=tcp:127.0.0.1:{self.web_port}-:80,hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22"
        drives = [f"file={self.folder}/disk.qcow2,if=virtio,cache=unsafe"]
        if config_drive is not None:
            write_config_drive(self.folder / "config.iso", config_drive)
            drives.append(f"file={self.folder}/config.iso,format=raw,if=virtio,readonly=on")
        if metadata is not None:
            (self.folder / "metadata.json").write_text(json.dumps(metadata))
            (self.folder / "responder.py").write_text(RESPONDER.format(files=str(self.folder / "metadata.json")))
            command = f"{sys.executable} {self.folder}/responder.py"
            network += f",net=169.254.169.0/24,guestfwd=tcp:169.254.169.254:80-cmd:{command}"
        arguments = [
            *("-accel", "tcg,tb-size=64", "-machine", "pc", "-cpu", "max", "-m", str(self.memory_mib)),
            *("-nodefaults", "-no-user-config", "-display", "none", "-serial", f"file:{self.folder}/console.log"),
            *("-smbios", "type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova"),
            *("-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"),
            *("-netdev", network, "-device", "virtio-net-pci,netdev=net0,romfile="),
        ]
        for drive in drives:
            arguments += ["-drive", drive]
        self.started = time.monotonic()
        self.process = subprocess.Popen(["qemu-system-x86_64", *arguments])

    def console(self) -> str:
        log = self.folder / "console.log"
        return log.read_bytes().decode(errors="replace") if log.exists() else ""

    def wait_console(self, text: str, seconds: float = 90) -> float:
        """Seconds after the start at which this stood on the serial console."""
        try:
            until(f"{text!r} on the console", lambda: text in self.console(), seconds)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; the console ends with:\n{self.console()[-3000:]}") from None
        return time.monotonic() - self.started

    def page(self) -> str:
        address = f"http://127.0.0.1:{self.web_port}/"

        def get() -> str:
            try:
                with urllib.request.urlopen(address, timeout=5) as answer:
                    return str(answer.read().decode())
            except OSError:
                return ""

        return str(until(address, get, 60))

    def ssh(self, command: str, key: str = "key") -> subprocess.CompletedProcess[str]:
        options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR", "BatchMode=yes"]
        options += ["IdentitiesOnly=yes", "ConnectTimeout=20"]
        flags = [word for option in options for word in ("-o", option)]
        where = ["-i", str(self.folder / key), "-p", str(self.ssh_port), f"{self.user}@127.0.0.1"]
        return subprocess.run(["ssh", *flags, *where, command], capture_output=True, text=True, timeout=90, check=False)

    def ask(self, command: str) -> str:
        done = self.ssh(command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def qmp(self, *commands: dict[str, Any]) -> None:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(str(self.folder / "qmp"))
            stream = channel.makefile("rw")
            stream.readline()
            for command in ({"execute": "qmp_capabilities"}, *commands):
                stream.write(json.dumps(command))
                stream.flush()
                while "return" not in (answer := json.loads(stream.readline())):
                    assert "error" not in answer, answer

    def wait_off(self, seconds: float = 60) -> float:
        assert self.process is not None
        start = time.monotonic()
        self.process.wait(seconds)
        self.process = None
        return time.monotonic() - start

    def press_power(self) -> float:
        """The seconds it took to go off after the button was pressed."""
        self.qmp({"execute": "system_powerdown"})
        return self.wait_off()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def report(line: str) -> None:
    """Measured figures go to the terminal even when the test passes."""
    os.write(2, f"\n  {line}\n".encode())
