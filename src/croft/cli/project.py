"""`croft project …`: asking for projects, deciding about them, and how long they last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from croft.cli.client import ClientError
from croft.cli.tenant import (
    as_whom,
    every,
    given,
    limits,
    project_id,
    request_path,
    speaking,
    tell_project,
    tell_request,
    tell_requests,
)

FORBIDDEN = 403
STATUSES = ("open", "approved", "declined", "withdrawn")
quota_option = click.option("--quota", multiple=True, metavar="NAME=LIMIT", help="A limit, like cores=40; repeatable")
owner_option = click.option("--owner", multiple=True, metavar="USER", help="A co-owner, by name or id; repeatable")
until_option = click.option("--until", metavar="DATE", help="The day it ends, like 2027-01-31")


@click.group()
def project() -> None:
    """Ask for projects, decide about requests, say how long projects last.

    Who has no project yet needs an entry in clouds.yaml without project_name."""


@project.command()
@click.argument("name")
@click.option("--purpose", required=True, help="What it is for.")
@quota_option
@owner_option
@until_option
@as_whom("croft")
def request(
    name: str, purpose: str, quota: tuple[str, ...], owner: tuple[str, ...], until: str | None, **whom: Any
) -> None:
    """Ask for a project called NAME."""
    wish = {"kind": "project", "name": name, "purpose": purpose}
    wish |= given(quota=limits(quota), co_owners=list(owner), expires=until)
    with speaking(**whom) as client:
        tell_request(client.request("tenancy", "POST", "/requests", {"request": wish})["request"])


@project.command()
@click.option("--status", type=click.Choice([*STATUSES, "all"]), default="open", show_default=True)
@as_whom("croft-admin")
def requests(status: str, **whom: Any) -> None:
    """List requests: one's own; reviewers see all."""
    with speaking(**whom) as client:
        tell_requests(every(client, "/requests", "requests", status=None if status == "all" else status))


@project.command()
@click.argument("id")
@as_whom("croft-admin")
def show(id: str, **whom: Any) -> None:
    """Show request ID with its comments and what became of its project."""
    with speaking(**whom) as client:
        tell_request(client.request("tenancy", "GET", request_path(id))["request"])


@project.command()
@click.argument("id")
@click.argument("text")
@as_whom("croft-admin")
def comment(id: str, text: str, **whom: Any) -> None:
    """Say TEXT about request ID; requester and reviewers read it."""
    with speaking(**whom) as client:
        body = {"comment": {"text": text}}
        tell_request(client.request("tenancy", "POST", f"{request_path(id)}/comments", body)["request"])


@project.command()
@click.argument("id")
@click.option("--name", help="Another name than was asked for")
@quota_option
@owner_option
@until_option
@click.option("--forever", is_flag=True, help="Without an end, whatever was asked for.")
@click.option("--comment", help="Something to say with it")
@as_whom("croft-admin")
def approve(
    id: str,
    name: str | None,
    quota: tuple[str, ...],
    owner: tuple[str, ...],
    until: str | None,
    forever: bool,
    comment: str | None,
    **whom: Any,
) -> None:
    """Grant request ID as it was asked for, but for what the options say. All of it is there at once."""
    words = given(name=name, quota=limits(quota), co_owners=list(owner), expires=until, comment=comment)
    if forever:
        words["expires"] = None
    with speaking(**whom) as client:
        tell_request(client.request("tenancy", "POST", f"{request_path(id)}/approve", {"approve": words})["request"])


@project.command()
@click.argument("id")
@click.option("--reason", required=True, help="The requester reads it.")
@as_whom("croft-admin")
def decline(id: str, reason: str, **whom: Any) -> None:
    """Refuse request ID."""
    with speaking(**whom) as client:
        body = {"decline": {"reason": reason}}
        tell_request(client.request("tenancy", "POST", f"{request_path(id)}/decline", body)["request"])


@project.command()
@click.argument("id")
@as_whom("croft")
def withdraw(id: str, **whom: Any) -> None:
    """Take one's own request ID back."""
    with speaking(**whom) as client:
        tell_request(client.request("tenancy", "POST", f"{request_path(id)}/withdraw")["request"])


@project.command()
@click.argument("project")
@click.option("--reason", default="", help="Why; shown to its members and to operators")
@click.confirmation_option(prompt="Its servers are stopped and nobody can use it until an operator restores it. Go on?")
@as_whom("croft")
def archive(project: str, reason: str, **whom: Any) -> None:
    """Close PROJECT and stop its servers. Nothing is deleted."""
    with speaking(**whom) as client:
        path = f"/projects/{project_id(client, project)}/archive"
        tell_project(client.request("tenancy", "POST", path, {"archive": {"reason": reason}})["project"])


@project.command()
@click.argument("project")
@until_option
@click.option("--forever", is_flag=True, help="Without an end.")
@as_whom("croft-admin")
def restore(project: str, until: str | None, forever: bool, **whom: Any) -> None:
    """Open an archived PROJECT again; one that expired needs a new end, or none. Its servers stay off."""
    words = {"expires": None} if forever else given(expires=until)
    with speaking(**whom) as client:
        path = f"/projects/{project_id(client, project)}/restore"
        tell_project(client.request("tenancy", "POST", path, {"restore": words})["project"])


@project.command()
@click.argument("project")
@until_option
@click.option("--forever", is_flag=True, help="It shall have no end.")
@click.option("--purpose", default="More time is needed.", show_default=True, help="What a manager's request says")
@as_whom("croft")
def extend(project: str, until: str | None, forever: bool, purpose: str, **whom: Any) -> None:
    """Let PROJECT last until another day: operators say so, managers ask for it."""
    if forever == bool(until):
        raise click.UsageError("Say either --until DATE or --forever.")
    with speaking(**whom) as client:
        id = project_id(client, project)
        try:
            body = {"project": {"expires": until}}
            tell_project(client.request("tenancy", "PATCH", f"/projects/{id}", body)["project"])
        except ClientError as error:
            if error.status != FORBIDDEN:
                raise
            wish = {"kind": "extension", "project_id": id, "expires": until, "purpose": purpose}
            tell_request(client.request("tenancy", "POST", "/requests", {"request": wish})["request"])


@project.command()
@click.option("--only", type=click.Choice(["active", "archived", "deletable"]), help="Only these")
@as_whom("croft-admin")
def lives(only: str | None, **whom: Any) -> None:
    """List projects that have an end, or are archived; `--only deletable`: over for longer than the grace."""
    with speaking(**whom) as client:
        found = every(client, "/projects", "projects", state=only)
        for each in found:
            tell_project(each)
    if not found:
        click.echo("There are no such projects.")


@project.command()
@as_whom("croft")
def notices(**whom: Any) -> None:
    """What managers of the project are told about its end."""
    with speaking(**whom) as client:
        found = every(client, "/notices", "notices")
    for each in found:
        click.echo(f"{each['created_at'][:10]}  {each['text']}")
    if not found:
        click.echo("There are no notices.")


@project.command()
@click.argument("project")
@as_whom("croft-admin")
def why(project: str, clouds: Path | None, cloud: str, state: Path) -> None:
    """Why PROJECT is as it is: what it waits for as it begins, ends or is archived."""
    from croft.cli.why import tell

    with speaking(state, clouds, cloud) as client:
        tell(client.request("operations", "GET", f"/work/{project_id(client, project)}"))
