"""Request bodies: `{"network": {…}}`, or `{"networks": [{…}, …]}` for several at once."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec

from croft.core.errors import Invalid
from croft.core.http import Request
from croft.core.shapes import decoder

T = TypeVar("T")
Text = Annotated[str, msgspec.Meta(max_length=255)]
Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_READ_ONLY = frozenset(
    [
        "id",
        "status",
        "created_at",
        "updated_at",
        "revision_number",
        "subnets",
        "router_id",
        "dns_assignment",
        "binding:vif_type",
        "binding:vif_details",
        "port_details",
        "availability_zones",
        "ipv4_address_scope",
        "ipv6_address_scope",
    ]
)
MAX_BULK = 200


def one(req: Request, name: str, shape: type[T]) -> T:
    """The body's single resource."""
    return parse(_whole(req).get(name), name, shape, req.method)


def several(req: Request, name: str, plural: str, shape: type[T]) -> tuple[list[T], bool]:
    """The body's resources, and whether they came as a list."""
    whole = _whole(req)
    if plural not in whole:
        return [one(req, name, shape)], False
    items = whole[plural]
    if not isinstance(items, list) or not items:
        raise Invalid(f"Resources required: '{plural}' must be a list with something in it.")
    if len(items) > MAX_BULK:
        raise Invalid(f"At most {MAX_BULK} {plural} can be made in one request.")
    return [parse(item, name, shape, req.method) for item in items], True


def _whole(req: Request) -> dict[str, Any]:
    whole = req.decode(object)
    if not isinstance(whole, dict):
        raise Invalid("Malformed request body: a JSON object is expected.")
    return whole


def parse(item: object, name: str, shape: type[T], method: str = "POST") -> T:
    """A resource of the given shape; like Neutron it takes "true" for true and "4" for 4."""
    if not isinstance(item, dict):
        raise Invalid(f"Unable to find '{name}' in request body: it must hold an object of that name.")
    known: tuple[str, ...] = shape.__struct_encode_fields__  # type: ignore[attr-defined]
    unknown = [key for key in item if key not in known]
    for key in unknown:
        if key in _READ_ONLY:
            raise Invalid(f"Attribute '{key}' not allowed in {method}")
    if unknown:
        raise Invalid(f"Unrecognized attribute(s) '{', '.join(str(key)[:60] for key in unknown)}'")
    try:
        decoder(shape)
        return msgspec.convert(item, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"Invalid input for {name}: {error}.") from error
    except RecursionError as error:
        raise Invalid("Malformed request body: it is nested too deeply.") from error
