"""Domain XML: written from a `Guest`, read back into what libvirt has. Pure; built as a tree, never from strings."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from croft.core.errors import Rejected
from croft.drivers.hypervisor import Disk, Guest, Nic, Power

NAMESPACE = "https://croft.invalid/guest/1"
NAMESPACE_KEY = "croft"
PREFIX = "croft-"
_FORBIDDEN = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry, and line ends, which libvirt does not allow in a title."""


@dataclass(frozen=True)
class Style:
    """What is the same for all guests of a cloud. `accel`: see `hypervisor.accel`. `plain_nics`: packets whole and
    checksummed, for fabrics that run in user space and take nothing else."""

    cloud: str = "croft"
    accel: str = "qemu"
    bridge: str = "br-int"
    plain_nics: bool = True


@dataclass(frozen=True)
class Tag:
    """Our own words in the domain: the intent it was given, and for a running one the boot it had at its start."""

    cloud: str
    gen: int
    boot: int
    power: Power
    digest: str = ""

    def element(self) -> Element:
        found = Element("guest", cloud=self.cloud, gen=str(self.gen), boot=str(self.boot), power=self.power.value)
        if self.digest:
            found.set("digest", self.digest)
        return found


@dataclass(frozen=True)
class Device:
    """A disk or NIC that a domain has: its source or port, its target name, and libvirt's alias when it is live."""

    key: str
    target: str
    alias: str


@dataclass(frozen=True)
class Held:
    """What libvirt has of a guest."""

    tag: Tag
    vcpus: int
    memory_mib: int
    disks: tuple[Device, ...]
    nics: tuple[Device, ...]


def domain_name(guest: str) -> str:
    try:
        return PREFIX + str(UUID(guest))
    except ValueError:
        raise Rejected(f"A guest's id is a UUID, not {guest!r}.")


def guest_id(name: str) -> str | None:
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else None


def tap_name(port: str) -> str:
    """At most 15 characters. From the id's end: the start of a UUIDv7 is a clock, alike for ports made together."""
    return "ct" + port.replace("-", "")[-12:]


def disk_target(index: int) -> str:
    """`vda` … `vdz`, `vdaa` …"""
    letters = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return "vd" + letters


def disk_index(target: str) -> int:
    index = 0
    for letter in target.removeprefix("vd"):
        index = index * 26 + ord(letter) - ord("a") + 1
    return index - 1


def domain_xml(guest: Guest, style: Style, console: Path) -> tuple[str, str]:
    """The domain and its digest, by which a later look tells whether it is still what was written."""
    domain = Element("domain", type=style.accel)
    SubElement(domain, "name").text = domain_name(guest.id)
    SubElement(domain, "uuid").text = guest.id
    SubElement(domain, "title").text = _FORBIDDEN.sub(" ", guest.name) or guest.id
    SubElement(domain, "memory", unit="MiB").text = str(guest.memory_mib)
    SubElement(domain, "vcpu").text = str(guest.vcpus)
    _add_platform(domain, guest, style)
    devices = SubElement(domain, "devices")
    devices.extend(disk_element(disk, disk_target(index)) for index, disk in enumerate(guest.disks))
    devices.extend(nic_element(nic, style) for nic in guest.nics)
    _add_console(devices, console)
    SubElement(devices, "controller", type="usb", model="none")
    SubElement(devices, "memballoon", model="virtio")
    entropy = SubElement(devices, "rng", model="virtio")
    SubElement(entropy, "backend", model="random").text = "/dev/urandom"
    tag = Tag(style.cloud, guest.gen, guest.boot, guest.power)
    digest = hashlib.sha256(ElementTree.tostring(domain) + ElementTree.tostring(tag.element())).hexdigest()[:32]
    mark = SubElement(SubElement(domain, "metadata"), f"{{{NAMESPACE}}}guest")
    mark.attrib.update(tag.element().attrib | {"digest": digest})
    return text(domain), digest


def text(element: Element) -> str:
    return ElementTree.tostring(element, encoding="unicode")


def disk_element(disk: Disk, target: str) -> Element:
    element = Element("disk", type="file", device="disk")
    SubElement(element, "driver", name="qemu", type=disk.format, cache="writeback", discard="unmap")
    SubElement(element, "source", file=disk.source)
    SubElement(element, "target", dev=target, bus="virtio")
    if disk.serial:
        SubElement(element, "serial").text = disk.serial
    if disk.readonly:
        SubElement(element, "readonly")
    return element


def nic_element(nic: Nic, style: Style) -> Element:
    element = Element("interface", type="bridge")
    SubElement(element, "mac", address=nic.mac)
    SubElement(element, "source", bridge=style.bridge)
    port = SubElement(element, "virtualport", type="openvswitch")
    SubElement(port, "parameters", interfaceid=nic.port)
    SubElement(element, "target", dev=tap_name(nic.port))
    SubElement(element, "model", type="virtio")
    if style.plain_nics:
        off = dict.fromkeys(("csum", "tso4", "tso6", "ecn", "ufo"), "off")
        driver = SubElement(element, "driver", name="qemu")
        SubElement(driver, "host", off | {"gso": "off"})
        SubElement(driver, "guest", off)
    SubElement(element, "mtu", size=str(nic.mtu))
    SubElement(element, "rom", enabled="no")
    return element


def held(xml: str) -> Held | None:
    """None for a domain that is not ours."""
    domain = ElementTree.fromstring(xml)  # noqa: S314 - libvirt's own words
    mark = domain.find(f"metadata/{{{NAMESPACE}}}guest")
    if mark is None:
        return None
    return Held(
        tag=read_tag(mark),
        vcpus=int(domain.findtext("vcpu", "0")),
        memory_mib=int(domain.findtext("memory", "0")) // 1024,
        disks=tuple(sorted(_devices(domain, "disk", "source", "file"), key=lambda disk: disk_index(disk.target))),
        nics=tuple(_devices(domain, "interface", "virtualport/parameters", "interfaceid")),
    )


def read_tag(mark: Element) -> Tag:
    words = mark.attrib
    return Tag(words["cloud"], int(words["gen"]), int(words["boot"]), Power(words["power"]), words.get("digest", ""))


def _add_platform(domain: Element, guest: Guest, style: Style) -> None:
    system = SubElement(SubElement(domain, "sysinfo", type="smbios"), "system")
    # cloud-init recognises OpenStack by this product name.
    for name, value in (
        ("manufacturer", "Croft"),
        ("product", "OpenStack Nova"),
        ("serial", guest.id),
        ("uuid", guest.id),
        ("family", "Virtual Machine"),
    ):
        SubElement(system, "entry", name=name).text = value
    machine = SubElement(domain, "os")
    SubElement(machine, "type", arch="x86_64", machine="pc").text = "hvm"
    SubElement(machine, "boot", dev="hd")
    SubElement(machine, "smbios", mode="sysinfo")
    features = SubElement(domain, "features")
    SubElement(features, "acpi")
    SubElement(features, "apic")
    if style.accel == "kvm":
        SubElement(domain, "cpu", mode="host-passthrough", check="none", migratable="on")
    else:
        # QEMU's translation buffer: its own default of 1 GiB dwarfs a small guest.
        cache = SubElement(SubElement(features, "tcg"), "tb-cache", unit="MiB")
        cache.text = str(min(max(guest.memory_mib // 4, 32), 256))
        SubElement(domain, "cpu", mode="maximum", check="none", migratable="off")
    SubElement(domain, "clock", offset="utc")
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        SubElement(domain, f"on_{event}").text = action


def _add_console(devices: Element, console: Path) -> None:
    serial = SubElement(devices, "serial", type="pty")
    SubElement(serial, "log", file=str(console), append="on")
    SubElement(serial, "target", type="isa-serial", port="0")
    SubElement(SubElement(devices, "console", type="pty"), "target", type="serial", port="0")


def _devices(domain: Element, kind: str, source: str, attribute: str) -> list[Device]:
    found = []
    for element in domain.findall(f"devices/{kind}"):
        key, target, alias = element.find(source), element.find("target"), element.find("alias")
        if key is not None and target is not None:
            name = alias.get("name", "") if alias is not None else ""
            found.append(Device(key.get(attribute, ""), target.get("dev", ""), name))
    return found
