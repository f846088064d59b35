"""Reading Nova's looser values: numbers and truths as strings, and fields that only some microversions know."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeVar

from msgspec import UNSET, Struct, UnsetType

from croft.core.errors import Invalid
from croft.core.http import Request, Version

T = TypeVar("T")
U = TypeVar("U")
_TRUE = frozenset({"True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes"})
_FALSE = frozenset({"False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no"})
MOST = 2147483647


def at(minor: int) -> Version:
    return Version(2, minor)


def truth(value: bool | str | UnsetType, name: str, default: bool = False) -> bool:
    if isinstance(value, UnsetType):
        return default
    if isinstance(value, bool):
        return value
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise Invalid(f"Invalid input for field/attribute {name}. Value: {value[:40]!r} is not a boolean.")


def query_truth(text: str, name: str) -> bool:
    """Query strings are read leniently: any spelling."""
    lowered = text.strip().lower()
    if lowered in {"1", "t", "true", "on", "y", "yes"}:
        return True
    if lowered in {"0", "f", "false", "off", "n", "no"}:
        return False
    raise Invalid(f"Unrecognized value {text[:40]!r} for {name}: neither true nor false.")


def number(value: int | str | UnsetType, name: str, least: int = 0, most: int = MOST, default: int = 0) -> int:
    if isinstance(value, UnsetType):
        return default
    if isinstance(value, str):
        digits = value[1:] if value.startswith("-") else value
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 12:
            raise Invalid(f"Invalid input for field/attribute {name}. Value: {value[:40]!r} is not an integer.")
        value = int(value)
    if not least <= value <= most:
        raise Invalid(f"Invalid input for field/attribute {name}. Value: {value}. It must be from {least} to {most}.")
    return value


def since(version: Version, body: Struct, fields: Mapping[str, int], where: str) -> None:
    """Refuses fields that came with a later microversion than the one spoken."""
    for name, minor in fields.items():
        if getattr(body, name) is not UNSET and version < at(minor):
            raise Invalid(
                f"Invalid input for field/attribute {where}. Additional properties are not allowed "
                f"('{name}' was unexpected); it needs microversion 2.{minor}."
            )


def until(version: Version, body: Struct, fields: Mapping[str, int], where: str) -> None:
    """Refuses fields that a microversion took away."""
    for name, minor in fields.items():
        if getattr(body, name) is not UNSET and version >= at(minor):
            raise Invalid(
                f"Invalid input for field/attribute {where}. Additional properties are not allowed "
                f"('{name}' was unexpected); it went with microversion 2.{minor}."
            )


def given(value: T | UnsetType, default: U) -> T | U:
    return default if isinstance(value, UnsetType) else value


def base64_text(text: str, name: str, longest: int = 65535) -> str:
    if len(text) > longest:
        raise Invalid(f"Invalid input for field/attribute {name}. It is too long: {len(text)} characters of {longest}.")
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(f"Invalid input for field/attribute {name}. It is not valid base64.") from None
    return text


def address(text: str, version: int, name: str) -> str:
    try:
        return str(IPv4Address(text) if version == 4 else IPv6Address(text))
    except ValueError:
        raise Invalid(
            f"Invalid input for field/attribute {name}. Value: {text[:60]!r} is not an IPv{version} address."
        ) from None


def disk_config(text: str | UnsetType) -> str:
    if text not in {UNSET, "AUTO", "MANUAL"}:
        raise Invalid("Invalid input for field/attribute OS-DCF:diskConfig. It must be either 'MANUAL' or 'AUTO'.")
    return given(text, "MANUAL")


def one(query: Mapping[str, Sequence[str]], name: str, default: str = "") -> str:
    return query[name][-1] if query.get(name) else default


def single_action(request: Request) -> tuple[str, Any]:
    """The one key of an `/action` body and what it holds."""
    body = request.decode(dict[str, Any])
    if len(body) != 1:
        raise Invalid("There must be exactly one action in the request body.")
    return next(iter(body.items()))
