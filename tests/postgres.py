"""A throw-away PostgreSQL server: own data directory, unix socket only, owned by an unprivileged user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from croft.core.errors import CroftError


@dataclass(frozen=True)
class Postgres:
    folder: Path
    user: str

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{self.user}@/{name}?host={self.folder}"

    def fresh(self, name: str) -> str:
        """The URL of a new, empty database of that name; an older one is dropped."""
        admin = sa.create_engine(self.url("croft"), isolation_level="AUTOCOMMIT")
        with admin.connect() as conn:
            conn.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}"'))
            conn.execute(sa.text(f'CREATE DATABASE "{name}"'))
        admin.dispose()
        return self.url(name)

    @staticmethod
    @contextmanager
    def start() -> Iterator[Postgres]:
        programs = _programs()
        folder = Path(tempfile.mkdtemp(prefix="croft-pg-"))
        user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        become = ["setpriv", f"--reuid={user}", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if become:
            shutil.chown(folder, user)
        data = folder / "data"
        try:
            _run([*become, programs / "initdb", "-D", data, "-U", user, "--auth=trust", "--no-sync", "-E", "UTF8"])
            options = f"-k {folder} -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
            control = [*become, programs / "pg_ctl", "-D", data, "-w"]
            _run([*control, "-l", folder / "log", "-o", options, "start"])
            try:
                _run([*become, programs / "createdb", "-h", folder, "-U", user, "croft"])
                yield Postgres(folder, user)
            finally:
                _run([*control, "-m", "immediate", "stop"])
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise CroftError("PostgreSQL's programs are not installed: apt-get install postgresql")
    return found[-1]


def _run(argv: list[object]) -> None:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, f"{argv[-1]}: {done.stdout}{done.stderr}"
