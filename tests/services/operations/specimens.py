"""How a list of an engine's objects comes to a cloud and leaves it, for the laws."""

from __future__ import annotations

from croft.services.operations import actions
from croft.services.operations.model import KIND
from croft.services.operations.reconcile import Held, OrphanReconciler
from tests.laws.specimen import Specimen
from tests.world import World

NAME = "specimen"


def _engines(world: World) -> dict[str, Held]:
    service = next(each for each in world.services if each.name == "operations")
    (found,) = service.reconcilers
    assert isinstance(found, OrphanReconciler)
    assert isinstance(found.engines, dict)
    return found.engines


def _create(world: World) -> str:
    """A second look at the same networks, under a name of its own."""
    _engines(world)[NAME] = _engines(world)["fabric.network"]
    actions.seed(world.db, [NAME])
    return NAME


def _delete(world: World, id: str) -> None:
    _engines(world).pop(id, None)
    actions.seed(world.db, [id])


SPECIMENS = [Specimen(KIND, _create, _delete)]
