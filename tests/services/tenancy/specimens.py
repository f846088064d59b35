"""How a project comes by an end, gets another, and ends, for the laws."""

from __future__ import annotations

from uuid import uuid4

from tests.laws.specimen import Specimen
from tests.world import World

ADMIN = "admin:alpha"


def _create(world: World) -> str:
    wish = {"project": {"name": f"specimen-{uuid4().hex}"}}
    answer = world.call("POST", "/identity/v3/projects", wish, token=ADMIN)
    assert answer.status == 201, answer.body
    id = str(answer.json["project"]["id"])
    _expire(world, id, "2033-01-01")
    return id


def _expire(world: World, id: str, when: str) -> None:
    answer = world.call("PATCH", f"/tenancy/v1/projects/{id}", {"project": {"expires": when}}, token=ADMIN)
    assert answer.status == 200, answer.body


def _delete(world: World, id: str) -> None:
    answer = world.call("DELETE", f"/identity/v3/projects/{id}", token=ADMIN)
    assert answer.status in {204, 404}, answer.body


SPECIMENS = [Specimen("tenancy.life", _create, _delete, lambda world, id: _expire(world, id, "2034-01-01"))]
