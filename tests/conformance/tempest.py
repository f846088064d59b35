"""OpenStack's Tempest. The runner, its test lists and OpenStack's results are looked for in
`../shared/conformance/tempest` (or in the folder named by CROFT_TEMPEST) and copied into `.cache/tempest`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "tempest"
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


def install() -> Path:
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


def run(suite: str, clouds: Path, rest: list[str]) -> str:
    """The score, in a line."""
    cloud = yaml.safe_load(clouds.read_text())["clouds"]["croft-admin"]
    home = install()
    out = home / "out" / suite.strip("/@").replace("/", "_")
    shutil.rmtree(out, ignore_errors=True)
    argv = [sys.executable, str(home / "run.py"), "--auth-url", cloud["auth"]["auth_url"], "--cacert", cloud["cacert"]]
    argv += ["--password", cloud["auth"]["password"], "--out", str(out), suite, *ASKS.get(suite, []), *rest]
    argv += ["--image-format-enforcement"]  # tests that upload random bytes as a qcow2 skip: Croft looks into uploads
    reference = home / "reference" / f"{suite}.tsv"
    if reference.exists():
        argv += ["--reference", str(reference)]
    subprocess.run(argv, cwd=home, check=False)
    summary = out / "summary.json"
    if not summary.exists():
        raise SystemExit(f"Tempest's {suite} did not run to its end; see {out}.")
    score = json.loads(summary.read_text())
    return f"tempest {suite}: {score['passed']} passed, {score['failed']} failed, {score['skipped']} skipped"
