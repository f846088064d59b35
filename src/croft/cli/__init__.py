"""`croft …`: each command is a module, imported only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

import croft

COMMANDS = {
    "up": "croft.cli.up:up",
    "down": "croft.cli.up:down",
    "status": "croft.cli.status:status",
    "logs": "croft.cli.status:logs",
    "env": "croft.cli.status:env",
    "why": "croft.cli.why:why",
    "audit": "croft.cli.audit:audit",
    "image": "croft.cli.image:image",
    "keys": "croft.cli.keys:keys",
    "dev": "croft.cli.dev:dev",
    "project": "croft.cli.project:project",
    "quota": "croft.cli.quota:quota",
    "test": "croft.cli.test:test",
    "serve": "croft.cli.serve:serve",
}


class Lazy(click.Group):
    """A group that knows its commands by name and loads one when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(croft.__version__, prog_name="croft")
def main() -> None:
    """A self-serve cloud that speaks the OpenStack APIs.

    `croft up` starts one on this machine; `croft dev` one of fakes, without root, to develop against.
    """
