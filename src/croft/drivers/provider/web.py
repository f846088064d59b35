"""Asking a provider over HTTPS: no redirects, nothing unencrypted beyond this machine, short answers, bounded time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.util import make_headers

from croft.core.config import ConfigError
from croft.core.errors import Rejected, Unavailable

CONNECT, ANSWER = 4.0, 6.0
"""Seconds; the longest call makes three requests, so that it ends within 30."""
LARGEST = 1 << 20
"""Bytes of an answer."""
_LOCAL = {"127.0.0.1", "localhost", "::1"}


def check_url(url: str, what: str) -> str:
    """Refuses what would send secrets or take keys over an open line."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL):
        return url
    raise ConfigError(f"The {what} of an identity provider must be an https:// URL, unlike {url}.")


class Web:
    def __init__(self, tls_ca: str = "") -> None:
        timeout = urllib3.Timeout(connect=CONNECT, read=ANSWER)
        words: dict[str, Any] = {"ca_certs": tls_ca} if tls_ca else {}
        self._pool = urllib3.PoolManager(
            num_pools=4, retries=False, timeout=timeout, cert_reqs="CERT_REQUIRED", **words
        )

    def get(self, url: str, token: str = "") -> Any:
        return self._ask("GET", url, {"authorization": f"Bearer {token}"} if token else {})

    def post(self, url: str, fields: Mapping[str, str], user: str, secret: str) -> Any:
        """A form, as the client that we are to the provider."""
        return self._ask("POST", url, make_headers(basic_auth=f"{user}:{secret}"), fields)

    def _ask(self, method: str, url: str, headers: Mapping[str, str], fields: Mapping[str, str] | None = None) -> Any:
        said = {"accept": "application/json", **headers}
        words: dict[str, Any] = {"fields": dict(fields), "encode_multipart": False} if fields is not None else {}
        try:
            answer = self._pool.request(method, url, headers=said, redirect=False, preload_content=False, **words)
            content = answer.read(LARGEST + 1, decode_content=True)
            answer.drain_conn() if len(content) <= LARGEST else answer.close()
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"{urlsplit(url).netloc} does not answer: {type(error).__name__}.") from error
        if answer.status >= 500 or len(content) > LARGEST:
            raise Unavailable(f"{url} answers {answer.status} with {len(content)} bytes.")
        if answer.status != 200:
            raise Rejected(f"{url} answers {answer.status}.")
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Unavailable(f"{url} answers no JSON.") from error

    def close(self) -> None:
        self._pool.clear()
