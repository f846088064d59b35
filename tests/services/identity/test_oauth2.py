"""Application credentials as OAuth 2.0 clients, and tokens in the header of that trade."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.services.identity.house import DEMO_PASSWORD, V3, House, project_scope
from tests.world import Answer

FORM = "application/x-www-form-urlencoded"


def ask(house: House, fields: Any, *, basic: tuple[str, str] | str = "", kind: str = FORM, client: str = "") -> Answer:
    headers = {"content-type": kind}
    if basic:
        text = basic if isinstance(basic, str) else "Basic " + b64encode(":".join(basic).encode()).decode()
        headers["authorization"] = text
    content = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    words = {"client": client} if client else {}
    return house.call("POST", f"{V3}/OS-OAUTH2/token", content=content, token=None, headers=headers, **words)


def credential(house: House) -> tuple[str, str]:
    project = house.named("project", "demo")
    token = house.login("croft", DEMO_PASSWORD, project_scope(project))
    user = house.named("user", "croft")
    wish = {"application_credential": {"name": "robot", "secret": "s3cret%2B+:x"}}
    made = house.ask("POST", f"/users/{user}/application_credentials", wish, token=token)
    return str(made.json["application_credential"]["id"]), "s3cret%2B+:x"


GRANT = {"grant_type": "client_credentials"}


@pytest.mark.parametrize("how", ["basic", "body"])
def test_a_client_gets_a_token_that_works_as_bearer(either: House, how: str) -> None:
    client = credential(either)
    fields = GRANT if how == "basic" else GRANT | {"client_id": client[0], "client_secret": client[1]}
    answer = ask(either, fields, basic=client if how == "basic" else "")
    assert answer.status == 200, answer.body
    assert answer.json["token_type"] == "Bearer"
    assert 0 < answer.json["expires_in"] <= 3600
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json["access_token"]
    for kind in ("Bearer", "bearer"):
        shown = either.call("GET", f"{V3}/auth/projects", token=None, headers={"authorization": f"{kind} {token}"})
        assert [each["name"] for each in shown.json["projects"]] == ["demo"]
    both = {"authorization": "Bearer nonsense"}
    assert either.call("GET", f"{V3}/auth/projects", token=token, headers=both).status == 200


@pytest.mark.parametrize(
    ("fields", "basic", "status", "error"),
    [
        ({}, "", 400, "invalid_request"),
        (b"grant_type", "", 400, "invalid_request"),
        (b"\xff=\xff", "", 400, "invalid_request"),
        (b"grant_type=client_credentials&grant_type=password", "", 400, "invalid_request"),
        ({"grant_type": "password"}, "", 400, "unsupported_grant_type"),
        (GRANT, "", 401, "invalid_client"),
        (GRANT, "Basic %%%", 401, "invalid_client"),
        (GRANT, "Basic " + b64encode(b"\xff:x").decode(), 401, "invalid_client"),
        (GRANT, ("nobody", "nothing"), 401, "invalid_client"),
        (GRANT, ("nobody", "x" * 5000), 400, "invalid_request"),
        (GRANT | {"client_id": "nobody"}, "", 401, "invalid_client"),
        (GRANT | {"client_id": "a\0b", "client_secret": "x"}, "", 401, "invalid_client"),
    ],
)
def test_a_refusal_is_in_the_words_of_oauth(house: House, fields: Any, basic: Any, status: int, error: str) -> None:
    answer = ask(house, fields, basic=basic)
    assert (answer.status, answer.json["error"]) == (status, error)
    assert set(answer.json) == {"error", "error_description"}
    assert (answer.headers.get("www-authenticate") is not None) == (status == 401)


def test_a_body_of_another_kind_is_not_read(house: House) -> None:
    assert ask(house, b'{"grant_type": "client_credentials"}', kind="application/json").status == 400


def test_guessing_closes_the_door_as_at_every_login(house: House) -> None:
    statuses = {ask(house, GRANT, basic=("nobody", "guess"), client="192.0.2.1").status for _ in range(70)}
    assert statuses == {401, 429}


def test_a_deleted_credential_is_dead(house: House) -> None:
    client = credential(house)
    token = ask(house, GRANT, basic=client).json["access_token"]
    user, owner = house.named("user", "croft"), house.demo()
    assert house.ask("DELETE", f"/users/{user}/application_credentials/{client[0]}", token=owner).status == 204
    assert ask(house, GRANT, basic=client).status == 401
    assert not house.valid(token)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer forged", "Basic Zm9vOmJhcg==", "", "Bearer  a b"])
def test_an_authorization_that_is_no_token_opens_nothing(house: House, header: str) -> None:
    answer = house.call("GET", f"{V3}/auth/projects", token=None, headers={"authorization": header})
    assert answer.status == 401


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_a_token_is_asked_for_by_post(house: House, method: str) -> None:
    answer = house.call(method, f"{V3}/OS-OAUTH2/token", token=None)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
