"""The control plane, `croft serve`, as one more daemon."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import sys
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
        environment={"PATH": PATH, "PYTHONUNBUFFERED": "1", "CROFT_CODE": _code_stamp()},
        after=(layout.northbound_socket, layout.southbound_socket) if facts.engines == "real" else (),
        ready=lambda: api_answers(layout, facts),
    )


def api_answers(layout: Layout, facts: Facts, timeout: float = 3) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(facts.host, facts.host)
    connection: http.client.HTTPConnection
    try:
        if facts.plain_http:
            connection = http.client.HTTPConnection(host, facts.port, timeout=timeout)
        else:
            context = ssl.create_default_context(cafile=str(layout.ca_certificate))
            context.check_hostname = host == facts.host
            connection = http.client.HTTPSConnection(host, facts.port, timeout=timeout, context=context)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def _code_stamp() -> str:
    """Changes when the program's own files do, so that `up` after an update restarts the control plane."""
    root = Path(croft.__file__).parent
    found = sorted((str(path.relative_to(root)), path.stat().st_mtime_ns) for path in root.rglob("*.py"))
    return hashlib.sha256(repr(found).encode()).hexdigest()[:12]
