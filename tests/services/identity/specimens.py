"""How an operator makes and ends a project, for the laws."""

from __future__ import annotations

from uuid import uuid4

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


SPECIMENS = [Specimen("identity.project", _create, _delete)]
