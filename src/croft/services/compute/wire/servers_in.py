"""Bodies that create and change servers, as the API reference has them, by microversion."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

from croft.core.errors import Invalid
from croft.core.http import Version
from croft.core.ids import is_uuid
from croft.services.compute.model import check_tag
from croft.services.compute.store.views import NewServer, Nics
from croft.services.compute.wire.parse import address, at, base64_text, disk_config, given, number, since, truth, until
from croft.services.network.actions import NicWish

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Truth = bool | str
Count = int | str
MOST_SERVERS = 100


class Nic(Struct, forbid_unknown_fields=True):
    uuid: str | UnsetType = UNSET
    port: str | UnsetType | None = UNSET
    fixed_ip: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET


class Personality(Struct, forbid_unknown_fields=True):
    path: str | UnsetType = UNSET
    contents: str | UnsetType = UNSET


class Group(Struct, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET


class BlockDevice(Struct, forbid_unknown_fields=True):
    virtual_name: Any = UNSET
    volume_id: Any = UNSET
    snapshot_id: Any = UNSET
    volume_size: Any = UNSET
    device_name: Any = UNSET
    delete_on_termination: Truth | UnsetType = UNSET
    no_device: Any = UNSET
    connection_info: Any = UNSET
    source_type: str | UnsetType = UNSET
    uuid: str | UnsetType = UNSET
    image_id: str | UnsetType = UNSET
    destination_type: str | UnsetType = UNSET
    guest_format: Any = UNSET
    device_type: Any = UNSET
    disk_bus: Any = UNSET
    boot_index: int | str | UnsetType | None = UNSET
    tag: str | UnsetType = UNSET
    volume_type: Any = UNSET


class Server(Struct, forbid_unknown_fields=True):
    name: Name
    flavor: str | int = field(name="flavorRef")
    image: str | UnsetType = field(name="imageRef", default=UNSET)
    admin_pass: str | UnsetType = field(name="adminPass", default=UNSET)
    metadata: dict[str, str] | UnsetType = UNSET
    networks: list[Nic] | str | UnsetType = UNSET
    disk_config: str | UnsetType = field(name="OS-DCF:diskConfig", default=UNSET)
    access_ipv4: str | UnsetType = field(name="accessIPv4", default=UNSET)
    access_ipv6: str | UnsetType = field(name="accessIPv6", default=UNSET)
    personality: list[Personality] | UnsetType = UNSET
    availability_zone: Name | UnsetType = UNSET
    block_device_mapping: list[BlockDevice] | UnsetType = UNSET
    block_device_mapping_v2: list[BlockDevice] | UnsetType = UNSET
    config_drive: Truth | UnsetType = UNSET
    key_name: Name | UnsetType = UNSET
    min_count: Count | UnsetType = UNSET
    max_count: Count | UnsetType = UNSET
    return_reservation_id: Truth | UnsetType = UNSET
    security_groups: list[Group] | UnsetType = UNSET
    user_data: str | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    trusted_image_certificates: list[str] | UnsetType | None = UNSET
    host: Name | UnsetType = UNSET
    hypervisor_hostname: Name | UnsetType = UNSET


class CreateServer(Struct, forbid_unknown_fields=True):
    server: Server
    hints: dict[str, Any] | UnsetType = field(name="os:scheduler_hints", default=UNSET)
    old_hints: dict[str, Any] | UnsetType = field(name="OS-SCH-HNT:scheduler_hints", default=UNSET)


class ServerChanges(Struct, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    disk_config: str | UnsetType = field(name="OS-DCF:diskConfig", default=UNSET)
    access_ipv4: str | UnsetType = field(name="accessIPv4", default=UNSET)
    access_ipv6: str | UnsetType = field(name="accessIPv6", default=UNSET)
    description: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET


class UpdateServer(Struct, forbid_unknown_fields=True):
    server: ServerChanges


class Rebuild(Struct, forbid_unknown_fields=True):
    image: str = field(name="imageRef")
    name: Name | UnsetType = UNSET
    admin_pass: str | UnsetType = field(name="adminPass", default=UNSET)
    metadata: dict[str, str] | UnsetType = UNSET
    preserve_ephemeral: Truth | UnsetType = UNSET
    disk_config: str | UnsetType = field(name="OS-DCF:diskConfig", default=UNSET)
    access_ipv4: str | UnsetType = field(name="accessIPv4", default=UNSET)
    access_ipv6: str | UnsetType = field(name="accessIPv6", default=UNSET)
    personality: list[Personality] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET
    key_name: Name | UnsetType | None = UNSET
    user_data: str | UnsetType | None = UNSET
    trusted_image_certificates: list[str] | UnsetType | None = UNSET


class RebuildServer(Struct, forbid_unknown_fields=True):
    rebuild: Rebuild


def wish(body: CreateServer, version: Version) -> NewServer:
    """What was asked for; `Invalid` for what this version does not know or Croft does not have."""
    asked = body.server
    later = {"description": 19, "tags": 52, "trusted_image_certificates": 63, "host": 74, "hypervisor_hostname": 74}
    since(version, asked, later, "server")
    _check_certificates(asked.trusted_image_certificates)
    until(version, asked, {"personality": 57}, "server")
    _check_hints(body)
    _check_personality(given(asked.personality, []))
    least, most = _counts(asked)
    image, root_tag = _root(asked, version)
    return NewServer(
        name=asked.name,
        image=image,
        flavor=str(asked.flavor),
        networks=_networks(asked.networks, version),
        groups=tuple(group.name for group in given(asked.security_groups, []) if isinstance(group.name, str)),
        least=least,
        most=most,
        description=given(asked.description, None if version >= at(19) else asked.name),
        key_name=given(asked.key_name, None),
        user_data=base64_text(asked.user_data, "user_data") if isinstance(asked.user_data, str) else None,
        config_drive=truth(asked.config_drive, "config_drive"),
        zone=given(asked.availability_zone, ""),
        host=_host(asked),
        metadata=given(asked.metadata, {}),
        tags=tuple(given(asked.tags, [])),
        root_tag=root_tag,
        access_ipv4=_access(asked.access_ipv4, 4),
        access_ipv6=_access(asked.access_ipv6, 6),
        disk_config=disk_config(asked.disk_config),
    )


def wants_reservation(body: CreateServer) -> bool:
    return truth(body.server.return_reservation_id, "return_reservation_id")


def _check_certificates(names: list[str] | UnsetType | None) -> None:
    if names is not None and not isinstance(names, UnsetType):
        raise Invalid("Signatures of images are not checked here: trusted_image_certificates must be left out.")


def _host(asked: Server) -> str:
    """A host and its hypervisor are one and the same here."""
    names = {given(asked.host, ""), given(asked.hypervisor_hostname, "")} - {""}
    if len(names) > 1:
        raise Invalid("host and hypervisor_hostname name different hosts.")
    if names and ":" in given(asked.availability_zone, ""):
        raise Invalid("Destinations with availability_zone and with host or hypervisor_hostname exclude each other.")
    return next(iter(names), "")


def _check_hints(body: CreateServer) -> None:
    for hints in (body.hints, body.old_hints):
        if not isinstance(hints, UnsetType) and hints:
            raise Invalid(f"Scheduler hints are not offered here: {', '.join(sorted(hints))[:200]}.")


def _check_personality(files: list[Personality]) -> None:
    if files:
        raise Invalid("File injection (personality) is not offered here; give user_data and a config drive instead.")


def _counts(asked: Server) -> tuple[int, int]:
    least = number(asked.min_count, "min_count", 1, default=1)
    most = number(asked.max_count, "max_count", 1, default=least)
    if least > most:
        raise Invalid("min_count must be <= max_count")
    if most > MOST_SERVERS:
        raise Invalid(f"At most {MOST_SERVERS} servers are made by one request, not {most}.")
    return least, most


def _access(text: str | UnsetType, version: int) -> str:
    return "" if isinstance(text, UnsetType) else address(text, version, f"accessIPv{version}")


def _networks(asked: list[Nic] | str | UnsetType, version: Version) -> Nics:
    if isinstance(asked, UnsetType):
        if version >= at(37):
            raise Invalid("Invalid input for field/attribute server. 'networks' is a required property")
        return "auto"
    if isinstance(asked, str):
        if version < at(37) or asked not in {"auto", "none"}:
            raise Invalid("Invalid input for field/attribute networks. It is 'auto', 'none' (from 2.37) or a list.")
        return "auto" if asked == "auto" else "none"
    return [_nic(nic, version) for nic in asked] or "auto"


def _nic(nic: Nic, version: Version) -> NicWish:
    if isinstance(nic.tag, str):
        if not (at(32) <= version < at(37) or version >= at(42)):
            raise Invalid("Additional properties are not allowed ('tag' was unexpected)")
        check_tag(nic.tag)
    port = nic.port if isinstance(nic.port, str) else None
    network = nic.uuid if isinstance(nic.uuid, str) else None
    if any(id is not None and not is_uuid(id) for id in (port, network)):
        raise Invalid("Bad networks format: network and port are named by UUID.")
    if port is None and network is None:
        raise Invalid("Bad networks format: network uuid is not in proper format")
    fixed_ip = nic.fixed_ip if isinstance(nic.fixed_ip, str) else None
    if fixed_ip is not None:
        fixed_ip = address(fixed_ip, 6 if ":" in fixed_ip else 4, "fixed_ip")
        if port is not None:
            raise Invalid(f"Specified Fixed IP '{fixed_ip}' cannot be used with port '{port}'.")
    return NicWish(network=network, port=port, fixed_ip=fixed_ip, tag=given(nic.tag, ""))


def _root(asked: Server, version: Version) -> tuple[str, str]:
    """The image to boot and the root disk's tag: from `imageRef`, or the one block device that says the same."""
    image = given(asked.image, "")
    if image and not is_uuid(image):
        raise Invalid("Invalid input for field/attribute imageRef. It must be the UUID of an image.")
    if given(asked.block_device_mapping, []):
        raise Invalid("Booting from volumes is not offered here; name an image.")
    devices = given(asked.block_device_mapping_v2, [])
    tag = ""
    for device in devices:
        image = _check_device(device, image, version)
        tag = given(device.tag, tag)
    if len(devices) > 1:
        raise Invalid("Further disks are not offered here: the flavor says which disks a server has.")
    if not image:
        raise Invalid("Invalid imageRef provided: servers boot from images here.")
    return image, tag


def _check_device(device: BlockDevice, image: str, version: Version) -> str:
    if isinstance(device.tag, str):
        if version != at(32) and version < at(42):
            raise Invalid("Additional properties are not allowed ('tag' was unexpected)")
        check_tag(device.tag)
    if device.volume_type is not UNSET and version < at(67):
        raise Invalid("Additional properties are not allowed ('volume_type' was unexpected)")
    if device.source_type != "image" or given(device.destination_type, "local") != "local":
        raise Invalid("Block Device Mapping is Invalid: only booting from an image to a local disk is offered here.")
    if str(given(device.boot_index, 0)) != "0":
        raise Invalid("Block Device Mapping is Invalid: Boot sequence for the instance is not valid.")
    named = given(device.uuid, "") or given(device.image_id, "")
    if image and named and named != image:
        raise Invalid("Block Device Mapping is Invalid: it names another image than imageRef.")
    return image or named


def changes(body: UpdateServer, version: Version) -> dict[str, Any]:
    asked = body.server
    since(version, asked, {"description": 19}, "server")
    return _changes(asked)


def _changes(asked: ServerChanges | Rebuild) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("name", "description"):
        if getattr(asked, name) is not UNSET:
            found[name] = getattr(asked, name)
    if asked.disk_config is not UNSET:
        found["disk_config"] = disk_config(asked.disk_config)
    for name, text, version in (("access_ipv4", asked.access_ipv4, 4), ("access_ipv6", asked.access_ipv6, 6)):
        if isinstance(text, str):
            found[name] = address(text, version, f"accessIPv{version}")
    return found


def rebuild_changes(body: RebuildServer, version: Version) -> tuple[str, dict[str, Any]]:
    """The image, and what else changes."""
    asked = body.rebuild
    later = {"description": 19, "key_name": 54, "user_data": 57, "trusted_image_certificates": 63}
    since(version, asked, later, "rebuild")
    _check_certificates(asked.trusted_image_certificates)
    until(version, asked, {"personality": 57}, "rebuild")
    _check_personality(given(asked.personality, []))
    if truth(asked.preserve_ephemeral, "preserve_ephemeral"):
        raise Invalid("preserve_ephemeral is not offered here.")
    if not is_uuid(asked.image):
        raise Invalid("Invalid input for field/attribute imageRef. It must be the UUID of an image.")
    found = _changes(asked)
    if not isinstance(asked.metadata, UnsetType):
        found["metadata"] = asked.metadata
    if not isinstance(asked.key_name, UnsetType):
        found["key_name"] = asked.key_name
    if not isinstance(asked.user_data, UnsetType):
        found["user_data"] = None if asked.user_data is None else base64_text(asked.user_data, "user_data")
    return asked.image, found


class Metadata(Struct, forbid_unknown_fields=True):
    metadata: dict[str, str]


class MetadataItem(Struct, forbid_unknown_fields=True):
    meta: dict[str, str]


class Tags(Struct, forbid_unknown_fields=True):
    tags: list[str]


class FixedIp(Struct, forbid_unknown_fields=True):
    ip_address: str


class Attachment(Struct, forbid_unknown_fields=True):
    net_id: str | UnsetType = UNSET
    port_id: str | UnsetType = UNSET
    fixed_ips: Annotated[list[FixedIp], Meta(min_length=1, max_length=1)] | UnsetType = UNSET
    tag: str | UnsetType = UNSET


class AttachInterface(Struct, forbid_unknown_fields=True):
    interface: Attachment = field(name="interfaceAttachment")


def interface(body: AttachInterface, version: Version) -> NicWish | None:
    """None: any network of the project."""
    asked = body.interface
    since(version, asked, {"tag": 49}, "interfaceAttachment")
    network, port = given(asked.net_id, None), given(asked.port_id, None)
    if any(id is not None and not is_uuid(id) for id in (port, network)):
        raise Invalid("Network and port are named by UUID.")
    fixed = None
    if not isinstance(asked.fixed_ips, UnsetType):
        text = asked.fixed_ips[0].ip_address
        fixed = address(text, 6 if ":" in text else 4, "ip_address")
    if port and (network or fixed):
        raise Invalid("Must not input both network_id, fixed_ips and port_id")
    if fixed and not network:
        raise Invalid("Must input network_id when request IP address")
    tag = check_tag(asked.tag) if isinstance(asked.tag, str) else ""
    if not port and not network:
        if tag:
            raise Invalid("An interface is tagged together with the network or the port it is for.")
        return None
    return NicWish(network=network, port=port, fixed_ip=fixed, tag=tag)
