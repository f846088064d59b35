"""What a login is told that has shown something right and not enough."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from croft.core.clock import iso_micro
from croft.services.identity.model import Project, User


def receipt_body(
    user: User, domain: Project, methods: Sequence[str], span: tuple[int, int], required: Sequence[Sequence[str]]
) -> bytes:
    """`span` is from when to when the receipt counts; `required` the sets of methods one of which opens."""
    issued, expires = span
    receipt = {
        "methods": methods,
        "user": {"id": user.id, "name": user.name, "domain": {"id": domain.id, "name": domain.name}},
        "issued_at": iso_micro(issued),
        "expires_at": iso_micro(expires),
    }
    return msgspec.json.encode({"receipt": receipt, "required_auth_methods": required})
