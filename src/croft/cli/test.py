"""`croft test`: the suite or a part of it, installing what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parents[3]
PARTS = {
    "unit": [["tests", "-m", "not engines and not e2e", "-n", "2", "--dist", "worksteal"]],
    "contracts": [["tests/contracts", "tests/machine", "-m", "engines", "-p", "no:randomly"]],
    "e2e": [["tests/e2e", "-m", "e2e", "-p", "no:randomly"]],
}


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("part", type=click.Choice([*PARTS, "all"]), default="all")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(part: str, pytest_arguments: tuple[str, ...]) -> None:
    """Run the tests: `unit` (both databases, fake engines), `contracts` (every driver on its real engine), `e2e` (a
    whole cloud with real guests and the released clients), or `all`. Further arguments go to pytest."""
    if not (ROOT / "tests").is_dir():
        raise click.ClickException("The tests are not part of an installed croft: run ./croft test in a clone.")
    _install(part)
    environment = {**os.environ, "CROFT_GUEST_IMAGES": str(ROOT / ".cache" / "guests")}
    failed = []
    for name in PARTS if part == "all" else [part]:
        for arguments in PARTS[name]:
            click.echo(f"== {name}: pytest {' '.join(arguments)}", err=True)
            argv = [sys.executable, "-m", "pytest", *arguments, *pytest_arguments]
            done = subprocess.run(argv, cwd=ROOT, env=environment, check=False)
            if done.returncode != 0:
                failed.append(name)
    if failed:
        raise click.ClickException(f"failed: {', '.join(failed)}")


def _install(part: str) -> None:
    from croft.cli.up import ConsoleProgress
    from croft.machine import guests, packages

    progress = ConsoleProgress()
    wanted = [*([] if part == "e2e" else ["postgresql"]), *([] if part == "unit" else packages.TESTS)]
    if os.geteuid() == 0:
        packages.install(wanted, progress)
        if part != "unit":
            packages.install(guests.PACKAGES, progress)
            packages.ensure(progress)
    elif part != "unit":
        raise click.ClickException("The real engines need root. Without it: ./croft test unit")
    elif missing := packages.missing(wanted):
        raise click.ClickException(f"Install these first (as root): apt-get install {' '.join(missing)}")
