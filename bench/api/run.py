"""CPU per API call of a whole Croft on fake engines, beside what OpenStack 2026.1 needs and what Croft must reach.

CPU is user + system time of the server's process, all threads, divided by the calls; the client's own is not in it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import yaml


@dataclass
class Row:
    call: str
    openstack: str
    target: str
    measured: str


class Server:
    """`croft dev` in a state directory of its own."""

    def __init__(self, folder: Path, *, tls: bool, port: int = 18443) -> None:
        self.port = port
        argv = [sys.executable, "-m", "croft.cli", "dev", "--state", str(folder), "--listen", f"127.0.0.1:{self.port}"]
        argv += [] if tls else ["--plain-http"]
        self._log = (folder.parent / "serve.log").open("w")
        began = time.monotonic()
        self.process = subprocess.Popen(argv, stdout=self._log, stderr=self._log)
        self._tls, self._folder = tls, folder
        self._wait()
        self.cold_wall = time.monotonic() - began
        self.cold_cpu = self.cpu()

    def _wait(self) -> None:
        for _ in range(2000):
            try:
                connection = self.connect()
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            except (OSError, http.client.HTTPException):
                if self.process.poll() is not None:
                    raise SystemExit(f"croft dev ended:\n{(self._folder.parent / 'serve.log').read_text()[-3000:]}")
            time.sleep(0.005)
        raise SystemExit("croft dev does not answer")

    def connect(self) -> http.client.HTTPConnection:
        if not self._tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        context = ssl.create_default_context(cafile=str(self._folder / "ca" / "ca.pem"))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)

    def cpu(self) -> float:
        """Seconds of CPU so far, to the microsecond: Linux makes the id of a process's clock out of its own (`man 3
        clock_getcpuclockid`)."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def pss_mib(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Client:
    def __init__(self, server: Server, cloud: dict[str, Any]) -> None:
        self._connection = server.connect()
        self._auth = cloud["auth"]
        self.token = ""

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        payload = None if body is None else json.dumps(body)
        said = {"Content-Type": "application/json", "X-Auth-Token": self.token, **(headers or {})}
        self._connection.request(method, path, payload, said)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:300]!r}")
        if path.endswith("/auth/tokens") and method == "POST":
            return answer.headers["X-Subject-Token"]
        return json.loads(content) if content else None

    def login(self) -> str:
        user = {"name": self._auth["username"], "domain": {"id": "default"}, "password": self._auth["password"]}
        scope = {"project": {"name": self._auth["project_name"], "domain": {"id": "default"}}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        token: str = self.call("POST", "/identity/v3/auth/tokens", body)
        return token


def per_call(server: Server, times: int, call: Callable[[int], object], warm: int = 3) -> float:
    """Milliseconds of server CPU per call."""
    for number in range(warm):
        call(-1 - number)
    began = server.cpu()
    for number in range(times):
        call(number)
    return (server.cpu() - began) / times * 1000


def logins(server: Server, client: Client, times: int = 15) -> Row:
    """In turns with the same hash here, since what else the machine does slows both by more than is looked for."""
    login, hashing = [], []
    for _ in range(times):
        login.append(per_call(server, 1, lambda _: client.login(), 0))
        began = time.process_time()
        bcrypt.hashpw(b"password", bcrypt.gensalt(12))
        hashing.append((time.process_time() - began) * 1000)
    whole, alone = statistics.median(login), statistics.median(hashing)
    said = f"{whole:.1f} (bcrypt alone {alone:.1f}: + {(whole / alone - 1) * 100:.1f} %)"
    return Row("token by password", "211 ms", "bcrypt + 2 %", said)


def unlimited(admin: Client, project: str) -> None:
    quotas = {"instances": -1, "cores": -1, "ram": -1}
    admin.call("PUT", f"/compute/v2.1/os-quota-sets/{project}", {"quota_set": quotas})
    names = {"network": -1, "port": -1, "subnet": -1}
    admin.call("PUT", f"/network/v2.0/quotas/{project}", {"quota": names})


def measure(server: Server, folder: Path, count: int) -> list[Row]:
    clouds = yaml.safe_load((folder / "clouds.yaml").read_text())["clouds"]
    member = Client(server, clouds["croft"])
    rows = [
        Row("cold start to every endpoint", "28 s", "2 s", f"{server.cold_cpu:.2f} s (wall {server.cold_wall:.2f})")
    ]
    member.login()
    rows.append(logins(server, member))
    member.token = member.login()
    admin = Client(server, clouds["croft-admin"])
    admin.token = admin.login()
    project = next(p["id"] for p in admin.call("GET", "/identity/v3/projects")["projects"] if p["name"] == "demo")
    unlimited(admin, project)

    def ms(call: str, before: str, target: str, times: int, what: Callable[[int], object]) -> None:
        rows.append(Row(call, before, target, f"{per_call(server, times, what):.2f}"))

    subject = {"X-Subject-Token": member.token}
    ms("token validate", "3.8", "0.3", 1000, lambda _: member.call("GET", "/identity/v3/auth/tokens", None, subject))
    ms("list projects", "10.7", "0.5", 1000, lambda _: admin.call("GET", "/identity/v3/projects"))
    image = _fixture(admin, member)
    ms("list images", "3.5", "0.5", 1000, lambda _: member.call("GET", "/image/v2/images"))
    ms("list flavors", "6.2", "0.5", 1000, lambda _: member.call("GET", "/compute/v2.1/flavors/detail"))
    networks = "/network/v2.0/networks"
    ms("create network", "50", "2", 100, lambda n: member.call("POST", networks, {"network": {"name": f"net{n}"}}))
    network = member.call("POST", networks, {"network": {"name": "bench"}})["network"]["id"]
    subnet = {"subnet": {"network_id": network, "ip_version": 4, "cidr": "10.32.0.0/16", "enable_dhcp": True}}
    member.call("POST", "/network/v2.0/subnets", subnet)
    port = {"port": {"network_id": network}}
    ms("create port", "100", "3", 1000, lambda _: member.call("POST", "/network/v2.0/ports", port))
    ports = f"/network/v2.0/ports?network_id={network}&limit=1000"
    ms("list 1,000 ports", "1560", "15", 20, lambda _: member.call("GET", ports))
    _servers(server, member, rows, image, network, count)
    detail = "/compute/v2.1/servers/detail?limit=1000"
    assert len(member.call("GET", detail)["servers"]) == min(count, 1000)
    ms("servers/detail of 1,000", "8250", "25", 20, lambda _: member.call("GET", detail))
    rows.append(Row("memory after that (PSS)", "3.2 GiB in 46", "150 MiB", f"{server.pss_mib():.0f} MiB in 1"))
    return rows


def _fixture(admin: Client, member: Client) -> str:
    image = {"name": "bench", "disk_format": "raw", "container_format": "bare", "visibility": "public"}
    made: str = admin.call("POST", "/image/v2/images", image)["id"]
    admin._connection.request(
        "PUT",
        f"/image/v2/images/{made}/file",
        b"\0" * 65536,
        {"Content-Type": "application/octet-stream", "X-Auth-Token": admin.token},
    )
    answer = admin._connection.getresponse()
    answer.read()
    assert answer.status == 204, answer.status
    return made


def _servers(server: Server, member: Client, rows: list[Row], image: str, network: str, count: int) -> None:
    """Creates them all, waits until every one is ACTIVE, and counts the CPU of both."""
    flavor = member.call("GET", "/compute/v2.1/flavors")["flavors"][0]["id"]
    began, wall = server.cpu(), time.monotonic()
    for number in range(count):
        wish = {"name": f"s{number}", "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]}
        member.call("POST", "/compute/v2.1/servers", {"server": wish})
    while True:
        waiting = member.call("GET", "/compute/v2.1/servers?limit=1&status=BUILD")["servers"]
        if not waiting:
            break
        time.sleep(0.2)
    spent, wall = server.cpu() - began, time.monotonic() - wall
    broken = member.call("GET", "/compute/v2.1/servers?limit=1000&status=ERROR")["servers"]
    active = member.call("GET", "/compute/v2.1/servers?limit=1000&status=ACTIVE")["servers"]
    assert not broken, broken[:3]
    said = f"{spent / count * 1000:.1f} ({len(active)} ACTIVE, wall {wall:.1f} s)"
    rows.append(Row("server to ACTIVE", "1000", "10", said))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=1000)
    parser.add_argument("--tls", action="store_true", help="measure through TLS (one kept connection)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="croft-bench-") as home:
        folder = Path(home) / "state"
        folder.mkdir()
        server = Server(folder, tls=chosen.tls)
        try:
            rows = measure(server, folder, chosen.servers)
        finally:
            server.stop()
    print("| call | OpenStack 2026.1 | target | measured |\n|---|--:|--:|--:|")
    for row in rows:
        print(f"| {row.call} | {row.openstack} | {row.target} | {row.measured} |")


if __name__ == "__main__":
    main()
