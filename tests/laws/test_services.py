"""The laws of every service: its shape, its policy table (golden), its page in the guide, its schema's history."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from croft.core import migrate
from croft.core.db import Database, metadata
from croft.core.policy import Actor, Policy, Role
from tests.cloud import Cloud
from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]
SHAPE = {"__init__", "model", "policy", "store", "actions", "wire", "api", "pages", "templates", "reconcile"}
GOLDENS = {
    "private": Path(__file__).with_name("policy.golden"),
    "open": Path(__file__).with_name("policy-open.golden"),
}
SERVICES = sorted(path.name for path in (ROOT / "src/croft/services").iterdir() if (path / "__init__.py").exists())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_one_shape(service: str) -> None:
    folder = ROOT / "src/croft/services" / service
    found = {path.stem for path in folder.iterdir() if path.stem != "__pycache__"}
    assert found <= SHAPE, f"unexpected: {sorted(found - SHAPE)}"
    assert {"__init__", "policy", "actions", "api"} <= found


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_page_in_the_guide(service: str) -> None:
    assert (ROOT / "docs/guide/services" / f"{service}.md").is_file()


LETTERS = {Role.ADMIN: "A", Role.MANAGER: "M", Role.MEMBER: "m", Role.READER: "r", Role.NONE: "o"}
SCOPES: dict[str, dict[str, Any]] = {"system": {"system": True}, "domain": {"domain": "d"}, "project": {"project": "p"}}


def matrix(policy: Policy) -> str:
    """Each action, and who may: A admin, M manager, m member, r reader, o none of these; u without any scope."""
    lines = [f"{'action':<48} {'openstack':<64} {'system':<7} {'domain':<7} {'project':<7} unscoped"]
    for name, rule in sorted(policy.rules.items()):
        cells = []
        for scope in SCOPES.values():
            may = ""
            for role, letter in LETTERS.items():
                roles = frozenset({role.name.lower() if role else "other"})
                may += letter if policy.allows(Actor(user="u", roles=roles, **scope), name) else "-"
            cells.append(f"{may:<7}")
        bare = "u" if policy.allows(Actor(user="u"), name) else "-"
        lines.append(f"{name:<48} {rule.openstack:<64} {' '.join(cells)} {bare}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("preset", ["private", "open"])
def test_who_may_do_what_is_as_written_down(sqlite_cloud: Cloud, preset: str) -> None:
    """Regenerate with `CROFT_GOLDEN=write make check` and read the difference. Of the open preset, what is unlike the
    private one's."""
    rules = sqlite_cloud.world.policy.rules.values()
    text, golden = matrix(Policy(rules)), GOLDENS[preset]
    if preset == "open":
        opened = matrix(Policy(rules, open_=True)).splitlines(keepends=True)
        text = "".join(opened[:1] + [line for line in opened if line not in set(text.splitlines(keepends=True))])
    if os.environ.get("CROFT_GOLDEN") == "write":
        golden.write_text(text)
    assert golden.read_text() == text


def test_only_looking_is_open_to_all(sqlite_cloud: Cloud) -> None:
    for rule in sqlite_cloud.world.policy.rules.values():
        verb = rule.action.rpartition(".")[2]
        assert not rule.inventory or verb.startswith(("list", "show", "check")), rule.action


def test_every_action_of_a_route_is_declared(sqlite_cloud: Cloud) -> None:
    world = sqlite_cloud.world
    for service in world.services:
        for route in service.routes:
            for action in [route.action, *route.several] if route.action else []:
                assert action in world.policy.rules, f"{route.method} {route.path}: {action}"


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_migrated_and_declared_schema_are_the_same(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import croft.app  # noqa: F401  (declares every table)

    if kind == "sqlite":
        db = Database(f"sqlite:///{tmp_path / 'migrated.db'}")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        db = Database(server.fresh("migrated"))
    assert migrate.migrate(db) == (None, migrate.head())
    with db.engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": kind == "postgres"})
        differences = [each for each in compare_metadata(context, metadata) if "alembic_version" not in str(each)]
        tables = set(sa.inspect(conn).get_table_names())
    db.close()
    assert differences == []
    assert tables - {"alembic_version"} == set(metadata.tables)
