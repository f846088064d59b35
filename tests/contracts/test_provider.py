"""What an identity provider's word is worth: over a real Canaille, with forgeries by the test's own keys."""

from __future__ import annotations

import hmac
import json
import socket
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jws, jwt
from joserfc.jwk import RSAKey

from croft.core.config import ConfigError
from croft.core.errors import Rejected, Unavailable
from croft.core.ids import new_secret
from croft.drivers.provider import Claims, Journey, ProviderSettings
from croft.drivers.provider.fake import FakeProvider
from croft.drivers.provider.oidc import AGAIN, KEPT, OidcProvider
from tests.contracts.browser import Browser
from tests.contracts.idp import REDIRECT, Canaille, canaille

real = pytest.mark.engines


class Clock:
    """Stands still unless the test moves it."""

    def __init__(self) -> None:
        self.ahead, self._began = 0.0, time.time()

    def __call__(self) -> float:
        return self._began + self.ahead


@pytest.fixture(scope="module")
def server() -> Iterator[Canaille]:
    with canaille() as found:
        yield found


def provider(server: Canaille, now: Callable[[], float] = time.time, **words: Any) -> OidcProvider:
    given = {"client_id": "croft", **words}
    secret = f"secret of {given['client_id']}"
    return OidcProvider(ProviderSettings(**({"issuer": server.issuer} | given)), secret, now)


def journey(**words: str) -> Journey:
    return Journey(**({"state": "s1", "nonce": new_secret(16), "verifier": "v" * 50, "redirect": REDIRECT} | words))


def code(port: OidcProvider, trip: Journey, person: str) -> str:
    back = Browser().log_in(port.departure(trip), person, "secret", stop=REDIRECT)
    query = parse_qs(urlsplit(back).query)
    assert query["state"] == [trip.state]
    return query["code"][0]


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    taken = jws.extract_compact(token.encode())
    return dict(taken.headers()), json.loads(taken.payload)


ADA = ("ada", "Ada Lovelace", "ada@example.org", ("makers",))


def known(claims: Claims) -> tuple[str, str, str, tuple[str, ...]]:
    return claims.subject, claims.name, claims.email, claims.groups


def test_the_fake_vouches_for_what_it_issued() -> None:
    fake = FakeProvider()
    fake.issue("t", "ada", "Ada Lovelace", "makers", email="ada@example.org")
    fake.consent("c", "s1", "ada", "Ada Lovelace", "makers")
    assert known(fake.vouch("t")) == ADA
    assert "state=s1" in fake.departure(journey())
    for trip in (journey(state="other"), journey()):
        with pytest.raises(Rejected):
            fake.arrival(trip, "c")
    with pytest.raises(Rejected):
        fake.vouch("forged")


@real
def test_a_signed_token_stands_for_its_person(server: Canaille) -> None:
    claims = provider(server).vouch(server.jwt())
    assert known(claims) == ADA
    assert claims.issuer == server.issuer
    assert not claims.machine


@real
def test_an_id_token_does_too(server: Canaille) -> None:
    fields = {"grant_type": "password", "username": "bob", "password": "builder"}
    assert known(provider(server).vouch(server.jwt(**fields)))[0] == "bob"


@real
def test_an_opaque_token_is_introspected(server: Canaille) -> None:
    token = server.jwt(grant_type="client_credentials")
    claims = provider(server, machines=True).vouch(token)
    assert (claims.subject, claims.machine) == ("croft", True)
    with pytest.raises((Rejected, Unavailable)):
        provider(server).vouch(token)
    with pytest.raises(Rejected, match="not active"):
        provider(server).vouch("x" * 48)


@real
def test_a_token_for_another_client_is_not_for_us(server: Canaille) -> None:
    for token in (server.jwt("stranger"), server.jwt("stranger", grant_type="client_credentials")):
        with pytest.raises(Rejected):
            provider(server).vouch(token)
    assert known(provider(server, clients=("stranger",)).vouch(server.jwt("stranger"))) == ADA


@real
def test_the_times_of_a_token_count(server: Canaille) -> None:
    clock, token = Clock(), server.jwt()
    _, said = parts(token)
    port = provider(server, clock)
    clock.ahead = said["exp"] - time.time() + 50
    assert port.vouch(token).subject == "ada", "clocks may differ by a minute"
    clock.ahead = said["exp"] - time.time() + 120
    with pytest.raises(Rejected, match="Expired"):
        port.vouch(token)
    clock.ahead = -600
    with pytest.raises(Rejected):
        port.vouch(token)


@real
def test_every_forgery_is_refused(server: Canaille) -> None:
    """Of a real token of the provider's, with its own header and claims."""
    token, own = server.jwt(), RSAKey.generate_key(2048, {"kid": "mine"})
    header, said = parts(token)
    public = next(key for key in server.get("/oauth/jwks.json")["keys"] if key["kid"] == header["kid"])
    shared = RSAKey.import_key(public).as_pem(private=False)
    head, body, sign = token.split(".")
    tampered = jws.serialize_compact({"alg": "RS256", "kid": "mine"}, json.dumps(said | {"sub": "root"}), own).split(
        "."
    )
    embedded = own.as_dict(private=False)
    forgeries = {
        "no signature": f"{head}.{body}.",
        "alg none": f"{_b64({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "another payload": f"{head}.{tampered[1]}.{sign}",
        "another key": jwt.encode({"alg": "RS256", "kid": header["kid"]}, said, own),
        "the public key as a secret": _hmac(header["kid"], said, shared),
        "its own key along": jwt.encode({"alg": "RS256", "jwk": embedded}, said, own),
        "its own key along with the id": jwt.encode({"alg": "RS256", "kid": header["kid"], "jwk": embedded}, said, own),
        "its own key's address": jwt.encode(
            {"alg": "RS256", "kid": "mine", "jku": "http://127.0.0.1:1/jwks"}, said, own
        ),
        "not base64": "a.b.c",
        "empty": "..",
        "huge": f"{head}.{'A' * 200_000}.{sign}",
        "null": "\0.\0.\0",
        "not ASCII": "é.é.é",
    }
    port = provider(server)
    for what, forged in forgeries.items():
        with pytest.raises(Rejected) as caught:
            port.vouch(forged)
        assert token[:20] not in str(caught.value), what


def _b64(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(text).rstrip(b"=").decode()


def _hmac(kid: str, said: dict[str, Any], key: bytes) -> str:
    """What a careless verifier takes for a signature: the provider's public key used as a shared secret."""
    text = f"{_b64({'alg': 'HS256', 'kid': kid})}.{_b64(said)}"
    return f"{text}.{_b64(hmac.digest(key, text.encode(), 'sha256'))}"


@real
def test_an_algorithm_that_is_not_wished_is_refused(server: Canaille) -> None:
    with pytest.raises(Rejected, match="not taken"):
        provider(server, algorithms=("ES256",)).vouch(server.jwt())


@real
def test_another_issuers_token_is_refused_by_the_same_keys(server: Canaille) -> None:
    port = provider(server)
    port._settings = ProviderSettings("http://127.0.0.1:1", "croft")
    port._places = (time.time(), {"jwks_uri": f"{server.issuer}/oauth/jwks.json"})
    with pytest.raises(Rejected, match="InvalidClaim"):
        port.vouch(server.jwt())


@real
def test_new_keys_are_found_and_old_ones_forgotten(server: Canaille) -> None:
    clock = Clock()
    port, old = provider(server, clock), server.jwt()
    assert port.vouch(old).subject == "ada"
    server.stop()
    server.start()
    new = server.jwt()
    with pytest.raises(Rejected):
        port.vouch(new)
    clock.ahead = AGAIN
    assert port.vouch(new).subject == "ada", "looked again, but not at once: forged key ids would keep us busy"
    with pytest.raises(Rejected):
        port.vouch(old)
    clock.ahead = KEPT + 1
    assert port.vouch(new).subject == "ada"


@real
def test_a_browser_goes_there_and_comes_back(server: Canaille) -> None:
    port, trip = provider(server, scopes="openid profile email groups"), journey()
    there = port.departure(trip)
    assert "code_challenge_method=S256" in there
    assert trip.verifier not in there
    person = server.somebody()
    found = code(port, trip, person)
    assert port.arrival(trip, found).subject == person
    with pytest.raises(Rejected):
        port.arrival(trip, found)


@real
@pytest.mark.parametrize("wrong", ["verifier", "nonce", "redirect"])
def test_a_code_is_good_for_its_own_journey_alone(server: Canaille, wrong: str) -> None:
    port, trip = provider(server), journey()
    found = code(port, trip, server.somebody())
    with pytest.raises(Rejected):
        port.arrival(
            replace(trip, **{wrong: "http://127.0.0.1:2/elsewhere" if wrong == "redirect" else "x" * 50}), found
        )


@real
def test_a_code_that_was_made_up_is_refused(server: Canaille) -> None:
    with pytest.raises(Rejected):
        provider(server).arrival(journey(), "made-up")


@pytest.mark.parametrize("issuer", ["http://idp.example.org", "ftp://idp.example.org", "idp.example.org"])
def test_an_issuer_over_an_open_line_is_refused(issuer: str) -> None:
    with pytest.raises(ConfigError, match="https"):
        OidcProvider(ProviderSettings(issuer, "croft"), "")
    with pytest.raises(ConfigError, match="HS256"):
        OidcProvider(ProviderSettings("https://x", "croft", algorithms=("HS256",)), "")


def test_a_provider_that_is_away_is_unavailable() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    with pytest.raises(Unavailable):
        OidcProvider(ProviderSettings(f"http://127.0.0.1:{port}", "croft"), "").departure(journey())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{{{",
        b'HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{"issuer": "somebody"}',
        b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * (2 << 20),
        b"nonsense\r\n\r\n",
    ],
    ids=["redirect", "list", "no JSON", "another issuer", "500", "endless", "no HTTP"],
)
def test_a_strange_answer_is_no_answer(answer: bytes) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.recv(65536)
                try:
                    peer.sendall(answer)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        port = OidcProvider(ProviderSettings(f"http://127.0.0.1:{listening.getsockname()[1]}", "croft"), "")
        with pytest.raises((Unavailable, Rejected)):
            port.departure(journey())
        port.close()
