"""A world of the tests behind a real socket on loopback, for commands that speak HTTP."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.world import World


class _Answers(BaseHTTPRequestHandler):
    server: Door
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None: ...

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = {name: value for name, value in self.headers.items() if name.lower() != "x-auth-token"}
        token = self.headers.get("X-Auth-Token")
        answer = self.server.world.call(self.command, self.path, content=content, headers=said, token=token)
        self.send_response(answer.status)
        for name, value in {**answer.headers, "content-length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer


class Door(ThreadingHTTPServer):
    """Opened before its world is built, so that the world's catalog can say where it is."""

    daemon_threads = True
    world: World

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def opens(self, world: World) -> None:
        self.world = world
        world.base = self.url
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
