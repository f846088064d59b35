"""Hosts, limits, quotas, zones and usage on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from croft.core.clock import iso_bare
from croft.core.errors import Invalid
from croft.core.http import Version
from croft.services.compute.model import IDLE, ZONE, Host, Load, Server, states
from croft.services.compute.wire.parse import at, number, truth, until

Count = int | str
OLD_QUOTAS = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
QUOTAS = (
    "instances",
    "cores",
    "ram",
    "metadata_items",
    "key_pairs",
    "injected_files",
    "injected_file_content_bytes",
    "injected_file_path_bytes",
    "server_groups",
    "server_group_members",
)
_LIMITS = {
    "maxTotalInstances": "instances",
    "maxTotalCores": "cores",
    "maxTotalRAMSize": "ram",
    "maxServerMeta": "metadata_items",
    "maxTotalKeypairs": "key_pairs",
    "maxServerGroups": "server_groups",
    "maxServerGroupMembers": "server_group_members",
}


class QuotaSet(Struct, forbid_unknown_fields=True):
    instances: Count | UnsetType = UNSET
    cores: Count | UnsetType = UNSET
    ram: Count | UnsetType = UNSET
    metadata_items: Count | UnsetType = UNSET
    key_pairs: Count | UnsetType = UNSET
    injected_files: Count | UnsetType = UNSET
    injected_file_content_bytes: Count | UnsetType = UNSET
    injected_file_path_bytes: Count | UnsetType = UNSET
    server_groups: Count | UnsetType = UNSET
    server_group_members: Count | UnsetType = UNSET
    fixed_ips: Count | UnsetType = UNSET
    floating_ips: Count | UnsetType = UNSET
    security_groups: Count | UnsetType = UNSET
    security_group_rules: Count | UnsetType = UNSET
    force: bool | str | UnsetType = UNSET


class UpdateQuotas(Struct, forbid_unknown_fields=True):
    quota_set: QuotaSet


class ChangeService(Struct, forbid_unknown_fields=True):
    """From 2.53 on: `PUT /os-services/{id}`."""

    status: str | UnsetType = UNSET
    disabled_reason: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    forced_down: bool | str | UnsetType = UNSET


class UpdateService(Struct, forbid_unknown_fields=True):
    host: Annotated[str, Meta(min_length=1, max_length=255)]
    binary: Annotated[str, Meta(min_length=1, max_length=255)]
    disabled_reason: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    forced_down: bool | str | UnsetType = UNSET


def quota_names(version: Version) -> tuple[str, ...]:
    if version >= at(57):
        return tuple(name for name in QUOTAS if not name.startswith("injected"))
    return QUOTAS if version >= at(36) else QUOTAS + OLD_QUOTAS


def quotas(limits: Mapping[str, int], version: Version, project: str = "") -> dict[str, Any]:
    shown: dict[str, Any] = {name: limits[f"compute.{name}"] for name in quota_names(version)}
    return shown | ({"id": project} if project else {})


def quota_detail(limits: Mapping[str, int], used: Mapping[str, int], version: Version, project: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        name: {"limit": limits[f"compute.{name}"], "in_use": used.get(f"compute.{name}", 0), "reserved": 0}
        for name in quota_names(version)
    }
    return shown | {"id": project}


def quota_wish(body: UpdateQuotas) -> tuple[dict[str, int], bool]:
    """The limits, and whether to force them."""
    asked = body.quota_set
    values = {}
    for name in QUOTAS + OLD_QUOTAS:
        value = getattr(asked, name)
        if value is not UNSET:
            values[f"compute.{name}"] = number(value, name, -1)
    return values, truth(asked.force, "force")


def limits(values: Mapping[str, int], used: Mapping[str, int], version: Version) -> dict[str, Any]:
    shown = {name: values[f"compute.{quota}"] for name, quota in _LIMITS.items()}
    shown |= {
        "totalInstancesUsed": used["compute.instances"],
        "totalCoresUsed": used["compute.cores"],
        "totalRAMUsed": used["compute.ram"],
        "totalServerGroupsUsed": 0,
    }
    if version < at(57):
        # file injection is not offered, so nothing of it fits
        shown |= {"maxPersonality": 0, "maxPersonalitySize": 0}
    if version < at(39):
        shown["maxImageMeta"] = values["compute.metadata_items"]
    if version < at(36):
        old = ("maxSecurityGroups", "maxSecurityGroupRules", "maxTotalFloatingIps")
        shown |= dict.fromkeys(old, -1) | {"totalSecurityGroupsUsed": 0, "totalFloatingIpsUsed": 0}
    return {"limits": {"rate": [], "absolute": shown}}


def service(host: Host, now: int, version: Version) -> dict[str, Any]:
    shown = {
        "id": number_or_id(host, version),
        "binary": "nova-compute",
        "host": host.name,
        "zone": ZONE,
        "status": "disabled" if host.disabled else "enabled",
        "state": "up" if host.up(now) else "down",
        "updated_at": iso_bare(host.note.noted) if host.note.noted else None,
        "disabled_reason": host.disabled_reason,
    }
    return shown | ({"forced_down": host.forced_down} if version >= at(11) else {})


def number_or_id(host: Host, version: Version) -> int | str:
    return host.id if version >= at(53) else host.number


def hypervisor(host: Host, now: int, version: Version) -> dict[str, Any]:
    return {
        "id": number_or_id(host, version),
        "hypervisor_hostname": host.name,
        "state": "up" if host.up(now) else "down",
        "status": "disabled" if host.disabled else "enabled",
    }


def hypervisor_detail(host: Host, load: Load | None, now: int, version: Version) -> dict[str, Any]:
    held = load or IDLE
    cpu_info: Any = {"model": host.model, "topology": {"cores": host.vcpus, "threads": 1, "sockets": 1}}
    return hypervisor(host, now, version) | {
        "host_ip": None,
        "hypervisor_type": "QEMU",
        "hypervisor_version": host.version,
        "cpu_info": cpu_info if version >= at(28) else _json(cpu_info),
        "service": {"id": number_or_id(host, version), "host": host.name, "disabled_reason": host.disabled_reason},
        **_counts([(host, held)]),
    }


def _json(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def statistics(hosts: Iterable[Host], loads: Mapping[str, Load], now: int) -> dict[str, Any]:
    pairs = [(host, loads.get(host.name, IDLE)) for host in hosts if not host.disabled]
    return {"count": len(pairs), **_counts(pairs)}


def _counts(pairs: Iterable[tuple[Host, Load]]) -> dict[str, Any]:
    pairs = list(pairs)

    def total(host: str, load: str) -> tuple[int, int]:
        return sum(getattr(each, host) for each, _ in pairs), sum(getattr(each, load) for _, each in pairs)

    vcpus, vcpus_used = total("vcpus", "vcpus")
    memory, memory_used = total("memory_mib", "memory_mib")
    disk, disk_used = total("disk_gib", "disk_gib")
    return {
        "vcpus": vcpus,
        "vcpus_used": vcpus_used,
        "memory_mb": memory,
        "memory_mb_used": memory_used,
        "free_ram_mb": memory - memory_used,
        "local_gb": disk,
        "local_gb_used": disk_used,
        "free_disk_gb": disk - disk_used,
        "disk_available_least": disk - disk_used,
        "running_vms": sum(load.running for _, load in pairs),
        "current_workload": 0,
    }


def zones(hosts: Iterable[Host], now: int, *, detail: bool) -> dict[str, Any]:
    """The one zone of servers; Nova's own services' zone `internal` is not a thing here."""
    available = {"available": True}
    known: dict[str, Any] | None = None
    if detail:
        known = {host.name: {"nova-compute": _service_state(host, now)} for host in hosts}
    return {"availabilityZoneInfo": [{"zoneName": ZONE, "zoneState": available, "hosts": known}]}


def _service_state(host: Host, now: int) -> dict[str, Any]:
    seen = iso_bare(host.note.noted) if host.note.noted else None
    return {"active": not host.disabled, "available": host.up(now), "updated_at": seen}


def usage(project: str, servers: Iterable[Server], start: int, stop: int, now: int, *, detail: bool) -> dict[str, Any]:
    """One project's use between two moments, in hours."""
    lines = []
    hours = memory = disk = vcpus = 0.0
    for server in servers:
        began = max(server.launched if server.launched is not None else server.created, start)
        each = max(0, min(now, stop) - began) / 3600
        hours += each
        memory += each * server.memory_mib
        disk += each * (server.disk_gib + server.ephemeral_gib)
        vcpus += each * server.vcpus
        lines.append(_usage_line(server, each, now))
    shown: dict[str, Any] = {
        "tenant_id": project,
        "start": iso_bare(start),
        "stop": iso_bare(stop),
        "total_hours": hours,
        "total_memory_mb_usage": memory,
        "total_local_gb_usage": disk,
        "total_vcpus_usage": vcpus,
    }
    return shown | ({"server_usages": lines} if detail else {})


def _usage_line(server: Server, hours: float, now: int) -> dict[str, Any]:
    started = server.launched if server.launched is not None else server.created
    return {
        "instance_id": server.id,
        "name": server.name,
        "tenant_id": server.project,
        "flavor": server.flavor_name,
        "vcpus": server.vcpus,
        "memory_mb": server.memory_mib,
        "local_gb": server.disk_gib + server.ephemeral_gib,
        "hours": hours,
        "started_at": iso_bare(started),
        "ended_at": None,
        "state": states(server, now).vm_state,
        "uptime": max(0, now - started),
    }


def check_quota_version(body: UpdateQuotas, version: Version) -> None:
    until(version, body.quota_set, dict.fromkeys(OLD_QUOTAS, 36), "quota_set")
    until(version, body.quota_set, {name: 57 for name in QUOTAS if name.startswith("injected")}, "quota_set")


def service_wish(body: ChangeService) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if body.status not in {UNSET, "enabled", "disabled"}:
        raise Invalid("Invalid input for field/attribute status. It must be 'enabled' or 'disabled'.")
    reason = body.disabled_reason if isinstance(body.disabled_reason, str) else None
    if reason and body.status != "disabled":
        raise Invalid("Specifying disabled_reason requires that status is 'disabled'.")
    if body.status is not UNSET:
        values |= {"disabled": body.status == "disabled", "disabled_reason": reason}
    if body.forced_down is not UNSET:
        values["forced_down"] = truth(body.forced_down, "forced_down")
    if not values:
        raise Invalid("No updates were requested. Fields 'status' or 'forced_down' should be specified.")
    return values


def service_change(host: Host, verb: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"host": host.name, "binary": "nova-compute"}
    if verb == "force-down":
        return shown | {"forced_down": host.forced_down}
    shown["status"] = "disabled" if host.disabled else "enabled"
    return shown | ({"disabled_reason": host.disabled_reason} if verb == "disable-log-reason" else {})


_EXTENSIONS = (
    ("AvailabilityZone", "os-availability-zone", "List availability zones."),
    ("ConsoleOutput", "os-console-output", "Read a server's console log."),
    ("ExtendedStatus", "OS-EXT-STS", "Task, VM and power states of servers."),
    ("FlavorAccess", "os-flavor-access", "Flavors for some projects only."),
    ("FlavorExtraSpecs", "os-flavor-extra-specs", "Extra specs of flavors."),
    ("FlavorManage", "os-flavor-manage", "Create and delete flavors."),
    ("Hypervisors", "os-hypervisors", "Look at hosts."),
    ("InstanceActions", "os-instance-actions", "What was done to a server."),
    ("AttachInterfaces", "os-attach-interfaces", "Attach and detach ports."),
    ("Keypairs", "os-keypairs", "Key pairs."),
    ("LockServer", "os-lock-server", "Lock and unlock servers."),
    ("MultipleCreate", "os-multiple-create", "Create several servers at once."),
    ("Quotas", "os-quota-sets", "Quotas of projects."),
    ("SecurityGroups", "os-security-groups", "Security groups of servers."),
    ("Services", "os-services", "Compute services."),
    ("SimpleTenantUsage", "os-simple-tenant-usage", "What projects use."),
    ("UserData", "os-user-data", "Data handed to a server at its start."),
)
"""Names clients look for; each is a part of this API that works."""


def extensions() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "alias": alias,
            "description": says,
            "links": [],
            "namespace": "http://docs.openstack.org/compute/ext/croft",
            "updated": "2014-12-03T00:00:00Z",
        }
        for name, alias, says in _EXTENSIONS
    ]
