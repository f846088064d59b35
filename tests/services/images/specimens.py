"""How a person makes and ends an image, for the laws."""

from __future__ import annotations

from croft.services.images.model import LAST_LEASE
from tests.faults import Crash
from tests.laws.specimen import Specimen
from tests.services.images.cloud import OCTETS
from tests.world import World


def _create(world: World) -> str:
    """Uploads as a person would: again, when it failed or the other side died."""
    wishes = {"name": "specimen", "disk_format": "raw", "container_format": "bare"}
    image = str(world.call("POST", "/image/v2/images", wishes).json["id"])
    for _ in range(5):
        try:
            answer = world.call("PUT", f"/image/v2/images/{image}/file", chunks=[b"disk"], headers=OCTETS)
        except Crash:
            world.clock.advance(LAST_LEASE)
            continue
        if answer.status == 204:
            return image
    raise AssertionError(answer.body)


def _delete(world: World, image: str) -> None:
    answer = world.call("DELETE", f"/image/v2/images/{image}")
    assert answer.status in (204, 404), answer.body


SPECIMENS = [Specimen("images.image", _create, _delete)]
