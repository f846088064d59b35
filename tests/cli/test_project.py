"""`croft project` and `croft quota`, from the first request to the archive, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from croft.cli import main
from croft.core.db import Database
from tests.cli.doors import Door
from tests.services.tenancy.town import Town


class Shell:
    def __init__(self, town: Town, url: str, folder: Path) -> None:
        self.town, self.url, self.file = town, url, folder / "clouds.yaml"
        self.entries: dict[str, object] = {}
        self.knows("croft-admin", "admin", "admin-password", "admin")

    def knows(self, cloud: str, user: str, password: str, project: str = "") -> None:
        auth = {"auth_url": f"{self.url}/identity/v3", "username": user, "password": password}
        self.entries[cloud] = {
            "region_name": "RegionOne",
            "auth": auth | ({"project_name": project} if project else {}),
        }
        self.file.write_text(yaml.safe_dump({"clouds": self.entries}))

    def run(self, *words: str, cloud: str = "croft-admin") -> Result:
        return CliRunner().invoke(main, [*words, "--clouds", str(self.file), "--cloud", cloud])

    def says(self, *words: str, cloud: str = "croft-admin") -> str:
        found = self.run(*words, cloud=cloud)
        assert found.exit_code == 0, found.output
        return found.output

    def refused(self, *words: str, cloud: str = "croft-admin") -> str:
        found = self.run(*words, cloud=cloud)
        assert found.exit_code != 0, found.output
        return found.output


@pytest.fixture
def shell(sqlite_db: Database, tmp_path: Path) -> Iterator[Shell]:
    door = Door()
    town = Town(sqlite_db, tmp_path, public_url=door.url)
    door.opens(town.world)
    found = Shell(town, door.url, tmp_path)
    town.user("ada")
    found.knows("ada", "ada", "secret-ada")
    yield found
    door.close()


def test_from_the_request_to_the_archive(shell: Shell) -> None:
    said = shell.says("project", "request", "tower", "--purpose", "To grow", "--quota", "cores=40", cloud="ada")
    assert said.startswith("project request ")
    assert "compute.cores=40" in said
    id = said.split()[2].rstrip(":")
    assert shell.says("project", "requests").split()[:3] == [id, "project", "open"]
    shell.says("project", "comment", id, "Why?\x1b[2J")
    shown = shell.says("project", "show", id, cloud="ada")
    assert "admin: Why?\N{REPLACEMENT CHARACTER}[2J" in shown
    approved = shell.says("project", "approve", id, "--quota", "cores=20", "--until", "2024-02-01", "--comment", "Fine")
    assert "approved" in approved
    assert "compute.cores=20" in approved
    assert "There are no such requests." in shell.says("project", "requests")
    assert "active, until 2024-02-01" in shell.says("project", "lives")
    shell.knows("tower", "ada", "secret-ada", "tower")
    asked = shell.says("quota", "request", "ram=4096", "--purpose", "More", cloud="tower")
    assert shell.says("quota", "requests").split()[0] == asked.split()[2].rstrip(":")
    assert "extension request" in shell.says("project", "extend", "tower", "--until", "2024-05-01", cloud="tower")
    assert "until 2024-05-01" in shell.says("project", "extend", "tower", "--until", "2024-05-01")
    assert "without end" in shell.says("project", "extend", "tower", "--forever")
    shell.says("project", "extend", "tower", "--until", "2023-12-01")
    shell.town.days(1)
    assert "expires on 2023-12-01" in shell.says("project", "notices", cloud="tower")
    archived = shell.says("project", "archive", "tower", "--reason", "Over", "--yes", cloud="tower")
    assert "archived, until 2023-12-01: Over" in archived
    shell.town.days(0)
    assert "tenancy.life" in shell.says("project", "why", "tower")
    shell.town.days(20)
    assert "expired on 2023-12-01" in shell.refused("project", "restore", "tower")
    assert "active, until 2025-01-01" in shell.says("project", "restore", "tower", "--until", "2025-01-01")
    shell.says("project", "archive", "tower", "--yes", cloud="croft-admin")
    assert "active, without end" in shell.says("project", "restore", "tower", "--forever")
    assert "There are no such projects." in shell.says("project", "lives", "--only", "deletable")


def test_refusals_are_the_apis_own_sentences(shell: Shell) -> None:
    id = shell.says("project", "request", "tower", "--purpose", "x", cloud="ada").split()[2].rstrip(":")
    assert "you may not decide" in shell.refused("project", "approve", id, cloud="ada")
    assert "Could not find request" in shell.refused("project", "show", "nothing/../x")
    assert "declined" in shell.says("project", "decline", id, "--reason", "No room")
    assert "declined already" in shell.refused("project", "withdraw", id, cloud="ada")
    assert "No room" in shell.says("project", "requests", "--status", "all") + shell.says("project", "show", id)
    assert "There is no quota gold" in shell.refused(
        "project", "request", "x", "--purpose", "x", "--quota", "gold=1", cloud="ada"
    )
    assert "There is no project palace" in shell.refused("project", "archive", "palace", "--yes", cloud="ada")
    assert "no usable cloud named nobody" in shell.refused("project", "notices", cloud="nobody")
    assert "needs authentication" in _wrong_password(shell) or "requires authentication" in _wrong_password(shell)


def _wrong_password(shell: Shell) -> str:
    shell.knows("eve", "ada", "guess")
    return shell.refused("project", "requests", cloud="eve")


def test_words_that_make_no_sense_are_refused_before_anything_is_asked(shell: Shell) -> None:
    assert "is no limit" in shell.refused("quota", "request", "cores", "--purpose", "x", cloud="ada")
    assert "Missing option '--purpose'" in shell.refused("quota", "request", "cores=1", cloud="ada")
    assert "either --until DATE or --forever" in shell.refused("project", "extend", "tower", cloud="ada")
    assert "Aborted" in shell.refused("project", "archive", "tower", cloud="ada")


def test_a_request_is_taken_back_and_its_list_pages(shell: Shell) -> None:
    ids = [
        shell.says("project", "request", f"tower{number}", "--purpose", "x", "--owner", "bob", cloud="ada").split()[2]
        for number in range(3)
    ]
    assert "withdrawn" in shell.says("project", "withdraw", ids[0].rstrip(":"), cloud="ada")
    assert len(shell.says("project", "requests", cloud="ada").splitlines()) == 2


def test_a_projects_name_shared_by_two_is_not_guessed(shell: Shell) -> None:
    town = shell.town
    domain = town.world.call("POST", "/identity/v3/domains", {"domain": {"name": "empire"}}, token=town.admin).json
    for home in ("default", domain["domain"]["id"]):
        wish = {"project": {"name": "twin", "domain_id": home}}
        assert town.world.call("POST", "/identity/v3/projects", wish, token=town.admin).status == 201
    assert "without end" in shell.says("project", "extend", "twin-2", "--forever"), "a slug is one project's"
    asked = shell.says("project", "extend", "twin", "--forever")
    first = town.world.call("GET", "/identity/v3/projects", token=town.admin, query="slug=twin").json["projects"]
    assert asked.startswith(first[0]["id"]), "slugs come before names"
    patch = {"project": {"name": "twin-2"}}
    assert town.world.call("PATCH", f"/identity/v3/projects/{first[0]['id']}", patch, token=town.admin).status == 200
    other = town.world.call("GET", "/identity/v3/projects", token=town.admin, query="slug=twin-2").json["projects"]
    assert shell.says("project", "extend", "twin-2", "--forever").startswith(other[0]["id"])


def test_names_no_slug_tells_apart_need_an_id(shell: Shell) -> None:
    town = shell.town
    domain = town.world.call("POST", "/identity/v3/domains", {"domain": {"name": "empire"}}, token=town.admin).json
    for home in ("default", domain["domain"]["id"]):
        wish = {"project": {"name": "Twin Towers", "domain_id": home}}
        assert town.world.call("POST", "/identity/v3/projects", wish, token=town.admin).status == 201
    assert "more than one project Twin Towers" in shell.refused("project", "extend", "Twin Towers", "--forever")
