"""How an operator makes and ends a project, or the domain of a directory, for the laws."""

from __future__ import annotations

from uuid import uuid4

from croft.services.identity.actions import seed_directories
from croft.services.identity.store import projects
from tests.laws.specimen import Specimen
from tests.world import World


def _create(world: World) -> str:
    wish = {"project": {"name": f"specimen-{uuid4().hex}"}}
    answer = world.call("POST", "/identity/v3/projects", wish, token="admin:alpha")
    assert answer.status == 201, answer.body
    return str(answer.json["project"]["id"])


def _delete(world: World, id: str) -> None:
    answer = world.call("DELETE", f"/identity/v3/projects/{id}", token="admin:alpha")
    assert answer.status in (204, 404), answer.body


def _create_source(world: World) -> str:
    """As `[people.lab]` in croft.toml does at each start."""
    seed_directories(world.db, ["lab"])
    with world.db.read() as tx:
        domain = projects.named(tx, "", "lab")
    assert domain is not None
    return domain.id


def _delete_source(world: World, id: str) -> None:
    for method, body in (("PATCH", {"domain": {"enabled": False}}), ("DELETE", None)):
        answer = world.call(method, f"/identity/v3/domains/{id}", body, token="admin:alpha")
        assert answer.status in (200, 204, 404), answer.body


SPECIMENS = [
    Specimen("identity.project", _create, _delete),
    Specimen("identity.person_source", _create_source, _delete_source),
]
