"""The released keystoneauth1 and openstack client against Croft, a real slapd and a real OpenID Connect provider."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from keystoneauth1 import exceptions
from keystoneauth1.identity import v3
from keystoneauth1.identity.v3.oidc import OidcDeviceAuthorization
from keystoneauth1.session import Session

from tests.contracts import slapd as directory
from tests.contracts.browser import Browser, inputs
from tests.contracts.idp import Canaille, Toolkit, canaille, toolkit

pytestmark = pytest.mark.engines
CALLBACK_PORT = directory.free_port()
_TOML = """
trusted_dashboards = ["http://localhost:{port}/auth/websso/"]

[people.lab]
url = "{ldap}"
base = "{people}"
group_base = "{groups}"
bind_dn = "{reader}"
bind_password_file = "{secret}"
filter = "{filter}"
refresh_seconds = 2

[identity_providers.sso]
issuer = "{issuer}"
client_id = "croft"
client_secret = "secret of croft"
scopes = "openid profile email groups"
machines = true

[identity_providers.kit]
issuer = "{kit}"
client_id = "croft"
client_secret = "secret of croft"
clients = ["cli"]
introspection_endpoint = "{kit}/introspect/"
"""


@dataclass
class Cloud:
    url: str
    state: Path
    ldap: Any
    idp: Canaille
    kit: Toolkit

    @property
    def auth(self) -> str:
        return f"{self.url}/identity/v3"

    def session(self, plugin: Any) -> Session:
        return Session(auth=plugin)

    def admin(self) -> Session:
        home = {"user_domain_id": "default", "project_domain_id": "default", "project_name": "admin"}
        return self.session(v3.Password(self.auth, username="admin", password=self.password, **home))

    @property
    def password(self) -> str:
        return str(json.loads((self.state / "passwords.json").read_text())["admin"])

    def ask(self, method: str, path: str, **words: Any) -> Any:
        answer = self.admin().request(f"{self.auth}{path}", method, raise_exc=True, **words)
        return answer.json() if answer.content else None

    def person(self, name: str, password: str, **scope: Any) -> Session:
        return self.session(v3.Password(self.auth, username=name, password=password, user_domain_name="lab", **scope))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    from croft.machine import packages
    from croft.machine.progress import Silent

    packages.install(packages.DIRECTORY, Silent())
    state, port = tmp_path_factory.mktemp("cloud"), directory.free_port()
    back = f"http://127.0.0.1:{port}/identity/v3/auth/OS-FEDERATION/callback"
    with directory.slapd() as ldap, canaille(back) as idp, toolkit() as kit:
        ldap.put("ada", "wonder", "Ada Lovelace", "ada@example.org")
        ldap.put("bob", "builder", "Bob")
        ldap.join("makers", "ada", "bob")
        (state / "secret").write_text(directory.PASSWORD)
        words = {"people": directory.PEOPLE, "groups": directory.GROUPS, "reader": directory.READER}
        words |= {
            "filter": directory.FILTER,
            "secret": str(state / "secret"),
            "ldap": ldap.url,
            "issuer": idp.issuer,
            "kit": kit.issuer,
        }
        (state / "croft.toml").write_text(_TOML.format(**words, port=CALLBACK_PORT))
        argv = [sys.executable, "-m", "croft.cli", "dev", "--plain-http", "--state", state, "--listen"]
        with (state / "log").open("wb") as log:
            process = subprocess.Popen([*argv, f"127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            found = Cloud(f"http://127.0.0.1:{port}", state, ldap, idp, kit)
            until(lambda: answers(found, process), "Croft comes up")
            until(lambda: len(found.ask("GET", "/users?name=Bob")["users"]) == 1, "the directory is read")
            yield found
        finally:
            process.terminate()
            process.wait(30)


def answers(cloud: Cloud, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, (cloud.state / "log").read_text()
    try:
        urllib.request.urlopen(f"{cloud.url}/healthz", timeout=5).close()
    except urllib.error.URLError:
        return False
    return True


def until(true: Any, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.1)


def project(cloud: Cloud, name: str) -> str:
    return str(cloud.ask("POST", "/projects", json={"project": {"name": name}})["project"]["id"])


def role(cloud: Cloud, name: str) -> str:
    return str(cloud.ask("GET", f"/roles?name={name}")["roles"][0]["id"])


def test_people_of_the_directory_log_in_and_leave(cloud: Cloud) -> None:
    place = project(cloud, "tower")
    group = cloud.ask("GET", "/groups?name=makers")["groups"][0]["id"]
    cloud.ask("PUT", f"/projects/{place}/groups/{group}/roles/{role(cloud, 'member')}")
    ada = cloud.person("Ada Lovelace", "wonder", project_id=place)
    assert ada.get_user_id() == "ada"
    assert ada.get_project_id() == place
    wish = {"application_credential": {"name": "robot"}}
    made = ada.post(f"{cloud.auth}/users/ada/application_credentials", json=wish).json()["application_credential"]
    robot = v3.ApplicationCredential(
        cloud.auth, application_credential_id=made["id"], application_credential_secret=made["secret"]
    )
    assert cloud.session(robot).get_project_id() == place
    for name, password in (("Ada Lovelace", ""), ("Ada Lovelace", "builder"), ("*", "wonder"), ("Nobody", "wonder")):
        with pytest.raises(exceptions.Unauthorized):
            cloud.person(name, password).get_token()
    token = ada.get_token()
    cloud.ldap.disable("ada")
    shown = {"X-Auth-Token": token}
    until(lambda: requests.get(f"{cloud.auth}/auth/projects", headers=shown, timeout=30).status_code == 401, "out")
    robot.invalidate()
    with pytest.raises(exceptions.Unauthorized):
        cloud.session(robot).get_token()
    assert cloud.person("Bob", "builder").get_user_id() == "bob"


def test_while_slapd_is_down_its_people_are_told_so(cloud: Cloud) -> None:
    token = cloud.person("Bob", "builder").get_token()
    cloud.ldap.stop()
    try:
        with pytest.raises(exceptions.ServiceUnavailable, match="directory of domain lab does not answer"):
            cloud.person("Bob", "builder").get_token()
        assert cloud.admin().get_token()
        known = requests.get(f"{cloud.auth}/auth/projects", headers={"X-Auth-Token": token}, timeout=30)
        assert known.status_code == 200
    finally:
        cloud.ldap.start()
    assert cloud.person("Bob", "builder").get_user_id() == "bob"


def test_the_openstack_client_knows_ldap_people(cloud: Cloud) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")} | {
        "OS_AUTH_URL": cloud.auth,
        "OS_USERNAME": "Bob",
        "OS_PASSWORD": "builder",
        "OS_USER_DOMAIN_NAME": "lab",
        "OS_IDENTITY_API_VERSION": "3",
    }
    openstack = Path(sys.executable).with_name("openstack")
    done = subprocess.run([openstack, "token", "issue", "-f", "json"], env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout)["user_id"] == "bob"


def openid(cloud: Cloud, kind: Any, **words: Any) -> Any:
    return kind(cloud.auth, identity_provider="sso", protocol="openid", **words)


CLIENT = {"client_id": "croft", "client_secret": "secret of croft"}


def test_an_access_token_of_the_provider_logs_in(cloud: Cloud) -> None:
    place = project(cloud, "club")
    plain = openid(cloud, v3.OidcAccessToken, access_token=cloud.idp.jwt())
    user = cloud.session(plain).get_user_id()
    cloud.ask("PUT", f"/projects/{place}/users/{user}/roles/{role(cloud, 'member')}")
    scoped = openid(cloud, v3.OidcAccessToken, access_token=cloud.idp.jwt(), project_id=place)
    assert cloud.session(scoped).get_project_id() == place
    groups = cloud.ask("GET", f"/users/{user}/groups")["groups"]
    assert [each["name"] for each in groups] == ["makers"]
    shown = cloud.ask("GET", f"/users/{user}")["user"]
    assert (shown["name"], shown["email"]) == ("Ada Lovelace", "ada@example.org")


@pytest.mark.parametrize("token", ["forged", "a.b.c", "stranger's"])
def test_other_tokens_do_not(cloud: Cloud, token: str) -> None:
    given = cloud.idp.jwt("stranger") if token == "stranger's" else token
    with pytest.raises(exceptions.Unauthorized):
        cloud.session(openid(cloud, v3.OidcAccessToken, access_token=given)).get_token()


def test_client_credentials_and_passwords_at_the_provider_log_in(cloud: Cloud) -> None:
    words = CLIENT | {"discovery_endpoint": f"{cloud.idp.issuer}/.well-known/openid-configuration"}
    machine = cloud.session(openid(cloud, v3.OidcClientCredentials, **words))
    person = cloud.idp.somebody()
    user = cloud.session(openid(cloud, v3.OidcPassword, username=person, password="secret", **words))
    assert machine.get_user_id() != user.get_user_id()


def test_a_code_of_the_provider_logs_in_once(cloud: Cloud) -> None:
    redirect = f"{cloud.auth}/auth/OS-FEDERATION/callback"
    query = f"response_type=code&client_id=croft&scope=openid+profile&nonce=n-{time.time_ns()}&redirect_uri={redirect}"
    there = f"{cloud.idp.issuer}/oauth/authorize?{query}"
    back = Browser().log_in(there, cloud.idp.somebody(), "secret", stop=redirect)
    words = CLIENT | {"access_token_endpoint": f"{cloud.idp.issuer}/oauth/token", "redirect_uri": redirect}
    words["code"] = parse_qs(urlsplit(back).query)["code"][0]
    assert cloud.session(openid(cloud, v3.OidcAuthorizationCode, **words)).get_user_id()
    with pytest.raises(exceptions.HttpError):
        cloud.session(openid(cloud, v3.OidcAuthorizationCode, **words)).get_user_id()


def test_web_single_sign_on_ends_at_the_client(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """keystoneauth's own plugin waits on a port for the form that Croft makes the browser post."""
    person = cloud.idp.somebody()

    def opened(url: str, **_words: Any) -> bool:
        threading.Thread(target=browse, args=(cloud, url, person), daemon=True).start()
        return True

    monkeypatch.setattr("webbrowser.open", opened)
    plugin = openid(cloud, v3.WebSSO, redirect_port=CALLBACK_PORT, login_timeout=50)
    session = cloud.session(plugin)
    user = cloud.ask("GET", f"/users/{session.get_user_id()}")["user"]
    assert user["name"] == f"Person {person[1:]}"


def browse(cloud: Cloud, url: str, person: str) -> None:
    browser = Browser()
    home = f"{cloud.auth}/auth/OS-FEDERATION/callback"
    arrived = browser.get(browser.log_in(url, person, "secret", stop=home))
    assert arrived.status_code == 200, arrived.text
    action = re.search(r'<form action="([^"]+)" method="post">', arrived.text)
    assert action is not None
    fields = {each["name"]: each["value"] for each in inputs(arrived.text)}
    headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}
    browser.session.post(action[1], data=fields, headers=headers | {"Origin": "null"}, timeout=30)


def device(cloud: Cloud, **words: Any) -> Any:
    places = {
        "access_token_endpoint": f"{cloud.kit.issuer}/token/",
        "device_authorization_endpoint": f"{cloud.kit.issuer}/device-authorization/",
    }
    return OidcDeviceAuthorization(
        cloud.auth, identity_provider="kit", protocol="openid", client_id="cli", **places, **words
    )


def allow(cloud: Cloud, user_code: str, person: str, action: str) -> None:
    """The person types the code of the device into a browser, having logged in, and says yes or no."""
    browser = Browser()
    page = browser.session.get(f"{cloud.kit.issuer}/device/", timeout=30)
    page = browser.session.send(
        browser.session.prepare_request(
            requests.Request("POST", page.url, data=hidden(page.text) | {"username": person, "password": "secret"})
        ),
        timeout=30,
    )
    page = browser.session.post(page.url, data=hidden(page.text) | {"user_code": user_code}, timeout=30)
    browser.session.post(page.url, data=hidden(page.text) | {"action": action}, timeout=30).raise_for_status()


def hidden(page: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in inputs(page) if each.get("type") == "hidden"}


def test_a_device_logs_in_by_a_code_that_a_person_types_elsewhere(cloud: Cloud) -> None:
    """keystoneauth polls while the person is at it. The provider's introspection names no subject: userinfo does."""
    found = {}
    for person in ("grace", "joan"):
        plugin = device(cloud)
        typing = threading.Thread(target=typed, args=(cloud, plugin, person), daemon=True)
        typing.start()
        found[person] = cloud.session(plugin).get_user_id()
        typing.join(30)
    assert found["grace"] != found["joan"], "two people of one client are two users"
    again = device(cloud)
    threading.Thread(target=typed, args=(cloud, again, "grace"), daemon=True).start()
    assert cloud.session(again).get_user_id() == found["grace"]


def typed(cloud: Cloud, plugin: Any, person: str) -> None:
    until(lambda: getattr(plugin, "user_code", ""), "the device shows a code")
    allow(cloud, plugin.user_code, person, "accept")


def test_a_client_alone_is_nobody_where_machines_are_not_wanted(cloud: Cloud) -> None:
    token = cloud.kit.jwt(grant_type="client_credentials")
    plugin = v3.OidcAccessToken(cloud.auth, identity_provider="kit", protocol="openid", access_token=token)
    with pytest.raises(exceptions.HttpError) as caught:
        cloud.session(plugin).get_token()
    assert caught.value.http_status in {401, 503}


def test_an_application_credential_is_an_oauth_client(cloud: Cloud) -> None:
    admin = cloud.admin()
    path = f"{cloud.auth}/users/{admin.get_user_id()}/application_credentials"
    made = admin.post(path, json={"application_credential": {"name": "oauth"}}).json()["application_credential"]
    plugin = v3.OAuth2ClientCredential(
        cloud.auth,
        oauth2_endpoint=f"{cloud.auth}/OS-OAUTH2/token",
        oauth2_client_id=made["id"],
        oauth2_client_secret=made["secret"],
    )
    session = cloud.session(plugin)
    headers = plugin.get_headers(session)
    assert headers is not None
    alone = {"Authorization": headers["Authorization"]}
    found = requests.get(f"{cloud.auth}/auth/projects", headers=alone, timeout=30)
    assert [each["name"] for each in found.json()["projects"]] == ["admin"]
