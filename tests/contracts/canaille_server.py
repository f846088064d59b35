"""Canaille, an OpenID Connect provider by other people (PyPI: canaille), as a process: run by the Python of its own
virtual environment, with the people and clients that the tests know, on the port and in the folder given."""

from __future__ import annotations

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend

PEOPLE = 30
GRANTS = ["authorization_code", "password", "client_credentials", "refresh_token"]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Nothing: tests read no access log."""


def config(port: int, folder: str) -> dict[str, object]:
    return {
        "SECRET_KEY": "for one test alone",
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "TESTING": True,
        "CANAILLE": {"ENABLE_REGISTRATION": False, "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc", "edit_self"]}}},
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{folder}/canaille.db"},
        "CANAILLE_OIDC": {"TRUSTED_DOMAINS": ["127.0.0.1"]},
    }


def person(name: str, called: str, password: str) -> models.User:
    user = models.User(
        user_name=name,
        formatted_name=called,
        family_name=called,
        display_name=called,
        emails=[f"{name}@example.org"],
        password=password,
    )
    Backend.instance.save(user)
    return user


def client(id: str, redirects: list[str]) -> None:
    row = models.Client(
        client_id=id,
        client_secret=f"secret of {id}",
        client_name=id,
        client_uri="http://127.0.0.1",
        redirect_uris=redirects,
        grant_types=GRANTS,
        response_types=["code"],
        scope=["openid", "profile", "email", "groups"],
        token_endpoint_auth_method="client_secret_basic",
        id_token_signed_response_alg="RS256",
    )
    Backend.instance.save(row)
    row.audience = [row]
    Backend.instance.save(row)


def main() -> None:
    port, folder, redirects = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    app = create_app(config=config(port, folder), init_backend=True)
    with app.app_context(), Backend.instance.session():
        ada, bob = person("ada", "Ada Lovelace", "wonder"), person("bob", "Bob", "builder")
        for number in range(PEOPLE):
            person(f"p{number}", f"Person {number}", "secret")
        Backend.instance.save(models.Group(display_name="makers", members=[ada, bob]))
        client("croft", redirects)
        client("stranger", redirects)
    with make_server("127.0.0.1", port, app, handler_class=Quiet) as server:
        server.serve_forever()


main()
