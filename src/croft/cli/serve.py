"""`croft serve`: the control plane itself, in the foreground; `croft up` has it supervised."""

from __future__ import annotations

import logging
import signal
from pathlib import Path

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
    import uvicorn

    from croft.app import Croft, engines_for
    from croft.core.http.asgi import Asgi

    logging_setup.setup(config.log_level)
    host, _, port = config.listen.rpartition(":")
    host = host.strip("[]")
    tls: dict[str, str] = {}
    if not config.plain_http:
        names = sorted({host, "127.0.0.1", "localhost", *_name_of(config)} - {"0.0.0.0", "::"})
        _, certificate, key = authority.ensure(layout.ca, names)
        tls = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
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
    options = uvicorn.Config(
        asgi,  # type: ignore[arg-type]
        host=host,
        port=int(port),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        **tls,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    croft.start()
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        uvicorn.Server(options).run()
    except KeyboardInterrupt:
        log.info("stopping")
    finally:
        croft.stop()
        asgi.close()


def _name_of(config: Config) -> set[str]:
    from urllib.parse import urlsplit

    name = urlsplit(config.url).hostname
    return {name} if name else set()
