"""A small OpenStack client for Croft's own commands: token, catalog, JSON requests and streamed uploads."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import yaml

SECONDS = 60
UPLOAD_SECONDS = 900
CHUNK = 1024 * 1024
Body = bytes | Iterator[bytes] | None


class ClientError(Exception):
    """No answer, or a refusal; the message is the API's own sentence. `status` is 0 when nothing answered."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Account:
    """One entry of a clouds.yaml."""

    auth_url: str
    username: str
    password: str = field(repr=False)
    project: str
    """Empty for somebody who has none yet."""
    user_domain: str
    project_domain: str
    region: str
    interface: str
    ca: str | None

    @classmethod
    def read(cls, path: Path, cloud: str) -> Account:
        try:
            entry = yaml.safe_load(path.read_text())["clouds"][cloud]
            auth = entry["auth"]
            return cls(
                auth_url=auth["auth_url"],
                username=auth["username"],
                password=auth["password"],
                project=auth.get("project_name", ""),
                user_domain=auth.get("user_domain_id", "default"),
                project_domain=auth.get("project_domain_id", "default"),
                region=entry.get("region_name", ""),
                interface=entry.get("interface", "public"),
                ca=entry.get("cacert"),
            )
        except OSError as error:
            raise ClientError(f"Cannot read {path}: {error.strerror}. Is the cloud up?") from error
        except (KeyError, TypeError, yaml.YAMLError) as error:
            raise ClientError(f"{path} has no usable cloud named {cloud}.") from error


class Client:
    """Speaks to one cloud as one user in one project; authenticates at the first request and when its token ends."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._tls = ssl.create_default_context(cafile=account.ca)
        self._token = ""
        self._catalog: dict[str, str] = {}

    @classmethod
    def from_clouds(cls, path: Path, cloud: str = "croft-admin") -> Client:
        return cls(Account.read(path, cloud))

    def request(
        self,
        service_type: str,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The decoded JSON answer, None if it has no body. `path` continues the catalog's endpoint."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        answer = self._authenticated(service_type, method, path, data, sent, SECONDS)
        return json.loads(answer) if answer else None

    def lines(self, service_type: str, path: str) -> Iterator[bytes]:
        """The lines of a streamed answer, as they come."""
        self._authenticate()
        url = urlsplit(self._endpoint(service_type) + path)
        connection = self._connect(url.scheme, url.hostname or "", url.port, SECONDS)
        try:
            connection.request("GET", f"{url.path}?{url.query}", headers={"X-Auth-Token": self._token})
            answer = connection.getresponse()
            if answer.status >= http.HTTPStatus.BAD_REQUEST:
                raise ClientError(_reason(answer.read()) or answer.reason, answer.status)
            yield from answer
        except (OSError, http.client.HTTPException) as error:
            raise ClientError(f"{url.scheme}://{url.netloc} broke off: {error}") from error
        finally:
            connection.close()

    def upload(self, service_type: str, path: str, file: Path) -> None:
        """PUTs the bytes of a file, in constant memory and with a fresh token, since a stream cannot be sent twice."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
        self._authenticate()
        with file.open("rb") as stream:
            self._authenticated(service_type, "PUT", path, _chunks(stream), headers, UPLOAD_SECONDS)

    def _authenticated(
        self, service_type: str, method: str, path: str, body: Body, headers: Mapping[str, str], seconds: float
    ) -> bytes:
        fresh = not self._token
        if fresh:
            self._authenticate()
        url = self._endpoint(service_type) + path
        try:
            return self._send(method, url, body, {**headers, "X-Auth-Token": self._token}, seconds)[0]
        except ClientError as error:
            if error.status != http.HTTPStatus.UNAUTHORIZED or fresh or isinstance(body, Iterator):
                raise
        self._authenticate()
        return self._send(method, url, body, {**headers, "X-Auth-Token": self._token}, seconds)[0]

    def _endpoint(self, service_type: str) -> str:
        if not self._catalog:
            self._catalog = self._front_door()
        if service_type not in self._catalog:
            raise ClientError(f"The cloud's catalog offers no {service_type} service to this user.")
        return self._catalog[service_type]

    def _front_door(self) -> dict[str, str]:
        """Every service by its type, for tokens that come without a catalog."""
        parts = urlsplit(self._account.auth_url)
        answer = self._send("GET", f"{parts.scheme}://{parts.netloc}/", None, {"Accept": "application/json"}, SECONDS)[
            0
        ]
        return {str(name): str(url) for name, url in json.loads(answer).items()}

    def _authenticate(self) -> None:
        account = self._account
        user = {"name": account.username, "domain": {"id": account.user_domain}, "password": account.password}
        scope: object = "unscoped"
        if account.project:
            scope = {"project": {"name": account.project, "domain": {"id": account.project_domain}}}
        wish = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        url = f"{account.auth_url.rstrip('/')}/auth/tokens"
        body, answer = self._send("POST", url, json.dumps(wish).encode(), headers, SECONDS)
        self._token = answer.headers["X-Subject-Token"]
        self._catalog = {
            service["type"]: endpoint["url"].rstrip("/")
            for service in json.loads(body)["token"].get("catalog", [])
            for endpoint in service["endpoints"]
            if endpoint["interface"] == account.interface and endpoint["region_id"] in (account.region, None)
        }

    def _send(
        self, method: str, url: str, body: Body, headers: Mapping[str, str], seconds: float
    ) -> tuple[bytes, http.client.HTTPResponse]:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = self._connect(parts.scheme, parts.hostname or "", parts.port, seconds)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ClientError(f"{parts.scheme}://{parts.netloc} does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise ClientError(_reason(content) or f"{answer.status} {answer.reason}", answer.status)
        return content, answer

    def _connect(self, scheme: str, host: str, port: int | None, seconds: float) -> http.client.HTTPConnection:
        if scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=seconds)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _reason(content: bytes) -> str:
    """The sentence in an error body: every OpenStack API wraps its `message` in an object named for the error."""
    try:
        document = json.loads(content)
    except ValueError:
        return content.decode(errors="replace").strip()[:300]
    waiting = [document]
    while waiting:
        thing = waiting.pop(0)
        if isinstance(thing, dict):
            if isinstance(thing.get("message"), str):
                return str(thing["message"])
            waiting.extend(thing.values())
        elif isinstance(thing, list):
            waiting.extend(thing)
    return ""
