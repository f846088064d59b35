"""Placement, and the decision what a guest needs next: pure functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as but

from croft.core.errors import Invalid
from croft.drivers.hypervisor import Disk, Guest, GuestState, Nic, Power
from croft.services.compute.model import (
    AcceptOff,
    Ensure,
    Hold,
    Host,
    Load,
    Need,
    Server,
    Settled,
    certificate_fingerprint,
    decide,
    place,
    ssh_fingerprint,
    states,
)
from croft.services.compute.model.server import ASK_AGAIN, CALM, GENTLE
from croft.services.compute.store.tables import host as host_table
from croft.services.compute.store.tables import server as server_table

NOW = 1_700_000_000


def host(name: str, **facts: Any) -> Host:
    plain: dict[str, Any] = {
        "id": name, "number": 1, "name": name, "created": 0, "updated": 0, "disabled": False,
        "disabled_reason": None, "forced_down": False, "vcpus": 4, "memory_mib": 8192,
        "disk_gib": 100, "kind": "qemu", "version": 1, "model": "", "code": "", "noted": NOW - 10,
    }  # fmt: skip
    return Host(**(plain | facts))


NEED = Need(1, 1024, 10)


@pytest.mark.parametrize(
    "facts",
    [
        {"disabled": True},
        {"forced_down": True},
        {"noted": NOW - 200},
        {"noted": None},
        {"code": "unavailable"},
        {"vcpus": 0},
        {"memory_mib": 1024},
        {"disk_gib": 9},
    ],
)
def test_a_host_that_cannot_take_it_is_not_chosen(facts: dict[str, Any]) -> None:
    assert place(NEED, [host("a", **facts)], {}, NOW) is None
    assert place(NEED, [host("a", **facts), host("b")], {}, NOW) == "b"


@pytest.mark.parametrize(
    "load", [Load("a", 1, 64, 0, 0), Load("a", 1, 0, 7000, 0), Load("a", 1, 0, 0, 95)], ids=["cpu", "memory", "disk"]
)
def test_a_full_host_is_not_chosen(load: Load) -> None:
    assert place(NEED, [host("a")], {"a": load}, NOW) is None


def test_the_host_with_most_memory_left_is_chosen_then_the_emptiest_then_by_name() -> None:
    hosts = [host("b"), host("a"), host("c", memory_mib=9000)]
    assert place(NEED, hosts, {}, NOW) == "c"
    assert place(NEED, hosts, {"c": Load("c", 1, 0, 4000, 0)}, NOW) == "a"
    assert place(NEED, hosts[:2], {"a": Load("a", 1, 0, 0, 0)}, NOW) == "b"


def test_a_wished_host_or_zone_is_the_only_one() -> None:
    hosts = [host("a"), host("b", memory_mib=99999)]
    assert place(but(NEED, host="a"), hosts, {}, NOW) == "a"
    assert place(but(NEED, host="z"), hosts, {}, NOW) is None
    assert place(but(NEED, zone="nova"), hosts, {}, NOW) == "b"
    assert place(but(NEED, zone="mars"), hosts, {}, NOW) is None


def test_a_guest_never_has_more_cpus_than_its_host() -> None:
    assert place(Need(5, 1024, 1), [host("a")], {}, NOW) is None


def server(**changes: Any) -> Server:
    plain: dict[str, Any] = {
        "id": "s", "project": "p", "user": "u", "name": "n", "hostname": "n", "description": None, "created": NOW,
        "updated": NOW, "gen": 1, "seen": 1, "deleted": None, "image": "i", "image_format": "raw", "image_bytes": 1,
        "flavor": "1", "flavor_name": "f", "vcpus": 1, "memory_mib": 128, "disk_gib": 1, "ephemeral_gib": 0,
        "swap_mib": 0, "extra_specs": {}, "key_name": None, "key_type": "", "key_data": None, "user_data": None,
        "config_drive": False, "zone": "", "wished_host": "", "access_ipv4": "", "access_ipv6": "",
        "disk_config": "MANUAL", "metadata": {}, "tags": [], "root_tag": "", "locked": "",
        "locked_reason": None, "reservation": "r",
        "launch_index": 0, "power": "running", "boot": 1, "gentle": None, "disk": 1, "resize": "", "former": None,
        "host": "h", "seen_power":
        "running", "booted": 1, "seen_disk": 1, "launched": NOW, "started": 0, "crashes": 0,
    }  # fmt: skip
    return Server(**(plain | changes))


def test_rows_have_the_fields_of_their_tables() -> None:
    note = ("code", "message", "tries", "since", "due", "noted")
    assert Server.__struct_fields__ == (*server_table.c.keys(), *note)
    assert Host.__struct_fields__ == (*host_table.c.keys(), *note)


GUEST = Guest("s", 1, 1, "n", 1, 128, (Disk("d"),), (Nic("p", "m"),))
STATE = GuestState("s", 1, 1, Power.RUNNING, 1, 128, ("d",), ("p",))
OFF = replace(GUEST, power=Power.OFF)


def test_a_guest_as_wanted_is_left_alone() -> None:
    assert decide(server(), GUEST, STATE, NOW) == Settled()
    assert decide(server(power="off"), OFF, replace(STATE, power=Power.OFF), NOW) == Settled()
    assert decide(server(power="off"), OFF, replace(STATE, power=Power.CRASHED), NOW) == Settled()


def test_a_missing_guest_is_made_in_the_wanted_power() -> None:
    assert decide(server(), GUEST, None, NOW) == Ensure(Power.RUNNING)
    assert decide(server(power="off"), OFF, None, NOW) == Ensure(Power.OFF)


@pytest.mark.parametrize("change", [{"gen": 0}, {"nics": ()}, {"disks": ()}])
@pytest.mark.parametrize("power", [Power.RUNNING, Power.OFF])
def test_a_guest_that_differs_is_told(change: dict[str, Any], power: Power) -> None:
    state = replace(STATE, power=power, **change)
    wanted = replace(GUEST, power=power)
    assert decide(server(power=power.value), wanted, state, NOW) == Ensure(power)


def test_stopping_is_gentle_for_a_minute() -> None:
    asked = server(power="off", gentle=NOW)
    gently = decide(asked, OFF, STATE, NOW + GENTLE - 1)
    assert isinstance(gently, Ensure)
    assert (gently.power, gently.again) == (Power.SHUTDOWN, ASK_AGAIN)
    assert decide(asked, OFF, STATE, NOW + GENTLE) == Ensure(Power.OFF)
    assert decide(server(power="off"), OFF, STATE, NOW) == Ensure(Power.OFF)


def test_a_reboot_is_gentle_when_asked_so_and_else_at_once() -> None:
    wanted = replace(GUEST, boot=2)
    assert decide(server(boot=2), wanted, STATE, NOW) == Ensure(Power.RUNNING)
    soft = decide(server(boot=2, gentle=NOW), wanted, STATE, NOW)
    assert isinstance(soft, Ensure)
    assert soft.power == Power.SHUTDOWN
    stopped = replace(STATE, power=Power.OFF, boot=2)
    assert decide(server(boot=2, gentle=NOW), wanted, stopped, NOW) == Ensure(Power.RUNNING)


def test_only_a_guest_that_had_booted_can_have_switched_itself_off() -> None:
    stopped = replace(STATE, power=Power.OFF)
    assert decide(server(), GUEST, stopped, NOW) == AcceptOff()
    assert decide(server(booted=0), GUEST, stopped, NOW) == Ensure(Power.RUNNING)
    assert decide(server(boot=2), replace(GUEST, boot=2), stopped, NOW) == Ensure(Power.RUNNING)


def test_crashes_in_a_row_wait_longer_each_time() -> None:
    crashed = replace(STATE, power=Power.CRASHED)
    again = Ensure(Power.RUNNING, restart=True)
    assert decide(server(), GUEST, crashed, NOW) == again
    pauses = []
    for crashes in range(1, 9):
        held = decide(server(crashes=crashes, started=NOW), GUEST, crashed, NOW)
        assert isinstance(held, Hold)
        pauses.append(held.again)
        assert decide(server(crashes=crashes, started=NOW - held.again), GUEST, crashed, NOW) == again
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (10, 300)
    assert decide(server(crashes=9, started=NOW - CALM), GUEST, crashed, NOW) == again
    fresh = server(booted=0, crashes=3, started=NOW, seen_power="")
    assert decide(fresh, GUEST, crashed, NOW) == Ensure(Power.RUNNING)
    assert isinstance(decide(but(fresh, seen_power="crashed"), GUEST, crashed, NOW), Hold)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, ("ACTIVE", "active", None, 1)),
        ({"launched": None, "host": "", "seen_power": ""}, ("BUILD", "building", "scheduling", 0)),
        ({"launched": None, "seen_power": ""}, ("BUILD", "building", "spawning", 0)),
        ({"power": "off", "seen_power": "off"}, ("SHUTOFF", "stopped", None, 4)),
        ({"power": "off"}, ("ACTIVE", "active", "powering-off", 1)),
        ({"boot": 2, "seen_power": "off"}, ("SHUTOFF", "stopped", "powering-on", 4)),
        ({"boot": 2}, ("HARD_REBOOT", "active", "rebooting_hard", 1)),
        ({"boot": 2, "gentle": NOW}, ("REBOOT", "active", "rebooting", 1)),
        ({"disk": 2, "boot": 2}, ("REBUILD", "active", "rebuilding", 1)),
        ({"disk": 2, "power": "off", "seen_power": "off"}, ("REBUILD", "stopped", "rebuilding", 4)),
        ({"resize": "asked", "gen": 2, "boot": 2}, ("RESIZE", "active", "resize_finish", 1)),
        ({"resize": "asked"}, ("VERIFY_RESIZE", "resized", None, 1)),
        ({"resize": "reverting", "gen": 2}, ("REVERT_RESIZE", "resized", "resize_reverting", 1)),
        ({"seen_power": "crashed"}, ("ACTIVE", "active", None, 6)),
        ({"seen_power": "crashed", "power": "off"}, ("SHUTOFF", "stopped", None, 6)),
        ({"deleted": NOW}, ("ACTIVE", "active", "deleting", 1)),
        ({"deleted": NOW, "code": "rejected", "message": "no"}, ("ACTIVE", "active", "deleting", 1)),
        ({"code": "rejected", "message": "no"}, ("ERROR", "error", None, 1)),
        ({"code": "fault", "message": ""}, ("ERROR", "error", None, 1)),
        ({"code": "waiting", "since": NOW}, ("ACTIVE", "active", None, 1)),
        ({"code": "unavailable", "since": NOW - 600, "message": "away"}, ("ERROR", "error", None, 1)),
    ],
)
def test_what_people_read(changes: dict[str, Any], shown: tuple[str, str, str | None, int]) -> None:
    found = states(server(**changes), NOW)
    assert found[:4] == shown
    assert bool(found.fault) == (shown[0] == "ERROR")


def test_fingerprints() -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF/v8CBFLjKGhKmU2pPCOWgGWxcE9f1GR7UrYh2qZyvR"
    assert ssh_fingerprint(f"{key} a comment") == ssh_fingerprint(key)
    assert len(ssh_fingerprint(key).split(":")) == 16
    for bad in ("", "ssh-rsa", "ssh-rsa AAAA", "rsa " + key, key.replace("ssh-ed25519 ", "ssh-rsa "), "ssh-rsa !!!!"):
        with pytest.raises(Invalid):
            ssh_fingerprint(bad)
    with pytest.raises(Invalid):
        certificate_fingerprint(key)
