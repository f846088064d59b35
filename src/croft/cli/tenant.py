"""What commands about projects and quota share: whom they speak as, how words become wishes, how answers are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import click

from croft.cli.client import Client, ClientError
from croft.cli.up import state_option
from croft.machine.layout import Layout

Command = TypeVar("Command", bound=Callable[..., Any])
PROJECT_ID = 32


def as_whom(cloud: str) -> Callable[[Command], Command]:
    """Options that say where the clouds.yaml is and whom to be in it."""

    def decorate(command: Command) -> Command:
        named = click.option("--cloud", envvar="OS_CLOUD", default=cloud, show_default=True, help="Whom to be: a name")
        file = click.option(
            "--clouds",
            type=click.Path(path_type=Path),
            envvar="OS_CLIENT_CONFIG_FILE",
            help="The clouds.yaml to use  [default: that of the cloud on this machine]",
        )
        return named(file(state_option(command)))

    return decorate


@contextmanager
def speaking(state: Path, clouds: Path | None, cloud: str) -> Iterator[Client]:
    """The API's refusals become the command's own."""
    try:
        yield Client.from_clouds(clouds or Layout(state).clouds_yaml, cloud)
    except ClientError as error:
        raise click.ClickException(str(error)) from error


def limits(words: Sequence[str]) -> dict[str, int]:
    """`cores=40` and the like."""
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        if not name or not value.removeprefix("-").isdecimal():
            raise click.BadParameter(f"'{word}' is no limit. Write for instance: cores=40")
        found[name] = int(value)
    return found


def given(**words: Any) -> dict[str, Any]:
    """Only what was said."""
    return {name: value for name, value in words.items() if value not in (None, (), {}, [], "")}


def project_id(client: Client, wanted: str) -> str:
    """Of a project by id, slug or name: one of the asking person's own, for operators any."""
    own = client.request("identity", "GET", "/auth/projects")["projects"]
    found = [each for each in own if wanted in {each["id"], each["slug"], each["name"]}]
    if not found and len(wanted) == PROJECT_ID and wanted.isalnum():
        return wanted
    for column in ("slug", "name"):
        if not found:
            found = _all_called(client, column, wanted)
    if len(found) != 1:
        how = "no" if not found else "more than one"
        raise ClientError(f"There is {how} project {wanted}. Give its id.")
    return str(found[0]["id"])


def _all_called(client: Client, column: str, wanted: str) -> list[dict[str, Any]]:
    try:
        return list(client.request("identity", "GET", f"/projects?{urlencode({column: wanted})}")["projects"])
    except ClientError as error:
        if error.status in {401, 403, 404}:
            return []
        raise


def every(client: Client, path: str, key: str, **query: str | None) -> list[dict[str, Any]]:
    """All pages of a list."""
    asked = {name: value for name, value in query.items() if value}
    found: list[dict[str, Any]] = []
    while True:
        answer = client.request("tenancy", "GET", f"{path}?{urlencode(asked)}")
        found += answer[key]
        if not answer["links"]["next"]:
            return found
        asked["marker"] = found[-1]["id"]


def tell_request(request: Mapping[str, Any]) -> None:
    """A request for people, with its comments."""
    click.echo(f"{request['kind']} request {request['id']}: {request['status']}")
    project = f"{request['project_id'] or '-'} ({request['project_state']})"
    rows = [
        ("name", request["name"]),
        ("by", f"{request['user_name']} on {request['created_at'][:10]}"),
        ("purpose", request["purpose"]),
        ("quota", ", ".join(f"{name}={value}" for name, value in request["quota"].items())),
        ("co-owners", ", ".join(request["co_owners"])),
        ("until", (request["expires_at"] or "")[:10]),
        ("project", project),
        ("", request["project_message"]),
        ("reason", request["reason"]),
    ]
    for name, value in rows:
        if value:
            click.echo(f"  {name:<10} {printable(value)}")
    for each in request["comments"]:
        click.echo(f"  {each['created_at'][:10]} {printable(each['user_name'])}: {printable(each['text'])}")


def tell_requests(requests: Sequence[Mapping[str, Any]]) -> None:
    for each in requests:
        line = f"{each['id']}  {each['kind']:<9}  {each['status']:<9}  {each['created_at'][:10]}"
        click.echo(f"{line}  {printable(each['user_name'])}: {printable(each['name'])}")
    if not requests:
        click.echo("There are no such requests.")


def tell_project(project: Mapping[str, Any]) -> None:
    until = f"until {project['expires_at'][:10]}" if project["expires_at"] else "without end"
    why = f": {printable(project['reason'])}" if project["reason"] else ""
    click.echo(f"{project['id']}  {printable(project.get('name', ''))}  {project['state']}, {until}{why}")


def printable(text: str) -> str:
    """What others wrote, without what would move the terminal's cursor."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def request_path(id: str) -> str:
    return f"/requests/{quote(id, safe='')}"
