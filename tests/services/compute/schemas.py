"""Nova's request and response schemas, as data: in a folder beside the repository, or where CROFT_NOVA_SCHEMAS says."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from uuid import UUID

import jsonschema

from croft.core.clock import parse_iso
from croft.core.errors import CroftError
from croft.services.compute.model import check_name

_BESIDE = Path(__file__).parents[3].parent / "shared" / "conformance" / "schemas" / "nova-schemas.json"
PLACE = Path(os.environ.get("CROFT_NOVA_SCHEMAS", _BESIDE))
_VERSION = re.compile(r"Major: (\d+), Minor: (\d+)")
_FORMATS = jsonschema.FormatChecker(formats=())


def _check(name: str, raises: type[Exception] = ValueError) -> Any:
    return _FORMATS.checks(name, raises)


def _only_text(check: Any) -> Any:
    return lambda value: not isinstance(value, str) or check(value) is not False


_check("uuid")(_only_text(lambda value: bool(UUID(value))))
_check("date-time")(_only_text(lambda value: parse_iso(value) >= 0))
_check("uri")(_only_text(lambda value: bool(urlparse(value).scheme)))
_check("ipv4")(_only_text(lambda value: bool(ipaddress.IPv4Address(value))))
_check("ipv6")(_only_text(lambda value: bool(ipaddress.IPv6Address(value))))
_check("cidr")(_only_text(lambda value: bool(ipaddress.ip_network(value))))
_check("regex", re.error)(_only_text(lambda value: bool(re.compile(value))))
_check("mac-address")(_only_text(lambda value: re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", value) is not None))
_check("base64", binascii.Error)(_only_text(lambda value: base64.b64decode(value, validate=True) is not None))
_check("name", CroftError)(_only_text(lambda value: check_name(value) is not None))


@cache
def _records() -> list[dict[str, Any]]:
    return list(json.loads(PLACE.read_text()))


def _version(text: str) -> tuple[int, int]:
    found = _VERSION.search(text)
    assert found is not None, text
    return int(found[1]), int(found[2])


@cache
def find(method: str, path: str, kind: str, at: str, action: str | None = None) -> Any:
    """The schema in force at a microversion; None when there is none."""
    major, minor = at.split(".")
    spoken = int(major), int(minor)
    for record in _records():
        if (record["method"], record["path"], record["kind"], record["action"]) != (method, path, kind, action):
            continue
        least, most = _version(record["min"]), _version(record["max"])
        if (least == (0, 0) or spoken >= least) and (most == (0, 0) or spoken <= most):
            return record["schema"]
    return None


def problems(schema: Any, value: Any) -> list[str]:
    checker = jsonschema.Draft202012Validator(schema, format_checker=_FORMATS)
    return [f"{error.json_path}: {error.message[:200]}" for error in checker.iter_errors(value)]
