"""The query of a server list: Nova's filters, sort keys and page, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from croft.core.clock import parse_iso
from croft.core.errors import Forbidden, Invalid
from croft.core.http import Request
from croft.services.compute.actions import Filters
from croft.services.compute.store.servers import Narrowing, sort_key
from croft.services.compute.wire.parse import at, one, query_truth

Query = Mapping[str, Sequence[str]]
_NOVA = """
ACTIVE BUILD DELETED ERROR HARD_REBOOT MIGRATING PASSWORD PAUSED REBOOT REBUILD RESCUE RESIZE REVERT_RESIZE SHELVED
SHELVED_OFFLOADED SHUTOFF SOFT_DELETED SUSPENDED UNKNOWN VERIFY_RESIZE
"""
STATUSES = frozenset(_NOVA.split())
_PATTERNS = {
    "hostname": "hostname",
    "description": "description",
    "display_description": "description",
    "key_name": "key_name",
    "availability_zone": "zone",
    "access_ip_v4": "access_ipv4",
    "access_ip_v6": "access_ipv6",
    "node": "host",
}


def everyone(request: Request) -> bool:
    """All projects at once; only operators are heard, and refused here otherwise."""
    text = one(request.query, "all_tenants") or ("0" if "all_tenants" not in request.query else "1")
    if not query_truth(text, "all_tenants"):
        return False
    if not request.ctx.allows("compute.server.list_all"):
        raise Forbidden("Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be performed.")
    return True


def filters(request: Request, *, whole: bool) -> Filters:
    query, operator = request.query, request.ctx.actor.is_admin
    tagged = request.version >= at(26)
    statuses = frozenset(status.upper() for status in query.get("status", ()))
    if statuses - STATUSES and request.version >= at(38):
        raise Invalid(f"Invalid status value: {', '.join(sorted(statuses - STATUSES))[:80]}")
    if "DELETED" in statuses and not operator:
        raise Forbidden("Only administrators may list deleted instances")
    return Filters(
        narrowing=_narrowing(query, operator=operator, whole=whole),
        name=one(query, "name") or one(query, "display_name"),
        statuses=statuses,
        vm_states=frozenset(query.get("vm_state", ())) if operator else frozenset(),
        task_states=frozenset(query.get("task_state", ())) if operator else frozenset(),
        power_states=frozenset(query.get("power_state", ())) if operator else frozenset(),
        ip=one(query, "ip"),
        ip6=one(query, "ip6") if operator or request.version >= at(5) else "",
        tags=_tags(query, "tags", tagged),
        tags_any=_tags(query, "tags-any", tagged),
        not_tags=_tags(query, "not-tags", tagged),
        not_tags_any=_tags(query, "not-tags-any", tagged),
        matching=[
            (attribute, one(query, name)) for name, attribute in _PATTERNS.items() if operator and one(query, name)
        ],
        metadata={},
    )


def _tags(query: Query, name: str, known: bool) -> Sequence[str]:
    text = one(query, name) if known else ""
    return text.split(",") if text else ()


def _narrowing(query: Query, *, operator: bool, whole: bool) -> Narrowing:
    deleted: bool | None = None
    if operator and one(query, "deleted"):
        deleted = query_truth(one(query, "deleted"), "deleted")
    return Narrowing(
        project=(one(query, "project_id") or one(query, "tenant_id") or None) if operator else None,
        user=one(query, "user_id") if operator else "",
        deleted=deleted,
        images=[text.rpartition("/")[2] for text in (*query.get("image", ()), *query.get("image_ref", ()))],
        flavors=[text.rpartition("/")[2] for text in query.get("flavor", ())],
        hosts=query.get("host", ()) if operator else (),
        ids=query.get("uuid", ()),
        reservation=one(query, "reservation_id"),
        since=_time(one(query, "changes-since")),
        sort=_sort(query),
        whole=whole,
    )


def _time(text: str) -> int | None:
    if not text:
        return None
    if re.match(r"\d{4}-\d\d-\d\d", text) is None:
        raise Invalid(f"Invalid changes-since value: {text[:40]!r} is not an ISO 8601 time.")
    try:
        return parse_iso(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise Invalid(f"Invalid changes-since value: {text[:40]!r} is not an ISO 8601 time.") from None


def _sort(query: Query) -> list[tuple[str, bool]]:
    keys = [sort_key(name) for name in query.get("sort_key", ())]
    directions = list(query.get("sort_dir", ()))
    if any(direction not in {"asc", "desc"} for direction in directions):
        raise Invalid("Unknown sort direction, must be one of: asc, desc")
    if not keys:
        return [("created_at", directions[:1] != ["asc"])]
    directions += [directions[-1] if directions else "desc"] * (len(keys) - len(directions))
    return [(name, direction == "desc") for name, direction in zip(keys, directions, strict=False)]
