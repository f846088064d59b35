"""The cloud that other people's suites run against: started for them, gone afterwards."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

CROFT = [sys.executable, "-m", "croft.cli"]
COMPLIANT = {"CROFT_LOCKOUT_ATTEMPTS": "3", "CROFT_LOCKOUT_SECONDS": "5", "CROFT_PASSWORD_UNIQUE_LAST": "2"}
"""What Tempest's tests of passwords ask a cloud to enforce; they come often and from one address."""


@contextmanager
def fake_cloud(folder: Path, logs: Path) -> Iterator[Path]:
    """`croft dev` with its own state on a free port; yields clouds.yaml. Hashes are cheap here."""
    port = _free_port()
    argv = [*CROFT, "dev", "--state", str(folder), "--listen", f"127.0.0.1:{port}"]
    environment = {**os.environ, "CROFT_BCRYPT_ROUNDS": "4", "CROFT_ADDRESS_ATTEMPTS": "0", **COMPLIANT}
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment)
        try:
            _wait(folder, process, port)
            yield folder / "clouds.yaml"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            shutil.copy(folder / "serve.log", logs / "serve.log")


@contextmanager
def real_cloud(folder: Path, logs: Path, hosts: int) -> Iterator[Path]:
    """`croft up` with its own state, gone afterwards."""
    (folder / "croft.toml").write_text('resolvers = "none"\n')
    try:
        subprocess.run([*CROFT, "up", "--state", str(folder), "--hosts", str(hosts)], check=True)
        yield folder / "clouds.yaml"
    finally:
        shutil.copytree(folder / "log", logs / "log", dirs_exist_ok=True)
        subprocess.run([*CROFT, "down", "--purge", "--state", str(folder)], check=False)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(folder: Path, process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit((folder / "serve.log").read_text()[-3000:])
        try:
            context = ssl.create_default_context(cafile=str(folder / "ca" / "ca.pem"))
            with closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=3, context=context)) as connection:
                connection.request("GET", "/healthz")
                if connection.getresponse().status == http.client.OK:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the cloud does not answer")
