"""The query of a list of images: filters, operators, order."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from croft.core.clock import parse_iso
from croft.core.errors import Invalid
from croft.core.http import Request
from croft.core.page import Page
from croft.services.images.model import Filters, Image

_WORDS = {
    "id": "id",
    "name": "name",
    "status": "status",
    "container_format": "container_format",
    "disk_format": "disk_format",
    "owner": "project",
    "checksum": "checksum",
    "os_hash_value": "sha512",
}
_SEVERAL = frozenset({"id", "name", "status", "container_format", "disk_format"})
_NUMBERS = ("size", "virtual_size", "min_disk", "min_ram")
_TIMES = {"created_at": "created", "updated_at": "updated"}
_OPERATORS = {"gt": "gt", "gte": "ge", "lt": "lt", "lte": "le", "eq": "eq", "neq": "ne"}
_VISIBILITIES = ("public", "private", "shared", "community", "all")
_MEMBER_STATUSES = ("pending", "accepted", "rejected", "all")
_NOT_FILTERS = frozenset(
    ["limit", "marker", "sort", "sort_key", "sort_dir", "tag", "size_min", "size_max", "os_hash_algo"]
)
_SORT_KEYS = {key: key for key in ("name", "status", "container_format", "disk_format", "size", "id")} | _TIMES
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


def filters(query: Mapping[str, list[str]]) -> Filters:
    if not query or query.keys() <= {"limit", "marker"}:
        return Filters()
    among: dict[str, tuple[Any, ...]] = {}
    times: list[tuple[str, str, int]] = []
    other: dict[str, Any] = {}
    properties: dict[str, str] = {}
    for name, values in query.items():
        value = values[0]
        if name in _WORDS:
            among[_WORDS[name]] = _several(value) if name in _SEVERAL and value.startswith("in:") else (value,)
        elif name in _NUMBERS:
            among[name] = (_number(name, value),)
        elif name == "protected":
            among["protected"] = (_truth(name, value),)
        elif name in _TIMES:
            times += [_time(name, each) for each in values]
        elif name in ("visibility", "member_status"):
            other[name] = _one_of(name, value, _VISIBILITIES if name == "visibility" else _MEMBER_STATUSES)
        elif name in ("os_hidden", "hidden"):
            other["hidden"] = _truth(name, value)
        elif name in ("size_min", "size_max"):
            other[name] = _number(name, value)
        elif name not in _NOT_FILTERS:
            properties[name] = value
    tags = tuple(query.get("tag", ()))
    return Filters(among, tuple(times), tags=tags, properties=properties, order=_order(query), **other)


def _several(value: str) -> tuple[str, ...]:
    """`in:a,"b, c"`: names with commas stand in quotation marks."""
    try:
        row = next(csv.reader([value.removeprefix("in:")], skipinitialspace=False, strict=False), [])
    except csv.Error as error:
        raise Invalid(f"Invalid filter value {value[:255]}: {error}.") from error
    if not row or not all(row):
        raise Invalid(f"Invalid filter value {value[:255]}: nothing to choose from.")
    return tuple(row)


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise Invalid(f"Invalid value for {name}: expected a whole number, not '{value[:40]}'.")
    return int(value)


def _truth(name: str, value: str) -> bool:
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise Invalid(f"Invalid value for {name}: expected true or false, not '{value[:40]}'.")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise Invalid(f"Invalid {name} value: {value[:40]}; expected one of {', '.join(allowed)}.")
    return value


def _time(name: str, value: str) -> tuple[str, str, int]:
    how, _, rest = value.partition(":")
    if how not in _OPERATORS:
        how, rest = "eq", value
    try:
        return _TIMES[name], _OPERATORS[how], parse_iso(rest)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"Invalid time filter {name}={value[:60]}: expected OPERATOR:TIME in ISO 8601.") from error


def _order(query: Mapping[str, list[str]]) -> tuple[tuple[str, bool], ...]:
    if "sort" in query and ("sort_key" in query or "sort_dir" in query):
        raise Invalid("Old and new sorting syntax cannot be combined.")
    if "sort" in query:
        pairs = [part.strip().partition(":")[::2] for part in query["sort"][0].split(",")]
    else:
        keys, directions = query.get("sort_key", []), query.get("sort_dir", ["desc"])
        if len(directions) not in (1, max(1, len(keys))):
            raise Invalid("Number of sort dirs does not match the number of sort keys.")
        every = directions * len(keys) if len(directions) == 1 else directions
        pairs = list(zip(keys or ["created_at"], every or directions, strict=True))
    order: dict[str, bool] = {}
    for key, direction in pairs:
        if key not in _SORT_KEYS:
            raise Invalid(f"Invalid sort key {key[:40]}: expected one of {', '.join(sorted(_SORT_KEYS))}.")
        if direction not in ("", "asc", "desc"):
            raise Invalid(f"Invalid sort direction: {direction[:40]}")
        order.setdefault(_SORT_KEYS[key], direction != "asc")
    last = next(reversed(order.values()))
    return tuple((order | {"created": order.get("created", last), "id": order.get("id", last)}).items())


def links(req: Request, window: Page, found: list[Image]) -> dict[str, str]:
    """`first`, and `next` while there may be more."""
    query = [(name, each) for name, values in req.query.items() for each in values if name != "marker"]
    first = "/v2/images" + (f"?{urlencode(query)}" if query else "")
    if len(found) < window.limit:
        return {"first": first}
    return {"first": first, "next": f"/v2/images?{urlencode([*query, ('marker', found[-1].id)])}"}
