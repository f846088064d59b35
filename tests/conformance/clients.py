"""The functional tests that openstackclient and openstacksdk carry in their wheels, unmodified, from PyPI.

They expect what DevStack makes: a clouds.yaml with `devstack-admin`, `devstack-system-admin`, `devstack` and
`devstack-alt`, and an image to choose. The clients' versions are pinned in `clients.txt`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from openstack.config import OpenStackConfig
from openstack.connection import Connection

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "clients"
PINNED = Path(__file__).with_name("clients.txt")
SUITES = {
    "identity": {
        "openstackclient": ["openstackclient.tests.functional.identity"],
        "openstacksdk": ["openstack.tests.functional.identity", "openstack.tests.functional.cloud.test_identity"],
    }
}
"""Suite → whose tests → where they lie in the wheel."""
_PYTEST = ["-p", "no:cacheprovider", "-o", "addopts=", "-q", "--tb=short", "--dist=loadscope", "-n", "2"]


def install() -> Path:
    """A Python that has the clients and what their tests import."""
    python, stamp = CACHE / "venv" / "bin" / "python", CACHE / "clients.txt"
    if not stamp.exists() or stamp.read_text() != PINNED.read_text():
        print("installing the clients (once)", flush=True)
        shutil.rmtree(CACHE, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--requirement", str(PINNED)], check=True)
        shutil.copy(PINNED, stamp)
    return python


def run(suite: str, clouds: Path, folder: Path) -> Iterable[str]:
    """A line of score for each client."""
    python = install()
    environment = _environment(python, _devstack(clouds, folder))
    for client, places in SUITES[suite].items():
        report = CACHE / f"{suite}-{client}.xml"
        report.unlink(missing_ok=True)
        argv = [str(python), "-m", "pytest", *_PYTEST, f"--junitxml={report}", "--pyargs", *places]
        subprocess.run(argv, env=environment, cwd=folder, check=False)
        yield f"{client} {suite}: {_score(report)}"


def _environment(python: Path, config: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "OPENSTACK"))}
    return kept | {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(config),
        "OPENSTACKSDK_IMAGE": "cirros-test",
        "OS_TEST_TIMEOUT": "300",
    }


def _devstack(clouds: Path, folder: Path) -> Path:
    """People, places and an image as DevStack names them; the folder of the clouds.yaml that knows them."""
    admin = yaml.safe_load(clouds.read_text())["clouds"]["croft-admin"]
    connection = Connection(
        config=OpenStackConfig(config_files=[str(clouds)], load_envvars=False).get_one("croft-admin")
    )
    known = {"devstack-admin": admin, "devstack-system-admin": _scoped_to_system(admin)}
    for name, user in (("devstack", "demo"), ("devstack-alt", "alt_demo")):
        password = secrets.token_urlsafe(12)
        project = connection.identity.find_project(user) or connection.identity.create_project(name=user)
        person = connection.identity.create_user(name=user, password=password, default_project_id=project.id)
        for role in ("member", "reader"):
            found = connection.identity.find_role(role, ignore_missing=False)
            connection.identity.assign_project_role_to_user(project, person, found)
        auth = admin["auth"] | {"username": user, "password": password, "project_name": user}
        known[name] = admin | {"auth": auth}
    image: dict[str, Any] = {"container_format": "bare", "disk_format": "raw", "visibility": "public"}
    connection.image.create_image("cirros-test", data=bytes(1 << 20), **image)
    place = folder / "config" / "openstack"
    place.mkdir(parents=True)
    (place / "clouds.yaml").touch(0o600)
    (place / "clouds.yaml").write_text(yaml.safe_dump({"clouds": known}))
    return place.parent


def _scoped_to_system(cloud: dict[str, Any]) -> dict[str, Any]:
    auth = {name: value for name, value in cloud["auth"].items() if not name.startswith("project")}
    return cloud | {"auth": auth | {"system_scope": "all"}}


def _score(report: Path) -> str:
    """Counts, then what failed, then what was skipped and why."""
    if not report.exists():
        raise SystemExit(f"The tests did not run to their end: there is no {report}.")
    cases = list(ET.parse(report).iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [(case, found) for case in cases if (found := case.find("skipped")) is not None]
    lines = [f"{len(cases) - len(failed) - len(skipped)} passed, {len(failed)} failed, {len(skipped)} skipped"]
    lines += [f"  failed  {_name(case)}" for case in failed]
    lines += [f"  skipped {_name(case)}: {found.get('message', '')}" for case, found in skipped]
    return "\n".join(lines)


def _name(case: ET.Element) -> str:
    return f"{case.get('classname')}.{case.get('name')}"
