"""The query of a server list: Nova's filters, sort keys and page, read once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from croft.core.clock import parse_iso
from croft.core.errors import Forbidden, Invalid
from croft.core.http import Request, Version
from croft.services.compute.store.servers import Narrowing, sort_key
from croft.services.compute.store.views import Filters
from croft.services.compute.wire.parse import at, one, query_truth

Query = Mapping[str, Sequence[str]]
_NOVA = """
ACTIVE BUILD DELETED ERROR HARD_REBOOT MIGRATING PASSWORD PAUSED REBOOT REBUILD RESCUE RESIZE REVERT_RESIZE SHELVED
SHELVED_OFFLOADED SHUTOFF SOFT_DELETED SUSPENDED UNKNOWN VERIFY_RESIZE
"""
STATUSES = frozenset(_NOVA.split())
_PATTERNS = """
hostname description display_description key_name availability_zone access_ip_v4 access_ip_v6 auto_disk_config
config_drive created_at launched_at terminated_at launch_index locked_by node progress root_device_name
""".split()  # noqa: SIM905
_FOR_ALL = frozenset(
    ("availability_zone", "config_drive", "key_name", "created_at", "launched_at", "terminated_at", "progress")
)
"""Filters that microversion 2.83 opened to everybody, besides states and users."""
_KNOWN = """
access_ip_v4 access_ip_v6 all_tenants auto_disk_config availability_zone block_device_mapping changes-before
changes-since config_drive created_at deleted description display_description display_name flavor host hostname image
image_ref info_cache ip ip6 kernel_id key_name launch_index launched_at limit locked locked_by marker metadata name node
not-tags not-tags-any pci_devices power_state progress project_id ramdisk_id reservation_id root_device_name
security_groups services soft_deleted sort_dir sort_key status system_metadata tags tags-any task_state tenant_id
terminated_at user_id uuid vm_state
""".split()  # noqa: SIM905


def only(request: Request, names: Iterable[str], since: int = 75) -> None:
    """From 2.75 on (hypervisors: 2.53) a query parameter that is not known is an error."""
    if request.version >= at(since):
        unknown = {name for name in request.query if not name.startswith("_")} - set(names)
        if unknown:
            raise Invalid(f"Additional properties are not allowed ({min(unknown)[:60]!r} was unexpected)")


def everyone(request: Request) -> bool:
    """All projects at once; only operators are heard, and refused here otherwise."""
    text = one(request.query, "all_tenants") or ("0" if "all_tenants" not in request.query else "1")
    if not query_truth(text, "all_tenants"):
        return False
    if not request.ctx.allows("compute.server.list_all"):
        raise Forbidden("Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be performed.")
    return True


def filters(request: Request, *, whole: bool) -> Filters:
    only(request, _KNOWN)
    query, version, operator = request.query, request.version, request.ctx.actor.is_admin
    stateful = operator or version >= at(83)
    statuses = frozenset(status.upper() for status in query.get("status", ()))
    if statuses - STATUSES and version >= at(38):
        raise Invalid(f"Invalid status value: {', '.join(sorted(statuses - STATUSES))[:80]}")
    if "DELETED" in statuses and not operator:
        raise Forbidden("Only administrators may list deleted instances")
    return Filters(
        narrowing=_narrowing(query, version, project=_project(request), operator=operator, whole=whole),
        name=one(query, "name") or one(query, "display_name"),
        statuses=statuses,
        vm_states=frozenset(query.get("vm_state", ())) if stateful else frozenset(),
        task_states=frozenset(query.get("task_state", ())) if stateful else frozenset(),
        power_states=frozenset(query.get("power_state", ())) if stateful else frozenset(),
        ip=one(query, "ip"),
        ip6=one(query, "ip6") if operator or version >= at(5) else "",
        tags=_tags(query, "tags", version),
        tags_any=_tags(query, "tags-any", version),
        not_tags=_tags(query, "not-tags", version),
        not_tags_any=_tags(query, "not-tags-any", version),
        matching=list(_patterns(query, version, operator=operator)),
    )


def _patterns(query: Query, version: Version, *, operator: bool) -> Iterable[tuple[str, str]]:
    for name in _PATTERNS:
        if one(query, name) and (operator or (name in _FOR_ALL and version >= at(83))):
            yield name, _said_truth(query, name) if name == "config_drive" else one(query, name)
    if one(query, "locked") and version >= at(73):
        yield "locked", _said_truth(query, "locked")


def _said_truth(query: Query, name: str) -> str:
    return str(query_truth(one(query, name), name))


def _tags(query: Query, name: str, version: Version) -> Sequence[str]:
    text = one(query, name) if version >= at(26) else ""
    return text.split(",") if text else ()


def _project(request: Request) -> str | None:
    """Of those who may see the servers of all; Nova ignores it with others."""
    if not request.ctx.allows("compute.server.list_all"):
        return None
    return one(request.query, "project_id") or one(request.query, "tenant_id") or None


def _narrowing(query: Query, version: Version, *, project: str | None, operator: bool, whole: bool) -> Narrowing:
    deleted: bool | None = None
    if operator and one(query, "deleted"):
        deleted = query_truth(one(query, "deleted"), "deleted")
    since, before = period(query, version)
    return Narrowing(
        project=project,
        user=one(query, "user_id") if operator or version >= at(83) else "",
        deleted=deleted,
        images=[text.rpartition("/")[2] for text in (*query.get("image", ()), *query.get("image_ref", ()))],
        flavors=[text.rpartition("/")[2] for text in query.get("flavor", ())],
        hosts=query.get("host", ()) if operator else (),
        ids=query.get("uuid", ()),
        reservation=one(query, "reservation_id"),
        since=since,
        before=before,
        sort=_sort(query, version),
        whole=whole,
    )


def period(query: Query, version: Version) -> tuple[int | None, int | None]:
    """`changes-since` and, from 2.66 on, `changes-before`."""
    since = _time(query, "changes-since")
    before = _time(query, "changes-before") if version >= at(66) else None
    if since is not None and before is not None and since > before:
        raise Invalid("The value of changes-since must be less than or equal to changes-before.")
    return since, before


def _time(query: Query, name: str) -> int | None:
    text = one(query, name)
    if not text:
        return None
    if re.match(r"\d{4}-\d\d-\d\d", text) is None:
        raise Invalid(f"Invalid {name} value: {text[:40]!r} is not an ISO 8601 time.")
    try:
        return parse_iso(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise Invalid(f"Invalid {name} value: {text[:40]!r} is not an ISO 8601 time.") from None


def _sort(query: Query, version: Version) -> list[tuple[str, bool]]:
    keys = [sort_key(name) for name in query.get("sort_key", ())]
    if "locked" in keys and version < at(73):
        raise Invalid("Sort key 'locked' needs microversion 2.73.")
    directions = list(query.get("sort_dir", ()))
    if any(direction not in {"asc", "desc"} for direction in directions):
        raise Invalid("Unknown sort direction, must be one of: asc, desc")
    if not keys:
        return [("created_at", directions[:1] != ["asc"])]
    directions += [directions[-1] if directions else "desc"] * (len(keys) - len(directions))
    wanted: dict[str, bool] = {}
    for name, direction in zip(keys, directions, strict=False):
        wanted.setdefault(name, direction == "desc")
    return list(wanted.items())
