"""The control plane, `croft serve`, as one more daemon."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import sys
from contextlib import closing
from pathlib import Path

import croft
from croft.machine.facts import Facts
from croft.machine.layout import Layout
from croft.machine.supervisor import PATH, Daemon

SERVE = "serve"


def serve_daemon(layout: Layout, facts: Facts) -> Daemon:
    return Daemon(
        name=SERVE,
        argv=(str(Path(sys.executable).with_name("croft")), "serve", "--state", str(layout.state)),
        environment={"PATH": PATH, "PYTHONUNBUFFERED": "1", "CROFT_STAMP": _stamp(layout, facts)},
        after=(layout.northbound_socket, layout.southbound_socket) if facts.engines == "real" else (),
        ready=lambda: api_answers(layout, facts),
    )


def api_answers(layout: Layout, facts: Facts, timeout: float = 3) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(facts.host, facts.host)
    try:
        with closing(_connect(layout, facts, host, timeout)) as connection:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def _connect(layout: Layout, facts: Facts, host: str, timeout: float) -> http.client.HTTPConnection:
    if facts.plain_http:
        return http.client.HTTPConnection(host, facts.port, timeout=timeout)
    context = ssl.create_default_context(cafile=str(layout.ca_certificate))
    context.check_hostname = host == facts.host
    return http.client.HTTPSConnection(host, facts.port, timeout=timeout, context=context)


def _stamp(layout: Layout, facts: Facts) -> str:
    """Changes with the program's own files, the settings and the facts, so that the next `up` restarts it."""
    root = Path(croft.__file__).parent
    sources = sorted(path for path in root.rglob("*.py"))
    settings = [path for path in (layout.state / "croft.toml",) if path.exists()]
    seen = [(str(path), path.stat().st_mtime_ns) for path in sources + settings]
    return hashlib.sha256(repr((facts, seen)).encode()).hexdigest()[:12]
