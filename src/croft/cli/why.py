"""`croft why ID`: for any resource, what is wanted, what is there, and what Croft does about the difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from croft.cli.client import Client, ClientError
from croft.cli.up import state_option
from croft.machine.layout import Layout


@click.command()
@click.argument("id", required=False)
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
def why(id: str | None, state: Path, as_json: bool) -> None:
    """Show why a resource is as it is: want, have, tries, last note, next look.

    ID is any id that a client shows (server, port, network, image …). Without one, list everything that is not as
    wished, and what engines hold although nothing accounts for it."""
    try:
        client = Client.from_clouds(Layout(state).clouds_yaml, cloud="croft-admin")
        answer = client.request("operations", "GET", f"/work/{id}" if id else "/work")
        if not id:
            answer |= client.request("operations", "GET", "/orphans")
    except ClientError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        tell(answer)


def tell(answer: dict[str, Any]) -> None:
    """Writes the API's answers for people."""
    entries, orphans = answer["work"], answer.get("orphans", [])
    if not (entries or orphans):
        click.echo("Everything is as wished.")
    for entry in entries:
        _show(entry)
    for orphan in orphans:
        click.echo(f"orphan {orphan['engine']} {orphan['name']}, unknown since {orphan['first_seen_at']}")


def _show(entry: dict[str, Any]) -> None:
    click.echo(f"{entry['kind']} {entry['id']}")
    click.echo(f"  state      {entry['state']}{' (a worker is on it now)' if entry['running'] else ''}")
    if entry["message"]:
        click.echo(f"  note       {entry['message']}")
    if entry["unfulfilled_since"]:
        click.echo(f"  since      {entry['unfulfilled_since']}, {entry['tries']} failed tries in a row")
    click.echo(f"  last look  {entry['looked_at'] or 'never'}")
    click.echo(f"  next look  {entry['next_look_at'] or 'none due'}")
    if entry.get("engine"):
        click.echo(f"  engine     {entry['engine']}")
    for word in ("want", "have"):
        if entry.get(word) is not None:
            click.echo(f"  {word}")
            click.echo("\n".join(f"    {line}" for line in json.dumps(entry[word], indent=2).splitlines()))
