"""What guests do, and what is done to them: stopped, rebooted, killed, rebuilt, resized."""

from __future__ import annotations

import pytest

from croft.drivers.hypervisor import Guest
from croft.drivers.hypervisor.fake import FakeHypervisor
from croft.services.compute.model.server import GENTLE
from tests.services.compute.cloud import ADMIN, GIB, MIB, Cloud, states


def test_stopping_asks_the_guest_and_pulls_the_plug_after_a_minute(cloud: Cloud) -> None:
    id = cloud.create()
    cloud.hypervisor.deaf.add(id)
    assert cloud.act(id, "os-stop").status == 202
    cloud.settle()
    assert states(cloud, id) == ("ACTIVE", "active", "powering-off", 1)
    cloud.settle(GENTLE - 10)
    assert cloud.power(id) == "running"
    cloud.settle(15)
    assert cloud.power(id) == "off"
    assert states(cloud, id) == ("SHUTOFF", "stopped", None, 4)


def test_a_guest_that_listens_stops_and_starts_again(cloud: Cloud) -> None:
    id = cloud.create()
    cloud.act(id, "os-stop")
    cloud.settle(10)
    assert states(cloud, id) == ("SHUTOFF", "stopped", None, 4)
    assert cloud.act(id, "os-start").status == 202
    assert states(cloud, id) == ("SHUTOFF", "stopped", "powering-on", 4)
    cloud.settle(10)
    assert states(cloud, id) == ("ACTIVE", "active", None, 1)


@pytest.mark.parametrize(("kind", "status"), [("HARD", "HARD_REBOOT"), ("SOFT", "REBOOT")])
def test_a_reboot_starts_the_guest_once_more(cloud: Cloud, kind: str, status: str) -> None:
    id = cloud.create()
    assert cloud.act(id, "reboot", {"type": kind}).status == 202
    assert cloud.status(id) == status
    cloud.settle(10)
    assert cloud.status(id) == "ACTIVE"
    assert "boot 2" in cloud.act(id, "os-getConsoleOutput", {}).json["output"]
    cloud.settle(1300)
    assert "boot 3" not in cloud.act(id, "os-getConsoleOutput", {}).json["output"]


def test_a_soft_reboot_of_a_deaf_guest_becomes_a_hard_one(cloud: Cloud) -> None:
    id = cloud.create()
    cloud.hypervisor.deaf.add(id)
    cloud.act(id, "reboot", {"type": "SOFT"})
    cloud.settle(GENTLE - 5)
    assert cloud.status(id) == "REBOOT"
    cloud.settle(10)
    assert cloud.status(id) == "ACTIVE"
    assert "boot 2" in cloud.act(id, "os-getConsoleOutput", {}).json["output"]


def test_a_stopped_server_can_be_rebooted_hard_only(cloud: Cloud) -> None:
    id = cloud.create()
    cloud.act(id, "os-stop")
    cloud.settle(10)
    assert cloud.act(id, "reboot", {"type": "SOFT"}).status == 409
    assert cloud.act(id, "reboot", {"type": "HARD"}).status == 202
    cloud.settle(10)
    assert cloud.status(id) == "ACTIVE"


def test_a_killed_guest_is_started_again(cloud: Cloud) -> None:
    id = cloud.create()
    cloud.hypervisor.crash(id)
    cloud.settle(1)
    assert cloud.power(id) == "running"
    assert cloud.status(id) == "ACTIVE"


def test_a_guest_that_keeps_crashing_is_restarted_ever_more_slowly(cloud: Cloud) -> None:
    id = cloud.create()
    starts = 0
    for _ in range(120):
        if cloud.power(id) == "running":
            starts += 1
            cloud.hypervisor.crash(id)
        cloud.settle(5)
    assert 3 <= starts <= 8
    assert cloud.power(id) == "crashed"
    cloud.settle(400)
    assert cloud.status(id) == "ACTIVE"


class Brittle(FakeHypervisor):
    """Guests die as soon as they run, until it is mended."""

    mended = False

    def ensure(self, host: str, guest: Guest) -> None:
        super().ensure(host, guest)
        if not self.mended:
            self.crash(guest.id)


def test_a_guest_that_dies_at_once_is_not_started_in_a_frenzy(cloud: Cloud) -> None:
    cloud.hypervisor.__class__ = Brittle
    id = cloud.create()
    cloud.settle(590)
    assert cloud.status(id) == "BUILD"
    text = cloud.hypervisor.console("h1", id, None)
    assert 3 <= text.count("boot 1") <= 9
    cloud.settle(20)
    shown = cloud.show(id)
    assert shown["status"] == "ERROR"
    assert "crashed" in shown["fault"]["message"]
    cloud.hypervisor.mended = True
    assert cloud.act(id, "reboot", {"type": "HARD"}).status == 202
    cloud.settle(5)
    assert cloud.status(id) == "ACTIVE"


def test_a_guest_that_switches_itself_off_stays_off(cloud: Cloud) -> None:
    id = cloud.create()
    cloud.hypervisor.shut_itself_down(id)
    cloud.settle(1300)
    assert states(cloud, id) == ("SHUTOFF", "stopped", None, 4)
    assert cloud.act(id, "os-start").status == 202
    cloud.settle(10)
    assert cloud.status(id) == "ACTIVE"


def test_a_rebuild_gives_a_fresh_disk_from_the_other_image(cloud: Cloud) -> None:
    id = cloud.create(name="before")
    other = cloud.new_image(b"\x02" * MIB)
    answer = cloud.act(id, "rebuild", {"imageRef": other, "name": "after", "metadata": {"a": "b"}})
    assert answer.status == 202
    assert answer.json["server"]["status"] == "REBUILD"
    cloud.settle(10)
    shown = cloud.show(id)
    assert (shown["status"], shown["image"]["id"], shown["name"]) == ("ACTIVE", other, "after")
    assert shown["metadata"] == {"a": "b"}
    assert cloud.held() == {id, f"{id}-root-2"}
    state = cloud.hypervisor.observe(cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:host"], id)
    assert state is not None
    assert state.disks == ("fake-volume:" + f"{id}-root-2",)


def test_a_stopped_server_is_rebuilt_and_stays_stopped(cloud: Cloud) -> None:
    id = cloud.create()
    cloud.act(id, "os-stop")
    cloud.settle(10)
    assert cloud.act(id, "rebuild", {"imageRef": cloud.image}).status == 202
    assert cloud.status(id) == "REBUILD"
    cloud.settle(10)
    assert cloud.status(id) == "SHUTOFF"
    assert cloud.held() == {id, f"{id}-root-2"}


def memory(cloud: Cloud, id: str) -> int:
    state = cloud.hypervisor.observe(cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:host"], id)
    assert state is not None
    return state.memory_mib


def test_a_resize_is_confirmed(either: Cloud) -> None:
    id = either.create()
    assert either.act(id, "resize", {"flavorRef": "2"}).status == 202
    assert either.status(id) == "RESIZE"
    either.settle(10)
    assert states(either, id) == ("VERIFY_RESIZE", "resized", None, 1)
    assert (memory(either, id), either.show(id)["flavor"]["id"]) == (1024, "2")
    volume = either.block.observe(f"{id}-root-1")
    assert volume is not None
    assert volume.size == 5 * GIB
    assert either.act(id, "os-stop").status == 409
    assert either.act(id, "resize", {"flavorRef": "3"}).status == 409
    assert either.act(id, "confirmResize").status == 204
    assert either.status(id) == "ACTIVE"
    assert either.act(id, "confirmResize").status == 409
    assert either.act(id, "revertResize").status == 409


@pytest.mark.parametrize("stopped", [False, True])
def test_a_resize_is_reverted(cloud: Cloud, stopped: bool) -> None:
    id = cloud.create()
    if stopped:
        cloud.act(id, "os-stop")
        cloud.settle(10)
    before = cloud.status(id)
    assert cloud.act(id, "resize", {"flavorRef": "2", "OS-DCF:diskConfig": "AUTO"}).status == 202
    cloud.settle(10)
    assert cloud.status(id) == "VERIFY_RESIZE"
    assert cloud.act(id, "revertResize").status == 202
    assert cloud.status(id) == "REVERT_RESIZE"
    cloud.settle(10)
    assert cloud.status(id) == before
    assert (memory(cloud, id), cloud.show(id)["flavor"]["id"]) == (128, "1")


def test_a_resize_that_cannot_be_is_refused(cloud: Cloud) -> None:
    id = cloud.create(flavorRef="2")
    huge = {"name": "huge", "ram": 16000, "vcpus": 1, "disk": 9, "id": "huge"}
    cloud.ask("POST", "/flavors", {"flavor": huge}, token=ADMIN)
    for flavor in ("2", "1", "nope", "huge", None, {}):
        assert cloud.act(id, "resize", {"flavorRef": flavor}).status == 400, flavor
    cloud.ask("PUT", "/os-quota-sets/alpha", {"quota_set": {"ram": 2000}}, token=ADMIN)
    assert cloud.act(id, "resize", {"flavorRef": "3"}).status == 403
    assert cloud.status(id) == "ACTIVE"
