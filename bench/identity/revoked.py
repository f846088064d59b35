"""How long a token that one process ended still opens another: two processes of Croft over one PostgreSQL."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.postgres import Postgres

V3 = "/identity/v3"
HERE, THERE = 18471, 18472
ROUNDS = 12


def call(port: int, method: str, path: str, token: str = "", body: Any = None, subject: str = "") -> Any:
    """Status, decoded body and the token in the answer's header."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"X-Auth-Token": token, "X-Subject-Token": subject, "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content) if content else None, answer.headers.get("X-Subject-Token", "")


@contextmanager
def processes(database: str) -> Iterator[dict[str, str]]:
    """Both, and the passwords they share."""
    started: list[subprocess.Popen[bytes]] = []
    environment = {**os.environ, "CROFT_DATABASE": database, "CROFT_BCRYPT_ROUNDS": "4"}
    with tempfile.TemporaryDirectory(prefix="croft-bench-") as home:
        known = Path(home) / str(HERE) / "passwords.json"
        for port in (HERE, THERE):
            folder = Path(home) / str(port)
            folder.mkdir()
            if port != HERE:
                (folder / "passwords.json").touch(0o600)
                (folder / "passwords.json").write_bytes(known.read_bytes())
            argv = ["dev", "--state", str(folder), "--listen", f"127.0.0.1:{port}", "--plain-http"]
            log = (Path(home) / f"{port}.log").open("w")
            started.append(
                subprocess.Popen([sys.executable, "-m", "croft.cli", *argv], env=environment, stdout=log, stderr=log)
            )
            while not answers(port):
                time.sleep(0.1)
        try:
            yield json.loads(known.read_text())
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(30)


def answers(port: int) -> bool:
    try:
        return bool(call(port, "GET", "/healthz")[0] == 200)
    except OSError:
        return False


def login(port: int, name: str, password: str, project: str) -> str:
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    scope = {"project": {"name": project, "domain": {"id": "default"}}}
    wish = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    status, body, text = call(port, "POST", f"{V3}/auth/tokens", body=wish)
    assert status == 201, body
    return str(text)


def still_open(text: str) -> float:
    """Seconds from now until the other process refuses a token."""
    began = time.monotonic()
    while call(THERE, "GET", f"{V3}/auth/projects", text)[0] == 200:
        time.sleep(0.005)
    return time.monotonic() - began


def main() -> None:
    with Postgres.start() as server, processes(server.url("croft")) as passwords:
        admin = login(HERE, "admin", passwords["admin"], "admin")
        roles = {each["name"]: each["id"] for each in call(HERE, "GET", f"{V3}/roles", admin)[1]["roles"]}
        demo = call(HERE, "GET", f"{V3}/projects?name=demo", admin)[1]["projects"][0]["id"]
        wish = {"user": {"name": "ada", "password": "secret-of-ada"}}
        ada = call(HERE, "POST", f"{V3}/users", admin, wish)[1]["user"]["id"]
        grant = f"{V3}/projects/{demo}/users/{ada}/roles/{roles['member']}"
        took: dict[str, list[float]] = {"token revoked": [], "last role lost": []}
        for number in range(ROUNDS):
            for what, seconds in took.items():
                assert call(HERE, "PUT", grant, admin)[0] == 204
                text = login(THERE, "ada", "secret-of-ada", "demo")
                for _ in range(5):
                    assert call(THERE, "GET", f"{V3}/auth/projects", text)[0] == 200
                time.sleep(0.05 * number)
                path, subject = (f"{V3}/auth/tokens", text) if what == "token revoked" else (grant, "")
                assert call(HERE, "DELETE", path, admin, subject=subject)[0] == 204
                seconds.append(still_open(text))
        for what, seconds in took.items():
            print(f"{what}: median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s of {ROUNDS}")


if __name__ == "__main__":
    main()
