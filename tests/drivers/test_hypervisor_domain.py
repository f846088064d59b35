"""The domain XML: what people type stays text, names fit, and what is read back is what was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from croft.core.errors import Rejected
from croft.drivers.hypervisor import Disk, Guest, Nic, Power
from croft.drivers.hypervisor.libvirt import domain
from croft.drivers.hypervisor.libvirt.domain import Style

STYLE = Style("cloud-a", "qemu")
CONSOLE = Path("/logs/g.console")
NIC = Nic("01935e2a-7b1c-7def-8123-456789abcdef", "fa:16:3e:00:00:01", 1400)
GUEST = Guest(
    "01935e2a-7b1c-7def-8123-456789abcd00",
    gen=3,
    boot=2,
    name="web",
    vcpus=2,
    memory_mib=128,
    disks=(Disk("/d/root.qcow2"), Disk("/d/config.raw", "raw", serial="config-2", readonly=True)),
    nics=(NIC,),
)


def written(guest: Guest, style: Style = STYLE) -> ElementTree.Element:
    return ElementTree.fromstring(domain.domain_xml(guest, style, CONSOLE)[0])


@pytest.mark.parametrize("name", ["</title><x>", "a & b", "two\nlines", "nul\0", "\ud800 lone", "日本語 🏡", "", " "])
def test_any_name_makes_a_well_formed_one_line_title(name: str) -> None:
    title = written(replace(GUEST, name=name)).findtext("title")
    assert title is not None
    assert "\n" not in title
    assert len(title) >= 1


def test_hostile_paths_stay_in_their_attribute() -> None:
    hostile = "/d/'\"/><source file='/etc/shadow'/>.qcow2"
    sources = written(replace(GUEST, disks=(Disk(hostile),))).findall(".//disk/source")
    assert [source.get("file") for source in sources] == [hostile]


def test_what_is_written_is_read_back() -> None:
    xml, digest = domain.domain_xml(GUEST, STYLE, CONSOLE)
    held = domain.held(xml)
    assert held is not None
    assert held.tag == domain.Tag("cloud-a", 3, 2, Power.RUNNING, digest)
    assert [disk.key for disk in held.disks] == ["/d/root.qcow2", "/d/config.raw"]
    assert [disk.target for disk in held.disks] == ["vda", "vdb"]
    assert [nic.key for nic in held.nics] == [NIC.port]


def test_a_domain_of_somebody_else_is_not_ours() -> None:
    assert domain.held("<domain><name>croft-x</name></domain>") is None


@pytest.mark.parametrize(
    "changed",
    [
        replace(GUEST, gen=4),
        replace(GUEST, boot=3),
        replace(GUEST, power=Power.OFF),
        replace(GUEST, memory_mib=256),
        replace(GUEST, disks=GUEST.disks[:1]),
        replace(GUEST, nics=()),
        replace(GUEST, name="other"),
    ],
)
def test_every_change_changes_the_digest(changed: Guest) -> None:
    assert domain.domain_xml(changed, STYLE, CONSOLE)[1] != domain.domain_xml(GUEST, STYLE, CONSOLE)[1]
    assert domain.domain_xml(GUEST, STYLE, CONSOLE) == domain.domain_xml(GUEST, STYLE, CONSOLE)


@pytest.mark.parametrize("guest", ["x", "../../etc", "01935e2a-7b1c-7def-8123-456789abcd0g"])
def test_other_ids_than_uuids_are_refused(guest: str) -> None:
    with pytest.raises(Rejected):
        domain.domain_name(guest)


def test_tap_names_fit_and_differ_for_ports_made_in_one_moment() -> None:
    ports = [f"01935e2a-7b1c-7def-8123-4567{number:08x}" for number in range(100)]
    names = {domain.tap_name(port) for port in ports}
    assert len(names) == 100
    assert max(map(len, names)) <= 15


def test_disk_targets_go_on_after_z() -> None:
    assert [domain.disk_target(index) for index in (0, 25, 26, 51, 52, 701, 702)] == [
        *("vda", "vdz", "vdaa", "vdaz", "vdba", "vdzz", "vdaaa"),
    ]
    assert all(domain.disk_index(domain.disk_target(index)) == index for index in range(1000))


def test_an_emulated_guest_gets_a_small_translation_buffer_and_kvm_the_hosts_cpu() -> None:
    emulated, kvm = written(GUEST), written(GUEST, replace(STYLE, accel="kvm"))
    assert (emulated.get("type"), emulated.findtext("features/tcg/tb-cache")) == ("qemu", "32")
    cpu = kvm.find("cpu")
    assert cpu is not None
    assert (kvm.get("type"), cpu.get("mode"), kvm.find("features/tcg")) == ("kvm", "host-passthrough", None)


def test_cloud_init_recognises_the_platform() -> None:
    entries = {entry.get("name"): entry.text for entry in written(GUEST).findall("sysinfo/system/entry")}
    assert (entries["product"], entries["uuid"]) == ("OpenStack Nova", GUEST.id)


def test_offloads_are_off_only_where_the_fabric_needs_it() -> None:
    assert written(GUEST).find("devices/interface/driver/host") is not None
    assert written(GUEST, replace(STYLE, plain_nics=False)).find("devices/interface/driver") is None
