"""`croft keys`, and what an upgrade does to the tokens of before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from click.testing import CliRunner, Result

from croft.cli import main
from croft.core.db import Database
from croft.core.migrate import migrate
from croft.services import identity
from croft.services.identity.actions import list_keys
from tests.postgres import Postgres
from tests.services.identity.house import House


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    db = Database(f"sqlite:///{tmp_path / 'croft.db'}")
    migrate(db)
    yield tmp_path
    db.close()


def run(state: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["keys", *words, "--state", str(state)], catch_exceptions=False)


def test_rotating_by_command_keeps_everybody_logged_in(state: Path) -> None:
    db = Database(f"sqlite:///{state / 'croft.db'}")
    house = House(db)
    text, other = house.demo(), identity.authenticator(db)
    assert other(text).user_name == "croft"
    before = list_keys(db)
    done = run(state, "rotate")
    assert done.exit_code == 0
    assert [line.split()[1] for line in done.output.splitlines()] == ["staged", "primary", "older"]
    assert other(text).user_name == "croft"
    assert other(house.demo()).user_name == "croft"
    listed = run(state, "list")
    assert listed.output == done.output
    for key in (*before, *list_keys(db)):
        assert key.secret not in done.output + listed.output
    assert run(state, "rotate", "--end-all-tokens").exit_code == 0
    assert not house.valid(text)
    db.close()


def test_the_help_says_how_often(state: Path) -> None:
    said = " ".join(run(state, "rotate", "--help").output.split())
    assert "once a day" in said
    assert "Nobody is logged out" in said


def test_where_there_is_no_cloud_it_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, "list")
    assert done.exit_code == 1
    assert "croft up" in done.output


def test_a_database_of_another_release_is_left_alone(state: Path) -> None:
    db = Database(f"sqlite:///{state / 'croft.db'}")
    with db.write() as tx:
        tx.run(sa.text("UPDATE alembic_version SET version_num = '0006'"))
    db.close()
    done = run(state, "rotate")
    assert done.exit_code == 1
    assert "another release" in done.output


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_an_upgraded_cloud_gets_keys_and_its_old_tokens_end(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Postgres | None = request.getfixturevalue("postgres") if kind == "postgres" else None
    db = Database(server.fresh("upgraded") if server else f"sqlite:///{tmp_path / 'croft.db'}")
    config = Config()
    config.set_main_option("script_location", "croft:migrations")
    with db.write() as tx:
        config.attributes["connection"] = tx.conn
        command.upgrade(config, "0006")
    with db.write() as tx:
        tx.run(sa.text("INSERT INTO identity_epoch (id, value) VALUES (1, 41)"))
        tx.run(
            sa.text(
                "INSERT INTO identity_user (id, domain, name, enabled, options, extra, history) "
                "VALUES ('u', 'default', 'ada', :yes, '{}', '{}', '[]')"
            ),
            {"yes": True},
        )
        tx.run(
            sa.text(
                'INSERT INTO identity_token (digest, "user", methods, audit, scope_type, scope, issued, expires) '
                "VALUES ('d', 'u', '[]', '[]', '', '', 1, 2)"
            )
        )
    migrate(db)
    house = House(db)
    assert [key.state for key in list_keys(db)] == ["staged", "primary"]
    assert house.valid(house.demo())
    assert not house.valid("QmVmb3JlIHRoZXJlIHdhcyBhIHJvdyBmb3IgZWFjaCB0b2tlbg")
    db.close()
