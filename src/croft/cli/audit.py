"""`croft audit`: who did what, and who was refused what; for people, for programs, and as CADF events."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from croft.cli.client import Client, ClientError
from croft.cli.up import state_option
from croft.machine.layout import Layout

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
PAUSE, OVERLAP = 2, 10
"""Seconds between two looks of `--follow`, and how far each looks back: two processes commit in no common order."""
Line = dict[str, Any]


@click.command()
@state_option
@click.option("--cloud", default="croft-admin", show_default=True, help="Entry of the clouds.yaml to ask as.")
@click.option("--project", metavar="NAME|ID", help="Only what is in this project's log.")
@click.option("--user", metavar="NAME|ID", help="Only what this user did, or another did in their name.")
@click.option("--action", metavar="PREFIX", help="Only actions that begin so: network. or compute.server.delete.")
@click.option("--target", metavar="ID", help="Only what was done to this.")
@click.option("--request", metavar="ID", help="Only this request (req-…).")
@click.option("--since", metavar="TIME", help="From a time on: 2026-11-20, 2026-11-20T10:00:00Z, or 90m, 2h, 3d ago.")
@click.option("--until", metavar="TIME", help="Up to a time.")
@click.option("--refused", is_flag=True, help="Only what was refused.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many, the newest."
)
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--cadf", is_flag=True, help="All of it as CADF events, one a line, oldest first.")
def audit(state: Path, cloud: str, follow: bool, as_json: bool, cadf: bool, limit: int, **asked: Any) -> None:
    """Show who did what, by what credential and from where, and who was refused what.

    Without a filter: everything in this cloud, newest last."""
    try:
        client = Client.from_clouds(Layout(state).clouds_yaml, cloud=cloud)
        query = filters(client, datetime.now(UTC), **asked)
        if cadf:
            for line in client.lines("operations", f"/audit/cadf?{urlencode(query)}"):
                sys.stdout.buffer.write(line)
            return
        write = _as_json if as_json else _as_text
        found = _ask(client, query | {"limit": str(limit)})
        for each in reversed(found):
            write(each)
        if follow:
            tell(client, query, found, write)
    except ClientError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        return


def filters(client: Client, now: datetime, **asked: Any) -> dict[str, str]:
    """The API's query: names become ids, and `2h` a time."""
    query = {name: asked[name] for name in ("action", "target") if asked.get(name)}
    query |= {name: moment(asked[name], now) for name in ("since", "until") if asked.get(name)}
    if asked.get("request"):
        query["request_id"] = asked["request"]
    if asked.get("refused"):
        query["outcome"] = "refused"
    for kind in ("project", "user"):
        if asked.get(kind):
            query[f"{kind}_id"] = _id(client, kind, asked[kind])
    return query


def moment(text: str, now: datetime) -> str:
    short = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    try:
        when = (
            now - timedelta(**{UNITS[short[2]]: int(short[1])})
            if short
            else datetime.fromisoformat(text if "T" in text or " " in text else f"{text}T00:00:00")
        )
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{text!r} is no time: write 2026-11-20T10:00:00Z, 2026-11-20, 90m, 2h or 3d."
        ) from error
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _id(client: Client, kind: str, text: str) -> str:
    named = client.request("identity", "GET", f"/{kind}s?{urlencode({'name': text})}")[f"{kind}s"]
    if len(named) > 1:
        raise ClientError(f"More than one {kind} is named {text}; say its id.")
    return str(named[0]["id"]) if named else text


def _ask(client: Client, query: dict[str, str]) -> list[Line]:
    found: list[Line] = client.request("operations", "GET", f"/audit?{urlencode(query)}")["audit"]
    return found


def tell(client: Client, query: dict[str, str], shown: list[Line], write: Callable[[Line], None]) -> None:
    """Writes what comes, for ever."""
    for line in coming(client, query, shown, time.sleep):
        write(line)


def coming(client: Client, query: dict[str, str], shown: list[Line], pause: Callable[[float], None]) -> Iterator[Line]:
    """Each new line once. Looks back a little every time, and remembers what it saw there."""
    last = max((each["at"] for each in shown), default=moment("0s", datetime.now(UTC)))
    seen = {each["id"]: each["at"] for each in shown}
    while True:
        pause(PAUSE)
        back = moment(f"{OVERLAP}s", datetime.fromisoformat(last))
        found = _ask(client, query | {"since": back, "sort_dir": "asc", "limit": "1000"})
        for line in found:
            if line["id"] not in seen:
                yield line
            seen[line["id"]] = line["at"]
            last = max(last, line["at"])
        seen = {id: at for id, at in seen.items() if at >= back}


def _as_json(line: Line) -> None:
    click.echo(json.dumps(line))


def _as_text(line: Line) -> None:
    click.echo(told(line))


def told(line: Line) -> str:
    """`2026-11-20T10:00:00Z refused 403 ada network.port.delete 0190… from 192.0.2.7: You may not …`"""
    who = line["user_name"] or line["user_id"] or "somebody"
    if line["impersonator_user_id"]:
        who += f" (by {line['impersonator_user_id']})"
    elif line["application_credential_id"]:
        who += f" (by credential {line['application_credential_id']})"
    outcome = f"refused {line['status'] or ''}".strip() if line["outcome"] == "refused" else "done"
    words = [line["at"], outcome, who, line["action"], line["target"], f"({line['name']})" if line["name"] else ""]
    words += [f"in {line['project_id']}" if line["project_id"] else ""]
    words += [f"from {line['client_address']}" if line["client_address"] else ""]
    words += [f"{line['times']} times" if line["times"] > 1 else ""]
    text = " ".join(filter(None, words)) + (f": {line['why']}" if line["why"] else "")
    return "".join(letter if letter.isprintable() else "?" for letter in text)
