"""`croft keys`: the keys that tokens are sealed with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from croft.cli.up import state_option
from croft.core.errors import CroftError
from croft.machine.layout import Layout

if TYPE_CHECKING:
    from croft.core.config import Config
    from croft.core.db import Database
    from croft.services.identity.store.keys import Key


@click.group()
def keys() -> None:
    """The keys that tokens are sealed with.

    One key is staged: every process knows it, none uses it yet. One is primary: it seals new tokens. The older ones
    still open the tokens they sealed, and are dropped once the last of these has expired.
    """


@keys.command("list")
@state_option
def list_(state: Path) -> None:
    """Say which keys there are; their secrets are not shown."""
    from croft.services.identity.actions import list_keys

    _show(_with(state, lambda db, _config: list_keys(db)))


@keys.command()
@state_option
@click.option("--end-all-tokens", is_flag=True, help="Throw every key away: all are logged out. For a leaked key.")
def rotate(state: Path, end_all_tokens: bool) -> None:
    """Begin to seal with the staged key and stage a new one. Nobody is logged out.

    How often: once a day is good (a copy of the database then gives power over tokens for little longer than a day and
    the life of a token), once a month is enough where no copies leave the machine. By cron, on one machine of a site;
    running processes hear of it by themselves. After a copy of the database or a key got into wrong hands: at once,
    with --end-all-tokens.
    """
    from croft.services.identity.actions import replace_keys, rotate_keys

    def change(db: Database, config: Config) -> list[Key]:
        return replace_keys(db) if end_all_tokens else rotate_keys(db, config.token_hours * 3600)

    _show(_with(state, change))


def _with(state: Path, call: Callable[[Database, Config], list[Key]]) -> list[Key]:
    from croft.cli.serve import read_config
    from croft.core import migrate
    from croft.core.db import Database

    try:
        config = read_config(Layout(state))
        if not config.database.reveal() and not (state / "croft.db").exists():
            raise click.ClickException(f"There is no cloud in {state}: start it with croft up.")
        db = Database(config.database_url)
        try:
            if migrate.current(db) != migrate.head():
                raise click.ClickException("The database is of another release: start this one's croft up first.")
            return call(db, config)
        finally:
            db.close()
    except CroftError as error:
        raise click.ClickException(error.message) from error


def _show(found: list[Key]) -> None:
    from croft.core.clock import iso

    for key in found:
        ends = f", opens until {iso(key.ends)}" if key.ends is not None else ""
        click.echo(f"{key.number:>4}  {key.state:<8} made {iso(key.made)}{ends}")
