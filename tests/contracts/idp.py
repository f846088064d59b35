"""Identity providers running for a test: Canaille, and Django OAuth Toolkit for what Canaille has not. Installed once,
hashes pinned, into a virtual environment of their own under .cache."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.contracts.slapd import free_port

HERE = Path(__file__).parent
LOCK, CANAILLE, DJANGO = HERE / "idp.txt", HERE / "canaille_server.py", HERE / "django_server.py"
REDIRECT = "http://127.0.0.1:1/identity/v3/auth/OS-FEDERATION/callback"


def python() -> Path:
    """The interpreter that has both."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = HERE.parents[1] / ".cache" / f"idp-{wanted}"
    done = folder / "done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--require-hashes", "--requirement", LOCK], check=True)
        done.touch()
    return folder / "bin" / "python"


@dataclass
class Canaille:
    port: int
    redirects: list[str] = field(default_factory=lambda: [REDIRECT])
    server: Path = CANAILLE
    process: subprocess.Popen[bytes] | None = None
    folder: Path = Path()
    _tokens: dict[tuple[Any, ...], str] = field(default_factory=dict)
    _people: int = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Each start makes new signing keys, as a provider does that rotates them."""
        self.folder = Path(tempfile.mkdtemp(prefix="croft-idp-"))
        argv = [python(), "-I", self.server, str(self.port), str(self.folder), *self.redirects]
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, f"{self.server.name} ended"
            assert time.monotonic() < deadline, "the provider does not come up"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return self.get("/oauth/jwks.json") is not None
        except urllib.error.URLError:
            return False

    def stop(self) -> None:
        """Killed: it has nothing to lose, and an open connection would keep it from ending otherwise."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None
            shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.issuer}{path}", timeout=20) as answer:
            return json.load(answer)

    def token(self, client: str = "croft", **fields: str) -> dict[str, Any]:
        """The token endpoint's whole answer; the password grant of ada unless said otherwise."""
        given = fields or {"grant_type": "password", "username": "ada", "password": "wonder"}
        return self._ask(f"{self.issuer}/oauth/token", client, {"scope": "openid profile email groups", **given})

    def _ask(self, url: str, client: str, fields: dict[str, str]) -> dict[str, Any]:
        secret = b64encode(f"{client}:secret of {client}".encode()).decode()
        asked = urllib.request.Request(url, urlencode(fields).encode(), {"authorization": f"Basic {secret}"})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return dict(json.load(answer))

    def jwt(self, client: str = "croft", **fields: str) -> str:
        """Kept for the next who asks: Canaille stumbles over two equal tokens, made for one person in one second."""
        key = (self.process, client, *sorted(fields.items()))
        if key not in self._tokens:
            self._tokens[key] = str(self.token(client, **fields)["access_token"])
        return self._tokens[key]

    def somebody(self) -> str:
        """A person (`p0`, `p1`, …; password `secret`) whom no test has had yet."""
        self._people += 1
        return f"p{self._people - 1}"


@dataclass
class Toolkit(Canaille):
    """Django OAuth Toolkit; grace and joan (password `secret`), the client `croft`, and the public client `cli`."""

    server: Path = DJANGO

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/o"

    def _answers(self) -> bool:
        try:
            return self.get("/.well-known/openid-configuration") is not None
        except urllib.error.URLError:
            return False

    def token(self, client: str = "croft", **fields: str) -> dict[str, Any]:
        return self._ask(f"{self.issuer}/token/", client, {"scope": "openid profile", **fields})


@contextmanager
def toolkit() -> Iterator[Toolkit]:
    server = Toolkit(free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def canaille(*redirects: str) -> Iterator[Canaille]:
    server = Canaille(free_port(), [REDIRECT, *redirects])
    try:
        server.start()
        yield server
    finally:
        server.stop()
