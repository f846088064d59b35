"""Django OAuth Toolkit, another provider by other people (PyPI: django-oauth-toolkit), as a process: it has the device
flow (RFC 8628), which Canaille has not, and opaque tokens whose introspection names no subject."""

from __future__ import annotations

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
LOGIN = '<form method="post" action="">{% csrf_token %}{{ form }}<button type="submit">Go</button></form>'


class Quiet(WSGIRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Nothing: tests read no access log."""


def signing_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    words = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*words).decode()


def configure(base: str) -> None:
    apps = ("auth", "contenttypes", "sessions", "messages")
    wares = ("sessions.middleware.SessionMiddleware", "auth.middleware.AuthenticationMiddleware")
    settings.configure(
        SECRET_KEY="for one test alone",
        DEBUG=False,
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="__main__",
        LOGIN_URL="/login/",
        STATIC_URL="/static/",
        DEBUG_PROPAGATE_EXCEPTIONS=True,
        INSTALLED_APPS=[*(f"django.contrib.{name}" for name in apps), "oauth2_provider"],
        MIDDLEWARE=[
            *(f"django.contrib.{name}" for name in wares),
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [
                        ("django.template.loaders.locmem.Loader", {"login.html": LOGIN}),
                        "django.template.loaders.app_directories.Loader",
                    ],
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                    ],
                },
            }
        ],
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": signing_key(),
            "OIDC_ISS_ENDPOINT": base,
            "SCOPES": {"openid": "who you are", "profile": "your name"},
            "OAUTH_DEVICE_VERIFICATION_URI": f"{base}/device/",
            "DEVICE_FLOW_INTERVAL": 1,
        },
    )


def people_and_clients() -> None:
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    for name in ("grace", "joan"):
        User.objects.create_user(name, password="secret")
    words = {"algorithm": "RS256", "hash_client_secret": False}
    Application.objects.create(
        client_id="croft",
        client_secret="secret of croft",
        client_type="confidential",
        authorization_grant_type="client-credentials",
        **words,
    )
    Application.objects.create(client_id="cli", client_type="public", authorization_grant_type=DEVICE, **words)


urlpatterns: list[object] = []


def main() -> None:
    port = int(sys.argv[1])
    configure(f"http://127.0.0.1:{port}/o")
    django.setup()
    from django.contrib.auth.views import LoginView

    urlpatterns.append(path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")))
    urlpatterns.append(path("login/", LoginView.as_view(template_name="login.html")))
    call_command("migrate", verbosity=0)
    people_and_clients()
    with make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet) as server:
        server.serve_forever()


main()
