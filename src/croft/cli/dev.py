"""`croft dev`: the whole API on fake engines, without root, with a seeded project."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from croft.core import config as configuration
from croft.core.errors import CroftError
from croft.machine.layout import Layout


@click.command()
@click.option("--state", type=click.Path(path_type=Path), help="Keep the state here (default: a fresh one each time).")
@click.option("--listen", default="127.0.0.1:8444", show_default=True, metavar="HOST:PORT")
@click.option("--plain-http", is_flag=True, help="Serve without TLS.")
def dev(state: Path | None, listen: str, plain_http: bool) -> None:
    """Run Croft on fake engines in the foreground: no root, no guests, ready in seconds."""
    if state is not None:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        _serve(state, listen, plain_http)
        return
    with tempfile.TemporaryDirectory(prefix="croft-dev-") as folder:
        _serve(Path(folder), listen, plain_http)


def _serve(state: Path, listen: str, plain_http: bool) -> None:
    from croft.cli.serve import run

    defaults = {"engines": "fake", "listen": listen, "plain_http": plain_http}
    layout = Layout(state)
    try:
        config = configuration.load(layout.state, defaults=defaults)
        click.echo(f"API       {config.url}")
        click.echo(f"clouds    {layout.clouds_yaml}")
        click.echo(f"try       OS_CLIENT_CONFIG_FILE={layout.clouds_yaml} OS_CLOUD=croft openstack server list")
        run(layout, config)
    except CroftError as error:
        raise click.ClickException(error.message) from error
