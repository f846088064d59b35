"""`croft quota …`: asking for more of something."""

from __future__ import annotations

from typing import Any

import click

from croft.cli.tenant import as_whom, every, given, limits, project_id, speaking, tell_request, tell_requests


@click.group()
def quota() -> None:
    """Ask for other limits. `croft project approve` and `croft project decline` decide about them, too."""


@quota.command()
@click.argument("wishes", nargs=-1, required=True, metavar="NAME=LIMIT...")
@click.option("--purpose", required=True, help="What it is for.")
@click.option("--project", help="Another project than that of the cloud's entry, by id, slug or name")
@as_whom("croft")
def request(wishes: tuple[str, ...], purpose: str, project: str | None, **whom: Any) -> None:
    """Ask for other limits of a project one manages: croft quota request cores=40 ram=81920 --purpose …"""
    wish = {"kind": "quota", "quota": limits(wishes), "purpose": purpose}
    with speaking(**whom) as client:
        wish |= given(project_id=project_id(client, project) if project else None)
        tell_request(client.request("tenancy", "POST", "/requests", {"request": wish})["request"])


@quota.command()
@click.option("--status", type=click.Choice(["open", "approved", "declined", "withdrawn", "all"]), default="open")
@as_whom("croft-admin")
def requests(status: str, **whom: Any) -> None:
    """List requests for quota: one's own; reviewers see all."""
    with speaking(**whom) as client:
        wanted = None if status == "all" else status
        tell_requests(every(client, "/requests", "requests", kind="quota", status=wanted))
