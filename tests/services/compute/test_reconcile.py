"""What becomes of servers: built, stopped, rebooted, rebuilt, crashed, refused, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from croft.core import work
from croft.core.errors import Rejected, Unavailable
from croft.drivers.hypervisor import Power
from croft.drivers.hypervisor.fake import FakeHypervisor
from croft.services.compute import actions
from croft.services.compute.reconcile import watch
from tests.services.compute.cloud import ADMIN, GIB, HOSTS, MIB, Cloud, states
from tests.world import away


def test_a_server_becomes_active_on_a_host_with_its_disk_and_port(either: Cloud) -> None:
    id = either.create(settle=False)
    assert states(either, id) == ("BUILD", "building", "scheduling", 0)
    either.settle()
    assert states(either, id) == ("ACTIVE", "active", None, 1)
    shown = either.show(id, token=ADMIN)
    state = either.hypervisor.observe(shown["OS-EXT-SRV-ATTR:host"], id)
    assert state is not None
    assert (state.power, state.vcpus, state.memory_mib) == (Power.RUNNING, 1, 128)
    assert len(state.nics) == 1
    volume = either.block.observe(f"{id}-root-1")
    assert volume is not None
    assert (volume.size, state.disks) == (GIB, (volume.locator,))


def test_a_deleted_server_leaves_nothing(either: Cloud) -> None:
    id = either.create(config_drive=True)
    assert len(either.held()) == 3
    assert either.ask("DELETE", f"/servers/{id}").status == 204
    shown = either.show(id)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", "deleting")
    assert either.ask("DELETE", f"/servers/{id}").status == 204
    either.settle()
    assert either.ask("GET", f"/servers/{id}").status == 404
    assert either.ask("DELETE", f"/servers/{id}").status == 404
    assert either.held() == set()


def test_a_lost_guest_and_a_lost_disk_come_back(cloud: Cloud) -> None:
    id = cloud.create()
    cloud.hypervisor.lose(id)
    cloud.block.lose(f"{id}-root-1")
    cloud.settle(1)
    assert cloud.power(id) == "running"
    assert cloud.block.observe(f"{id}-root-1") is not None


def test_no_room_is_an_error_that_heals(either: Cloud) -> None:
    big = {"name": "big", "ram": 12000, "vcpus": 1, "disk": 1, "id": "big"}
    assert either.ask("POST", "/flavors", {"flavor": big}, token=ADMIN).status == 200
    first = either.create(flavorRef="big")
    either.create(flavorRef="big")
    third = either.create(flavorRef="big")
    shown = either.show(third)
    assert shown["status"] == "ERROR"
    assert shown["fault"]["message"].startswith("No valid host was found.")
    assert either.act(third, "os-start").status == 409
    either.ask("DELETE", f"/servers/{first}")
    either.settle()
    assert either.status(third) == "ACTIVE"
    assert "fault" not in either.show(third)


def test_a_server_without_a_host_can_be_deleted(cloud: Cloud) -> None:
    cloud.hypervisor.down |= set(HOSTS)
    cloud.settle(40)
    id = cloud.create()
    assert cloud.status(id) == "ERROR"
    cloud.ask("DELETE", f"/servers/{id}")
    cloud.settle()
    assert cloud.ask("GET", f"/servers/{id}").status == 404


def test_a_server_whose_host_is_away_waits_and_one_whose_host_is_gone_for_good_can_be_deleted(cloud: Cloud) -> None:
    id = cloud.create()
    host = cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:host"]
    cloud.hypervisor.down.add(host)
    cloud.settle(40)
    assert cloud.show(id, token=ADMIN)["host_status"] == "DOWN"
    cloud.ask("DELETE", f"/servers/{id}")
    cloud.settle(120)
    assert cloud.show(id)["OS-EXT-STS:task_state"] == "deleting"
    actions.register_hosts(cloud.db, [name for name in HOSTS if name != host])
    cloud.settle(310)
    assert cloud.ask("GET", f"/servers/{id}").status == 404


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Rejected("QEMU knows no such machine"), "QEMU knows no such machine"),
        (ValueError("x"), "Croft failed"),
    ],
)
def test_a_refusal_of_the_engine_is_shown_and_heals(cloud: Cloud, error: Exception, text: str) -> None:
    def refuse(verb: str) -> None:
        if verb == "ensure":
            raise error

    cloud.hypervisor.before = refuse
    id = cloud.create()
    shown = cloud.show(id)
    assert shown["status"] == "ERROR"
    assert shown["fault"]["message"].startswith(text)
    cloud.hypervisor.before = lambda verb: None
    cloud.settle(660)
    assert cloud.status(id) == "ACTIVE"


def test_an_engine_that_is_away_too_long_is_an_error_that_says_so(cloud: Cloud) -> None:
    def away(verb: str) -> None:
        raise Unavailable("The store is away.")

    cloud.block.before = away
    id = cloud.create()
    assert cloud.status(id) == "BUILD"
    cloud.settle(590)
    assert cloud.status(id) == "BUILD"
    cloud.settle(30)
    shown = cloud.show(id)
    assert shown["status"] == "ERROR"
    assert shown["fault"]["message"] == "Not done after 10 minutes: The store is away."
    cloud.block.before = lambda verb: None
    cloud.settle(310)
    assert cloud.status(id) == "ACTIVE"


def test_servers_spread_over_hosts(cloud: Cloud) -> None:
    ids = [cloud.create(name=f"s{number}") for number in range(4)]
    hosts = [cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:host"] for id in ids]
    assert sorted(hosts) == ["h1", "h1", "h2", "h2"]


def test_an_operator_chooses_the_host_and_others_may_not(cloud: Cloud) -> None:
    id = cloud.create(availability_zone="nova:h2", token=ADMIN)
    assert cloud.show(id, token=ADMIN)["OS-EXT-SRV-ATTR:host"] == "h2"
    assert cloud.post_server(availability_zone="nova:h2").status == 403
    assert cloud.post_server(availability_zone="elsewhere").status == 400


def test_disabled_and_forced_down_hosts_get_no_servers(cloud: Cloud) -> None:
    def tell(verb: str, **body: Any) -> None:
        said = {"host": "h1", "binary": "nova-compute"} | body
        assert cloud.ask("PUT", f"/os-services/{verb}", said, token=ADMIN).status == 200
        cloud.settle()

    tell("disable")
    assert cloud.show(cloud.create(), token=ADMIN)["OS-EXT-SRV-ATTR:host"] == "h2"
    tell("enable")
    tell("force-down", forced_down=True)
    assert cloud.show(cloud.create(), token=ADMIN)["OS-EXT-SRV-ATTR:host"] == "h2"
    tell("force-down", forced_down=False)
    assert cloud.show(cloud.create(), token=ADMIN)["OS-EXT-SRV-ATTR:host"] == "h1"


def test_a_flavor_with_ephemeral_and_swap_gives_blank_disks(cloud: Cloud) -> None:
    flavor = {"name": "f", "ram": 128, "vcpus": 1, "disk": 1, "id": "f", "OS-FLV-EXT-DATA:ephemeral": 2, "swap": 512}
    assert cloud.ask("POST", "/flavors", {"flavor": flavor}, token=ADMIN).status == 200
    id = cloud.create(flavorRef="f")
    sizes = {name: cloud.block.observe(f"{id}-{name}").size for name in ("root-1", "ephemeral", "swap")}  # type: ignore[union-attr]
    assert sizes == {"root-1": GIB, "ephemeral": 2 * GIB, "swap": 512 * MIB}
    cloud.ask("DELETE", f"/servers/{id}")
    cloud.settle()
    assert cloud.held() == set()


def test_a_flavor_without_disk_takes_the_images_size(cloud: Cloud) -> None:
    flavor = {"name": "f", "ram": 128, "vcpus": 1, "disk": 0, "id": "f"}
    assert cloud.ask("POST", "/flavors", {"flavor": flavor}, token=ADMIN).status == 200
    id = cloud.create(flavorRef="f")
    volume = cloud.block.observe(f"{id}-root-1")
    assert volume is not None
    assert volume.size == MIB


def test_a_renamed_server_reaches_the_hypervisor_without_a_restart(cloud: Cloud) -> None:
    id = cloud.create()
    assert cloud.ask("PUT", f"/servers/{id}", {"server": {"name": "new"}}).status == 200
    cloud.settle()
    assert cloud.status(id) == "ACTIVE"
    assert cloud.act(id, "os-getConsoleOutput", {}).json["output"].count("boot") == 1


def test_a_stop_seen_while_the_database_is_away_is_found_at_resync(cloud: Cloud) -> None:
    id = cloud.create()
    seen: list[Callable[[str, str], None]] = []
    fake = FakeHypervisor(HOSTS)
    fake.watch = seen.append  # type: ignore[method-assign]
    watch(cloud.db, fake)
    with away(cloud.db):
        seen[0]("h1", id)
    seen[0]("h1", id)
    assert cloud.loop.run_due() == 1
    seen[0]("h1", "01a1f7b4-0000-7000-8000-000000000000")
    assert cloud.loop.run_due() == 0


def test_a_guest_waits_for_its_ports(cloud: Cloud) -> None:
    cloud.create(name="first")
    cloud.fabric.away = True
    id = cloud.create()
    cloud.settle(30)
    assert states(cloud, id) == ("BUILD", "building", "spawning", 0)
    assert cloud.power(id) is None
    with cloud.db.read() as tx:
        assert work.note(tx, "compute.server", id).message.startswith("Waiting for network port ")
    cloud.fabric.away = False
    cloud.settle(310)
    assert cloud.status(id) == "ACTIVE"


def test_why_a_server_is_as_it_is(cloud: Cloud) -> None:
    id = cloud.create()
    reconciler: Any = cloud.loop.reconcilers["compute.server"]
    found = reconciler.explain(id)
    assert found.want["power"] == found.have["guest"]["power"] == "running"
    assert found.have["volumes"] == [f"{id}-root-1"]
    assert reconciler.explain("01a1f7b4-0000-7000-8000-000000000000") is None
    hosts: Any = cloud.loop.reconcilers["compute.host"]
    with cloud.db.read() as tx:
        host = actions.host_id(tx, "h1")
    assert hosts.explain(host).want["known"] == hosts.explain(host).have
    assert hosts.explain("nobody") is None


def test_a_deleted_project_ends_its_servers(cloud: Cloud) -> None:
    cloud.create()
    keeps = cloud.create(token="member:beta")
    (name,) = cloud.names()
    purge = cloud.services[-1].purge
    assert purge is not None
    assert purge("alpha") == {"server": [name]}
    cloud.settle()
    assert purge("alpha") == {}
    assert cloud.names() == []
    assert cloud.show(keeps, token="member:beta")["status"] == "ACTIVE"


def test_the_servers_of_an_archived_project_are_shut_down_and_kept(cloud: Cloud) -> None:
    runs, stopped = cloud.create(name="runs"), cloud.create(name="stopped")
    keeps = cloud.create(token="member:beta")
    assert cloud.act(stopped, "os-stop").status == 202
    cloud.settle(90)
    halt = cloud.services[-1].halt
    assert halt is not None
    assert halt("alpha") == {"server": ["runs"]}
    cloud.settle(90)
    assert halt("alpha") == {}
    assert [cloud.status(id) for id in (runs, stopped)] == ["SHUTOFF", "SHUTOFF"]
    assert cloud.show(keeps, token="member:beta")["status"] == "ACTIVE"
    assert halt("nowhere") == {}


def test_a_server_still_being_made_comes_up_stopped(cloud: Cloud) -> None:
    id = cloud.create(settle=False)
    halt = cloud.services[-1].halt
    assert halt is not None
    assert halt("alpha") == {}, "nothing runs yet"
    cloud.settle(90)
    assert cloud.status(id) == "SHUTOFF"
