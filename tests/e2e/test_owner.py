"""An owner runs a project with no operator's help: the released `openstack` client against `croft dev`."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from ssl import create_default_context
from typing import Any

import pytest
import yaml

from tests.e2e.cloud import MARKS, RunningCloud, eventually

pytestmark = MARKS


class DevCloud(RunningCloud):
    @property
    def clouds(self) -> dict[str, Any]:
        return dict(yaml.safe_load((self.state / "clouds.yaml").read_text())["clouds"])

    def enter(self, name: str, **auth: str) -> None:
        """Writes an entry into clouds.yaml, as its owner would: of the demo project unless it is a credential."""
        entry = dict(self.clouds["croft"])
        lent = "application_credential_id" in auth
        entry["auth"] = {"auth_url": entry["auth"]["auth_url"]} | auth if lent else entry["auth"] | auth
        kind = {"auth_type": "v3applicationcredential"} if lent else {}
        text = yaml.safe_dump({"clouds": self.clouds | {name: entry | kind}})
        (self.state / "clouds.yaml").write_text(text)

    def opens(self, token: str) -> bool:
        """Whether a token still opens the API; asked without the client, which would fetch another."""
        entry = self.clouds["croft"]
        url = f"{entry['auth']['auth_url'].rstrip('/').removesuffix('/v3')}/v3/auth/projects"
        request = urllib.request.Request(url, headers={"X-Auth-Token": token})
        try:
            with urllib.request.urlopen(request, timeout=10, context=create_default_context(cafile=entry["cacert"])):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return error.code != 401


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevCloud]:
    state = tmp_path_factory.mktemp("owner") / "state"
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    argv = [sys.executable, "-m", "croft.cli", "dev", "--state", str(state), "--listen", listen]
    log: Path = state.with_name("serve.log")
    with log.open("w") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out)
    cloud = DevCloud(state)
    try:
        eventually("the cloud answers", lambda: cloud.openstack("token", "issue"), seconds=60)
        yield cloud
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_an_owner_needs_no_operator(dev: DevCloud) -> None:
    for name in ("una", "bo"):
        dev.openstack("user", "create", "--password", f"{name}-secret", name, cloud="croft-admin")
        dev.enter(name, username=name, password=f"{name}-secret")

    made = dev.openstack("application", "credential", "create", "--role", "member", "robot")
    dev.enter("robot", application_credential_id=made["ID"], application_credential_secret=made["Secret"])
    project = dev.openstack("token", "issue", cloud="robot")["project_id"]
    assert dev.openstack("token", "issue")["project_id"] == project

    for name, role in (("una", "member"), ("bo", "member"), ("una", "manager")):
        dev.openstack("role", "add", "--user", name, "--project", project, role, parse=False)
    listed = dev.openstack("role", "assignment", "list", "--project", project, "--names", cloud="una")
    assert {("una@Default", "manager"), ("bo@Default", "member")} <= {(each["User"], each["Role"]) for each in listed}

    token = dev.openstack("token", "issue", cloud="bo")["id"]
    assert dev.opens(token)
    dev.openstack("role", "remove", "--user", "bo", "--project", project, "member", parse=False)
    eventually("bo's token is dead", lambda: not dev.opens(token), seconds=10, pause=0.05)

    log = [json.loads(line) for line in dev.croft("audit", "--cloud", "croft", "--json").stdout.splitlines()]
    actions = [each["action"] for each in log]
    assert actions.count("identity.grant.create") >= 3
    assert {"identity.application_credential.create", "identity.grant.delete"} <= set(actions)
    assert {each["project_id"] for each in log} == {project}

    made = dev.openstack("project", "create", "--parent", project, "workshop")
    dev.enter("workshop", project_name="workshop")
    assert dev.openstack("token", "issue", cloud="workshop")["project_id"] == made["id"]


def test_an_owner_gets_no_further(dev: DevCloud) -> None:
    """Told by what is there afterwards: the client answers some refusals of `role add` with success."""
    token, foreign = dev.openstack("token", "issue"), dev.openstack("token", "issue", cloud="croft-admin")["project_id"]
    user, project = token["user_id"], token["project_id"]

    def state() -> list[Any]:
        kinds = (("role", "assignment"), ("project",), ("user",))
        return [dev.openstack(*kind, "list", cloud="croft-admin") for kind in kinds]

    before = state()
    for words in (
        ("role", "add", "--user", user, "--project", project, "admin"),
        ("role", "add", "--user", user, "--project", foreign, "reader"),
        ("role", "add", "--user", user, "--system", "all", "reader"),
        ("project", "create", "mine"),
        ("project", "set", "--name", "mine", project),
        ("project", "set", "--disable", foreign),
        ("user", "create", "--password", "x", "puppet"),
    ):
        dev.openstack(*words, parse=False, check=False)
    assert state() == before
