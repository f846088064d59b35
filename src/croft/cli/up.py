"""`croft up` and `croft down`: the embedded cloud, step by step, with what to do when a step fails."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import click

from croft.machine.commands import CommandFailed
from croft.machine.embedded import Embedded
from croft.machine.facts import Wishes
from croft.machine.layout import DEFAULT_STATE, Layout
from croft.machine.progress import StepFailed


def default_state() -> Path:
    """/var/lib/croft for root, under the home directory for others."""
    if os.geteuid() == 0:
        return DEFAULT_STATE
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "croft"


state_option = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_state,
    show_default="/var/lib/croft for root",
    envvar="CROFT_STATE",
    help="Directory that holds everything of this cloud.",
)


class ConsoleProgress:
    """One line per step: what it is, then how long it took."""

    def __init__(self) -> None:
        self.current = ""
        self.live = sys.stdout.isatty()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        outer, self.current = self.current, title
        started = time.monotonic()
        if self.live:
            click.echo(f"  … {title}", nl=False)
        try:
            yield
        except BaseException:
            self._finish(f"  ✗ {title}")
            raise
        self._finish(f"  ✓ {title:<42} {time.monotonic() - started:5.1f} s")
        self.current = outer

    def note(self, text: str) -> None:
        self._finish(f"    {text}")

    def _finish(self, line: str) -> None:
        click.echo(f"\r\033[K{line}" if self.live else line)


@contextmanager
def explained(progress: ConsoleProgress) -> Iterator[None]:
    """Turns a failed step into what happened, where to read on, and what to do; then exit status 1."""
    try:
        yield
    except StepFailed as failed:
        _explain(progress.current, failed.what, failed.log, failed.advice)
    except (CommandFailed, OSError) as failed:
        advice = "Mend what it names and run this again; everything that is in place stays."
        _explain(progress.current, str(failed), None, advice)


def _explain(step: str, what: str, log: Path | None, advice: str) -> None:
    click.echo(f"\nFailed{f' at “{step}”' if step else ''}: {what}", err=True)
    if log is not None and log.exists():
        click.echo(f"\nThe end of {log}:", err=True)
        for line in log.read_text(errors="replace").splitlines()[-8:]:
            click.echo(f"    {line}", err=True)
    click.echo(f"\n{advice}", err=True)
    raise SystemExit(1)


def parse_listen(text: str | None) -> tuple[str | None, int | None]:
    if text is None:
        return None, None
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter("give HOST:PORT, such as 127.0.0.1:8443 or [::1]:8443", param_hint="--listen")
    return host.removeprefix("[").removesuffix("]"), int(port)


@click.command()
@state_option
@click.option("--hosts", type=click.IntRange(1, 200), help="Hosts on this machine (network namespaces); may only grow.")
@click.option("--engines", type=click.Choice(["real", "fake"]), help="fake: in memory, no root.  [default: real]")
@click.option("--listen", metavar="HOST:PORT", help="Where the API listens.  [default: 127.0.0.1:8443]")
@click.option("--plain-http/--https", default=None, help="Without encryption; only for an address nobody else reaches.")
def up(
    state: Path, hosts: int | None, engines: Literal["real", "fake"] | None, listen: str | None, plain_http: bool | None
) -> None:
    """Start the cloud, or bring everything that is missing back. Safe to repeat.

    What was chosen at the first start (hosts, address, engines) stays unless given again.
    """
    from croft.cli.welcome import first_server

    host, port = parse_listen(listen)
    layout = Layout(state)
    cloud = Embedded(layout, Wishes(engines, hosts, host, port, plain_http))
    progress = ConsoleProgress()
    started = time.monotonic()
    with explained(progress):
        facts = cloud.up(progress)
        click.echo(f"  {facts.url} answers after {time.monotonic() - started:.1f} s")
        first_server(layout, progress)


@click.command()
@state_option
@click.option("--purge", is_flag=True, help="Also remove the state directory: every disk, image and database.")
def down(state: Path, purge: bool) -> None:
    """Stop guests cleanly, then every process; nothing of the cloud is left running.

    Without --purge the next `croft up` finds everything as it was.
    """
    layout = Layout(state)
    progress = ConsoleProgress()
    with explained(progress):
        Embedded(layout).down(progress, purge=purge)
