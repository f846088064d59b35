"""Registering an image: the client and `croft image` against a little Keystone and Glance on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from croft.cli import image
from croft.cli.client import Client, ClientError
from croft.machine.guests import BuiltImage
from croft.machine.progress import Silent


class Cloud(ThreadingHTTPServer):
    """Keeps images in memory. `tokens` counts logins; `expired` refuses tokens once; `full` refuses uploads."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.images: dict[str, dict[str, Any]] = {}
        self.bytes: dict[str, str] = {}
        self.tokens, self.good, self.full = 0, "", False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Cloud
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None: ...

    def answer(self, status: int, document: Any = None, **headers: str) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        cloud = self.server
        if self.path == "/identity/v3/auth/tokens":
            password = body["auth"]["identity"]["password"]["user"]["password"]
            if password != "right":
                return self.answer(401, {"error": {"code": 401, "message": "The request needs authentication."}})
            cloud.tokens += 1
            cloud.good = f"token-{cloud.tokens}"
            endpoint = {"interface": "public", "region_id": "croft", "url": f"{cloud.url}/image/"}
            catalog = [{"type": "image", "endpoints": [{**endpoint, "interface": "internal", "url": "no"}, endpoint]}]
            return self.answer(201, {"token": {"catalog": catalog}}, X_Subject_Token=cloud.good)
        if not self.allowed():
            return None
        id = f"image-{len(cloud.images)}"
        cloud.images[id] = {**body, "id": id, "status": "queued", "os_hidden": False}
        return self.answer(201, cloud.images[id])

    def do_PUT(self) -> None:
        cloud, id = self.server, self.path.split("/")[-2]
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.allowed():
            return None
        if cloud.full:
            return self.answer(413, {"message": "The store is full.", "code": "413"})
        cloud.images[id] |= {"status": "active", "os_hash_value": hashlib.sha512(data).hexdigest(), "size": len(data)}
        return self.answer(204)

    def do_GET(self) -> None:
        if self.allowed():
            name = parse_qs(urlsplit(self.path).query)["name"][0]
            found = [each for each in self.server.images.values() if each["name"] == name and not each["os_hidden"]]
            self.answer(200, {"images": found})

    def do_PATCH(self) -> None:
        (change,) = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.allowed():
            self.server.images[self.path.split("/")[-1]][change["path"].strip("/")] = change["value"]
            self.answer(200, {})

    def do_DELETE(self) -> None:
        if self.allowed():
            del self.server.images[self.path.split("/")[-1]]
            self.answer(204)

    def allowed(self) -> bool:
        if self.headers["X-Auth-Token"] == self.server.good:
            return True
        self.answer(401, {"error": {"message": "token"}})
        return False


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def clouds_file(folder: Path, cloud: Cloud, password: str = "right") -> Path:
    auth = {"auth_url": f"{cloud.url}/identity/v3", "username": "admin", "password": password, "project_name": "admin"}
    path = folder / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {"croft-admin": {"auth": auth, "region_name": "croft"}}}))
    return path


@pytest.fixture
def client(tmp_path: Path, cloud: Cloud) -> Client:
    return Client.from_clouds(clouds_file(tmp_path, cloud))


def built(folder: Path, content: bytes) -> BuiltImage:
    path = folder / "tiny.qcow2"
    path.write_bytes(content)
    return BuiltImage(path, "tiny", "v1", "qcow2", 1, 128, {"croft_image_version": "v1"})


def test_registering_uploads_a_public_image(tmp_path: Path, cloud: Cloud, client: Client) -> None:
    content = b"x" * (3 * 1024 * 1024 + 7)
    id = image.register(client, built(tmp_path, content), Silent())
    kept = cloud.images[id]
    assert (kept["status"], kept["visibility"], kept["size"]) == ("active", "public", len(content))
    assert (kept["disk_format"], kept["container_format"], kept["min_ram"]) == ("qcow2", "bare", 128)
    assert kept["croft_image_version"] == "v1"


def test_same_bytes_are_registered_once(tmp_path: Path, cloud: Cloud, client: Client) -> None:
    first = image.register(client, built(tmp_path, b"one"), Silent())
    assert image.register(client, built(tmp_path, b"one"), Silent()) == first
    assert len(cloud.images) == 1


def test_new_bytes_hide_what_was_built_before_but_no_image_of_others(
    tmp_path: Path, cloud: Cloud, client: Client
) -> None:
    cloud.images["theirs"] = {"id": "theirs", "name": "tiny", "status": "active", "os_hidden": False}
    first = image.register(client, built(tmp_path, b"one"), Silent())
    second = image.register(client, built(tmp_path, b"two"), Silent())
    assert len({"theirs", first, second}) == 3
    hidden = {id: each["os_hidden"] for id, each in cloud.images.items()}
    assert hidden == {"theirs": False, first: True, second: False}


def test_failed_upload_leaves_no_image_and_gives_the_reason(tmp_path: Path, cloud: Cloud, client: Client) -> None:
    cloud.full = True
    with pytest.raises(ClientError, match=r"The store is full\.") as failed:
        image.register(client, built(tmp_path, b"one"), Silent())
    assert failed.value.status == 413
    assert cloud.images == {}


def test_ended_token_is_renewed(cloud: Cloud, client: Client) -> None:
    client.request("image", "GET", "/v2/images?name=a")
    cloud.good = "another"
    assert client.request("image", "GET", "/v2/images?name=a") == {"images": []}
    assert cloud.tokens == 2


def test_wrong_password_is_refused_without_showing_it(tmp_path: Path, cloud: Cloud) -> None:
    client = Client.from_clouds(clouds_file(tmp_path, cloud, "s3cret"))
    with pytest.raises(ClientError, match="needs authentication") as failed:
        client.request("image", "GET", "/v2/images?name=a")
    assert failed.value.status == 401
    assert "s3cret" not in repr(failed.value)


def test_unknown_service_is_named(client: Client) -> None:
    with pytest.raises(ClientError, match="no object-store service"):
        client.request("object-store", "GET", "/")


def test_missing_or_broken_clouds_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="Is the cloud up"):
        Client.from_clouds(tmp_path / "none.yaml")
    (tmp_path / "clouds.yaml").write_text("clouds: {}")
    with pytest.raises(ClientError, match="no usable cloud named croft-admin"):
        Client.from_clouds(tmp_path / "clouds.yaml")


def test_nobody_listening_is_a_client_error(tmp_path: Path, cloud: Cloud) -> None:
    path = clouds_file(tmp_path, cloud)
    path.write_text(path.read_text().replace(str(cloud.server_port), "1"))
    with pytest.raises(ClientError, match="does not answer"):
        Client.from_clouds(path).request("image", "GET", "/v2/images")
