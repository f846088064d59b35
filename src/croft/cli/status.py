"""`croft status`, `croft logs`, `croft env`: looking at a cloud from the machine it runs on."""

from __future__ import annotations

import heapq
import json
import os
import shlex
from collections import deque
from dataclasses import asdict
from pathlib import Path

import click

from croft.cli.up import state_option
from croft.machine import facts as facts_of
from croft.machine.embedded import Embedded
from croft.machine.facts import Facts
from croft.machine.layout import Layout
from croft.machine.supervisor import DaemonStatus


def _require(layout: Layout) -> Facts:
    found = facts_of.load(layout)
    if found is None:
        raise click.ClickException(f"There is no cloud in {layout.state}. Start one with `croft up`.")
    return found


@click.command()
@state_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(state: Path, as_json: bool) -> None:
    """Every daemon, host and the API, with health. Exit status 1 if something is down."""
    layout = Layout(state)
    facts = _require(layout)
    daemons = Embedded(layout).status()
    healthy = bool(daemons) and all(daemon.healthy for daemon in daemons)
    if as_json:
        click.echo(json.dumps(_document(layout, facts, daemons, healthy), indent=2))
    else:
        _print_table(facts, daemons, healthy)
    if not healthy:
        raise SystemExit(1)


def _document(layout: Layout, facts: Facts, daemons: list[DaemonStatus], healthy: bool) -> dict[str, object]:
    hosts = sorted({daemon.host for daemon in daemons if daemon.host})
    return {
        "healthy": healthy,
        "state": str(layout.state),
        "url": facts.url,
        "engines": facts.engines,
        "api": {"healthy": all(daemon.healthy for daemon in daemons if daemon.name == "serve")},
        "hosts": [{"name": host, "healthy": all(d.healthy for d in daemons if d.host == host)} for host in hosts],
        "daemons": [{**asdict(daemon), "log": str(daemon.log), "state": daemon.state} for daemon in daemons],
    }


def _print_table(facts: Facts, daemons: list[DaemonStatus], healthy: bool) -> None:
    width = max((len(daemon.name) for daemon in daemons), default=4)
    click.echo(f"{'DAEMON':<{width}}  HOST  STATE          PID      FOR")
    for daemon in daemons:
        pid = str(daemon.pid) if daemon.pid else "-"
        click.echo(
            f"{daemon.name:<{width}}  {daemon.host or '-':<4}  {daemon.state:<13}  {pid:<7}  {duration(daemon.seconds)}"
        )
    click.echo(f"\nAPI: {facts.url}")
    for daemon in daemons:
        if not daemon.healthy:
            click.echo(f"{daemon.name} is {daemon.state}: see `croft logs {daemon.name}`")
    click.echo("Everything is up." if healthy else "Bring it back with `croft up`.")


def duration(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@click.command()
@state_option
@click.argument("name", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written.")
@click.option(
    "-n", "--lines", type=click.IntRange(min=0), default=50, show_default=True, help="How many, from the end."
)
def logs(state: Path, name: str | None, follow: bool, lines: int) -> None:
    """The log of one daemon, or of all of them in the order things happened."""
    layout = Layout(state)
    _require(layout)
    found = {path.parent.name: path for path in sorted(layout.log.glob("*/current"))}
    if name is not None and name not in found:
        raise click.ClickException(f"There is no log of {name}. There are: {', '.join(found) or 'none yet'}.")
    chosen = [found[name]] if name else list(found.values())
    if follow and chosen:
        os.execvp("tail", ["tail", f"--lines={lines}", "--follow=name", "--retry", *map(str, chosen)])  # noqa: S606
    merged = heapq.merge(*(_tail(path, lines, labelled=name is None) for path in chosen))
    for _, line in deque(merged, maxlen=lines):
        click.echo(line)


def _tail(path: Path, lines: int, *, labelled: bool) -> list[tuple[str, str]]:
    """(time, text to print); a line's first word is the time svlogd put there."""
    label = f"{path.parent.name:<14} " if labelled else ""
    with path.open(errors="replace") as file:
        kept = deque(file, maxlen=lines)
    return [(line.partition(" ")[0], label + line.rstrip("\n")) for line in kept]


@click.command()
@state_option
@click.option("--cloud", default="croft", show_default=True, help="`croft`: a member of demo; `croft-admin`: operator.")
def env(state: Path, cloud: str) -> None:
    """Shell exports for the OpenStack clients: eval "$(croft env)"."""
    layout = Layout(state)
    _require(layout)
    click.echo(f"export OS_CLIENT_CONFIG_FILE={shlex.quote(str(layout.clouds_yaml))}")
    click.echo(f"export OS_CLOUD={shlex.quote(cloud)}")
