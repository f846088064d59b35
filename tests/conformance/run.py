"""Runs OpenStack's own Tempest against a cloud it starts, and prints the score: `make conformance S=refstack-compute`.

The runner, its test lists and OpenStack's results are looked for in `../shared/conformance/tempest` (or in the folder
named by CROFT_TEMPEST) and copied into `.cache/tempest`, where Tempest is installed once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "tempest"
PORT = 18543
COMPLIANT = {"CROFT_LOCKOUT_ATTEMPTS": "3", "CROFT_LOCKOUT_SECONDS": "5", "CROFT_PASSWORD_UNIQUE_LAST": "2"}
"""What the tests of passwords ask a cloud to enforce; they change passwords often and from one address."""
ASKS = {
    "identity": [
        "--enforce-scope",
        "--security-compliance",
        *("--set", "identity.user_lockout_failure_attempts=3"),
        *("--set", "identity.user_lockout_duration=5"),
        *("--set", "identity.user_unique_last_password_count=2"),
    ]
}
"""Suite → what the runner is told besides, so that nothing is skipped that Croft has."""


def tempest() -> Path:
    """The installed runner."""
    source = Path(os.environ.get("CROFT_TEMPEST", ROOT.parent / "shared" / "conformance" / "tempest"))
    if not (CACHE / "all-tests.txt").exists():
        if not source.is_dir():
            raise SystemExit(f"No Tempest runner in {source}: name its folder in CROFT_TEMPEST.")
        CACHE.mkdir(parents=True, exist_ok=True)
        print("installing Tempest (once, about a minute)", flush=True)
        copy = CACHE / "source"
        shutil.copytree(source, copy, dirs_exist_ok=True)
        environment = {**os.environ, "TEMPEST_HOME": str(CACHE)}
        subprocess.run(["bash", str(copy / "setup.sh")], env=environment, check=True, stdout=subprocess.DEVNULL)
    return CACHE


@contextmanager
def fake_cloud(folder: Path, port: int) -> Iterator[Path]:
    """`croft dev` with its own state; yields clouds.yaml."""
    argv = [sys.executable, "-m", "croft.cli", "dev", "--state", str(folder), "--listen", f"127.0.0.1:{port}"]
    environment = {**os.environ, "CROFT_BCRYPT_ROUNDS": "4", "CROFT_ADDRESS_ATTEMPTS": "0", **COMPLIANT}
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment)
        try:
            _wait(folder, process, port)
            yield folder / "clouds.yaml"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            shutil.copy(folder / "serve.log", CACHE / "serve.log")


@contextmanager
def real_cloud(folder: Path, hosts: int) -> Iterator[Path]:
    """`croft up` with its own state, gone afterwards."""
    croft = [sys.executable, "-m", "croft.cli"]
    (folder / "croft.toml").write_text('resolvers = "none"\n')
    try:
        subprocess.run([*croft, "up", "--state", str(folder), "--hosts", str(hosts)], check=True)
        yield folder / "clouds.yaml"
    finally:
        shutil.copytree(folder / "log", CACHE / "log", dirs_exist_ok=True)
        subprocess.run([*croft, "down", "--purge", "--state", str(folder)], check=False)


def _wait(folder: Path, process: subprocess.Popen[bytes], port: int) -> None:
    import http.client
    import ssl

    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit((folder / "serve.log").read_text()[-3000:])
        try:
            context = ssl.create_default_context(cafile=str(folder / "ca" / "ca.pem"))
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=3, context=context)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the cloud does not answer")


def run(suite: str, clouds: Path, rest: list[str]) -> int:
    cloud = yaml.safe_load(clouds.read_text())["clouds"]["croft-admin"]
    home = tempest()
    out = home / "out" / suite.strip("/@").replace("/", "_")
    argv = [sys.executable, str(home / "run.py"), "--auth-url", cloud["auth"]["auth_url"], "--cacert", cloud["cacert"]]
    argv += ["--password", cloud["auth"]["password"], "--out", str(out), suite, *ASKS.get(suite, []), *rest]
    argv += ["--image-format-enforcement"]  # tests that upload random bytes as a qcow2 skip: Croft looks into uploads
    reference = home / "reference" / f"{suite}.tsv"
    if reference.exists():
        argv += ["--reference", str(reference)]
    done = subprocess.run(argv, cwd=home, check=False)
    summary = out / "summary.json"
    if summary.exists():
        score = json.loads(summary.read_text())
        print(f"{suite}: {score['passed']} passed, {score['failed']} failed, {score['skipped']} skipped")
    return 0 if summary.exists() else done.returncode or 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite")
    parser.add_argument("--engines", choices=["fake", "real"], default="fake")
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--port", type=int, default=PORT, help="where the fake cloud listens")
    chosen, rest = parser.parse_known_args()
    tempest()
    with tempfile.TemporaryDirectory(prefix="croft-conf-") as home:
        folder = Path(home) / "state"
        folder.mkdir(mode=0o700)
        make = fake_cloud(folder, chosen.port) if chosen.engines == "fake" else real_cloud(folder, chosen.hosts)
        with make as clouds:
            return run(chosen.suite, clouds, rest)


if __name__ == "__main__":
    sys.exit(main())
