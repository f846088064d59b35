"""How a list of an engine's objects comes to a cloud and leaves it, for the laws."""

from __future__ import annotations

from croft.services.operations import actions
from croft.services.operations.model import KIND, RETENTION
from croft.services.operations.reconcile import Held, OrphanReconciler, RetentionReconciler
from tests.laws.specimen import Specimen
from tests.world import World

NAME = "specimen"


def _engines(world: World) -> dict[str, Held]:
    service = next(each for each in world.services if each.name == "operations")
    found, _ = service.reconcilers
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


def _retention(world: World) -> RetentionReconciler:
    (found,) = (each for each in world.loop.reconcilers.values() if each.kind == RETENTION)
    inner = getattr(found, "_reconciler", found)
    assert isinstance(inner, RetentionReconciler)
    return inner


def _keep(world: World) -> str:
    _retention(world).days = 400
    actions.seed(world.db, [])
    return "audit"


def _keep_for_ever(world: World, _id: str) -> None:
    _retention(world).days = 0
    actions.seed(world.db, [])


SPECIMENS = [Specimen(KIND, _create, _delete), Specimen(RETENTION, _keep, _keep_for_ever)]
