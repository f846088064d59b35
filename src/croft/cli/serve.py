"""`croft serve`: the control plane itself, in the foreground; `croft up` has it supervised."""

from __future__ import annotations

import gc
import logging
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from croft.cli.up import state_option
from croft.core import config as configuration
from croft.core import log as logging_setup
from croft.core import migrate
from croft.core.clock import SystemClock
from croft.core.config import Config
from croft.core.db import Database
from croft.core.errors import CroftError
from croft.machine import authority, credentials, facts
from croft.machine.layout import Layout

if TYPE_CHECKING:
    import uvicorn

    from croft.core.http.asgi import Asgi

log = logging.getLogger("croft.serve")


@click.command(hidden=True)
@state_option
def serve(state: Path) -> None:
    """Run the API and the workers in the foreground, on the engines that `croft up` started."""
    layout = Layout(state)
    try:
        config = read_config(layout)
        run(layout, config)
    except CroftError as error:
        raise click.ClickException(error.message) from error


def read_config(layout: Layout) -> Config:
    """The operator's settings over what this cloud chose at its first start."""
    known = facts.load(layout)
    defaults = {}
    if known is not None:
        host = f"[{known.host}]" if ":" in known.host else known.host
        defaults = {
            "engines": known.engines,
            "listen": f"{host}:{known.port}",
            "plain_http": known.plain_http,
            "region": known.region,
        }
    return configuration.load(layout.state, defaults=defaults)


def run(layout: Layout, config: Config) -> None:
    """Migrates, seeds, serves; returns when told to stop."""
    from croft.app import Croft, engines_for
    from croft.core.http.asgi import Asgi

    logging_setup.setup(config.log_level)
    for chatty in ("uvicorn.error", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    _raise_file_limit()
    pair = _certificate(layout, config)
    passwords = credentials.ensure_passwords(layout.state / "passwords.json")
    ca = None if config.plain_http else layout.ca_certificate
    credentials.write_clouds(layout.clouds_yaml, config.url, ca, config.region, passwords)
    db = Database(config.database_url, SystemClock())
    before, after = migrate.migrate(db)
    if before != after:
        log.info("schema migrated from %s to %s", before or "nothing", after)
    croft = Croft(config, db, engines_for(layout, config))
    croft.seed(passwords)
    asgi = Asgi(croft.application, config.http_threads, config.public_url.rstrip("/"))
    server = _server(config, asgi, pair)
    _calm_collector()
    croft.start()
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        server.run()
    except KeyboardInterrupt:
        log.info("stopping")
    finally:
        croft.stop()
        asgi.close()


def _calm_collector() -> None:
    """A list of 1,000 servers makes some 100,000 objects, none of them garbage before the answer is out: looking for
    cycles every 700 cost half of such a call (bench/api). What was imported is left out of every look."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _raise_file_limit() -> None:
    """Metadata holds a socket per network and host, HTTP one per client: take what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _certificate(layout: Layout, config: Config) -> tuple[Path, Path] | None:
    """(certificate, key) for every name the API is reached by."""
    if config.plain_http:
        return None
    host, _ = _address(config)
    names = {host, "127.0.0.1", "localhost", urlsplit(config.url).hostname or host} - {"0.0.0.0", "::"}
    _, certificate, key = authority.ensure(layout.ca, sorted(names))
    return certificate, key


def _address(config: Config) -> tuple[str, int]:
    host, _, port = config.listen.rpartition(":")
    return host.strip("[]"), int(port)


def _server(config: Config, asgi: Asgi, pair: tuple[Path, Path] | None) -> uvicorn.Server:
    import uvicorn

    host, port = _address(config)
    options = uvicorn.Config(
        asgi,
        host=host,
        port=port,
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        forwarded_allow_ips=config.trusted_proxies,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        ssl_certfile=pair[0] if pair else None,
        ssl_keyfile=pair[1] if pair else None,
    )
    return uvicorn.Server(options)
